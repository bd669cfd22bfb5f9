//! Reading HTTP tests and monitors: what is refused, with which field, sentence and code, and that what is
//! written reads back as the same value.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use serde_json::{Value, json};
use support::object;
use watchkeep_model::{Exposure, Invalid, Lifecycle, MonitorSettings, Options, Secret, Test, TestType, restore_masked};

fn parse(value: Value) -> Result<Test, Invalid> {
    Test::parse(object(value))
}

#[test]
fn what_is_wrong_is_named_with_field_and_code() {
    let url = "https://shop.example/";
    let with = |options: Value| json!({"type": "http", "target": url, "http": options});
    let cases = [
        ("no type", json!({"target": url}), "type", Some(101)),
        ("unknown type", json!({"type": "gopher", "target": url}), "type", Some(100)),
        ("unknown family", json!({"family": "pet", "type": "http", "target": url}), "family", None),
        // The 100 of servers is their load.
        ("family of another type", json!({"family": "server", "type": "http", "target": url}), "type", None),
        ("no target", json!({"type": "http"}), "target", Some(410)),
        ("empty target", json!({"type": "http", "target": " "}), "target", Some(410)),
        ("null target", json!({"type": "http", "target": null}), "target", Some(410)),
        ("no host", json!({"type": "http", "target": "http://"}), "target", Some(410)),
        ("no scheme", json!({"type": "http", "target": "shop.example"}), "target", Some(410)),
        ("bad port", json!({"type": "http", "target": "http://shop.example:99999/"}), "target", Some(410)),
        ("user without password", json!({"type": "http", "target": "http://ann@shop.example/"}), "target", Some(410)),
        ("other scheme", json!({"type": "http", "target": "gopher://shop.example/"}), "target", Some(411)),
        ("target of another kind", json!({"type": "http", "target": 5}), "target", None),
        ("HTTP/3", with(json!({"http_version": "3"})), "http.http_version", Some(411)),
        ("basic without password", with(json!({"basic": "ann"})), "http.basic", Some(410)),
        ("two credentials", with(json!({"basic": "a:b", "bearer": "c"})), "http.bearer", None),
        ("empty body", with(json!({"method": "POST", "body": ""})), "http.body", Some(410)),
        (
            "content type without body",
            with(json!({"method": "POST", "headers": {"Content-Type": "text/plain"}})),
            "http.body",
            Some(410),
        ),
        ("bad method", with(json!({"method": "G E T"})), "http.method", None),
        ("method TRACE", with(json!({"method": "TRACE"})), "http.method", None),
        ("bad header name", with(json!({"headers": {"a b": "c"}})), "http.headers.a b", None),
        ("header injection", with(json!({"headers": {"a": "b\r\nc: d"}})), "http.headers.a", None),
        ("header in two cases", with(json!({"headers": {"A": "1", "a": "2"}})), "http.headers.a", None),
        ("framing header", with(json!({"headers": {"Content-Length": "5"}})), "http.headers.Content-Length", None),
        ("bad statuses", with(json!({"accept_status": "2xx"})), "http.accept_status", None),
        ("bad pattern", with(json!({"require": ["/(/"]})), "http.require[0]", None),
        ("bad JSON path", with(json!({"json_path": ["$["]})), "http.json_path[0]", None),
        ("too many redirects", with(json!({"max_redirects": 51})), "http.max_redirects", None),
        ("fraction", with(json!({"max_redirects": 1.5})), "http.max_redirects", None),
        ("no body allowed", with(json!({"max_body": "0B"})), "http.max_body", None),
        ("bad proxy", with(json!({"proxy": "ftp://p"})), "http.proxy", None),
        ("old TLS", with(json!({"tls_min": "1.1"})), "http.tls_min", None),
        ("unknown option", with(json!({"colour": "red"})), "http.colour", None),
        ("options are no object", json!({"type": "http", "target": url, "http": [1]}), "http", None),
        ("unknown field", json!({"type": "http", "target": url, "colour": "red"}), "colour", None),
        ("options of another type", json!({"type": "http", "target": url, "tcp": {}}), "tcp", None),
        ("zero timeout", json!({"type": "http", "target": url, "timeout": "0s"}), "timeout", Some(454)),
        ("huge timeout", json!({"type": "http", "target": url, "timeout": "1h"}), "timeout", Some(454)),
        (
            "overflowing timeout",
            json!({"type": "http", "target": url, "timeout": "99999999999999999999d"}),
            "timeout",
            Some(454),
        ),
        (
            "connect above total",
            json!({"type": "http", "target": url, "timeout": "2s", "connect_timeout": "3s"}),
            "connect_timeout",
            Some(454),
        ),
        ("bad IP version", json!({"type": "http", "target": url, "ip": "5"}), "ip", None),
        ("bad fixed address", json!({"type": "http", "target": url, "resolve": ["shop.example"]}), "resolve[0]", None),
        ("bad resolver", json!({"type": "http", "target": url, "resolver": "dns.example"}), "resolver", None),
        ("NUL", json!({"type": "http", "target": "http://a\u{0}b/"}), "target", None),
    ];
    for (name, value, field, code) in cases {
        let invalid = parse(value).expect_err(name);
        let found = invalid.problems().iter().find(|problem| problem.field == field);
        let problem = found.unwrap_or_else(|| panic!("{name}: {invalid:?}"));
        assert_eq!(problem.code.map(|code| code.number()), code, "{name}: {invalid}");
        assert!(!problem.message.contains('\n') && problem.message.len() < 300, "{name}: {invalid}");
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let invalid = parse(json!({"type": "http", "target": "x", "timeout": "soon", "http": {"method": 5}, "extra": 1}));
    let fields: Vec<_> = invalid.unwrap_err().problems().iter().map(|problem| problem.field.clone()).collect();
    assert_eq!(fields, ["timeout", "target", "http.method", "extra"]);
}

#[test]
fn targets_are_shown_in_canonical_form_without_credentials() {
    for (given, shown) in [
        ("HTTP://Shop.Example:80", "http://shop.example/"),
        ("https://bücher.example/a b", "https://xn--bcher-kva.example/a%20b"),
        ("https://ann:secret@shop.example/#top", "https://shop.example/"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://[::1]:8080/x?y=z", "http://[::1]:8080/x?y=z"),
    ] {
        let test = parse(json!({"type": "http", "target": given})).unwrap();
        assert_eq!(&*test.subject.target, shown);
    }
}

#[test]
fn a_content_type_declares_a_body_only_where_one_is_usual() {
    for (method, is_declared) in
        [("GET", false), ("HEAD", false), ("DELETE", false), ("POST", true), ("PUT", true), ("PATCH", true)]
    {
        let options = json!({"method": method, "headers": {"content-type": "application/json"}});
        let parsed = parse(json!({"type": "http", "target": "http://shop.example/", "http": options}));
        assert_eq!(parsed.is_err(), is_declared, "{method}: {parsed:?}");
    }
}

#[test]
fn credentials_in_a_url_are_taken_whole() {
    for (written, meant) in [
        ("ann:p&w", "ann:p&w"),
        ("a&b:p=q&r", "a&b:p=q&r"),
        ("ann:a+b", "ann:a+b"),
        ("ann:p%40s%26s", "ann:p@s&s"),
        ("ann:100%25", "ann:100%"),
        ("%2541:%2541", "%41:%41"),
        ("b%C3%BCcher:%3A", "bücher::"),
    ] {
        let target = format!("http://{written}@shop.example/");
        let value = json!({"type": "http", "name": "shop", "target": target, "http": {"proxy": target}});
        let (settings, _) = MonitorSettings::parse(object(value)).unwrap();
        let stored = settings.write(Exposure::Stored);
        assert_eq!(stored["http"]["basic"], meant, "{written}");
        let Options::Http(options) = &settings.test.options else { panic!("not a test of this type") };
        let (user, password) = options.proxy.as_ref().unwrap().credentials.as_ref().unwrap();
        assert_eq!(format!("{user}:{}", password.expose()), meant, "{written} for a proxy");
        let (again, _) = MonitorSettings::parse(stored).unwrap();
        assert_eq!(settings, again, "{written}");
    }
}

fn everything() -> Value {
    json!({
        "family": "service", "type": "http", "name": "shop", "target": "https://shop.example/", "interval": "10s",
        "timeout": "5s", "connect_timeout": "2s", "slow_after": "1s", "ip": "6", "resolve": ["shop.example:2001:db8::7"],
        "resolver": "192.0.2.53",
        "http": {"method": "POST", "headers": {"X-A": "b", "X-Api-Key": "k3y"}, "body": "{}", "accept_status": "200-299",
            "require": ["Cart"], "forbid": ["/fatal error/i"], "json_path": ["$.status=ok"], "max_redirects": 5,
            "max_body": "1MiB", "http_version": "2", "basic": "ann:pa:ss", "proxy": "http://u:p%40ss@proxy.example:3128/",
            "ca_file": "/etc/ca.pem", "insecure": true, "client_cert": "/etc/me.pem", "tls_min": "1.3"},
        "locations": ["local"], "confirm": {"retries": 3, "delay": "500ms", "locations": 1},
        "contacts": [], "tags": ["prod", "eu"], "active": false
    })
}

#[test]
fn what_is_written_reads_back_the_same() {
    for value in [everything(), json!({"type": "http", "name": "bare", "target": "http://127.0.0.1/"})] {
        let (settings, _) = MonitorSettings::parse(object(value)).unwrap();
        let (again, _) = MonitorSettings::parse(settings.write(Exposure::Stored)).unwrap();
        assert_eq!(settings, again);
    }
}

#[test]
fn secrets_are_masked_when_shown_and_restored_when_sent_back() {
    let (settings, lifecycle) = MonitorSettings::parse(object(everything())).unwrap();
    assert_eq!(lifecycle, Lifecycle::Created);
    let mut shown = Value::Object(settings.write(Exposure::Shown));
    let text = shown.to_string();
    for secret in ["pa:ss", "p%40ss", "p@ss", "k3y"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert!(!format!("{settings:?}").contains("pa:ss"));
    assert_eq!(shown["http"]["basic"], Secret::MASK);
    restore_masked(&mut shown, &Value::Object(settings.write(Exposure::Stored)));
    let (again, _) = MonitorSettings::parse(object(shown)).unwrap();
    assert_eq!(settings, again);
}

#[test]
fn headers_with_secrets_are_known_by_their_names() {
    for (name, is_secret) in [
        ("Authorization", true),
        ("Proxy-Authorization", true),
        ("Cookie", true),
        ("X-Auth", true),
        ("X-Session-Id", true),
        ("X-Credential", true),
        ("X-Pass", true),
        ("X-Passphrase", true),
        ("X-Hub-Signature-256", true),
        ("X-Api-Key", true),
        ("X-CSRF-Token", true),
        ("Accept", false),
        ("User-Agent", false),
    ] {
        let options = json!({"headers": {name: "v4lue"}});
        let value = json!({"type": "http", "name": "shop", "target": "http://shop.example/", "http": options});
        let (settings, _) = MonitorSettings::parse(object(value)).unwrap();
        let shown = Value::Object(settings.write(Exposure::Shown)).to_string();
        assert_eq!(!shown.contains("v4lue"), is_secret, "{name}: {shown}");
    }
}

#[test]
fn monitors_have_bounds_of_their_own() {
    let monitor = |extra: (&str, Value)| {
        let mut value = json!({"type": "http", "name": "shop", "target": "https://shop.example/"});
        value[extra.0] = extra.1;
        MonitorSettings::parse(object(value))
    };
    for (field, value, named) in [
        ("name", json!(""), "name"),
        ("name", json!(null), "name"),
        ("name", json!("a\nb"), "name"),
        ("name", json!("x".repeat(201)), "name"),
        ("interval", json!("500ms"), "interval"),
        ("interval", json!("8d"), "interval"),
        ("interval", json!(60), "interval"),
        ("locations", json!([]), "locations"),
        ("locations", json!(["Paris!"]), "locations[0]"),
        ("confirm", json!({"retries": 11}), "confirm.retries"),
        ("confirm", json!({"locations": 2}), "confirm.locations"),
        ("confirm", json!({"delay": "1h"}), "confirm.delay"),
        ("tags", json!(["Not A Tag"]), "tags[0]"),
        ("contacts", json!(["con_1"]), "contacts[0]"),
        ("active", json!("yes"), "active"),
    ] {
        let invalid = monitor((field, value.clone())).expect_err(&format!("{field} = {value}"));
        assert!(invalid.problems().iter().any(|problem| problem.field == named), "{field} = {value}: {invalid}");
    }
    assert_eq!(monitor(("active", json!(true))).unwrap().1, Lifecycle::Active);
}

/// Forms and flags are made from the descriptions, so each must be a field that the parser knows, and the
/// parser must know no other.
#[test]
fn descriptions_and_parser_agree() {
    let (settings, _) = MonitorSettings::parse(object(everything())).unwrap();
    let written = settings.write(Exposure::Stored);
    let described = |fields: &[watchkeep_model::Field]| fields.iter().map(|field| field.name).collect::<Vec<_>>();
    let mut options: Vec<_> = written["http"].as_object().unwrap().keys().map(String::as_str).collect();
    options.push("bearer");
    options.sort_unstable();
    let mut fields = described(TestType::Http.fields());
    fields.sort_unstable();
    assert_eq!(fields, options);
    for field in described(Test::FIELDS) {
        assert!(written.contains_key(field), "{field}");
    }
}

#[test]
fn what_people_type_becomes_json_and_back() {
    let field = |name: &str| TestType::Http.fields().iter().find(|field| field.name == name).copied().unwrap();
    assert_eq!(field("headers").value(&["X-A: b", "X-C:d:e"]), Ok(json!({"X-A": "b", "X-C": "d:e"})));
    assert!(field("headers").value(&["nonsense"]).is_err());
    let twice = Err("the header x-a is given twice; give each header once".to_owned());
    assert_eq!(field("headers").value(&["X-A: 1", "X-B: 2", "x-a : 1"]), twice);
    assert_eq!(field("max_redirects").value(&["5"]), Ok(json!(5)));
    assert_eq!(field("max_redirects").value(&["many"]), Ok(json!("many")));
    assert_eq!(field("require").value(&["a", "b"]), Ok(json!(["a", "b"])));
    assert_eq!(field("insecure").value(&[]), Ok(json!(true)));
    assert_eq!(field("headers").lines(&json!({"X-A": "b"})), ["X-A: b"]);
    assert_eq!(field("headers").flag_name(), "header");
    assert_eq!(field("accept_status").flag_name(), "accept-status");
}
