//! Bad input on the command line: whatever is typed, the answer is one clear line, exit status 2, and never a panic.
//! With `--json` a test that cannot run says in which code it would end.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::{
    ffi::{OsStr, OsString},
    net::TcpListener,
    os::unix::ffi::OsStrExt,
};

use serde_json::json;
use support::{Run, Serving, run, run_command, watchkeep};

/// Holds a run against the rule for what cannot be used: exit status 2 and one clear line that has `part`.
#[track_caller]
fn assert_refused(name: &str, run: &Run, part: &str) {
    assert_eq!(run.code, 2, "{name}: {run:?}");
    let line = run.stderr.strip_suffix('\n').unwrap_or_else(|| panic!("{name}: no whole line: {run:?}"));
    assert!(line.starts_with("watchkeep: "), "{name}: {line:?}");
    assert!(line.contains(part), "{name}: {part:?} is not in {line:?}");
    assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{name}: {line:?}");
    assert!(!line.contains("error:") && !line.contains("panicked") && !line.contains("  tip"), "{name}: {line:?}");
    assert!(line.len() < 500, "{name}: {} bytes: {line}", line.len());
}

#[tokio::test]
async fn every_bad_target_is_refused_in_one_line_and_with_its_code() {
    let long = "a".repeat(100_000);
    let long_path = format!("http://a.example/{long}");
    for (target, part, code) in [
        ("", "target: is missing", 410),
        ("   ", "target: is missing", 410),
        ("shop.example", "begin it with https:// or http://", 410),
        ("//shop.example/", "begin it with https:// or http://", 410),
        ("localhost:80", "has the scheme localhost", 411),
        ("gopher://a.example/", "has the scheme gopher", 411),
        ("file:///etc/passwd", "has the scheme file", 411),
        ("javascript:alert(1)", "has the scheme javascript", 411),
        ("http://", "is not a URL: empty host", 410),
        ("http:///", "is not a URL: empty host", 410),
        ("http://a.example:99999/", "invalid port number", 410),
        ("http://a.example:x/", "invalid port number", 410),
        ("http://[::1/", "invalid IPv6 address", 410),
        ("http://1.2.3.4.5/", "invalid IPv4 address", 410),
        ("http://a b/", "is not a URL", 410),
        ("http://ada@a.example/", "has a user without a password", 410),
        ("http://a\u{1b}[31mb/", "is not a URL", 410),
        ("\u{1b}]0;owned\u{7}", "is not a complete URL", 410),
        ("\u{202e}http://a.example/", "is not a complete URL", 410),
        ("http://a.example\u{0085}/", "is not a URL", 410),
        (&long, "target: must have 65536 bytes at most", 410),
        (&long_path, "target: must have 65536 bytes at most", 410),
        ("icmp://", "give the host to ping", 101),
        ("tcp://127.0.0.1", "target: has no port", 460),
        ("tls://:465", "target: is missing; give the host", 460),
        ("udp://127.0.0.1", "target: has no port", 101),
        ("udp://127.0.0.1:1", "--send: is missing", 101),
        ("FTP://", "target", 101),
        ("gopher://a.example/", "target", 411),
        ("ws://", "target: has no host", 101),
        ("wss://127.0.0.1:0/", "target: must have a port", 521),
        ("certificate:", "target: is missing", 410),
        ("certificate:gopher://a.example/", "target", 411),
        ("domain:co.uk", "target: co.uk is a public suffix", 600),
        ("domain:192.0.2.7", "target: is an IP address", 600),
    ] {
        let name: String = target.chars().take(40).collect();
        assert_misconfigured(&name, &[target], part, code).await;
    }
}

