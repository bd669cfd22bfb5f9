//! The TCP test: every code, each against a peer that causes it.
#![allow(clippy::needless_pass_by_value, clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::time::Duration;

use openssl::ssl::SslVersion;
use serde_json::{Value, json};
use support::{expect, object_of, parse_as, refused, run_as};
use watchkeep_lab::{
    ca::{Authority, DAY, KeyKind, Profile},
    dns::{self, Answer},
    nginx::Nginx,
    raw::{Act, ClosedPort, FullBacklog, Peer},
    relay::Relay,
    tls::{Offer, Server},
};
use watchkeep_model::{EgressPolicy, LocationName, Observed, TestResult, tcp};
use watchkeep_probe::{Prober, ProberOptions};

const GREETING: &str = "220 mail.example ESMTP\r\n";

async fn run_with(target: &str, options: Value, extra: Value) -> TestResult {
    run_as("tcp", target, options, extra).await
}

async fn run(target: impl ToString, options: Value) -> TestResult {
    run_with(&target.to_string(), options, json!({})).await
}

/// For peers that keep a test waiting until its end.
async fn run_briefly(target: impl ToString, options: Value) -> TestResult {
    run_with(&target.to_string(), options, json!({"timeout": "300ms"})).await
}

fn observed(result: &TestResult) -> &tcp::Observed {
    match &result.observed {
        Observed::Tcp(observed) => observed,
        other => panic!("{other:?}"),
    }
}

/// Says this to everybody, and then nothing more.
async fn saying(text: impl Into<Vec<u8>>) -> Peer {
    Peer::start(vec![Act::send(text), Act::Hang]).await
}

/// A server behind TLS with a good certificate of this authority.
async fn secure(authority: &Authority, script: Vec<Act>) -> Server {
    Server::scripted(&authority.issue(&Profile::good()), Offer::default(), script).await
}

fn trusting(authority: &Authority) -> Value {
    json!({"ca_file": authority.file().to_str().unwrap()})
}

fn tls_target(address: std::net::SocketAddr) -> String {
    format!("tls://localhost:{}", address.port())
}

#[tokio::test]
async fn code_0_connecting_is_enough() {
    for script in [vec![Act::Hang], vec![Act::send(GREETING)], vec![]] {
        let peer = Peer::start(script).await;
        let result = run(peer.address(), json!({})).await;
        expect(&result, 0, "");
        let seen = observed(&result);
        assert_eq!((seen.ip, seen.bytes, seen.reply.as_deref()), (Some(peer.address().ip()), 0, None));
        let phases = result.phases;
        assert!(phases.dns.is_some() && phases.connect.is_some());
        assert_eq!((phases.tls, phases.first_byte, phases.transfer), (None, None, None));
    }
}

#[tokio::test]
async fn code_0_the_greeting_is_right() {
    let peer = saying(GREETING).await;
    let result = run(peer.address(), json!({"expect": "/^220 /"})).await;
    expect(&result, 0, "");
    let seen = observed(&result);
    assert_eq!((seen.bytes, seen.reply.as_deref()), (24, Some("220 mail.example ESMTP")));
    assert!(result.phases.first_byte.is_some() && result.phases.transfer.is_some());
    let parts: Duration = result.phases.in_order().into_iter().filter_map(|(_, phase)| phase).sum();
    assert!(parts <= result.duration, "{parts:?} of {:?}", result.duration);
}

#[tokio::test]
async fn code_0_what_is_sent_is_answered() {
    for (said, answer, options) in [
        (&b"PING\r\n"[..], &b"+PONG\r\n"[..], json!({"send": "PING\\r\\n", "expect": "+PONG"})),
        (b"\x00\x01", b"\xff\x00", json!({"send_hex": "00 01", "expect_hex": "ff00"})),
        (b"?", b"6f6b\n", json!({"send": "?", "expect": "ok", "encoding": "hex"})),
        (b"?", "grüezi".as_bytes(), json!({"send": "?", "expect": "/ü/", "encoding": "utf-8"})),
        (b"?", b"Gr\xfc\xdfe", json!({"send": "?", "expect_hex": "fcdf"})),
        (&[b'a'; 65_536], b"much", json!({"send": "a".repeat(65_536), "expect": "much"})),
    ] {
        let peer = Peer::start(vec![Act::ReadExactly(said.to_vec()), Act::Send(answer.to_vec()), Act::Hang]).await;
        expect(&run(peer.address(), options).await, 0, "");
    }
}

