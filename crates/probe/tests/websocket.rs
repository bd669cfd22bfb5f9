//! The WebSocket test: every code, each against a peer that causes it.
#![allow(clippy::needless_pass_by_value, clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/socket.rs"]
mod socket;
mod support;

use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use openssl::ssl::SslVersion;
use serde_json::{Value, json};
use socket::{BINARY, CLOSE, PING, TEXT, observed, run, run_briefly, run_with, sending};
use support::{expect, parse_as, refused};
use watchkeep_lab::{
    ca::{Authority, DAY, KeyKind, Profile, self_signed},
    dns::{self, Answer},
    http::{self, reply},
    nginx::Nginx,
    raw::{self, Act, ClosedPort, FullBacklog},
    tls::{self, Offer},
    websocket::{ACCEPTING, Manners, Message, Peer, Server, frame},
};
use watchkeep_model::{
    EgressPolicy, LocationName,
    websocket::{Close, Frame},
};
use watchkeep_probe::{Prober, ProberOptions};

fn trusting(authority: &Authority) -> Value {
    json!({"ca_file": authority.file().to_str().unwrap()})
}

fn secure(address: std::net::SocketAddr) -> String {
    format!("wss://localhost:{}/", address.port())
}

/// Waits until the server has counted so many connections that were closed in good order.
async fn closed_in_order(server: &Server, count: usize) {
    let give_up = Instant::now() + Duration::from_secs(30);
    while server.closes() < count {
        assert!(Instant::now() < give_up, "{} of {count} connections were closed in order", server.closes());
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn code_0_an_independent_server() {
    let server = Server::start(Manners::default()).await;
    let url = format!("ws://{}/chat?room=1", server.address());
    let cases = [
        (json!({}), None),
        (json!({"send": "hello", "expect": "/^hello$/"}), Some("hello")),
        (json!({"send": "grüezi", "expect": "ü", "encoding": "utf-8"}), Some("grüezi")),
        (json!({"send_hex": "00 ff", "expect_hex": "ff"}), Some("00ff")),
        (json!({"send": "00 FF", "expect_hex": "00ff", "encoding": "hex"}), Some("00 FF")),
        (json!({"send_hex": "6869", "expect": "hi"}), Some("hi")),
        (json!({"send": "a".repeat(65_536), "expect": "/^a{500}/"}), None),
        (json!({"send": "hello"}), None),
    ];
    let count = cases.len();
    for (options, expected) in cases {
        let result = run(&url, options.clone()).await;
        expect(&result, 0, "");
        let seen = observed(&result);
        assert_eq!((seen.ip, seen.http_status), (Some(server.address().ip()), Some(101)));
        if expected.is_some() {
            assert_eq!((seen.reply.as_deref(), seen.messages), (expected, 1), "{options}");
        }
        assert_eq!((&seen.dialogue[..], &seen.remarks[..]), (&[][..], &[][..]));
        let phases = result.phases;
        assert!(phases.dns.is_some() && phases.connect.is_some() && phases.first_byte.is_some());
        assert!(phases.transfer.is_some() && phases.tls.is_none());
        let parts: Duration = phases.in_order().into_iter().filter_map(|(_, phase)| phase).sum();
        assert!(parts <= result.duration, "{parts:?} of {:?}", result.duration);
    }
    closed_in_order(&server, count).await;
}

#[tokio::test]
async fn code_0_an_independent_server_over_tls() {
    let authority = Authority::new();
    let identity = authority.issue(&Profile::good());
    for version in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
        let offer = Offer { versions: (version, version), ..Offer::default() };
        let server = Server::start_tls(&identity, &offer, Manners::default()).await;
        for own in [json!({}), json!({"send": "hello", "expect": "hello"}), json!({"send": "b".repeat(65_536)})] {
            let mut options = trusting(&authority);
            options.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
            let result = run(secure(server.address()), options).await;
            expect(&result, 0, "");
            let seen = observed(&result);
            assert!(seen.certificate.is_some() && result.phases.tls.is_some());
            assert_eq!(seen.tls.as_ref().unwrap().alpn, Some("http/1.1"));
        }
        closed_in_order(&server, 3).await;
    }
}

/// What browsers still open is operational, with a remark.
#[tokio::test]
async fn code_0_old_tls() {
    let authority = Authority::new();
    let identity = authority.issue(&Profile { key: KeyKind::Rsa(2048), ..Profile::good() });
    let versions = (SslVersion::TLS1_2, SslVersion::TLS1_2);
    let offer = Offer { versions, ciphers: Some("AES128-SHA"), ..Offer::default() };
    let server = Server::start_tls(&identity, &offer, Manners::default()).await;
    let result = run(secure(server.address()), trusting(&authority)).await;
    expect(&result, 0, "");
    let seen = observed(&result);
    assert!(seen.tls.as_ref().unwrap().legacy);
    assert_eq!(seen.remarks.len(), 1, "{:?}", seen.remarks);
}

#[tokio::test]
async fn code_0_sub_protocols() {
    let manners = Manners { subprotocol: Some("mqtt"), ..Manners::default() };
    let server = Server::start(manners).await;
    for offered in [json!("mqtt"), json!(["mqtt"]), json!(["chat", "mqtt"])] {
        let result = run(format!("ws://{}", server.address()), json!({"subprotocol": offered})).await;
        expect(&result, 0, "");
        assert_eq!(observed(&result).subprotocol.as_deref(), Some("mqtt"));
    }
}

/// The request is what the test describes: the server here answers with 418 when it is.
#[tokio::test]
async fn the_request_is_sent_as_asked() {
    let server = http::Server::start(|request| async move {
        let header = |name: &str| {
            request.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
        };
        let is_right = request.method() == "GET"
            && request.uri() == "/p?q"
            && header("upgrade") == "websocket"
            && header("connection") == "Upgrade"
            && header("sec-websocket-version") == "13"
            && header("sec-websocket-key").len() == 24
            && header("sec-websocket-protocol") == "a, b"
            && header("x-a") == "b"
            && header("origin") == "https://a.example"
            && header("authorization") == "Basic YW5uOnBhOnNz"
            && header("user-agent").starts_with("Watchkeep/");
        reply(if is_right { 418 } else { 500 }, ("x-a", "b"), "")
    })
    .await;
    let target = format!("ws://ann:pa%3Ass@{}/p?q#fragment", server.address());
    let own = json!({"headers": {"X-A": "b", "Origin": "https://a.example"}, "subprotocol": ["a", "b"]});
    let result = run(&target, own).await;
    expect(&result, 522, "status 418");
    assert_eq!(&*result.subject.target, format!("ws://{}/p?q", server.address()));
}

/// Servers that say much are listened to until what is expected comes.
#[tokio::test]
async fn code_0_after_other_messages() {
    let greeting = ["welcome", "3 users", "ready"].map(Message::text).to_vec();
    let server = Server::start(Manners { greeting, ..Manners::default() }).await;
    let result = run(format!("ws://{}", server.address()), json!({"send": "x", "expect": "/^ready$/"})).await;
    expect(&result, 0, "");
    let seen = observed(&result);
    assert_eq!((seen.messages, seen.bytes, seen.reply.as_deref()), (3, 19, Some("ready")));
}

/// Fragments, pings between them, and what comes in one piece with the answer to the opening handshake.
#[tokio::test]
async fn code_0_put_together_from_fragments() {
    for frames in [
        vec![(TEXT, &b"ready"[..])],
        vec![(0x01, b"re"), (PING, b"?"), (0x00, b""), (0x8a, b"unasked"), (0x80, b"ady")],
        vec![(BINARY, b"\xff\xfe"), (TEXT, b"ready"), (TEXT, b"more"), (0x01, b"begun")],
    ] {
        let peer = sending(&frames, vec![Act::Hang]).await;
        expect(&run(peer.url(), json!({"expect": "ready"})).await, 0, "");
    }
}

/// The robot has nothing else to say, so that what comes to this server is a pong.
#[tokio::test]
async fn code_0_pings_are_answered() {
    let ready = Act::Send(frame(TEXT, b"ready"));
    let peer = sending(&[(PING, b"1"), (PING, b"2")], vec![Act::ReadSome, ready, Act::Hang]).await;
    expect(&run(peer.url(), json!({"expect": "ready"})).await, 0, "");
}

#[tokio::test]
async fn code_0_right_although_the_connection_ends() {
    for end in [vec![], vec![Act::Reset], vec![Act::Send(frame(CLOSE, b"\x03\xe8"))]] {
        let peer = sending(&[(TEXT, b"ready")], end).await;
        let result = run(peer.url(), json!({"expect": "ready"})).await;
        expect(&result, 0, "");
        assert_eq!(observed(&result).remarks.len(), 0);
    }
}

/// How long the server takes for its farewell is not the time that it took to answer.
#[tokio::test]
async fn code_0_without_a_farewell() {
    let peer = sending(&[(TEXT, b"ready")], vec![Act::Hang]).await;
    let start = Instant::now();
    let result = run(peer.url(), json!({"expect": "ready"})).await;
    let whole = start.elapsed();
    expect(&result, 0, "");
    assert_eq!(observed(&result).remarks, ["The server did not answer the close frame at the end of the test."]);
    assert!(whole - result.duration >= Duration::from_secs(1), "{:?} of {whole:?}", result.duration);
}

#[tokio::test]
async fn code_102_slow() {
    let drip = Act::Drip(frame(TEXT, b"ready"), Duration::from_millis(20));
    let peer = Peer::accepting(vec![drip, Act::Hang]).await;
    let slow = |limit: &str| run_with_limit(peer.url(), limit.to_owned());
    expect(&slow("50ms").await, 102, "the limit is 50ms");
    expect(&slow("50s").await, 0, "");
}

async fn run_with_limit(url: String, limit: String) -> watchkeep_model::TestResult {
    run_with(&url, json!({"expect": "ready"}), json!({"slow_after": limit, "timeout": "60s"})).await
}

#[test]
fn code_101_no_host() {
    for target in [json!(null), json!(""), json!(" "), json!("ws://"), json!("wss://:443/"), json!("ws://?x")] {
        let result = refused(json!({"type": "websocket", "target": target}));
        expect(&result, 101, "target");
    }
}

#[tokio::test]
async fn code_520_tls_breaks_after_its_handshake() {
    let authority = Authority::new();
    let identity = authority.issue(&Profile::good());
    let server = tls::Server::garbling(&identity, Offer::default(), "this is no TLS record, and long enough").await;
    expect(&run(secure(server.address()), trusting(&authority)).await, 520, "TLS broke");
}

#[test]
fn code_521_settings_that_cannot_be_sent() {
    let target = "ws://a.example/";
    let with = |own: Value| json!({"type": "websocket", "target": target, "websocket": own});
    let on = |target: &str| json!({"type": "websocket", "target": target});
    for (object, words) in [
        (on("a.example"), "target: is not a complete URL"),
        (on("http://a.example/"), "target: has the scheme http"),
        (on("ws://a b/"), "target: is not a URL"),
        (on("ws://a.example:99999/"), "target: is not a URL"),
        (on("ws://a.example:0/"), "target: must have a port"),
        (on("ws://ann@a.example/"), "target: has a user without a password"),
        (on(&format!("ws://{}.example/", "a".repeat(64))), "longer than 63"),
        (with(json!({"headers": {"a b": "c"}})), "websocket.headers.a b: is not a header name"),
        (with(json!({"headers": {"a": "b\r\nc: d"}})), "websocket.headers.a: must be a text without"),
        (with(json!({"headers": {"Upgrade": "h2c"}})), "websocket.headers.Upgrade: is set by the robot itself"),
        (
            with(json!({"headers": {"Sec-WebSocket-Key": "x"}})),
            "websocket.headers.Sec-WebSocket-Key: is set by the robot",
        ),
        (with(json!({"subprotocol": "a b"})), "websocket.subprotocol[0]: must be the name"),
        (with(json!({"subprotocol": ["a", ""]})), "websocket.subprotocol[1]: must be the name"),
        (with(json!({"subprotocol": ["a", "a"]})), "websocket.subprotocol[1]: is given twice"),
        (with(json!({"bearer": "a\nb"})), "websocket.bearer: must not contain"),
        (with(json!({"send": "\\xff"})), "websocket.send: is sent as a text message, which is UTF-8"),
        (json!({"type": "websocket", "target": target, "timeout": "0s"}), "timeout: must be more than zero"),
        (
            json!({"type": "websocket", "target": target, "timeout": "1s", "connect_timeout": "2s"}),
            "connect_timeout: must not be above",
        ),
    ] {
        expect(&refused(object), 521, words);
    }
}

#[tokio::test]
async fn code_521_files_of_the_robot() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    let empty = empty.to_str().unwrap();
    // Nothing is asked of the server: this one would not answer.
    let closed = ClosedPort::new();
    for (options, words) in [
        (json!({"ca_file": "/nonexistent.pem"}), "the CA file /nonexistent.pem cannot be read"),
        (json!({"ca_file": empty}), "has no certificate"),
        (json!({"client_cert": "/nonexistent.pem"}), "the client certificate /nonexistent.pem cannot be read"),
        (json!({"client_cert": empty, "insecure": true}), "has no certificate"),
    ] {
        expect(&run(format!("wss://{}/", closed.address()), options).await, 521, words);
    }
    let unused = json!({"ca_file": "/nonexistent.pem", "insecure": true});
    expect(&run(format!("wss://{}/", closed.address()), unused).await, 523, "connection refused");
}

