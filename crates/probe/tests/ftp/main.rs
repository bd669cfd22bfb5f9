//! The FTP test against peers that play a dialogue, peers that break it, and a real server.
//! Here is what the parts share: how a test is run, and what is asked of its result.
#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value, reason = "tests fail by panicking")]

mod codes;
mod data;
mod hostile;
mod secure;
mod vsftpd;

use serde_json::{Value, json};
use watchkeep_lab::raw::{Act, Peer};
use watchkeep_model::{LocationName, Observed, Test, TestResult, ftp};
use watchkeep_probe::{Prober, ProberOptions};

/// The result of a test of `target` with these options, and with these fields beside them.
async fn run_with(target: &str, options: Value, extra: Value) -> TestResult {
    let mut object = json!({"type": "ftp", "target": target, "timeout": "5s", "ftp": options});
    for (name, value) in extra.as_object().unwrap() {
        object[name] = value.clone();
    }
    let test = Test::parse(object.as_object().unwrap().clone()).unwrap_or_else(|invalid| panic!("{target}: {invalid}"));
    Prober::new(ProberOptions::default()).unwrap().run(&test, &LocationName::local()).await
}

/// The same within short limits.
async fn run_briefly(target: &str, options: Value) -> TestResult {
    run_with(target, options, json!({"timeout": "300ms", "connect_timeout": "300ms"})).await
}

async fn run(target: &str, options: Value) -> TestResult {
    run_with(target, options, json!({})).await
}

/// The code, and whether the detail has the words that tell the cause.
#[track_caller]
fn expect(result: &TestResult, code: i16, words: &str) {
    let detail = result.verdict.detail.as_deref().unwrap_or_default();
    assert_eq!(result.verdict.code.number(), code, "{}: {detail}", result.subject.target);
    assert!(detail.contains(words), "{}: {detail:?} does not say {words:?}", result.subject.target);
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