#[tokio::test]
async fn code_0_one_byte_at_a_time() {
    let script = vec![Act::Drip(GREETING.into(), Duration::from_millis(1)), Act::Hang];
    let peer = Peer::start(script).await;
    let result = run_with(&peer.address().to_string(), json!({"expect": "ESMTP"}), json!({"timeout": "60s"})).await;
    expect(&result, 0, "");
    // What is complete is seen at once and not at the end of the time.
    assert!(result.duration < Duration::from_secs(30), "{:?}", result.duration);
}

/// A long reply in single bytes is looked at seldom, yet what ends it is found although nothing follows.
#[tokio::test]
async fn code_0_at_the_end_of_many_single_bytes() {
    let text = format!("{}ready", "x".repeat(2_000));
    let peer = Peer::start(vec![Act::Drip(text.into(), Duration::ZERO), Act::Hang]).await;
    let result = run_with(&peer.address().to_string(), json!({"expect": "ready"}), json!({"timeout": "300s"})).await;
    expect(&result, 0, "");
    assert_eq!(observed(&result).bytes, 2_005);
    assert!(result.duration < Duration::from_secs(150), "{:?}", result.duration);
}

#[tokio::test]
async fn code_0_right_before_it_never_ends() {
    let peer = Peer::start(vec![Act::Flood(GREETING.into())]).await;
    expect(&run(peer.address(), json!({"expect": "/^220 /"})).await, 0, "");
}

#[tokio::test]
async fn code_0_right_although_the_connection_ends() {
    for end in [vec![], vec![Act::Reset]] {
        let peer = Peer::start([vec![Act::send(GREETING)], end].concat()).await;
        expect(&run(peer.address(), json!({"expect": "ESMTP"})).await, 0, "");
    }
}

#[tokio::test]
async fn code_0_the_address_that_answers_is_used() {
    let peer = saying(GREETING).await;
    let target = format!("localhost:{}", peer.address().port());
    let result = run(target, json!({"expect": "ESMTP"})).await;
    expect(&result, 0, "");
    assert_eq!(observed(&result).ip, Some(peer.address().ip()));
}

#[tokio::test]
async fn code_0_nginx() {
    let authority = Authority::new();
    let (Some(clear), Some(tls)) = (Nginx::start(), Nginx::start_tls(&authority.issue(&Profile::good()))) else {
        return;
    };
    let mut options = json!({"send": "GET / HTTP/1.0\\r\\n\\r\\n", "expect": "/^HTTP\\/1.1 200 /"});
    expect(&run(clear.address(), options.clone()).await, 0, "");
    options["ca_file"] = json!(authority.file());
    expect(&run(tls_target(tls.address()), options).await, 0, "");
}

#[tokio::test]
async fn code_0_over_tls() {
    let authority = Authority::new();
    let server = secure(&authority, vec![Act::send(GREETING), Act::Hang]).await;
    let mut options = trusting(&authority);
    options["expect"] = json!("/^220 /");
    for (target, flag) in
        [(tls_target(server.address()), None), (format!("localhost:{}", server.address().port()), Some(true))]
    {
        options["tls"] = json!(flag);
        let result = run(&target, options.clone()).await;
        expect(&result, 0, "");
        let seen = observed(&result);
        assert_eq!((seen.bytes, seen.reply.as_deref()), (24, Some("220 mail.example ESMTP")));
        assert_eq!(seen.certificate.as_ref().unwrap().days_left, 89);
        assert_eq!(seen.tls.as_ref().unwrap().alpn, None);
        assert!(result.phases.tls.is_some() && result.phases.transfer.is_some());
    }
}

