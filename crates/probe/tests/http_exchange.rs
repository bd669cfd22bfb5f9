//! The HTTP test in clear text: every code that needs no TLS, each against a peer that causes it.
#![allow(clippy::needless_pass_by_value, clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::{io::Write, net::Ipv4Addr, time::Duration};

use flate2::{Compression, write::GzEncoder};
use serde_json::json;
use support::{expect, observed, refused, run, run_with};
use watchkeep_lab::{
    dns::{self, Answer},
    http::{Proxy, Server, ok, reply},
    nginx::Nginx,
    raw::{Act, ClosedPort, FullBacklog, Peer},
};
use watchkeep_model::http::HttpVersion;

#[tokio::test]
async fn code_0_nginx() {
    let Some(nginx) = Nginx::start() else { return };
    let result = run(&nginx.url(), json!({"require": ["watchkeep"]})).await;
    expect(&result, 0, "");
    let seen = observed(&result);
    assert_eq!((seen.http_status, seen.bytes, seen.http_version), (Some(200), 1024, Some(HttpVersion::Http11)));
    assert_eq!(seen.ip, Some(Ipv4Addr::LOCALHOST.into()));
    let phases = result.phases;
    assert!(
        phases.dns.is_some() && phases.connect.is_some() && phases.first_byte.is_some() && phases.transfer.is_some()
    );
    assert_eq!(phases.tls, None);
    let parts: Duration = phases.in_order().into_iter().filter_map(|(_, phase)| phase).sum();
    assert!(parts <= result.duration, "{parts:?} of {:?}", result.duration);
}

#[tokio::test]
async fn code_0_request_is_sent_as_asked() {
    let server = Server::start(|request| async move {
        let header = |name: &str| {
            request.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
        };
        let body = String::from_utf8(request.body().to_vec()).unwrap();
        ok(format!(
            "{} {} {:?} host={} agent={} a={} auth={} body={body}",
            request.method(),
            request.uri(),
            request.version(),
            header("host"),
            header("user-agent"),
            header("x-a"),
            header("authorization"),
        ))
    })
    .await;
    let host = format!("host={}", server.address());
    for (options, words) in [
        (
            json!({"method": "POST", "body": "hello", "headers": {"X-A": "b"}}),
            vec!["POST /p?q HTTP/1.1", "a=b", "body=hello", &host],
        ),
        (json!({"basic": "ann:pa:ss"}), vec!["auth=Basic YW5uOnBhOnNz", "agent=Watchkeep/"]),
        (json!({"bearer": "t0k"}), vec!["auth=Bearer t0k"]),
        (json!({"http_version": "1.0"}), vec!["HTTP/1.0"]),
        (json!({"http_version": "2"}), vec!["HTTP/2.0"]),
        (json!({"headers": {"Host": "other.example", "User-Agent": "me"}}), vec!["host=other.example", "agent=me"]),
    ] {
        let mut options = options;
        options["require"] = json!(words);
        expect(&run(&server.url("/p?q"), options).await, 0, "");
    }
}

/// The code of a test that cannot run.
fn refusal(object: serde_json::Value) -> i16 {
    refused(object).verdict.code.number()
}

#[test]
fn code_410_parameter_missing() {
    assert_eq!(refusal(json!({"type": "http"})), 410);
    assert_eq!(refusal(json!({"type": "http", "target": "http://u@a.example/"})), 410);
    assert_eq!(
        refusal(json!({"type": "http", "target": "http://a.example/", "http": {"method": "POST", "body": ""}})),
        410
    );
}

#[test]
fn code_411_unknown_protocol() {
    assert_eq!(refusal(json!({"type": "http", "target": "gopher://a.example/"})), 411);
    assert_eq!(refusal(json!({"type": "http", "target": "http://a.example/", "http": {"http_version": "3"}})), 411);
}

