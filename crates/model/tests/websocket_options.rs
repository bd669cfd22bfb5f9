//! Reading WebSocket tests: what is refused, with which field, sentence and code, the canonical form of targets, and
//! that what is written reads back as the same value.
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
    Credentials, Exposure, Invalid, MonitorSettings, Options, Test, TestType, restore_masked, websocket,
};

fn parse(target: Value, options: Value) -> Result<Test, Invalid> {
    Test::parse(object(json!({"type": "websocket", "target": target, "websocket": options})))
}

fn options(test: &Test) -> &websocket::Options {
    match &test.options {
        Options::Websocket(options) => options,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_wrong_is_named_with_field_and_code() {
    let good = "wss://chat.example/socket";
    let many: Vec<_> = (0..21).map(|number| format!("p{number}")).collect();
    for (target, options, field, code) in [
        (json!(null), json!({}), "target", Some(101)),
        (json!(""), json!({}), "target", Some(101)),
        (json!("ws://"), json!({}), "target", Some(101)),
        (json!("wss://:443"), json!({}), "target", Some(101)),
        (json!("chat.example"), json!({}), "target", Some(521)),
        (json!("chat.example:443"), json!({}), "target", Some(521)),
        (json!("https://chat.example/"), json!({}), "target", Some(521)),
        (json!("ws://chat.example:65536"), json!({}), "target", Some(521)),
        (json!("ws://chat.example:0"), json!({}), "target", Some(521)),
        (json!("ws://a..b/"), json!({}), "target", Some(521)),
        (json!("ws://[fe80::1%25eth0]/"), json!({}), "target", Some(521)),
        (json!("ws://ann@chat.example/"), json!({}), "target", Some(521)),
        (json!("ws://ann:pw@chat.example/"), json!({"bearer": "t"}), "target", Some(521)),
        (json!(format!("ws://chat.example/{}", "x".repeat(65_518))), json!({}), "target", Some(521)),
        (json!(5), json!({}), "target", None),
        (json!(good), json!({"headers": {"a b": "c"}}), "websocket.headers.a b", Some(521)),
        (json!(good), json!({"headers": {"a": 5}}), "websocket.headers.a", Some(521)),
        (json!(good), json!({"headers": {"A": "1", "a": "2"}}), "websocket.headers.a", Some(521)),
        (json!(good), json!({"headers": {"Connection": "x"}}), "websocket.headers.Connection", Some(521)),
        (
            json!(good),
            json!({"headers": {"sec-websocket-version": "8"}}),
            "websocket.headers.sec-websocket-version",
            Some(521),
        ),
        (json!(good), json!({"subprotocol": "a, b"}), "websocket.subprotocol[0]", Some(521)),
        (json!(good), json!({"subprotocol": ["a", 5]}), "websocket.subprotocol[1]", Some(521)),
        (json!(good), json!({"subprotocol": ["a", "b", "a"]}), "websocket.subprotocol[2]", Some(521)),
        (json!(good), json!({"subprotocol": many}), "websocket.subprotocol", Some(521)),
        (json!(good), json!({"basic": "ann"}), "websocket.basic", Some(521)),
        (json!(good), json!({"basic": "a:b", "bearer": "c"}), "websocket.bearer", Some(521)),
        (json!(good), json!({"bearer": ""}), "websocket.bearer", Some(521)),
        (json!(good), json!({"send": "\\xc3"}), "websocket.send", Some(521)),
        (json!(good), json!({"send": "a", "send_hex": "00"}), "websocket.send_hex", None),
        (json!(good), json!({"expect": "/(/"}), "websocket.expect", None),
        (json!(good), json!({"encoding": "utf-8"}), "websocket.encoding", None),
        (json!(good), json!({"tls_min": "1.1"}), "websocket.tls_min", None),
        (json!(good), json!({"method": "GET"}), "websocket.method", None),
    ] {
        let invalid = parse(target.clone(), options.clone()).expect_err(&format!("{target} {options}"));
        let found = invalid.problems().iter().find(|problem| problem.field == field);
        let problem = found.unwrap_or_else(|| panic!("{target} {options}: {invalid}"));
        assert_eq!(problem.code.map(|code| code.number()), code, "{target} {options}: {invalid}");
        assert!(!problem.message.contains('\n') && problem.message.len() < 300, "{invalid}");
    }
}

#[test]
fn targets_have_one_form() {
    for (given, shown, host, port) in [
        ("WS://Chat.Example:80", "ws://chat.example/", "chat.example", 80),
        ("wss://chat.example/a b?c#d", "wss://chat.example/a%20b?c", "chat.example", 443),
        ("wss://ann:secret@chat.example:8443/x", "wss://chat.example:8443/x", "chat.example", 8443),
        ("ws://bücher.example", "ws://xn--bcher-kva.example/", "xn--bcher-kva.example", 80),
        ("ws://0x7f.1:9001/", "ws://127.0.0.1:9001/", "127.0.0.1", 9001),
        (" ws://[::1]:9001 ", "ws://[::1]:9001/", "[::1]", 9001),
    ] {
        let test = parse(json!(given), json!({})).unwrap();
        assert_eq!(&*test.subject.target, shown);
        let endpoint = &options(&test).endpoint;
        assert_eq!((endpoint.host.to_string().as_str(), endpoint.port), (host, port), "{given}");
        assert_eq!(options(&test).is_secure(), shown.starts_with("wss"));
    }
}

#[test]
fn one_sub_protocol_is_a_list_of_one() {
    let names = |given: Value| options(&parse(json!("ws://a.example"), json!({"subprotocol": given})).unwrap()).clone();
    assert_eq!(names(json!("mqtt")).subprotocols, ["mqtt".into()]);
    assert_eq!(names(json!(["graphql-transport-ws", "v1.chat"])).subprotocols.len(), 2);
    assert_eq!(names(json!([])).subprotocols, []);
    assert_eq!(names(json!(null)).subprotocols, []);
}

fn everything() -> Value {
    json!({
        "family": "service", "type": "websocket", "name": "chat", "target": "wss://chat.example/socket", "timeout": "5s",
        "websocket": {"headers": {"X-A": "b", "Cookie": "s3ss10n"}, "subprotocol": ["mqtt", "chat"], "send": "hi\\n",
            "expect": "/^ok/i", "encoding": "utf-8", "basic": "ann:pa:ss", "ca_file": "/etc/ca.pem", "insecure": true,
            "client_cert": "/etc/me.pem", "tls_min": "1.3"}
    })
}

#[test]
fn what_is_written_reads_back_the_same() {
    let bytes = json!({"type": "websocket", "name": "bytes", "target": "ws://a.example",
        "websocket": {"send_hex": "00ff", "expect_hex": "ff", "bearer": "t0k"}});
    let bare = json!({"type": "websocket", "name": "bare", "target": "ws://ann:p%40ss@a.example"});
    for value in [everything(), bytes, bare] {
        let (settings, _) = MonitorSettings::parse(object(value)).unwrap();
        let (again, _) = MonitorSettings::parse(settings.write(Exposure::Stored)).unwrap();
        assert_eq!(settings, again);
    }
}

#[test]
fn secrets_are_masked_when_shown_and_restored_when_sent_back() {
    let (settings, _) = MonitorSettings::parse(object(everything())).unwrap();
    let mut shown = Value::Object(settings.write(Exposure::Shown));
    let text = shown.to_string();
    for secret in ["pa:ss", "s3ss10n"] {
        assert!(!text.contains(secret) && !format!("{settings:?}").contains(secret), "{secret} in {text}");
    }
    restore_masked(&mut shown, &Value::Object(settings.write(Exposure::Stored)));
    let (again, _) = MonitorSettings::parse(object(shown)).unwrap();
    assert_eq!(settings, again);
}

#[test]
fn credentials_of_the_url_are_taken() {
    let test = parse(json!("wss://ann:p%40ss@chat.example/"), json!({})).unwrap();
    let Some(Credentials::Basic { user, password }) = &options(&test).credentials else { panic!("{test:?}") };
    assert_eq!((&**user, password.expose()), ("ann", "p@ss"));
}

/// Forms and flags are made from the descriptions, so each must be a field that the parser knows, and the
/// parser must know no other.
#[test]
fn descriptions_and_parser_agree() {
    let (settings, _) = MonitorSettings::parse(object(everything())).unwrap();
    let written = settings.write(Exposure::Stored);
    let mut known: Vec<_> = written["websocket"].as_object().unwrap().keys().map(String::as_str).collect();
    known.extend(["send_hex", "expect_hex", "bearer"]);
    known.sort_unstable();
    let mut fields: Vec<_> = TestType::Websocket.fields().iter().map(|field| field.name).collect();
    fields.sort_unstable();
    assert_eq!(fields, known);
}