#[tokio::test]
async fn code_0_over_tls_one_byte_at_a_time() {
    let authority = Authority::new();
    let server = secure(&authority, vec![Act::Drip(GREETING.into(), Duration::ZERO), Act::Hang]).await;
    let relay = Relay::drip(server.address(), Duration::ZERO).await;
    let mut options = trusting(&authority);
    options["expect"] = json!("ESMTP");
    expect(&run(tls_target(relay.address()), options).await, 0, "");
}

#[tokio::test]
async fn code_0_a_server_with_old_suites_and_a_remark() {
    let authority = Authority::new();
    let identity = authority.issue(&Profile { key: KeyKind::Rsa(2048), ..Profile::good() });
    let offer =
        Offer { versions: (SslVersion::TLS1_2, SslVersion::TLS1_2), ciphers: Some("AES128-SHA"), ..Offer::default() };
    let server = Server::scripted(&identity, offer, vec![Act::send(GREETING), Act::Hang]).await;
    let mut options = trusting(&authority);
    options["expect"] = json!("ESMTP");
    let result = run(tls_target(server.address()), options).await;
    expect(&result, 0, "");
    let seen = observed(&result);
    assert!(seen.tls.as_ref().unwrap().legacy);
    assert_eq!(seen.remarks.len(), 1);
}

#[tokio::test]
async fn code_102_right_and_slow() {
    let peer = Peer::start(vec![Act::Drip(b"220 ".to_vec(), Duration::from_millis(30)), Act::Hang]).await;
    let target = peer.address().to_string();
    let result = run_with(&target, json!({"expect": "220 "}), json!({"slow_after": "20ms"})).await;
    expect(&result, 102, "the limit is 20ms");
}

#[test]
fn code_460_parameter_missing() {
    for (target, extra, words) in [
        ("", json!({}), "give the host to test"),
        (":25", json!({}), "give the host to test"),
        ("mail.example", json!({}), "has no port"),
        ("tls://mail.example", json!({}), "has no port"),
        ("mail.example:99999", json!({}), "port from 1 to 65535"),
        ("mail.example:25", json!({"timeout": "0s"}), "must be more than zero"),
    ] {
        expect(&refused(object_of("tcp", target, json!({}), extra).into()), 460, words);
    }
}

#[tokio::test]
async fn code_461_refused() {
    let port = ClosedPort::new();
    for target in [port.address().to_string(), tls_target(port.address())] {
        let result = run(&target, json!({})).await;
        expect(&result, 461, &format!("connection refused ({})", port.address()));
        assert!(observed(&result).ip.is_some());
    }
}

#[tokio::test]
async fn code_462_names() {
    let server = dns::Server::start([
        ("broken.example", Answer::Code(hickory_proto::op::ResponseCode::ServFail)),
        ("empty.example", Answer::Addresses(vec![], 60)),
        ("silent.example", Answer::Silence),
    ])
    .await;
    for (name, words) in [
        ("absent.example", "does not exist (NXDOMAIN)"),
        ("broken.example", "SERVFAIL"),
        ("empty.example", "has no address"),
        ("silent.example", "no DNS server answered"),
    ] {
        let extra = json!({"resolver": server.address().to_string(), "timeout": "400ms"});
        let result = run_with(&format!("{name}:25"), json!({}), extra).await;
        expect(&result, 462, words);
        assert_eq!(observed(&result).ip, None);
    }
    let result = run_with("127.0.0.1:25", json!({}), json!({"ip": "6"})).await;
    expect(&result, 462, "has no IPv6 address");
}

#[tokio::test]
async fn code_463_not_connected_in_time() {
    let full = FullBacklog::new();
    let result = run_with(&full.address().to_string(), json!({}), json!({"connect_timeout": "300ms"})).await;
    expect(&result, 463, &format!("no answer from {} within 300ms", full.address()));
}