#[tokio::test]
async fn every_bad_option_is_refused_in_one_line_and_with_its_code() {
    let huge = "x".repeat(70_000);
    for (options, part, code) in [
        (&["--timeout", "soon"][..], "--timeout: not a duration", 454),
        (&["--timeout", ""], "--timeout: not a duration", 454),
        (&["--timeout", "-1s"], "--timeout: not a duration", 454),
        (&["--timeout", "1.5s"], "--timeout: not a duration", 454),
        (&["--timeout", "0s"], "--timeout: must be more than zero", 454),
        (&["--timeout", "301s"], "--timeout: must be 5m at most", 454),
        (&["--timeout", "99999999999999999999d"], "--timeout: this duration is too long", 454),
        (&["--timeout", "1s", "--connect-timeout", "2s"], "--connect-timeout: must not be above", 454),
        (&["--slow-after", "0s"], "--slow-after: must be more than zero", 454),
        (&["--ip", "5"], "--ip: must be 4 or 6", 101),
        (&["--resolve", "a.example"], "--resolve a.example: must be HOST:IP", 101),
        (&["--resolver", "dns.example"], "--resolver: must be IP:PORT", 101),
        (&["--method", "TRACE"], "--method: must not be TRACE", 101),
        (&["--method", "G E T"], "--method: must be an HTTP method", 101),
        (&["--header", "no colon"], "--header: write a header as 'Name: value'", 101),
        (&["--header", "A B: c"], "--header A B: is not", 101),
        (&["--header", "X: a\r\nEvil: b"], "--header X: ", 101),
        (&["--header", "Content-Length: 5"], "--header Content-Length: ", 101),
        (&["--method", "POST", "--header", "Content-Type: text/plain"], "--body: is declared but absent", 410),
        (&["--header", "A: 1", "--header", "a: 2"], "is given twice", 101),
        (&["--body", ""], "--body: is declared but absent", 410),
        (&["--body", &huge], "--body: must have 65536 bytes at most", 101),
        (&["--accept-status", "fine"], "--accept-status: ", 101),
        (&["--accept-status", "299-200"], "--accept-status: ", 101),
        (&["--require", "fine", "--require", "/(/"], "--require /(/: not a regular expression", 101),
        (&["--require", ""], "--require", 101),
        (&["--forbid", "/(a{1000}){1000}/"], "--forbid /(a{1000}){1000}/: ", 101),
        (&["--json-path", "$["], "--json-path $[: must be a JSON path", 101),
        (&["--json-path", "$[=x"], "--json-path $[=x: ", 101),
        (&["--max-redirects", "51"], "--max-redirects: must be a whole number from 0 to 50", 101),
        (&["--max-redirects", "-1"], "--max-redirects: must be a whole number", 101),
        (&["--max-redirects", "many"], "--max-redirects: must be a whole number", 101),
        (&["--max-body", "2GiB"], "--max-body: must be from", 101),
        (&["--max-body", "0B"], "--max-body: must be from", 101),
        (&["--max-body", "big"], "--max-body: ", 101),
        (&["--http-version", "3"], "--http-version: must be 1.0, 1.1 or 2", 411),
        (&["--basic", "ada"], "--basic: has a user without a password", 410),
        (&["--bearer", ""], "--bearer: is empty", 410),
        (&["--bearer", "a\nb"], "--bearer: must not contain", 101),
        (&["--basic", "a:b", "--bearer", "c"], "--bearer: cannot stand beside basic", 101),
        (&["--proxy", "proxy:3128"], "--proxy: must be the URL of an HTTP proxy", 101),
        (&["--tls-min", "1.0"], "--tls-min: must be 1.2 or 1.3", 101),
        (&["--ip", "5", "--max-redirects", "51"], "--ip: must be 4 or 6; --max-redirects: must be", 101),
    ] {
        let mut arguments = vec!["http://a.example/"];
        arguments.extend(options);
        assert_misconfigured(&format!("{:.60}", options.join(" ")), &arguments, part, code).await;
    }
}