#[tokio::test]
async fn code_522_other_statuses() {
    let server = http::Server::start(|request| async move {
        let status = request.uri().path().trim_start_matches('/').parse().unwrap();
        reply(status, ("location", "https://u:hidden@a.example/login"), "a page that nobody reads")
    })
    .await;
    for (status, words) in [
        (200, "the server answered with status 200 OK instead of 101"),
        (302, "status 302 Found instead of 101; it leads to https://a.example/login, and redirects are not followed"),
        (307, "it leads to https://a.example/login"),
        (401, "status 401 Unauthorized instead of 101"),
        (404, "status 404 Not Found"),
        (503, "status 503 Service Unavailable"),
    ] {
        let result = run(format!("ws://{}/{status}", server.address()), json!({})).await;
        expect(&result, 522, words);
        assert_eq!(observed(&result).http_status, Some(status));
        assert!(!result.verdict.detail.unwrap().contains("hidden"));
    }
    let refusing = Server::start(Manners::default()).await;
    expect(&run(format!("ws://{}/refused", refusing.address()), json!({})).await, 522, "status 403 Forbidden");
    let Some(nginx) = Nginx::start() else { return };
    let target = nginx.url().replace("http://", "ws://");
    expect(&run(&target, json!({})).await, 522, "status 200 OK instead of 101");
}

