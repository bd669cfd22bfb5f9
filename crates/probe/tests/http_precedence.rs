//! When several things are wrong at once, the earliest phase decides the code: name, connection, TLS, timeout,
//! status, required words, forbidden words, response time.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{expect, run_with};
use watchkeep_lab::{
    ca::{Authority, DAY, Profile},
    dns,
    http::{Server, reply},
    raw::{Act, ClosedPort, Peer},
    relay::Relay,
    tls::{self, Offer},
};

/// Everything that can be wrong with a complete reply.
fn demanding() -> Value {
    json!({"accept_status": "200", "require": ["absent"], "forbid": ["present"]})
}

#[tokio::test]
async fn of_the_reply_the_status_comes_first_and_the_time_last() {
    let server = Server::start(|request| async move {
        tokio::time::sleep(Duration::from_millis(30)).await;
        let status = if request.uri().path() == "/wrong" { 500 } else { 200 };
        reply(status, ("x-a", "b"), "what is present")
    })
    .await;
    let slow = json!({"slow_after": "10ms"});
    for (path, options, code, words) in [
        ("/wrong", demanding(), 414, "status 500"),
        ("/", demanding(), 412, "missing: absent"),
        ("/", json!({"forbid": ["present"]}), 413, "present: present"),
        ("/", json!({}), 102, "the limit is 10ms"),
    ] {
        expect(&run_with(&server.url(path), options, slow.clone()).await, code, words);
    }
}

#[tokio::test]
async fn a_timeout_comes_before_the_status() {
    let peer = Peer::start(vec![
        Act::ReadHead,
        Act::send("HTTP/1.1 500 Oops\r\nContent-Length: 90\r\n\r\npresent"),
        Act::Hang,
    ])
    .await;
    let limits = json!({"timeout": "300ms", "connect_timeout": "300ms", "slow_after": "10ms"});
    expect(&run_with(&peer.url("http"), demanding(), limits).await, 420, "the body was not complete");
}

#[tokio::test]
async fn the_status_comes_before_what_is_wrong_with_the_body() {
    for (headers, body, words) in [
        ("Content-Length: 90", "present", "after 7 of 90 bytes"),
        ("Content-Length: 99999999", "", "larger than 10MiB"),
        ("Transfer-Encoding: chunked", "zz", "the body is not valid HTTP"),
        ("Content-Encoding: gzip", "present", "cannot be decompressed"),
        ("Content-Encoding: zstd", "present", "zstd"),
    ] {
        let replying = |status: &str| Peer::replying(format!("HTTP/1.1 {status}\r\n{headers}\r\n\r\n{body}"));
        let result = run_with(&replying("500 Oops").await.url("http"), demanding(), json!({})).await;
        expect(&result, 414, words);
        expect(&result, 414, "status 500 Internal Server Error; accepted are 200 (");
        expect(&run_with(&replying("200 OK").await.url("http"), demanding(), json!({})).await, 450, words);
    }
}

#[tokio::test]
async fn tls_comes_before_the_reply() {
    let authority = Authority::new();
    let identity = authority.issue(&Profile { ends: -DAY, ..Profile::good() });
    let answer = |_| async { reply(500, ("x-a", "b"), "what is present") };
    let server = tls::Server::serving(&identity, Offer::default(), answer).await;
    let mut options = demanding();
    expect(&run_with(&server.url(), options.clone(), json!({"slow_after": "1ms"})).await, 418, "");
    options["ca_file"] = json!(authority.file().to_str().unwrap());
    expect(&run_with(&server.url(), options, json!({"slow_after": "1ms"})).await, 416, "expired");
}

/// An unknown issuer is found before a handshake that is too slow to end is: it never ends.
#[tokio::test]
async fn a_stalled_handshake_comes_before_its_certificate() {
    let authority = Authority::new();
    let server = tls::Server::start(&authority.issue(&Profile::good()), Offer::default()).await;
    let relay = Relay::until(server.address(), 100, vec![Act::Hang]).await;
    expect(&run_with(&relay.url("https"), demanding(), json!({"connect_timeout": "300ms"})).await, 419, "handshake");
}

#[tokio::test]
async fn the_connection_comes_before_tls_and_the_name_before_both() {
    let closed = ClosedPort::new();
    let dns = dns::Server::start([]).await;
    let port = closed.address().port();
    let mut options = demanding();
    options["ca_file"] = json!("/nonexistent.pem");
    let target = format!("https://localhost:{port}/");
    expect(&run_with(&target, options.clone(), json!({})).await, 451, "connection refused");
    let asking = json!({"resolver": dns.address().to_string()});
    let target = format!("https://absent.example:{port}/");
    expect(&run_with(&target, options, asking).await, 452, "does not exist");
}

/// The hop that fails decides, not the hops before it.
#[tokio::test]
async fn a_redirect_leads_to_the_code_of_its_target() {
    let closed = ClosedPort::new();
    let next = format!("http://{}/", closed.address());
    let server = Server::start(move |_| {
        let next = next.clone();
        async move { reply(302, ("location", &next), "present") }
    })
    .await;
    expect(&run_with(&server.url("/"), demanding(), json!({})).await, 451, "connection refused");
}