#[tokio::test]
async fn code_463_no_handshake_in_time() {
    let peer = Peer::start(vec![Act::ReadSome, Act::Hang]).await;
    let result = run_with(&tls_target(peer.address()), json!({}), json!({"connect_timeout": "300ms"})).await;
    expect(&result, 463, "did not finish the TLS handshake within 300ms");
}

#[tokio::test]
async fn code_463_no_reply_in_time() {
    let authority = Authority::new();
    let clear = Peer::start(vec![Act::Hang]).await;
    let server = secure(&authority, vec![Act::Hang]).await;
    let mut over_tls = trusting(&authority);
    // An expectation that even nothing would meet needs a reply too.
    over_tls["expect"] = json!("/.*/");
    for (target, options) in [
        (clear.address().to_string(), json!({"send": "PING\\r\\n", "expect": "PONG"})),
        (clear.address().to_string(), json!({"expect_hex": "00", "encoding": "hex"})),
        (tls_target(server.address()), over_tls),
    ] {
        let result = run_briefly(&target, options).await;
        expect(&result, 463, "sent nothing within 300ms");
        assert!(result.phases.first_byte.unwrap() > Duration::ZERO);
        assert_eq!(result.phases.transfer, None);
    }
}

#[tokio::test]
async fn code_464_closed_or_reset() {
    for (script, words) in [
        (vec![], "closed the connection without a word"),
        (vec![Act::ReadSome], "closed the connection without a word"),
        (vec![Act::Reset], "the server reset the connection"),
        (vec![Act::ReadSome, Act::Reset], "the server reset the connection"),
        (
            vec![Act::ReadSome, Act::send("421 busy\r\n"), Act::Reset],
            "the server reset the connection; before that the server said: 421 busy",
        ),
    ] {
        let peer = Peer::start(script).await;
        let result = run(peer.address(), json!({"send": "HELO\\r\\n", "expect": "/^250/"})).await;
        expect(&result, 464, words);
    }
}

#[tokio::test]
async fn code_464_tls_failures() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let old = Offer {
        versions: (SslVersion::TLS1_1, SslVersion::TLS1_1),
        ciphers: Some("ALL:@SECLEVEL=0"),
        ..Offer::default()
    };
    let expired = Profile { begins: -30 * DAY, ends: -DAY, ..Profile::good() };
    let named = Profile { names: vec!["other.example".to_owned()], ..Profile::good() };
    for (identity, offer, words) in [
        (authority.issue(&expired), Offer::default(), "TLS failed: the certificate expired"),
        (authority.issue(&named), Offer::default(), "is not for localhost"),
        (stranger.issue(&Profile::good()), Offer::default(), "not a trusted authority"),
        (authority.issue(&Profile { key: KeyKind::Rsa(2048), ..Profile::good() }), old, "TLS failed: "),
    ] {
        let server = Server::scripted(&identity, offer, vec![Act::send(GREETING), Act::Hang]).await;
        expect(&run(tls_target(server.address()), trusting(&authority)).await, 464, words);
    }
    let server = secure(&authority, vec![Act::Hang]).await;
    expect(&run(tls_target(server.address()), json!({"ca_file": "/nonexistent.pem"})).await, 464, "cannot be read");
    for (script, words) in [
        (vec![Act::send(GREETING), Act::Hang], "does not speak TLS"),
        (vec![Act::ReadSome], "closed the connection in the middle"),
        (vec![Act::ReadSome, Act::Reset], "reset before the TLS handshake"),
    ] {
        let peer = Peer::start(script).await;
        expect(&run(tls_target(peer.address()), json!({})).await, 464, words);
    }
    let garbling = Server::garbling(&authority.issue(&Profile::good()), Offer::default(), "no TLS at all").await;
    let mut options = trusting(&authority);
    options["expect"] = json!("ESMTP");
    expect(&run(tls_target(garbling.address()), options).await, 464, "the connection failed");
}

