//! Tests that cannot run, whatever their type: a type that this version does not know, parameters that are missing.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use serde_json::json;
use support::{expect, refused};
use watchkeep_model::Observed;

#[test]
fn code_100_unknown_type() {
    let result = refused(json!({"type": "from-the-future", "target": "x"}));
    expect(&result, 100, "does not know");
    assert_eq!(result.observed, Observed::Nothing);
}

#[test]
fn code_101_not_enough_parameters() {
    expect(&refused(json!({"target": "http://a.example/"})), 101, "say what kind of test this is");
    expect(&refused(json!({})), 101, "type: is missing");
}

#[test]
fn server_code_600_settings_of_a_newer_version() {
    for family in ["server", "certificate", "domain"] {
        let result = refused(json!({"family": family, "type": "from-the-future", "target": "x"}));
        expect(&result, 600, "does not know");
        assert_eq!(result.entry().unwrap().name, "settings_unusable", "{family}");
    }
}
