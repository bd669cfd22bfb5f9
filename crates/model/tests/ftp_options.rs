//! Reading FTP tests and monitors: what is refused, with which field, sentence and code, and that what is
//! written reads back as the same value.
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
    Exposure, Invalid, MonitorSettings, Options, Secret, Test, TestType,
    ftp::{self, Login, Security},
    restore_masked,
};

fn parse(target: &str, options: Value) -> Result<Test, Invalid> {
    Test::parse(object(json!({"type": "ftp", "target": target, "ftp": options})))
}

fn options(target: &str, options: Value) -> ftp::Options {
    match parse(target, options).unwrap_or_else(|invalid| panic!("{target}: {invalid}")).options {
        Options::Ftp(options) => options,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_wrong_is_named_with_field_and_code() {
    let host = "ftp://files.example";
    let long = "x".repeat(1_001);
    let cases = [
        ("no target", "", json!({}), "target", Some(101)),
        ("no host", "ftp://", json!({}), "target", Some(101)),
        ("no host before the port", "ftp://:21/", json!({}), "target", Some(101)),
        ("no host behind the user", "ftp://ann:secret@/file", json!({}), "target", Some(101)),
        ("other scheme", "http://files.example", json!({}), "target", Some(101)),
        ("bad port", "ftp://files.example:99999", json!({}), "target", Some(101)),
        ("port 0", "ftp://files.example:0", json!({}), "target", Some(101)),
        ("zone", "ftp://[fe80::1%eth0]", json!({}), "target", Some(101)),
        ("query", "ftp://files.example/a?b", json!({}), "target", None),
        ("fragment", "ftp://files.example/a#b", json!({}), "target", None),
        ("escapes that are no UTF-8", "ftp://files.example/%ff", json!({}), "target", None),
        ("user without password", "ftp://ann@files.example", json!({}), "ftp.password", Some(101)),
        ("user option without password", host, json!({"user": "ann"}), "ftp.password", Some(101)),
        ("password without user", host, json!({"password": "secret"}), "ftp.user", Some(101)),
        ("two users", "ftp://ann:b@files.example", json!({"user": "ann"}), "ftp.user", None),
        ("two passwords", "ftp://ann:b@files.example", json!({"password": "b"}), "ftp.password", None),
        ("user and anonymous", host, json!({"user": "ann", "password": "b", "anonymous": true}), "ftp.anonymous", None),
        ("user and no login", host, json!({"user": "ann", "password": "b", "no_login": true}), "ftp.no_login", None),
        ("anonymous and no login", host, json!({"anonymous": true, "no_login": true}), "ftp.no_login", None),
        ("empty user", "ftp://:secret@files.example", json!({}), "ftp.user", None),
        ("empty path", host, json!({"path": ""}), "ftp.path", None),
        ("two paths", "ftp://files.example/a", json!({"path": "a"}), "ftp.path", None),
        ("long path", host, json!({"path": long}), "ftp.path", None),
        ("line break in a path", host, json!({"path": "a\r\nDELE b"}), "ftp.path", None),
        ("escaped line break in a path", "ftp://files.example/a%0d%0aDELE%20b", json!({}), "ftp.path", None),
        ("escaped NUL in a path", "ftp://files.example/a%00", json!({}), "ftp.path", None),
        ("line break in a user", "ftp://a%0ab:c@files.example", json!({}), "ftp.user", None),
        ("line break in a password", "ftp://a:b%0D@files.example", json!({}), "ftp.password", None),
        ("list of a file", host, json!({"path": "a", "list": true}), "ftp.list", None),
        ("unknown TLS", host, json!({"tls": "sometimes"}), "ftp.tls", None),
        ("two minds about TLS", "ftps://files.example", json!({"tls": "explicit"}), "ftp.tls", None),
        ("old TLS", host, json!({"tls_min": "1.1"}), "ftp.tls_min", None),
        ("unknown option", host, json!({"colour": "red"}), "ftp.colour", None),
    ];
    for (name, target, value, field, code) in cases {
        let invalid = parse(target, value).expect_err(name);
        let found = invalid.problems().iter().find(|problem| problem.field == field);
        let problem = found.unwrap_or_else(|| panic!("{name}: {invalid:?}"));
        assert_eq!(problem.code.map(|code| code.number()), code, "{name}: {invalid}");
        assert!(!problem.message.contains('\n') && problem.message.len() < 300, "{name}: {invalid}");
        assert!(!invalid.to_string().contains("secret"), "{name}: {invalid}");
    }
    let limits = json!({"type": "ftp", "target": host, "timeout": "1s", "connect_timeout": "2s"});
    assert_eq!(Test::parse(object(limits)).unwrap_err().code().map(|code| code.number()), Some(101));
    assert_eq!(Test::parse(object(json!({"type": "ftp"}))).unwrap_err().code().map(|code| code.number()), Some(101));
}

#[test]
fn targets_are_shown_in_canonical_form_without_credentials() {
    for (given, tls, shown) in [
        ("FTP://Files.Example", None, "ftp://files.example:21"),
        ("files.example", None, "ftp://files.example:21"),
        ("files.example:2121", None, "ftp://files.example:2121"),
        (" ftp://files.example/ ", None, "ftp://files.example:21"),
        ("files.example", Some("explicit"), "ftp://files.example:21"),
        ("files.example", Some("implicit"), "ftps://files.example:990"),
        ("ftps://bücher.example", None, "ftps://xn--bcher-kva.example:990"),
        ("ftps://files.example:9900/a/", Some("implicit"), "ftps://files.example:9900/a/"),
        ("ftp://ann:secret@files.example/pub/a b", None, "ftp://files.example:21/pub/a%20b"),
        ("ftp://a%40b:s%2fe%3ac@[::1]:21/%2Fetc/motd", None, "ftp://[::1]:21/%2Fetc/motd"),
        ("ftp://files.example//etc/", None, "ftp://files.example:21/%2Fetc/"),
        ("ftp://files.example/100%25", None, "ftp://files.example:21/100%25"),
        ("ftp:21", None, "ftp://ftp:21"),
    ] {
        let login = if given.contains('@') { json!({"tls": tls}) } else { json!({"tls": tls, "anonymous": true}) };
        let test = parse(given, login).unwrap_or_else(|invalid| panic!("{given}: {invalid}"));
        assert_eq!(&*test.subject.target, shown);
    }
}

#[test]
fn credentials_and_path_are_decoded() {
    let full = options("ftp://a%40b:s%2Fe%3Ac%25@files.example/d%C3%A9j%C3%A0/v%23u", json!({}));
    assert_eq!(full.login, Login::User { user: "a@b".into(), password: Secret::new("s/e:c%") });
    assert_eq!(full.path.unwrap().name(), "déjà/v#u");
    let split = options("ftp://ann@files.example", json!({"password": "p:w"}));
    assert_eq!(split.login, Login::User { user: "ann".into(), password: Secret::new("p:w") });
    let empty = options("ftp://ann:@files.example", json!({}));
    assert_eq!(empty.login, Login::User { user: "ann".into(), password: Secret::new("") });
    for (target, user) in [("ftp://h", "anonymous"), ("ftp://ftp@h", "ftp"), ("ftp://Anonymous@h", "Anonymous")] {
        assert_eq!(options(target, json!({})).login, Login::Anonymous { user: user.into() }, "{target}");
    }
    assert_eq!(options("ftp://h", json!({"no_login": true})).login, Login::Skipped);
    assert_eq!(options("ftps://h", json!({})).security, Security::Implicit);
    for (path, name, is_directory) in
        [("a", "a", false), ("a/", "a", true), ("/a//", "/a", true), ("/", "/", true), ("//", "/", true)]
    {
        let path = options("ftp://h", json!({"path": path})).path.unwrap();
        assert_eq!((path.name(), path.is_directory()), (name, is_directory));
    }
}

fn everything() -> Value {
    json!({
        "family": "service", "type": "ftp", "name": "files", "target": "ftp://files.example:2121", "interval": "10s",
        "ftp": {"user": "ann", "password": "pa:ss", "path": "/pub/", "list": true, "tls": "explicit",
            "ca_file": "/etc/ca.pem", "insecure": true, "client_cert": "/etc/me.pem", "tls_min": "1.3"}
    })
}

#[test]
fn what_is_written_reads_back_the_same() {
    let with = |target: &str, options: Value| json!({"type": "ftp", "name": "n", "target": target, "ftp": options});
    for value in [
        everything(),
        with("ftp://h", json!({})),
        with("ftps://u:p@h/a/b%20c/", json!({"list": true})),
        with("ftp://h/%2F%25x", json!({"no_login": true})),
        with("h", json!({"tls": "implicit", "user": "ftp"})),
        with("h", json!({"user": "anonymous", "password": "me@example"})),
    ] {
        let (settings, _) = MonitorSettings::parse(object(value)).unwrap();
        let (again, _) = MonitorSettings::parse(settings.write(Exposure::Stored)).unwrap();
        assert_eq!(settings, again);
    }
}

#[test]
fn passwords_are_masked_when_shown_and_restored_when_sent_back() {
    let (settings, _) = MonitorSettings::parse(object(everything())).unwrap();
    let mut shown = Value::Object(settings.write(Exposure::Shown));
    assert_eq!(shown["ftp"]["password"], Secret::MASK);
    assert!(!shown.to_string().contains("pa:ss") && !format!("{settings:?}").contains("pa:ss"));
    restore_masked(&mut shown, &Value::Object(settings.write(Exposure::Stored)));
    let (again, _) = MonitorSettings::parse(object(shown)).unwrap();
    assert_eq!(settings, again);
}

/// Forms and flags are made from the descriptions, so each must be a field that the parser knows, and the
/// parser must know no other.
#[test]
fn descriptions_and_parser_agree() {
    let (settings, _) = MonitorSettings::parse(object(everything())).unwrap();
    let written = settings.write(Exposure::Stored);
    let mut options: Vec<_> = written["ftp"].as_object().unwrap().keys().map(String::as_str).collect();
    options.extend(["anonymous", "no_login"]);
    options.sort_unstable();
    let mut fields: Vec<_> = TestType::Ftp.fields().iter().map(|field| field.name).collect();
    fields.sort_unstable();
    assert_eq!(fields, options);
}
