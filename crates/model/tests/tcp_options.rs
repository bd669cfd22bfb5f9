//! Reading TCP tests: what is refused, with which field, sentence and code, the canonical form of targets, and that
//! what is written reads back as the same value.
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
use watchkeep_model::{Exposure, Invalid, MonitorSettings, Options, Test, TestType, tcp};

fn parse(target: Value, options: Value) -> Result<Test, Invalid> {
    Test::parse(object(json!({"type": "tcp", "target": target, "tcp": options})))
}

fn options(test: &Test) -> &tcp::Options {
    match &test.options {
        Options::Tcp(options) => options,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_wrong_is_named_with_field_and_code() {
    let good = "mail.example:25";
    for (target, options, field, code) in [
        (json!(null), json!({}), "target", Some(460)),
        (json!(""), json!({}), "target", Some(460)),
        (json!("tcp://"), json!({}), "target", Some(460)),
        (json!(":25"), json!({}), "target", Some(460)),
        (json!("mail.example"), json!({}), "target", Some(460)),
        (json!("tls://mail.example"), json!({}), "target", Some(460)),
        (json!("mail.example:"), json!({}), "target", Some(460)),
        (json!("mail.example:0"), json!({}), "target", Some(460)),
        (json!("mail.example:65536"), json!({}), "target", Some(460)),
        (json!("mail.example:25/path"), json!({}), "target", Some(460)),
        (json!("user@mail.example:25"), json!({}), "target", Some(460)),
        (json!("[fe80::1%eth0]:25"), json!({}), "target", Some(460)),
        (json!("udp://mail.example:25"), json!({}), "target", Some(460)),
        (json!(25), json!({}), "target", None),
        (json!("tls://mail.example:25"), json!({"tls": false}), "tcp.tls", None),
        (json!(good), json!({"tls": "yes"}), "tcp.tls", None),
        (json!(good), json!({"ca_file": "/etc/ca.pem"}), "tcp.ca_file", None),
        (json!(good), json!({"insecure": true, "tls": false}), "tcp.insecure", None),
        (json!(good), json!({"client_cert": "/etc/me.pem"}), "tcp.client_cert", None),
        (json!(good), json!({"tls_min": "1.3"}), "tcp.tls_min", None),
        (json!(good), json!({"encoding": "utf-8"}), "tcp.encoding", None),
        (json!(good), json!({"encoding": "latin-1", "expect": "a"}), "tcp.encoding", None),
        (json!(good), json!({"expect": ""}), "tcp.expect", None),
        (json!(good), json!({"expect": "/(/"}), "tcp.expect", None),
        (json!(good), json!({"expect": "a", "expect_hex": "00"}), "tcp.expect_hex", None),
        (json!(good), json!({"send": "a", "send_hex": "00"}), "tcp.send_hex", None),
        (json!(good), json!({"send": "\\q"}), "tcp.send", None),
        (json!(good), json!({"port": 25}), "tcp.port", None),
    ] {
        let invalid = parse(target.clone(), options.clone()).expect_err(&format!("{target} {options}"));
        let problem = invalid.problems().iter().find(|problem| problem.field == field);
        let problem = problem.unwrap_or_else(|| panic!("{target} {options}: {invalid:?}"));
        assert_eq!(problem.code.map(|code| code.number()), code, "{target} {options}: {invalid}");
    }
    let limits = json!({"type": "tcp", "target": good, "timeout": "1s", "connect_timeout": "2s"});
    assert_eq!(Test::parse(object(limits)).unwrap_err().code().map(|code| code.number()), Some(460));
}

#[test]
fn targets_have_one_form_and_their_scheme_says_whether_there_is_tls() {
    for (target, form, is_tls) in [
        ("mail.example:25", "mail.example:25", false),
        ("tcp://Mail.Example.:025/", "mail.example:25", false),
        ("tls://mail.example:465", "mail.example:465", true),
        (" TLS://[2001:DB8::1]:465 ", "[2001:db8::1]:465", true),
        ("tls:mail.example:465", "mail.example:465", true),
        ("tls:465", "tls:465", false),
        ("bücher.example:25", "xn--bcher-kva.example:25", false),
        ("0x7f.1:25", "127.0.0.1:25", false),
    ] {
        let test = parse(json!(target), json!({})).unwrap();
        assert_eq!((&*test.subject.target, options(&test).tls.is_some()), (form, is_tls), "{target}");
    }
    for (target, flag) in
        [("mail.example:465", true), ("tcp://mail.example:465", true), ("tls://mail.example:465", true)]
    {
        let test = parse(json!(target), json!({"tls": flag, "tls_min": "1.3"})).unwrap();
        assert!(options(&test).tls.as_ref().unwrap().minimum.is_some(), "{target}");
    }
}

#[test]
fn what_is_written_reads_back_the_same() {
    let everything = json!({"send": "EHLO robot\\r\\n", "expect": "/^220 /", "encoding": "utf-8", "tls": true,
        "ca_file": "/etc/ca.pem", "insecure": true, "client_cert": "/etc/me.pem", "tls_min": "1.2"});
    let hexadecimal = json!({"send_hex": "00ff", "expect_hex": "ff", "encoding": "hex"});
    for (target, options) in [
        ("mail.example:25", everything),
        ("mail.example:25", hexadecimal),
        ("tls://mail.example:25", json!({})),
        ("mail.example:25", json!({"tls": false})),
        ("mail.example:25", json!({})),
    ] {
        let value = json!({"type": "tcp", "name": "smtp", "target": target, "tcp": options});
        let (settings, _) = MonitorSettings::parse(object(value)).unwrap();
        let (again, _) = MonitorSettings::parse(settings.write(Exposure::Stored)).unwrap();
        assert_eq!(settings, again, "{target} {options}");
    }
}

/// Forms and flags are made from the descriptions, so each must be a field that the parser knows.
#[test]
fn every_field_that_is_described_is_read() {
    for field in TestType::Tcp.fields() {
        let invalid = parse(json!("mail.example:25"), json!({ field.name: ["of no shape"] })).expect_err(field.name);
        let path = format!("tcp.{}", field.name);
        let problem = invalid.problems().iter().find(|problem| problem.field == path).unwrap();
        assert!(!problem.message.contains("not a known field"), "{problem}");
    }
}
