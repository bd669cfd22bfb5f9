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
use watchkeep_model::{LocationName, Object, Observed, Test, TestResult, TestSubject, TestType, http};
use watchkeep_probe::{Prober, ProberOptions};

/// The object of a test of this type, with these options and these fields beside them; its limit is short enough for
/// a test.
pub fn object_of(word: &str, target: &str, options: Value, extra: Value) -> Object {
    let family = TestType::parse(word).unwrap().family().as_str();
    let mut object = json!({"family": family, "type": word, "target": target, "timeout": "5s"});
    object[word] = options;
    for (name, value) in extra.as_object().cloned().unwrap_or_default() {
        object[name] = value;
    }
    object.as_object().unwrap().clone()
}

/// That test.
pub fn parse_as(word: &str, target: &str, options: Value, extra: Value) -> Test {
    Test::parse(object_of(word, target, options, extra)).unwrap_or_else(|invalid| panic!("{target}: {invalid}"))
}

/// Its result.
pub async fn run_as(word: &str, target: &str, options: Value, extra: Value) -> TestResult {
    let prober = Prober::new(ProberOptions::default()).unwrap();
    prober.run(&parse_as(word, target, options, extra), &LocationName::local()).await
}

/// The result of one HTTP test.
pub async fn run_with(target: &str, options: Value, extra: Value) -> TestResult {
    run_as("http", target, options, extra).await
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
#[track_caller]
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