#[tokio::test]
async fn code_464_forbidden_addresses() {
    for target in ["169.254.169.254:80", "0.0.0.0:80", "[ff02::1]:80"] {
        let result = run(target, json!({})).await;
        expect(&result, 464, "the egress policy forbids");
    }
    let peer = saying(GREETING).await;
    let test = parse_as("tcp", &peer.address().to_string(), json!({}), json!({}));
    let prober = Prober::new(ProberOptions { egress: EgressPolicy::PublicOnly }).unwrap();
    expect(&prober.run(&test, &LocationName::local()).await, 464, "only public addresses");
}

#[tokio::test]
async fn code_465_another_reply() {
    let authority = Authority::new();
    let server = secure(&authority, vec![Act::send("554 go away\r\n"), Act::Hang]).await;
    let mut over_tls = trusting(&authority);
    over_tls["expect"] = json!("/^220 /");
    let within = "does not match /^220 / within 300ms: 554 go away";
    expect(&run_briefly(tls_target(server.address()), over_tls).await, 465, within);
    for (script, options, words) in [
        (vec![Act::send("554 go away\r\n"), Act::Hang], json!({"expect": "/^220 /"}), within),
        (
            vec![Act::send("554 go away\r\n")],
            json!({"expect": "/^220 /"}),
            "does not match /^220 / when the server closed the connection: 554 go away",
        ),
        (
            vec![Act::Send(vec![0, 1, 2, 255]), Act::Hang],
            json!({"expect_hex": "00ff"}),
            "does not match the bytes 00ff within 300ms: 000102ff",
        ),
        (vec![Act::send("\x1b[31mred\x07"), Act::Hang], json!({"expect": "blue"}), "within 300ms: [31mred"),
        (vec![Act::Flood(vec![b'x'; 1_000]), Act::Hang], json!({"expect": "y"}), "in its first 64 KiB: xxx"),
        (
            vec![Act::Drip(vec![b'x'; 100], Duration::from_millis(40)), Act::Hang],
            json!({"expect": "y"}),
            "within 300ms: x",
        ),
        (
            vec![Act::Send(b"ok \xff".to_vec()), Act::Hang],
            json!({"expect": "no", "encoding": "utf-8"}),
            "cannot be decoded, it is not UTF-8 from byte 3 on: ok",
        ),
        (
            vec![Act::send("00 zz"), Act::Hang],
            json!({"expect_hex": "01", "encoding": "hex"}),
            "something else than hexadecimal digits at byte 3: 00 zz",
        ),
        (
            vec![Act::Send(b"gr\xc3".to_vec())],
            json!({"expect": "ü", "encoding": "utf-8"}),
            "it ends in the middle of a UTF-8 character",
        ),
    ] {
        let peer = Peer::start(script).await;
        let result = run_briefly(peer.address(), options).await;
        expect(&result, 465, words);
        assert!(observed(&result).reply.is_some() && observed(&result).bytes > 0);
    }
}

/// Whatever is cut off, the test ends in a code that fits, and never waits for more.
#[tokio::test]
async fn every_cut_of_an_exchange_has_its_code() {
    let server = saying(GREETING).await;
    for cut in 0..GREETING.len() {
        for (end, code) in [(vec![], if cut == 0 { 464 } else { 465 }), (vec![Act::Reset], 464)] {
            let relay = Relay::until(server.address(), cut, end).await;
            let result = run(relay.address(), json!({"expect": "/ESMTP\\r\\n$/"})).await;
            expect(&result, code, if cut == 0 { "connection" } else { ": 2" });
        }
    }
}

#[tokio::test]
async fn every_cut_of_a_tls_handshake_has_its_code() {
    let authority = Authority::new();
    let server = secure(&authority, vec![Act::send(GREETING), Act::Hang]).await;
    let mut options = trusting(&authority);
    options["expect"] = json!("ESMTP");
    let open = Relay::open(server.address()).await;
    expect(&run(tls_target(open.address()), options.clone()).await, 0, "");
    let all = open.passed();
    for cut in (0..all - 1).step_by(23) {
        let relay = Relay::until(server.address(), cut, vec![]).await;
        let result = run(tls_target(relay.address()), options.clone()).await;
        expect(&result, 464, "connection");
    }
}