#[tokio::test]
async fn code_522_wrong_answers() {
    let with = |line: &str| ACCEPTING.replace("\r\n\r\n", &format!("\r\n{line}\r\n\r\n"));
    let without = |line: &str| ACCEPTING.replace(line, "");
    for (answer, own, words) in [
        (without("Upgrade: websocket\r\n"), json!({}), "the answer has no Upgrade"),
        (without("Connection: Upgrade\r\n"), json!({}), "the answer has no Connection"),
        (without("Sec-WebSocket-Accept: {accept}\r\n"), json!({}), "the answer has no Sec-WebSocket-Accept"),
        (
            ACCEPTING.replace("{accept}", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            json!({}),
            "Accept s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        ),
        (with("Sec-WebSocket-Accept: {accept}"), json!({}), "has the Sec-WebSocket-Accept"),
        (with("Sec-WebSocket-Extensions: permessage-deflate"), json!({}), "the extension permessage-deflate"),
        (with("Sec-WebSocket-Protocol: chat"), json!({}), "the sub-protocol chat, which was not offered"),
        (with("Sec-WebSocket-Protocol: chat"), json!({"subprotocol": "mqtt"}), "chat, which was not offered"),
        (ACCEPTING.to_owned(), json!({"subprotocol": ["mqtt", "x"]}), "chose no sub-protocol; offered was mqtt, x"),
        (ACCEPTING.replace("HTTP/1.1", "HTTP/1.0"), json!({}), "HTTP/1.0"),
        (ACCEPTING.replace("HTTP/1.1", "HTTP/9.9"), json!({}), "not valid HTTP"),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned(), json!({}), "not valid HTTP"),
        ("\u{0}\u{1}\u{2}\u{3}\r\n\r\n".to_owned(), json!({}), "not valid HTTP"),
        (String::new(), json!({}), "the server closed the connection before it answered"),
        ("HTTP/1.1 101 Swit".to_owned(), json!({}), "the server closed the connection in its answer, after 17 bytes"),
    ] {
        let peer = Peer::answering(&answer, vec![]).await;
        expect(&run(peer.url(), own).await, 522, words);
    }
    for (script, words) in [
        (vec![Act::ReadHead, Act::Reset], "the connection broke before the opening handshake was answered"),
        (vec![], "the server closed the connection before it answered"),
        (vec![Act::ReadHead, Act::send("HTTP/1.1 101 "), Act::Reset], "after 13 bytes"),
    ] {
        let peer = raw::Peer::start(script).await;
        expect(&run(peer.url("ws"), json!({})).await, 522, words);
    }
}

#[tokio::test]
async fn code_522_tls_handshakes() {
    let authority = Authority::new();
    let good = authority.issue(&Profile::good());
    let older = (SslVersion::TLS1, SslVersion::TLS1_1);
    let expired = Profile { begins: -30 * DAY, ends: -DAY, ..Profile::good() };
    let elsewhere = Profile { names: vec!["other.example".to_owned()], ..Profile::good() };
    for (identity, offer, words) in [
        (authority.issue(&expired), Offer::default(), "TLS failed: the certificate expired"),
        (authority.issue(&elsewhere), Offer::default(), "is not for localhost"),
        (self_signed(&Profile::good()), Offer::default(), "signed by itself"),
        (good.clone(), Offer { versions: older, ciphers: Some("ALL:@SECLEVEL=0"), ..Offer::default() }, "TLS failed: "),
        (
            good.clone(),
            Offer { client_authority: Some(authority.certificate().clone()), ..Offer::default() },
            "TLS failed",
        ),
    ] {
        let server = Server::start_tls(&identity, &offer, Manners::default()).await;
        let result = run(secure(server.address()), trusting(&authority)).await;
        expect(&result, 522, words);
    }
    for (script, words) in [
        (
            vec![Act::ReadSome, Act::send("HTTP/1.1 400 Bad Request\r\n\r\n")],
            "TLS failed: the server does not speak TLS",
        ),
        (vec![Act::ReadSome], "closed the connection in the middle of the handshake"),
        (vec![Act::ReadSome, Act::Reset], "reset before the TLS handshake"),
        // The alert "no application protocol" (RFC 7301, 3.2).
        (vec![Act::ReadSome, Act::Send(vec![0x15, 3, 3, 0, 2, 2, 120])], "none of the protocols offered"),
    ] {
        let peer = raw::Peer::start(script).await;
        expect(&run(peer.url("wss"), json!({})).await, 522, words);
    }
    let closing = tls::Server::scripted(&good, Offer::default(), vec![Act::ReadHead]).await;
    let result = run(secure(closing.address()), trusting(&authority)).await;
    expect(&result, 522, "the server closed the connection before it answered");
}

#[tokio::test]
async fn code_523_refused_or_silent() {
    let closed = ClosedPort::new();
    for scheme in ["ws", "wss"] {
        expect(&run(format!("{scheme}://{}/", closed.address()), json!({})).await, 523, "connection refused");
    }
    let limits = json!({"timeout": "20s", "connect_timeout": "300ms"});
    let full = FullBacklog::new();
    let result = run_with(&format!("ws://{}/", full.address()), json!({}), limits.clone()).await;
    expect(&result, 523, "within 300ms");
    let stalling = raw::Peer::start(vec![Act::ReadSome, Act::Hang]).await;
    let result = run_with(&stalling.url("wss"), json!({}), limits).await;
    expect(&result, 523, "did not finish the TLS handshake within 300ms");
}

#[tokio::test]
async fn code_523_names() {
    let dns = dns::Server::start([
        ("refused.example", Answer::Code(ResponseCode::Refused)),
        ("empty.example", Answer::Addresses(Vec::new(), 60)),
        ("silent.example", Answer::Silence),
    ])
    .await;
    for (name, words) in [
        ("absent.example", "does not exist"),
        ("refused.example", "Refused"),
        ("empty.example", "has no address"),
        ("silent.example", "no DNS server answered"),
    ] {
        let extra = json!({"resolver": dns.address().to_string(), "timeout": "2s", "connect_timeout": "2s"});
        let result = run_with(&format!("ws://{name}:1/"), json!({}), extra).await;
        expect(&result, 523, words);
        assert_eq!(result.phases.connect, None);
    }
}

#[tokio::test]
async fn code_523_forbidden_by_the_egress_policy() {
    for target in ["ws://169.254.169.254/", "wss://[::ffff:169.254.169.254]/", "ws://0.0.0.0/"] {
        expect(&run(target, json!({})).await, 523, "egress policy");
    }
    let server = Server::start(Manners::default()).await;
    let target = format!("ws://{}/", server.address());
    let test = parse_as("websocket", &target, json!({}), json!({}));
    let prober = Prober::new(ProberOptions { egress: EgressPolicy::PublicOnly }).unwrap();
    expect(&prober.run(&test, &LocationName::local()).await, 523, "egress policy");
}

#[tokio::test]
async fn code_524_the_connection_is_lost() {
    for (frames, end, words) in [
        (vec![], vec![], "the server closed the connection without a close frame, before a message with ready"),
        (vec![], vec![Act::Reset], "before a message with ready: Connection reset by peer"),
        (vec![(TEXT, &b"hello"[..])], vec![], "before a message with ready; 1 message came, it begins with hello"),
        (vec![(0x01, b"rea")], vec![], "in the middle of a message"),
        (vec![(0x01, b"rea")], vec![Act::Send(vec![0x80]), Act::Reset], "Connection reset by peer"),
    ] {
        let peer = sending(&frames, end).await;
        let result = run(peer.url(), json!({"send": "hi", "expect": "ready"})).await;
        expect(&result, 524, words);
        let lines: Vec<_> = observed(&result).dialogue.iter().map(Frame::line).collect();
        assert_eq!(lines[0], "→ text, 2 bytes: hi", "{lines:?}");
    }
    let peer = Peer::accepting(vec![]).await;
    expect(&run(peer.url(), json!({})).await, 524, "before the pong");
}

/// Nobody reads what is sent, and then the connection is reset.
#[tokio::test]
async fn code_524_sending_fails() {
    let peer = Peer::accepting(vec![Act::ReadSome, Act::Reset]).await;
    let result = run(peer.url(), json!({"send": "x".repeat(65_536), "expect": "ready"})).await;
    expect(&result, 524, "before a message with ready");
}

#[tokio::test]
async fn code_525_no_response() {
    let silent = || Peer::accepting(vec![Act::Hang]);
    for (own, words) in [
        (json!({}), "no pong came within 300ms"),
        (json!({"send": "x"}), "neither a message nor a pong came within 300ms"),
        (json!({"expect": "ready"}), "no message came within 300ms"),
    ] {
        expect(&run_briefly(silent().await.url(), own).await, 525, words);
    }
    let pinging = sending(&[(PING, b"?")], vec![Act::Hang]).await;
    let result = run_briefly(pinging.url(), json!({"expect": "ready"})).await;
    expect(&result, 525, "no message came within 300ms");
    let lines: Vec<_> = observed(&result).dialogue.iter().map(Frame::line).collect();
    assert_eq!(lines, ["← ping, 1 byte: ?", "→ pong, 1 byte: ?"]);
    // A pong that nobody asked for is none.
    let wrong = sending(&[(0x8a, b"?"), (TEXT, b"hello")], vec![Act::Hang]).await;
    let result = run_briefly(wrong.url(), json!({})).await;
    expect(&result, 525, "no pong came within 300ms; 1 message came, it begins with hello");
}

#[tokio::test]
async fn code_525_the_opening_handshake_is_not_answered() {
    for (script, words) in [
        (vec![Act::ReadHead, Act::Hang], "no answer to the opening handshake within 300ms"),
        (vec![Act::ReadHead, Act::send("HTTP/1.1 101 "), Act::Hang], "not complete within 300ms, after 13 bytes"),
    ] {
        let peer = raw::Peer::start(script).await;
        let result = run_briefly(peer.url("ws"), json!({})).await;
        expect(&result, 525, words);
        assert_eq!(observed(&result).http_status, None);
    }
}

#[tokio::test]
async fn code_526_other_messages() {
    let frames = [(TEXT, &b"error: \x1b[31mfull"[..]), (BINARY, b"\xff\xfe\xfd")];
    for (count, words) in [
        (1, "a message with ready did not come within 300ms; 1 message came, it begins with error: [31mfull"),
        (2, "2 messages came, the last begins with fffefd"),
    ] {
        let peer = sending(&frames[..count], vec![Act::Hang]).await;
        let result = run_briefly(peer.url(), json!({"expect": "ready"})).await;
        expect(&result, 526, words);
        assert_eq!((observed(&result).messages as usize, observed(&result).dialogue.len()), (count, count));
    }
    let peer = sending(&[(TEXT, b"00ff")], vec![Act::Hang]).await;
    let result = run_briefly(peer.url(), json!({"expect_hex": "00ff"})).await;
    expect(&result, 526, "a message with the bytes 00ff did not come");
}

#[tokio::test]
async fn code_526_closed_instead() {
    for (own, content, close, words) in [
        (
            json!({"expect": "ready"}),
            &b"\x03\xf0who are you"[..],
            (Some(1008), "who are you"),
            "with 1008 (who are you) before",
        ),
        (json!({"send": "x"}), b"\x03\xe8", (Some(1000), ""), "closed the WebSocket with 1000 before an answer"),
        (json!({}), b"", (None, ""), "closed the WebSocket with no code before the pong"),
    ] {
        let peer = sending(&[(CLOSE, content)], vec![Act::Hang]).await;
        let result = run(peer.url(), own).await;
        expect(&result, 526, words);
        let close = Close { code: close.0, reason: close.1.into() };
        assert_eq!(observed(&result).close, Some(close));
    }
}

/// A server that closes need not wait: its close frame is answered.
#[tokio::test]
async fn code_526_a_close_frame_is_answered() {
    let greeting = vec![Message::text("full"), Message::Close(None)];
    let server = Server::start(Manners { greeting, ..Manners::default() }).await;
    let result = run(format!("ws://{}", server.address()), json!({"expect": "ready"})).await;
    expect(&result, 526, "with no code before a message with ready; 1 message came, it begins with full");
    closed_in_order(&server, 1).await;
}

#[tokio::test]
async fn code_527_frames_that_break_the_protocol() {
    for (bytes, words) in [
        (frame(0xc1, b"x"), "reserved bits set (RSV1)"),
        (frame(0x83, b"x"), "the opcode 0x3"),
        (vec![0x81, 0x81, 1, 2, 3, 4, 5], "masked"),
        (frame(0x80, b"x"), "none has begun"),
        ([frame(0x01, b"x"), frame(TEXT, b"y")].concat(), "within another"),
        (frame(0x09, b"x"), "a ping frame is fragmented"),
        (frame(PING, &[0; 126]), "a ping frame has more than 125 bytes"),
        (vec![0x82, 126, 0, 5, 1, 2, 3, 4, 5], "written in more bytes than it needs"),
        (vec![0x82, 127, 0xff, 0, 0, 0, 0, 0, 0, 0], "highest bit set"),
        (frame(TEXT, b"ab\xff"), "not UTF-8 from byte 2 on"),
        ([frame(0x01, b"\xe2\x82"), frame(0x80, b"x")].concat(), "not UTF-8 from byte 0 on"),
        (frame(CLOSE, b"\x03"), "one byte"),
        (frame(CLOSE, b"\x03\xee"), "the code 1006"),
        (frame(CLOSE, b"\x03\xe8\xff"), "is not UTF-8"),
        (b"HTTP/1.1 200 OK\r\n".to_vec(), "reserved bits set"),
    ] {
        let peer = Peer::accepting(vec![Act::Send(bytes), Act::Hang]).await;
        for own in [json!({}), json!({"send": "x", "expect": "ready"})] {
            expect(&run(peer.url(), own).await, 527, words);
        }
    }
}

#[tokio::test]
async fn code_527_not_in_the_declared_encoding() {
    for (encoding, first, content, words) in [
        ("utf-8", BINARY, &b"ready\xff"[..], "a message cannot be read as declared: it is not UTF-8 from byte 5 on"),
        ("hex", TEXT, b"72656", "an odd number of hexadecimal digits, it begins with 72656"),
        ("hex", TEXT, b"ready", "something else than hexadecimal digits at byte 0"),
    ] {
        let peer = sending(&[(first, content)], vec![Act::Hang]).await;
        expect(&run(peer.url(), json!({"expect": "ready", "encoding": encoding})).await, 527, words);
    }
}
