//! Reading UDP tests: what is refused, with which field, sentence and code, and that what is written reads back as the
//! same value.
#![allow(
    clippy::needless_pass_by_value,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod support;

use serde_json::{Value, json};
use support::object;
use watchkeep_model::{
    Exposure, Invalid, MonitorSettings, Shape, Test, TestType,
    udp::{FIELDS, ReadyMade},
};

fn parse(target: Value, options: Value) -> Result<Test, Invalid> {
    Test::parse(object(json!({"type": "udp", "target": target, "udp": options})))
}

#[test]
fn what_is_wrong_is_named_with_field_and_code() {
    let good = "dns.example:53";
    let dns = json!({"payload": "dns"});
    for (target, options, field, code) in [
        (json!(null), dns.clone(), "target", Some(101)),
        (json!("udp://"), dns.clone(), "target", Some(101)),
        (json!("udp://dns.example"), dns.clone(), "target", Some(101)),
        (json!("dns.example:0"), dns.clone(), "target", Some(101)),
        (json!("tcp://dns.example:53"), dns.clone(), "target", Some(101)),
        (json!(good), json!({}), "udp.send", Some(101)),
        (json!(good), json!({"send": ""}), "udp.send", Some(101)),
        (json!(good), json!({"expect": "a"}), "udp.send", Some(101)),
        (json!(good), json!({"send": "a", "payload": "dns"}), "udp.payload", None),
        (json!(good), json!({"send_hex": "00", "payload": "dns"}), "udp.payload", None),
        (json!(good), json!({"payload": "dns", "encoding": "hex"}), "udp.encoding", None),
        (json!(good), json!({"payload": "smtp"}), "udp.payload", None),
        (json!(good), json!({"send": "a".repeat(65_508)}), "udp.send", None),
        (json!(good), json!({"send_hex": "00".repeat(32_769)}), "udp.send_hex", None),
        (json!(good), json!({"send_hex": "0"}), "udp.send_hex", None),
        (json!(good), json!({"send": "a", "expect": "/(/"}), "udp.expect", None),
        (json!(good), json!({"send": "a", "tls": true}), "udp.tls", None),
    ] {
        let invalid = parse(target.clone(), options.clone()).expect_err(&format!("{target} {options}"));
        let problem = invalid.problems().iter().find(|problem| problem.field == field);
        let problem = problem.unwrap_or_else(|| panic!("{target} {options}: {invalid:?}"));
        assert_eq!(problem.code.map(|code| code.number()), code, "{target} {options}: {invalid}");
    }
    let limits = json!({"type": "udp", "target": good, "timeout": "0s", "udp": dns});
    assert_eq!(Test::parse(object(limits)).unwrap_err().code().map(|code| code.number()), Some(101));
}

/// A request that could not be read is not also called missing.
#[test]
fn each_mistake_is_told_once() {
    for options in [json!({"send_hex": "0"}), json!({"payload": "smtp"}), json!({"send": "\\q"})] {
        let invalid = parse(json!("dns.example:53"), options.clone()).unwrap_err();
        assert_eq!(invalid.problems().len(), 1, "{options}: {invalid}");
    }
}

#[test]
fn what_is_written_reads_back_the_same() {
    for options in [
        json!({"send": "status\\n", "expect": "/ok/i", "encoding": "utf-8"}),
        json!({"send_hex": "00ff", "expect_hex": "ff", "encoding": "hex"}),
        json!({"send": "a".repeat(65_507)}),
        json!({"payload": "quake", "expect": "arena"}),
        json!({"payload": "NTP"}),
    ] {
        let value = json!({"type": "udp", "name": "x", "target": "udp://Peer.example:53/", "udp": options});
        let (settings, _) = MonitorSettings::parse(object(value)).unwrap();
        assert_eq!(&*settings.test.subject.target, "peer.example:53");
        let (again, _) = MonitorSettings::parse(settings.write(Exposure::Stored)).unwrap();
        assert_eq!(settings, again, "{options}");
    }
}

#[test]
fn every_ready_made_request_is_offered() {
    let field = FIELDS.iter().find(|field| field.name == "payload").unwrap();
    let words: Vec<_> = ReadyMade::ALL.iter().map(|ready| ready.as_str()).collect();
    assert_eq!(field.shape, Shape::Choice(words.leak()));
    for ready in ReadyMade::ALL {
        assert_eq!(ready.as_str().parse(), Ok(ready));
        assert!("".parse::<ReadyMade>().unwrap_err().contains(ready.as_str()));
    }
}

/// Forms and flags are made from the descriptions, so each must be a field that the parser knows.
#[test]
fn every_field_that_is_described_is_read() {
    for field in TestType::Udp.fields() {
        let invalid = parse(json!("peer.example:53"), json!({ field.name: ["of no shape"] })).expect_err(field.name);
        let path = format!("udp.{}", field.name);
        let problem = invalid.problems().iter().find(|problem| problem.field == path).unwrap();
        assert!(!problem.message.contains("not a known field"), "{problem}");
    }
}
