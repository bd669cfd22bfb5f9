//! HTTP/2 servers that break its rules. Row 12 of the list of faults.
//! The client speaks HTTP/2 at once, in clear text, so that a script of frames is enough.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{expect, observed, run_with};
use watchkeep_lab::{
    ca::{Authority, Profile},
    http::{Server, ok},
    http2::{
        continuation, data, frame, goaway, last_data, ok as ok_headers, open_headers, ping, push, reset, settings,
        settings_without_window, undecodable_headers,
    },
    raw::{Act, Peer},
    relay::Relay,
    tls::{self, Offer},
};
use watchkeep_model::{TestResult, http::HttpVersion};

async fn ask(url: &str, mut options: Value) -> TestResult {
    options["http_version"] = json!("2");
    run_with(url, options, json!({"timeout": "2s", "connect_timeout": "1s"})).await
}

/// A peer that reads the client's first words and then sends these frames.
async fn peer(frames: &[Vec<u8>], then: Option<Act>) -> Peer {
    let script = [Act::ReadHead, Act::Send(settings()), Act::Send(frames.concat())];
    Peer::start(script.into_iter().chain(then).collect()).await
}

#[tokio::test]
async fn code_0_scripted_reply() {
    let peer = peer(&[ok_headers(), data(b"hel"), last_data(b"lo")], Some(Act::Hang)).await;
    let result = ask(&peer.url("http"), json!({"require": ["hello"]})).await;
    expect(&result, 0, "");
    assert_eq!((observed(&result).http_version, observed(&result).bytes), (Some(HttpVersion::Http2), 5));
}

/// The length is of the body that a GET would bring, or of nothing at all.
#[tokio::test]
async fn a_length_without_a_body_is_not_too_large() {
    // `content-length` by its place in the static table of HPACK, with a value of its own.
    let length = [&[0x0f, 0x0d, 8][..], b"99999999"].concat();
    for (name, method, status, ends_with_data) in [
        ("HEAD", "HEAD", 0x88, false),
        ("HEAD that ends late", "HEAD", 0x88, true),
        ("304", "GET", 0x8b, false),
        ("204", "GET", 0x89, false),
    ] {
        let flags = if ends_with_data { 4 } else { 5 };
        let headers = frame(1, flags, 1, &[&[status][..], &length].concat());
        let end = if ends_with_data { last_data(b"") } else { Vec::new() };
        let peer = peer(&[headers, end], Some(Act::Hang)).await;
        let result = ask(&peer.url("http"), json!({"method": method})).await;
        assert_eq!(result.verdict.code.number(), 0, "{name}: {:?}", result.verdict);
    }
    let peer = peer(&[frame(1, 4, 1, &[&[0x88][..], &length].concat())], Some(Act::Hang)).await;
    expect(&ask(&peer.url("http"), json!({})).await, 450, "Content-Length: 99999999");
}

#[tokio::test]
async fn fault_12_broken_rules() {
    for (name, frames, words) in [
        ("farewell at once", vec![goaway()], ""),
        ("reset with CANCEL", vec![reset(8)], ""),
        ("reset with REFUSED_STREAM", vec![reset(7)], ""),
        ("reset in the body", vec![ok_headers(), data(b"hel"), reset(2)], "3 bytes"),
        ("farewell in the body", vec![ok_headers(), data(b"hel"), goaway()], ""),
        ("headers that cannot be decoded", vec![undecodable_headers()], ""),
        ("a promise", vec![push()], ""),
        ("body before the headers", vec![data(b"hello")], ""),
        ("continuation of nothing", vec![continuation()], ""),
        ("settings of a wrong size", vec![frame(4, 0, 0, &[1, 2, 3])], ""),
        ("a frame that is too long", vec![frame(0, 0, 1, &vec![0; 20_000])], ""),
        ("settings on a stream", vec![frame(4, 0, 1, &[])], ""),
        ("window update of nothing", vec![frame(8, 0, 0, &[0; 4])], ""),
        ("window overflow", vec![frame(8, 0, 0, &[0x7f, 0xff, 0xff, 0xff])], ""),
        ("HTTP/1.1 instead", vec![b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()], ""),
    ] {
        let peer = peer(&frames, None).await;
        let result = ask(&peer.url("http"), json!({})).await;
        let detail = result.verdict.detail.clone().unwrap_or_default();
        assert_eq!(result.verdict.code.number(), 450, "{name}: {detail}");
        assert!(!detail.is_empty() && detail.contains(words), "{name}: {detail:?}");
    }
}

/// Floods end within the time limit at the latest, and memory stays bounded.
#[tokio::test]
async fn fault_12_floods() {
    for (name, frames, flood) in [
        ("settings", vec![], settings()),
        ("pings", vec![], ping()),
        ("continuations", vec![open_headers()], continuation()),
        ("empty data", vec![ok_headers()], data(&[])),
        ("resets", vec![], reset(8)),
    ] {
        let start = Instant::now();
        let peer = peer(&frames, Some(Act::Flood(flood.repeat(100)))).await;
        let result = ask(&peer.url("http"), json!({})).await;
        let code = result.verdict.code.number();
        assert!([420, 450].contains(&code), "{name}: {:?}", result.verdict);
        assert!(start.elapsed() < Duration::from_secs(10), "{name}");
    }
}

/// The server never gives room for the request's body, and does not answer either.
#[tokio::test]
async fn fault_12_flow_control_of_zero() {
    let script = vec![Act::ReadHead, Act::Send(settings_without_window()), Act::Hang];
    let peer = Peer::start(script).await;
    let result = ask(&peer.url("http"), json!({"method": "POST", "body": "hello"})).await;
    expect(&result, 420, "no complete headers");
}

/// Cut at every byte of a real exchange.
#[tokio::test]
async fn fault_06_every_cut_of_http2_has_its_code() {
    let server = Server::start(|_| async { ok("hello") }).await;
    let open = Relay::open(server.address()).await;
    expect(&ask(&open.url("http"), json!({})).await, 0, "");
    for bytes in 0..open.passed() {
        let cut = Relay::until(server.address(), bytes, Vec::new()).await;
        let result = ask(&cut.url("http"), json!({})).await;
        let code = result.verdict.code.number();
        // The last frames only acknowledge; without them the reply is complete all the same.
        let is_complete = observed(&result).bytes == 5;
        assert!(code == 450 || (code == 0 && is_complete), "after {bytes}: {:?}", result.verdict);
    }
}

/// HTTP/2 agreed by ALPN behaves like any other.
#[tokio::test]
async fn code_450_http2_over_tls_breaks_off() {
    let authority = Authority::new();
    let offer = Offer { http2: true, ..Offer::default() };
    let script = vec![Act::ReadHead, Act::Send(settings()), Act::Send(reset(11))];
    let server = tls::Server::scripted(&authority.issue(&Profile::good()), offer, script).await;
    let options = json!({"ca_file": authority.file().to_str().unwrap()});
    let result = run_with(&server.url(), options, json!({})).await;
    expect(&result, 450, "");
    assert_eq!(observed(&result).tls.as_ref().unwrap().alpn, Some("h2"));
}
