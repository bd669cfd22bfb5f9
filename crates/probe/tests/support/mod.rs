//! Running one test against a peer of the lab, as the command line and the robots do.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::needless_pass_by_value,
    clippy::unwrap_used,
    clippy::panic,
    reason = "shared by test binaries that each use a part; tests fail by panicking"
)]

use serde_json::{Value, json};
use watchkeep_catalogue::Family;
use watchkeep_model::{LocationName, Observed, Test, TestResult, TestSubject, http};
use watchkeep_probe::{Prober, ProberOptions};

/// A test of `target` with these options, limits short enough for a test.
pub fn parse(target: &str, options: Value, extra: Value) -> Test {
    let mut object = json!({"type": "http", "target": target, "timeout": "5s", "http": options});
    for (name, value) in extra.as_object().cloned().unwrap_or_default() {
        object[name] = value;
    }
    Test::parse(object.as_object().unwrap().clone()).unwrap_or_else(|invalid| panic!("{target}: {invalid}"))
}

/// The result of one test.
pub async fn run_with(target: &str, options: Value, extra: Value) -> TestResult {
    let prober = Prober::new(ProberOptions::default()).unwrap();
    prober.run(&parse(target, options, extra), &LocationName::local()).await
}

/// The same with default limits and network.
pub async fn run(target: &str, options: Value) -> TestResult {
    run_with(target, options, json!({})).await
}

/// The result of settings that are no test's.
pub fn refused(object: Value) -> TestResult {
    let word = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
    let family = Family::parse(&word("family")).unwrap_or(Family::Service);
    let subject = TestSubject { family, test_type: word("type").into(), target: word("target").into() };
    let invalid = Test::parse(object.as_object().unwrap().clone()).unwrap_err();
    let now = "2026-11-24T10:00:00Z".parse().unwrap();
    watchkeep_probe::refused(subject.into(), &invalid, &LocationName::local(), now)
}

/// The code, and whether the detail has the words that tell the cause.
pub fn expect(result: &TestResult, code: i16, words: &str) {
    let detail = result.verdict.detail.as_deref().unwrap_or_default();
    assert_eq!(result.verdict.code.number(), code, "{}: {detail}", result.subject.target);
    assert!(detail.contains(words), "{}: {detail:?} does not say {words:?}", result.subject.target);
}

/// What an HTTP test saw.
pub fn observed(result: &TestResult) -> &http::Observed {
    match &result.observed {
        Observed::Http(observed) => observed,
        other => panic!("{other:?}"),
    }
}