/// `check` with these arguments is refused, and says with `--json` in which code such a test ends.
async fn assert_misconfigured(name: &str, arguments: &[&str], part: &str, code: i16) {
    let arguments = [&["check"], arguments].concat();
    let plain = run(&arguments).await;
    assert_refused(name, &plain, part);
    assert_eq!(plain.stdout, "", "{name}");
    let told = run([&arguments[..], &["--json"]].concat()).await;
    assert_refused(name, &told, part);
    assert_eq!(told.stderr, plain.stderr, "{name}");
    let result = told.json_line();
    assert_eq!((&result["code"], &result["severity"]), (&json!(code), &json!("misconfigured")), "{name}: {result}");
    assert!(result["detail"].is_string(), "{name}: {result}");
}

#[tokio::test]
async fn every_wrong_usage_is_refused_in_one_line_with_where_help_is() {
    let long = "b".repeat(100_000);
    let table: &[(&[&str], &str, &str)] = &[
        (&["chek"], "there is no command chek (did you mean check?)", "watchkeep"),
        (&["\u{1b}[31mred"], "there is no command", "watchkeep"),
        (&[&long], "there is no command bbb", "watchkeep"),
        (&["--bogus"], "--bogus is not known here", "watchkeep"),
        (&["check"], "TARGET is missing", "watchkeep check"),
        (&["check", "--slow-after", "5s"], "TARGET is missing", "watchkeep check"),
        (
            &["check", "http://a.example/", "http://b.example/"],
            "http://b.example/ is one argument too many",
            "watchkeep check",
        ),
        (&["check", "http://a.example/", &long], "is one argument too many", "watchkeep check"),
        (
            &["check", "http://a.example/", "--metod", "GET"],
            "--metod is not known here (did you mean --method?)",
            "watchkeep check",
        ),
        (&["check", "http://a.example/", "--\u{1b}[31m"], "is not known here", "watchkeep check"),
        (&["check", "http://a.example/", "-x"], "-x is not known here", "watchkeep check"),
        (&["check", "http://a.example/", "--method"], "--method needs a value", "watchkeep check"),
        (&["check", "http://a.example/", "--json=yes"], "--json takes no value", "watchkeep check"),
        (
            &["check", "http://a.example/", "--timeout", "1s", "--timeout", "2s"],
            "--timeout stands twice",
            "watchkeep check",
        ),
        (&["codes", "many"], "CODE: must be a whole number", "watchkeep codes"),
        (&["codes", "70000"], "CODE: must be a whole number", "watchkeep codes"),
        (&["codes", ""], "CODE: must be a whole number", "watchkeep codes"),
        (
            &["codes", "--family", "pet"],
            "--family must be one of service, server, certificate, domain, not pet",
            "watchkeep codes",
        ),
        (&["serve", "--listen", "localhost"], "--listen: must be an IP address and a port", "watchkeep serve"),
        (&["serve", "--listen", "256.0.0.1:80"], "--listen: must be an IP address and a port", "watchkeep serve"),
        (&["serve", "--listen", ""], "--listen: must be an IP address and a port", "watchkeep serve"),
        (&["serve", "--data-dir", ""], "--data-dir needs a value", "watchkeep serve"),
        (&["serve", "--public-url", "watch.example"], "--public-url: this is not a URL", "watchkeep serve"),
        (&["serve", "--public-url", "ftp://watch.example"], "--public-url: must be http or https", "watchkeep serve"),
        (&["serve", "--public-url", "https://watch.example/x"], "without user and path", "watchkeep serve"),
        (&["serve", "--public-url", "https://ada:secret@watch.example"], "without user and path", "watchkeep serve"),
        (&["serve", "now"], "now is one argument too many", "watchkeep serve"),
    ];
    for (arguments, part, command) in table {
        let run = run(*arguments).await;
        let name = format!("{:.60}", arguments.join(" "));
        assert_refused(&name, &run, part);
        assert!(run.stderr.ends_with(&format!("; `{command} --help` explains the usage\n")), "{name}: {}", run.stderr);
        assert_eq!(run.stdout, "", "{name}");
    }
    assert_refused(
        "9999",
        &run(["codes", "9999"]).await,
        "there is no status code 9999; `watchkeep codes` lists them all",
    );
    let elsewhere = run(["codes", "417", "--family", "server"]).await;
    assert_refused("417", &elsewhere, "there is no status code 417 in the family server");
}

