//! What people read, held as snapshots: reports of tests, explained codes, help, the greeting of a server.
//! `cargo insta review`, or INSTA_UPDATE=always, takes what was changed on purpose.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::time::Duration;

use insta::assert_snapshot;
use regex::Regex;
use support::{Run, Serving, run};
use watchkeep_lab::{
    ca::{Authority, DAY, Profile},
    http::{Server, ok, reply},
    raw::ClosedPort,
    tls::{self, Offer},
};

/// The text with whatever differs from run to run replaced by its name.
fn steady(text: &str) -> String {
    let replacements = [
        (r"\b\d+(\.\d)? ms", "N ms"),
        ("[░▒▓█▄]{2,}", "BAR"),
        (r"(127\.0\.0\.1|localhost):\d+", "$1:PORT"),
        (r"\d{4}-\d\d-\d\d(T[\d:]+Z)?", "DATE"),
        ("/setup/[0-9A-Za-z_-]+", "/setup/SECRET"),
        (r"\d+\.\d+\.\d+ is at", "VERSION is at"),
    ];
    replacements.iter().fold(text.to_owned(), |text, (pattern, name)| {
        Regex::new(pattern).unwrap().replace_all(&text, *name).into_owned()
    })
}

/// What a run showed, its exit status at the end.
fn shown(run: &Run) -> String {
    assert_eq!(run.stderr, "");
    steady(&format!("{}[exit status {}]", run.stdout, run.code))
}

#[tokio::test]
async fn the_report_of_a_good_site() {
    let authority = Authority::new();
    let server =
        tls::Server::start(&authority.issue(&Profile::good()), Offer { http2: true, ..Offer::default() }).await;
    let run = run(["check", &server.url(), "--ca-file", authority.file().to_str().unwrap()]).await;
    assert_snapshot!(shown(&run));
}

#[tokio::test]
async fn the_report_of_a_redirected_site() {
    let server = Server::start(|request| async move {
        if request.uri().path() == "/" { reply(301, ("location", "/there"), "") } else { ok("x") }
    })
    .await;
    assert_snapshot!(shown(&run(["check", &server.url("/")]).await));
}

#[tokio::test]
async fn the_report_of_a_site_that_refuses() {
    let closed = ClosedPort::new();
    assert_snapshot!(shown(&run(["check", &format!("http://{}/", closed.address())]).await));
}

#[tokio::test]
async fn the_report_of_an_expired_certificate() {
    let authority = Authority::new();
    let expired = Profile { begins: -30 * DAY, ends: -DAY / 2, ..Profile::good() };
    let server = tls::Server::start(&authority.issue(&expired), Offer::default()).await;
    let run = run(["check", &server.url(), "--ca-file", authority.file().to_str().unwrap()]).await;
    assert_snapshot!(shown(&run));
}

#[tokio::test]
async fn the_report_of_a_slow_site() {
    let server = Server::start(|_| async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        ok("at last")
    })
    .await;
    assert_snapshot!(shown(&run(["check", &server.url("/"), "--slow-after", "10ms"]).await));
}

#[tokio::test]
async fn the_report_of_a_page_without_its_words() {
    let server = Server::page("nothing of use").await;
    let run = run(["check", &server.url("/"), "--require", "Cart", "--require", "/pr[io]ce/i"]).await;
    assert_snapshot!(shown(&run));
}

#[tokio::test]
async fn codes_explained() {
    assert_snapshot!("code_417", shown(&run(["codes", "417"]).await));
    assert_snapshot!("code_minus_3", shown(&run(["codes", "-3"]).await));
}

#[tokio::test]
async fn the_list_of_codes_of_a_family() {
    assert_snapshot!(shown(&run(["codes", "--family", "certificate"]).await));
}

#[tokio::test]
async fn help() {
    for command in ["", "serve", "check", "codes"] {
        let by_flag = run(command.split_whitespace().chain(["--help"])).await;
        let by_command = run(["help"].into_iter().chain(command.split_whitespace())).await;
        assert_eq!(by_flag, by_command);
        assert_snapshot!(format!("help_{}", if command.is_empty() { "watchkeep" } else { command }), shown(&by_flag));
    }
    let nothing = run([] as [&str; 0]).await;
    assert_eq!((nothing.code, nothing.stderr), (2, run(["--help"]).await.stdout));
    let version = run(["--version"]).await;
    assert_eq!((version.code, version.stdout), (0, format!("watchkeep {}\n", env!("CARGO_PKG_VERSION"))));
}

#[tokio::test]
async fn the_greetings_of_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let person =
        Serving::start_with(folder.path(), |command| _ = command.env_remove("WATCHKEEP_BOOTSTRAP_TOKEN")).await;
    assert_snapshot!("greeting_of_a_first_start", steady(&person.stop().await.stdout));
    let script = Serving::start(folder.path()).await;
    assert_snapshot!("greeting_with_a_token", steady(&script.stop().await.stdout));
    let again = Serving::start(folder.path()).await.stop().await;
    assert_snapshot!("greeting_with_a_token_again", steady(&again.stdout));
    // The time stands before each line of the log.
    let log: Vec<_> = again.stderr.lines().filter_map(|line| line.split_once(' ')).map(|(_, rest)| rest).collect();
    assert_snapshot!("log_of_a_server", log.join("\n"));
    let behind_proxy =
        |command: &mut std::process::Command| _ = command.args(["--public-url", "https://watch.example"]);
    let behind_proxy = Serving::start_with(folder.path(), behind_proxy).await;
    assert_snapshot!("greeting_behind_a_proxy", steady(&behind_proxy.stop().await.stdout));
}
