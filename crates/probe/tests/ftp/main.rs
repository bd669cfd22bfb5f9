//! The FTP test against peers that play a dialogue, peers that break it, and a real server.
//! Here is what the parts share: how a test is run, and what is asked of its result.
#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value, reason = "tests fail by panicking")]

mod codes;
mod data;
mod hostile;
mod secure;
#[path = "../support/mod.rs"]
mod support;
mod vsftpd;

use serde_json::{Value, json};
use support::{expect, run_as};
use watchkeep_lab::raw::{Act, Peer};
use watchkeep_model::{Observed, TestResult, ftp};

/// The result of a test of `target` with these options, and with these fields beside them.
async fn run_with(target: &str, options: Value, extra: Value) -> TestResult {
    run_as("ftp", target, options, extra).await
}

/// The same within short limits.
async fn run_briefly(target: &str, options: Value) -> TestResult {
    run_with(target, options, json!({"timeout": "300ms", "connect_timeout": "300ms"})).await
}

async fn run(target: &str, options: Value) -> TestResult {
    run_with(target, options, json!({})).await
}

fn observed(result: &TestResult) -> &ftp::Observed {
    match &result.observed {
        Observed::Ftp(observed) => observed,
        other => panic!("{other:?}"),
    }
}

/// The script of a server that says these in turn, each but the greeting after a command, and then closes.
fn script(replies: &[&str]) -> Vec<Act> {
    let mut acts = Vec::new();
    for reply in replies {
        acts.extend([Act::send(format!("{reply}\r\n")), Act::ReadSome]);
    }
    acts
}

/// Such a server.
async fn saying(replies: &[&str]) -> Peer {
    Peer::start(script(replies)).await
}

/// The credentials of Ann, with more options.
fn ann(more: Value) -> Value {
    let mut options = json!({"user": "ann", "password": "s3cret"});
    for (name, value) in more.as_object().unwrap() {
        options[name] = value.clone();
    }
    options
}