#[tokio::test]
async fn arguments_that_are_no_text_are_refused() {
    let bad = OsStr::from_bytes(b"http://a.example/\xff");
    for arguments in [vec![OsString::from("check"), bad.into()], vec!["codes".into(), bad.into()], vec![bad.into()]] {
        assert_refused("no UTF-8", &run(&arguments).await, "");
    }
    let option = vec!["check".into(), "http://a.example/".into(), OsStr::from_bytes(b"--\xff").into()];
    assert_refused("no UTF-8 in a flag", &run::<OsString>(option).await, "is not known here");
    assert_refused("no UTF-8 in a target", &run([OsStr::new("check"), bad]).await, "not UTF-8");
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let a_file = folder.path().join("file");
    std::fs::write(&a_file, "").unwrap();
    let below_a_file = a_file.join("data\u{1b}[31m");
    let newer = folder.path().join("newer");
    let running = folder.path().join("running");
    let server = Serving::start(&running).await;
    make_newer(&newer).await;

    let fresh = folder.path().join("fresh");
    let free = OsStr::new("127.0.0.1:0");
    let text = |text: &str| OsString::from(text);
    let table = [
        ("port in use", &fresh, text(&address), None, format!("cannot listen on {address}: ")),
        ("address of others", &fresh, text("192.0.2.1:80"), None, "cannot listen on 192.0.2.1:80: ".to_owned()),
        ("folder in use", &running, free.into(), None, "another watchkeep uses ".to_owned()),
        ("folder is a file", &a_file, free.into(), None, "--data-dir".to_owned()),
        ("folder below a file", &below_a_file, free.into(), None, "--data-dir".to_owned()),
        ("a newer database", &newer, free.into(), None, "use a newer watchkeep".to_owned()),
        (
            "short token",
            &fresh,
            free.into(),
            Some(("WATCHKEEP_BOOTSTRAP_TOKEN", text("short"))),
            "32 characters at least".to_owned(),
        ),
        (
            "token with spaces",
            &fresh,
            free.into(),
            Some(("WATCHKEEP_BOOTSTRAP_TOKEN", text(&"a b".repeat(20)))),
            "without spaces".to_owned(),
        ),
        (
            "token that is no text",
            &fresh,
            free.into(),
            Some(("WATCHKEEP_BOOTSTRAP_TOKEN", OsStr::from_bytes(&[0xff; 40]).into())),
            "WATCHKEEP_BOOTSTRAP_TOKEN has characters that are not UTF-8".to_owned(),
        ),
        (
            "log filter",
            &fresh,
            free.into(),
            Some(("WATCHKEEP_LOG", text("=["))),
            "WATCHKEEP_LOG is no filter".to_owned(),
        ),
        (
            "address from outside",
            &fresh,
            free.into(),
            Some(("WATCHKEEP_PUBLIC_URL", text("nowhere"))),
            "--public-url: this is not a URL".to_owned(),
        ),
    ];
    for (name, data, listen, variable, part) in table {
        let mut command = watchkeep();
        command.arg("serve").arg("--data-dir").arg(data).arg("--listen").arg(listen).envs(variable);
        let run = run_command(command).await;
        assert_refused(name, &run, &part);
        assert_eq!(run.stdout, "", "{name}: nothing is greeted");
    }
    // The one that runs was not disturbed by the attempt on its folder.
    assert_eq!(server.client().fetch("/readyz").await.status.as_u16(), 200);
}

/// A folder that a later version has written.
async fn make_newer(folder: &std::path::Path) {
    Serving::start(folder).await.stop().await;
    let file = folder.join("watchkeep.db");
    let mut database = std::fs::read(&file).unwrap();
    // The schema's number stands at byte 60 of the header (SQLite file format, 1.3).
    database[60..64].copy_from_slice(&999_u32.to_be_bytes());
    std::fs::write(&file, database).unwrap();
}
