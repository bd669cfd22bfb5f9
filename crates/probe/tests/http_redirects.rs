//! Redirects: where they may lead, what goes with them, where they end. Row 13 of the list of faults.
//! Two servers stand for two origins.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use serde_json::json;
use support::{expect, observed, run, run_with};
use watchkeep_lab::{
    ca::{Authority, Profile},
    dns,
    http::{Received, Server, ok, reply},
    raw::Peer,
    tls::{self, Offer},
};

/// A server that tells whether private headers came.
async fn elsewhere() -> Server {
    Server::start(|request| async move { ok(private_parts(&request)) }).await
}

fn private_parts(request: &Received) -> String {
    let names = ["authorization", "cookie", "x-api-key", "x-plain"];
    let came: Vec<_> = names.into_iter().filter(|name| request.headers().contains_key(*name)).collect();
    format!("{} came: {}; body: {}", request.method(), came.join(" "), String::from_utf8_lossy(request.body()))
}

#[tokio::test]
async fn fault_13_from_https_to_http() {
    let plain = elsewhere().await;
    let authority = Authority::new();
    let next = plain.url("/");
    let secure = tls::Server::serving(&authority.issue(&Profile::good()), Offer::default(), move |request| {
        let next = next.clone();
        let status = if request.method() == "POST" { 307 } else { 302 };
        async move { reply(status, ("location", &next), "") }
    })
    .await;
    let ca_file = authority.file().to_str().unwrap().to_owned();
    let private = json!({"Cookie": "c=1", "X-Api-Key": "k", "X-Plain": "p"});
    let options = json!({"ca_file": ca_file, "basic": "u:p", "headers": private, "require": ["came: x-plain;"]});
    let result = run(&secure.url(), options).await;
    expect(&result, 0, "");
    assert_eq!(observed(&result).certificate, None, "the last hop has no certificate");
    let posting = json!({"ca_file": ca_file, "method": "POST", "body": "secret"});
    expect(&run(&secure.url(), posting).await, 450, "in clear text");
    assert_eq!(plain.requests(), 1);
}

#[tokio::test]
async fn fault_13_to_another_host_with_credentials() {
    let abroad = elsewhere().await;
    let port = abroad.address().port();
    let home = Server::start(move |request| async move {
        match request.uri().path() {
            "/home" => ok(private_parts(&request)),
            "/" => reply(302, ("location", "/home"), ""),
            _ => reply(302, ("location", &format!("http://user:pass@localhost:{port}/")), ""),
        }
    })
    .await;
    let options =
        |words: &str| json!({"bearer": "t", "headers": {"Cookie": "c=1", "X-Plain": "p"}, "require": [words]});
    expect(&run(&home.url("/"), options("came: authorization cookie x-plain;")).await, 0, "");
    let result = run(&home.url("/abroad"), options("came: x-plain;")).await;
    expect(&result, 0, "");
    assert_eq!(observed(&result).redirects[0].url, format!("http://localhost:{port}/"), "no credentials are shown");
}

/// What is sent changes with the status as browsers do it (RFC 9110, 15.4).
#[tokio::test]
async fn methods_and_bodies_follow_the_status() {
    let server = Server::start(|request| async move {
        match request.uri().path().trim_start_matches('/').parse() {
            Ok(status) => reply(status, ("location", "/end"), ""),
            Err(_) => ok(private_parts(&request)),
        }
    })
    .await;
    for (status, words) in [
        (301, "GET came: ; body: "),
        (302, "GET came: ; body: "),
        (303, "GET came: ; body: "),
        (307, "POST came: ; body: data"),
        (308, "POST came: ; body: data"),
    ] {
        let exactly = format!("/^{words}$/");
        let options = json!({"method": "POST", "body": "data", "require": [exactly]});
        expect(&run(&server.url(&format!("/{status}")), options).await, 0, "");
    }
}

#[tokio::test]
async fn fault_13_to_itself_with_a_growing_url() {
    let server = Server::start(|request| async move {
        reply(302, ("location", &format!("{}{}", request.uri(), "x".repeat(1000))), "")
    })
    .await;
    let result = run(&server.url("/"), json!({"max_redirects": 50})).await;
    expect(&result, 450, "longer than 8192 bytes");
    assert!(server.requests() < 12);
}

#[tokio::test]
async fn code_450_redirects_in_a_circle() {
    let server = Server::start(|request| async move {
        let next = if request.uri() == "/a" { "/b" } else { "/a" };
        reply(301, ("location", next), "")
    })
    .await;
    expect(&run(&server.url("/a"), json!({})).await, 450, "more than 10 redirects");
    assert_eq!(server.requests(), 11);
}

#[tokio::test]
async fn credentials_of_a_location_are_not_told() {
    for (location, max_redirects) in
        [("http://u:hidden@127.0.0.1:1/", 1), ("ftp://u:hidden@a.example/", 5), ("http://u:hidden@[", 5)]
    {
        let home = Server::start(move |request| async move {
            let next = if request.uri() == "/" { "/next" } else { location };
            reply(302, ("location", next), "")
        })
        .await;
        let result = run(&home.url("/"), json!({"max_redirects": max_redirects})).await;
        let detail = result.verdict.detail.as_deref().unwrap_or_default();
        assert!(detail.contains("redirect") && !detail.contains("hidden"), "{location}: {detail}");
    }
}

/// What people and programs write into `Location`.
#[tokio::test]
async fn locations_of_every_form() {
    for (location, led) in [
        ("../c?d", "http://HOST/c?d"),
        ("?x", "http://HOST/a/b?x"),
        ("//127.0.0.1:1/there", "http://127.0.0.1:1/there"),
        ("http:/slash", "http://HOST/slash"),
        ("/caf\u{e9}", "http://HOST/caf%C3%A9"),
        ("/with space", "http://HOST/with%20space"),
        ("/#part", "http://HOST/"),
        ("", "http://HOST/a/b"),
    ] {
        let peer =
            Peer::replying(format!("HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")).await;
        let result = run(&format!("{}a/b", peer.url("http")), json!({"max_redirects": 1})).await;
        let first = observed(&result).redirects.first().map(|redirect| redirect.url.clone());
        let led = led.replace("HOST", &peer.address().to_string());
        assert_eq!(first, Some(led), "{location}: {:?}", result.verdict);
    }
}

/// A redirect that names no place is the final reply.
#[tokio::test]
async fn redirects_without_a_location_end_there() {
    let peer = Peer::replying("HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n").await;
    expect(&run(&peer.url("http"), json!({})).await, 0, "");
    expect(&run(&peer.url("http"), json!({"accept_status": "200"})).await, 414, "status 302");
}

/// What was seen of the hops before says nothing about the one that failed.
#[tokio::test]
async fn what_is_observed_is_of_the_last_hop() {
    let dns = dns::Server::start([]).await;
    let server = Server::start(|_| async { reply(302, ("location", "http://absent.example/"), "") }).await;
    let asking = json!({"resolver": dns.address().to_string()});
    let result = run_with(&server.url("/"), json!({}), asking).await;
    expect(&result, 452, "");
    let seen = observed(&result);
    assert_eq!((seen.ip, seen.http_status, seen.http_version), (None, None, None));
    assert_eq!(seen.redirects.len(), 1);
}
