//! What commands answer to scripts: exit statuses, results and codes as JSON, colours for terminals alone.
//! The words for people are held in `reading.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::{process::Stdio, time::Duration};

use serde_json::{Value, json};
use support::{Serving, run, run_command, watchkeep};
use watchkeep_lab::{
    ca::{Authority, Profile},
    http::{Server, reply},
    raw::ClosedPort,
    tls::{self, Offer},
};

#[tokio::test]
async fn exit_statuses_tell_operational_from_failing() {
    let server = Server::start(|request| async move {
        match request.uri().path() {
            "/" => reply(200, ("content-type", "application/json"), r#"{"status": "ok"}"#),
            "/slow" => {
                tokio::time::sleep(Duration::from_millis(20)).await;
                reply(200, ("content-type", "text/plain"), "at last")
            }
            _ => reply(500, ("content-type", "text/plain"), "broken"),
        }
    })
    .await;
    let (good, slow, bad) = (server.url("/"), server.url("/slow"), server.url("/bad"));
    let closed = ClosedPort::new();
    let refused = format!("http://{}/", closed.address());
    let table: &[(&[&str], i32, i16)] = &[
        (&[&good], 0, 0),
        (&[&good, "--json-path", "$.status=ok", "--require", "/st.tus/i", "--ip", "4"], 0, 0),
        (&[&good, "--resolve", "a:127.0.0.1", "--timeout", "30s", "--connect-timeout", "30s"], 0, 0),
        (&[&slow, "--slow-after", "1ms"], 1, 102),
        (&[&good, "--json-path", "$.status=bad"], 1, 412),
        (&[&good, "--forbid", "ok"], 1, 413),
        (&[&bad], 1, 414),
        (&[&bad, "--accept-status", "500"], 0, 0),
        (&[&refused], 1, 451),
    ];
    for (arguments, status, code) in table {
        let run = run([&["check", "--json"], *arguments].concat()).await;
        let result = run.json_line();
        assert_eq!((run.code, &result["code"]), (*status, &json!(code)), "{arguments:?}: {run:?}");
        assert_eq!(run.stderr, "", "{arguments:?}");
    }
}

#[tokio::test]
async fn a_ca_file_that_is_not_there_is_named() {
    let server = tls::Server::start(&Authority::new().issue(&Profile::good()), Offer::default()).await;
    let run = run(["check", &server.url(), "--ca-file", "/nowhere/ca.pem", "--json"]).await;
    let result = run.json_line();
    assert_eq!((run.code, &result["code"]), (1, &json!(418)));
    assert!(result["detail"].as_str().unwrap().contains("/nowhere/ca.pem cannot be read"), "{result}");
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_result_is_the_documented_object() {
    let authority = Authority::new();
    let secure = tls::Server::start(&authority.issue(&Profile::good()), Offer::default()).await;
    let server = Server::page("fine").await;
    let ca_file = authority.file();
    let ca_file = ca_file.to_str().unwrap();
    let url = server.url("/");
    let plain = run(["check", &url, "--json"]).await.json_line();
    let over_tls = run(["check", &secure.url(), "--json", "--ca-file", ca_file]).await.json_line();
    let closed = ClosedPort::new();
    let down = run(["check", &format!("http://{}/", closed.address()), "--json"]).await.json_line();
    for result in [&plain, &over_tls, &down] {
        let mut expected = [
            "family",
            "type",
            "target",
            "location",
            "started_at",
            "code",
            "name",
            "severity",
            "summary",
            "detail",
            "duration_ms",
            "phases",
            "observed",
        ];
        expected.sort_unstable();
        assert_eq!(keys(result), expected);
        assert_eq!(
            (&result["family"], &result["type"], &result["location"]),
            (&json!("service"), &json!("http"), &json!("local"))
        );
        let started: jiff::Timestamp = result["started_at"].as_str().unwrap().parse().unwrap();
        assert!(started <= jiff::Timestamp::now() && result["started_at"].as_str().unwrap().ends_with('Z'));
        assert_eq!(keys(&result["phases"]), ["connect_ms", "dns_ms", "first_byte_ms", "tls_ms", "transfer_ms"]);
        assert!(result["duration_ms"].as_f64().unwrap() > 0.0);
    }
    assert_eq!(
        (&plain["code"], &plain["name"], &plain["severity"]),
        (&json!(0), &json!("operational"), &json!("operational"))
    );
    assert_eq!((&plain["detail"], &plain["target"]), (&Value::Null, &json!(url)));
    assert_eq!(plain["phases"]["tls_ms"], Value::Null);
    let observed = json!({"ip": "127.0.0.1", "http_status": 200, "http_version": "1.1", "bytes": 4, "redirects": [], "certificate": null});
    assert_eq!(plain["observed"], observed);

    assert_eq!((&over_tls["code"], over_tls["phases"]["tls_ms"].is_number()), (&json!(0), true));
    let certificate = &over_tls["observed"]["certificate"];
    for field in ["subject", "issuer", "not_before", "not_after", "key", "signature", "fingerprint"] {
        assert!(certificate[field].is_string(), "{field}: {certificate}");
    }
    assert!(certificate["names"].is_array() && certificate["days_left"].is_i64(), "{certificate}");

    assert_eq!((&down["code"], &down["name"]), (&json!(451), &json!("http_connect_failed")));
    assert_eq!((&down["severity"], &down["summary"]), (&json!("down"), &json!("Cannot connect to the web server.")));
    assert_eq!(down["detail"], json!(format!("connection refused ({})", closed.address())));
    assert_eq!(down["phases"]["first_byte_ms"], Value::Null);
    assert_eq!((&down["observed"]["ip"], &down["observed"]["http_status"]), (&json!("127.0.0.1"), &Value::Null));
}

#[tokio::test]
async fn codes_are_listed_explained_and_given_as_json() {
    let all = run(["codes", "--json"]).await.json_line();
    let all = all.as_array().unwrap();
    let listed = run(["codes"]).await;
    assert_eq!((listed.code, listed.stdout.lines().count()), (0, all.len()));
    for entry in all {
        let fields =
            ["code", "explanation", "extension", "family", "name", "remedy", "section", "severity", "since", "summary"];
        assert_eq!(keys(entry), fields);
    }
    let of_domains = run(["codes", "--family", "domain", "--json"]).await.json_line();
    let expected: Vec<_> = all.iter().filter(|entry| entry["family"] == "domain").cloned().collect();
    assert!(!expected.is_empty());
    assert_eq!(of_domains, Value::Array(expected));
    let one = run(["codes", "100", "--json"]).await.json_line();
    let families: Vec<_> = one.as_array().unwrap().iter().map(|entry| entry["family"].clone()).collect();
    assert_eq!(families, ["service", "server"]);
    let told = run(["codes", "-3"]).await;
    assert_eq!(
        (told.code, told.stdout.lines().next()),
        (0, Some("-3 (service, server, certificate, domain: pending)  Activated, waiting for the first result."))
    );
}

#[tokio::test]
async fn colours_are_for_terminals() {
    let server = Server::page("fine").await;
    let with = async |variables: &[(&str, &str)]| {
        let mut command = watchkeep();
        command.args(["check", &server.url("/")]).envs(variables.iter().copied());
        run_command(command).await.stdout
    };
    let plain = with(&[]).await;
    assert!(plain.starts_with("● Operational 0  http://") && !plain.contains('\u{1b}'), "{plain:?}");
    let coloured = with(&[("CLICOLOR_FORCE", "1")]).await;
    assert!(coloured.starts_with("\u{1b}[") && coloured.contains("● Operational 0"), "{coloured:?}");
    let refused = with(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).await;
    assert!(!refused.contains('\u{1b}'), "{refused:?}");
    let folder = tempfile::tempdir().unwrap();
    let logged =
        Serving::start_with(folder.path(), |command| _ = command.env("WATCHKEEP_LOG", "debug")).await.stop().await;
    assert!(!logged.stderr.is_empty() && !logged.stderr.contains('\u{1b}'), "{:?}", logged.stderr);
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_error() {
    let mut child = watchkeep().arg("codes").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
    let mut child = watchkeep().arg("chek").stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(2));
}

#[tokio::test]
async fn what_the_other_side_says_cannot_steer_the_terminal() {
    let server = Server::start(|_| async { reply(302, ("location", "http://127.0.0.1:1/\u{9b}31m"), "") }).await;
    for arguments in [&["check"][..], &["check", "--json"]] {
        let run = run([arguments, &[server.url("/").as_str()]].concat()).await;
        let shown = run.stdout.replace('\n', "");
        assert!(!shown.chars().any(char::is_control), "{shown:?}");
    }
}