#[test]
fn code_454_limits_contradict() {
    assert_eq!(
        refusal(json!({"type": "http", "target": "http://a.example/", "timeout": "1s", "connect_timeout": "2s"})),
        454
    );
    assert_eq!(refusal(json!({"type": "http", "target": "http://a.example/", "timeout": "0s"})), 454);
}

#[tokio::test]
async fn code_102_slow() {
    let server = Server::start(|_| async {
        tokio::time::sleep(Duration::from_millis(60)).await;
        ok("late")
    })
    .await;
    expect(&run_with(&server.url("/"), json!({}), json!({"slow_after": "50ms"})).await, 102, "the limit is 50ms");
    expect(&run_with(&server.url("/"), json!({}), json!({"slow_after": "4s"})).await, 0, "");
}

#[tokio::test]
async fn code_412_required_words_missing() {
    let server = Server::page("{\"status\": \"ok\", \"n\": 3, \"text\": \"hello world\"}").await;
    for (options, code, words) in [
        (json!({"require": ["hello", "absent", "/w.rld/"]}), 412, "missing: absent"),
        (json!({"require": ["/HELLO/"]}), 412, "/HELLO/"),
        (json!({"require": ["/HELLO/i"]}), 0, ""),
        (json!({"json_path": ["$.status=ok", "$.n=3"]}), 0, ""),
        (json!({"json_path": ["$.status=down"]}), 412, "$.status=down"),
        (json!({"require": ["absent"], "forbid": ["hello"]}), 412, "absent"),
        (json!({"method": "HEAD", "require": ["hello"]}), 412, "hello"),
    ] {
        expect(&run(&server.url("/"), options).await, code, words);
    }
    let html = Server::page("<html>").await;
    expect(&run(&html.url("/"), json!({"json_path": ["$.status=ok"]})).await, 412, "$.status=ok");
}

