//! Running one WebSocket test against a peer of the lab.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::needless_pass_by_value,
    clippy::unwrap_used,
    clippy::panic,
    reason = "shared by test binaries that each use a part; tests fail by panicking"
)]

use serde_json::{Value, json};
use watchkeep_lab::{
    raw::Act,
    websocket::{Peer, frame},
};
use watchkeep_model::{Observed, TestResult, websocket};

use crate::support::run_as;

pub const TEXT: u8 = 0x81;
pub const BINARY: u8 = 0x82;
pub const CLOSE: u8 = 0x88;
pub const PING: u8 = 0x89;

pub async fn run_with(target: &str, options: Value, extra: Value) -> TestResult {
    run_as("websocket", target, options, extra).await
}

pub async fn run(target: impl ToString, options: Value) -> TestResult {
    run_with(&target.to_string(), options, json!({})).await
}

/// For peers that keep a test waiting until its end.
pub async fn run_briefly(target: impl ToString, options: Value) -> TestResult {
    run_with(&target.to_string(), options, json!({"timeout": "300ms"})).await
}

/// For peers that keep the robot busy, on however slow a machine.
pub async fn run_patiently(target: impl ToString, options: Value) -> TestResult {
    run_with(&target.to_string(), options, json!({"timeout": "120s"})).await
}

pub fn observed(result: &TestResult) -> &websocket::Observed {
    match &result.observed {
        Observed::Websocket(observed) => observed,
        other => panic!("{other:?}"),
    }
}

/// Accepts the WebSocket, sends these frames, and then does as told.
pub async fn sending(frames: &[(u8, &[u8])], then: Vec<Act>) -> Peer {
    let frames = frames.iter().map(|(first, content)| frame(*first, content)).collect::<Vec<_>>().concat();
    Peer::accepting([vec![Act::Send(frames)], then].concat()).await
}