#[tokio::test]
async fn code_412_charset_and_chunks() {
    let latin = Peer::replying(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=iso-8859-1\r\nContent-Length: 4\r\n\r\ncaf\xe9".to_vec(),
    )
    .await;
    expect(&run(&latin.url("http"), json!({"require": ["café"]})).await, 0, "");
    let split =
        Peer::replying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nwat\r\n6\r\nchkeep\r\n0\r\n\r\n")
            .await;
    expect(&run(&split.url("http"), json!({"require": ["watchkeep"]})).await, 0, "");
    let binary = Peer::replying(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n\x00\xff\xfe\x00\x80".to_vec()).await;
    expect(&run(&binary.url("http"), json!({"require": ["x"]})).await, 412, "x");
}

#[tokio::test]
async fn code_413_forbidden_words_present() {
    let server = Server::page("Fatal Error in line 5").await;
    expect(
        &run(&server.url("/"), json!({"forbid": ["/fatal error/i", "absent"]})).await,
        413,
        "present: /fatal error/i",
    );
    expect(&run(&server.url("/"), json!({"forbid": ["fatal error"]})).await, 0, "");
}

#[tokio::test]
async fn code_414_status() {
    let server = Server::start(|request| async move {
        let status = request.uri().path().trim_start_matches('/').parse().unwrap();
        reply(status, ("x-a", "b"), "hello")
    })
    .await;
    for (status, options, code) in [
        (200, json!({}), 0),
        (399, json!({}), 0),
        (404, json!({}), 414),
        (500, json!({}), 414),
        (401, json!({"accept_status": "200-299,401"}), 0),
        (204, json!({"accept_status": "200"}), 414),
        (503, json!({"require": ["absent"], "forbid": ["hello"]}), 414),
        (304, json!({}), 0),
    ] {
        let words = if code == 0 { String::new() } else { format!("status {status}") };
        expect(&run(&server.url(&format!("/{status}")), options).await, code, &words);
    }
}

#[tokio::test]
async fn code_419_connect_timeout() {
    let full = FullBacklog::new();
    let limits = json!({"timeout": "3s", "connect_timeout": "300ms"});
    let result = run_with(&format!("http://{}/", full.address()), json!({}), limits).await;
    expect(&result, 419, "within 300ms");
    assert_eq!(result.phases.first_byte, None);
}

#[tokio::test]
async fn code_420_operation_timeout() {
    let pause = Duration::from_millis(50);
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";
    for (script, words) in [
        (vec![Act::ReadHead, Act::Hang], "headers"),
        (vec![Act::ReadHead, Act::Drip(head.as_bytes().to_vec(), pause)], "headers"),
        (vec![Act::ReadHead, Act::send(head), Act::Hang], "body"),
        (vec![Act::ReadHead, Act::send(head), Act::Drip(vec![b'x'; 100], pause)], "body"),
        (vec![Act::ReadHead, Act::send("HTTP/1.1 500 Oops\r\nContent-Length: 9\r\n\r\n"), Act::Hang], "body"),
    ] {
        let peer = Peer::start(script).await;
        expect(
            &run_with(&peer.url("http"), json!({}), json!({"timeout": "500ms", "connect_timeout": "400ms"})).await,
            420,
            words,
        );
    }
}

#[tokio::test]
async fn code_450_broken_replies() {
    let bomb = {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![0; 3_000_000]).unwrap();
        let packed = encoder.finish().unwrap();
        [
            format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", packed.len())
                .into_bytes(),
            packed,
        ]
        .concat()
    };
    let reply = |text: &str| vec![Act::ReadHead, Act::send(text)];
    for (name, script, words) in [
        ("closed before the reply", vec![Act::ReadHead], "closed the connection before the reply"),
        ("reset before the reply", vec![Act::ReadHead, Act::Reset], "before the reply"),
        ("cut in the headers", reply("HTTP/1.1 200 OK\r\nContent-"), "in the headers"),
        ("cut in the body", reply("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"), "after 5 of 10 bytes"),
        (
            "cut in a chunk",
            reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhello"),
            "cut after 5 bytes",
        ),
        ("garbage", reply("SSH-2.0-OpenSSH_9.2\r\n\r\n"), "not valid HTTP"),
        ("version 9.9", reply("HTTP/9.9 200 OK\r\n\r\n"), "not valid HTTP"),
        (
            "two lengths",
            reply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
            "not valid HTTP",
        ),
        ("negative length", reply("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello"), "not valid HTTP"),
        (
            "length and chunks",
            reply("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
            "both",
        ),
        ("bad chunk size", reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "not valid HTTP"),
        (
            "endless headers",
            vec![
                Act::ReadHead,
                Act::send("HTTP/1.1 200 OK\r\n"),
                Act::Flood(b"X-Filler: yes yes yes yes\r\n".to_vec()),
            ],
            "headers are larger",
        ),
        (
            "endless header line",
            vec![Act::ReadHead, Act::send("HTTP/1.1 200 OK\r\nX: "), Act::Flood(vec![b'x'; 1000])],
            "headers are larger",
        ),
        (
            "endless body",
            vec![Act::ReadHead, Act::send("HTTP/1.1 200 OK\r\n\r\n"), Act::Flood(vec![b'x'; 10_000])],
            "larger than 1MiB",
        ),
        ("bomb", vec![Act::ReadHead, Act::Send(bomb)], "larger than 1MiB"),
        (
            "broken gzip",
            reply("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello"),
            "cannot be decompressed",
        ),
        (
            "unknown encoding",
            reply("HTTP/1.1 200 OK\r\nContent-Encoding: rot13\r\nContent-Length: 5\r\n\r\nuryyb"),
            "rot13",
        ),
    ] {
        let peer = Peer::start(script).await;
        let result = run(&peer.url("http"), json!({"max_body": "1MiB"})).await;
        let detail = result.verdict.detail.clone().unwrap_or_default();
        assert_eq!(result.verdict.code.number(), 450, "{name}: {detail}");
        assert!(detail.contains(words), "{name}: {detail:?}");
    }
}

#[tokio::test]
async fn code_450_redirects_without_end() {
    let loops =
        Server::start(|request| async move { reply(302, ("location", &format!("{}x", request.uri())), "") }).await;
    let result = run(&loops.url("/"), json!({"max_redirects": 3})).await;
    expect(&result, 450, "more than 3 redirects");
    assert_eq!(observed(&result).redirects.len(), 3);
    assert_eq!(loops.requests(), 4);
    let result = run(&loops.url("/"), json!({"max_redirects": 0})).await;
    expect(&result, 0, "");
    assert_eq!(observed(&result).http_status, Some(302));
}

/// A reply that closes at every one of its bytes ends in a specified code, never in silence.
#[tokio::test]
async fn every_cut_of_a_reply_has_its_code() {
    let reply = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello";
    let head = reply.len() - 5;
    for length in 0..=reply.len() {
        let peer = Peer::replying(&reply[..length]).await;
        let result = run(&peer.url("http"), json!({})).await;
        let words = match length {
            0 => "before the reply",
            n if n < head => "in the headers",
            n if n < reply.len() => "of 5 bytes",
            _ => "",
        };
        expect(&result, if length == reply.len() { 0 } else { 450 }, words);
    }
}

#[tokio::test]
async fn code_451_refused() {
    let closed = ClosedPort::new();
    expect(&run(&format!("http://{}/", closed.address()), json!({})).await, 451, "connection refused");
    expect(&run(&format!("https://{}/", closed.address()), json!({})).await, 451, "connection refused");
}

#[tokio::test]
async fn code_451_forbidden_by_the_egress_policy() {
    for target in ["http://169.254.169.254/latest/meta-data", "http://[::ffff:169.254.169.254]/", "http://0.0.0.0/"] {
        expect(&run(target, json!({})).await, 451, "egress policy");
    }
    let leads_there = Server::start(|_| async { reply(302, ("location", "http://169.254.169.254/"), "") }).await;
    expect(&run(&leads_there.url("/"), json!({})).await, 451, "egress policy");
}

#[tokio::test]
async fn code_452_names() {
    let dns = dns::Server::start([
        ("refused.example", Answer::Code(hickory_proto::op::ResponseCode::Refused)),
        ("broken.example", Answer::Code(hickory_proto::op::ResponseCode::ServFail)),
        ("silent.example", Answer::Silence),
        ("empty.example", Answer::Addresses(Vec::new(), 60)),
        ("six.example", Answer::Addresses(vec!["::1".parse().unwrap()], 60)),
        ("loop.example", Answer::Alias("loop.example")),
        ("forged.example", Answer::WrongNumber(Ipv4Addr::LOCALHOST.into())),
    ])
    .await;
    for (name, extra, words) in [
        ("absent.example", json!({}), "does not exist"),
        ("refused.example", json!({}), "Refused"),
        ("broken.example", json!({}), "broken.example"),
        ("silent.example", json!({}), "no DNS server answered"),
        ("empty.example", json!({}), "has no address"),
        ("six.example", json!({"ip": "4"}), "has no IPv4 address"),
        ("loop.example", json!({}), "loop.example"),
        ("forged.example", json!({}), "no DNS server answered"),
    ] {
        let mut extra = extra;
        extra["resolver"] = json!(dns.address().to_string());
        extra["timeout"] = json!("2s");
        extra["connect_timeout"] = json!("2s");
        let result = run_with(&format!("http://{name}:1/"), json!({}), extra).await;
        expect(&result, 452, words);
        assert_eq!(result.phases.connect, None);
    }
}

#[tokio::test]
async fn names_are_resolved_as_asked() {
    let server = Server::page("hello").await;
    let port = server.address().port();
    let dns = dns::Server::start([
        ("shop.example", Answer::Addresses(vec![Ipv4Addr::LOCALHOST.into()], 60)),
        ("both.example", Answer::Addresses(vec!["::1".parse().unwrap(), Ipv4Addr::LOCALHOST.into()], 60)),
    ])
    .await;
    let asking = json!({"resolver": dns.address().to_string()});
    expect(&run_with(&format!("http://shop.example:{port}/"), json!({}), asking.clone()).await, 0, "");
    // Nothing listens on [::1], so the second address must be tried.
    let result = run_with(&format!("http://both.example:{port}/"), json!({}), asking).await;
    expect(&result, 0, "");
    assert_eq!(observed(&result).ip, Some(Ipv4Addr::LOCALHOST.into()));
    assert!(dns.queries() >= 2);
    let fixed = json!({"resolve": ["fixed.example:127.0.0.1"]});
    expect(&run_with(&format!("http://fixed.example:{port}/"), json!({}), fixed).await, 0, "");
    expect(&run(&format!("http://localhost:{port}/"), json!({})).await, 0, "");
}

#[tokio::test]
async fn code_453_other_protocols() {
    for (location, words) in [("ftp://a.example/", "ftp://a.example/"), ("file:///etc/passwd", "file:///etc/passwd")] {
        let server = Server::start(move |_| async move { reply(301, ("location", location), "") }).await;
        expect(&run(&server.url("/"), json!({})).await, 453, words);
    }
    let upgrading =
        Peer::replying("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n").await;
    let result = run(&upgrading.url("http"), json!({})).await;
    assert!([450, 453].contains(&result.verdict.code.number()), "{:?}", result.verdict);
}

#[tokio::test]
async fn redirects_are_followed_without_credentials() {
    let abroad =
        Server::start(|request| async move { ok(format!("auth={}", request.headers().contains_key("authorization"))) })
            .await;
    let url = abroad.url("/there");
    let home = Server::start(move |request| {
        let url = url.clone();
        async move {
            match request.uri().path() {
                "/" => reply(302, ("location", "/second"), ""),
                _ => reply(307, ("location", &url), ""),
            }
        }
    })
    .await;
    let result = run(&home.url("/"), json!({"basic": "u:p", "require": ["auth=false"]})).await;
    expect(&result, 0, "");
    let redirects: Vec<_> = observed(&result).redirects.iter().map(|redirect| redirect.status).collect();
    assert_eq!(redirects, [302, 307]);
}

#[tokio::test]
async fn proxies_are_gone_through() {
    let proxy = Proxy::start(None).await;
    let closed = ClosedPort::new();
    let result =
        run("http://far.example/page", json!({"proxy": proxy.url(), "require": ["proxied http://far.example/page"]}))
            .await;
    expect(&result, 0, "");
    assert_eq!(proxy.requests(), 1);
    let refusing = Proxy::start(Some(403)).await;
    expect(&run("https://far.example/", json!({"proxy": refusing.url()})).await, 451, "status 403");
    expect(&run("http://far.example/", json!({"proxy": format!("http://{}", closed.address())})).await, 451, "refused");
}

/// What a proxy says before the tunnel stands is bounded by bytes, not only by the time.
#[tokio::test]
async fn code_451_endless_replies_of_a_proxy() {
    for (name, beginning, flood, words) in [
        ("interim replies", "", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", "1048576 bytes"),
        ("a header", "HTTP/1.1 200 OK\r\nX: ", "xxxxxxxxxx", "too large"),
    ] {
        let script = vec![Act::ReadHead, Act::send(beginning), Act::Flood(flood.repeat(100).into_bytes())];
        let proxy = Peer::start(script).await;
        let result = run("https://far.example/", json!({"proxy": proxy.url("http")})).await;
        let detail = result.verdict.detail.as_deref().unwrap_or_default();
        assert_eq!(result.verdict.code.number(), 451, "{name}: {detail}");
        assert!(detail.contains(words), "{name}: {detail}");
    }
}
