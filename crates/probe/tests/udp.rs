//! The UDP test: every code, each against a peer that causes it.
#![allow(clippy::needless_pass_by_value, clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use serde_json::{Value, json};
use support::{expect, object_of, parse_as, refused, run_as};
use watchkeep_lab::{
    dns::{self, Answer},
    dnsmasq::Dnsmasq,
    udp::{ClosedPort, Datagram, Peer},
};
use watchkeep_model::{
    EgressPolicy, LocationName, Observed, TestResult,
    udp::{self, Facts},
};
use watchkeep_probe::{Prober, ProberOptions};

async fn run_with(target: &str, options: Value, extra: Value) -> TestResult {
    run_as("udp", target, options, extra).await
}

async fn run(target: impl ToString, options: Value) -> TestResult {
    run_with(&target.to_string(), options, json!({})).await
}

/// For peers that keep a test waiting until its end.
async fn run_briefly(target: impl ToString, options: Value) -> TestResult {
    run_with(&target.to_string(), options, json!({"timeout": "300ms"})).await
}

fn observed(result: &TestResult) -> &udp::Observed {
    match &result.observed {
        Observed::Udp(observed) => observed,
        other => panic!("{other:?}"),
    }
}

/// Sends back what it gets, changed by the test.
async fn changing(change: impl Fn(&mut Vec<u8>) + Send + 'static) -> Peer {
    Peer::start(move |request| {
        let mut answer = request.to_vec();
        change(&mut answer);
        vec![Datagram::Plain(answer)]
    })
    .await
}

#[tokio::test]
async fn code_0_any_answer_will_do() {
    for answer in [&b"pong"[..], b"", &[0, 255], &[b'x'; 60_000]] {
        let peer = Peer::replying(answer).await;
        let result = run(peer.address(), json!({"send": "ping"})).await;
        expect(&result, 0, "");
        let seen = observed(&result);
        assert_eq!((seen.ip, seen.bytes), (Some(peer.address().ip()), answer.len() as u64));
        assert!(seen.reply.is_some() && seen.facts.is_none());
        assert!(result.phases.dns.is_some() && result.phases.first_byte.is_some());
        assert_eq!((result.phases.connect, result.phases.tls), (None, None));
        assert_eq!(peer.asked(), 1);
    }
}

#[tokio::test]
async fn code_0_what_is_sent_is_answered() {
    let echo = changing(|_| {}).await;
    let largest = "x".repeat(65_507);
    for options in [
        json!({"send": "ping\\r\\n", "expect": "/^ping\\r\\n$/"}),
        json!({"send_hex": "00 ff", "expect_hex": "00ff"}),
        json!({"send": "6f6b", "expect": "ok", "encoding": "hex"}),
        json!({"send": "grüezi", "expect": "/ü/", "encoding": "utf-8"}),
        json!({"send": largest, "expect": "/^x+$/"}),
    ] {
        expect(&run(echo.address(), options).await, 0, "");
    }
}

/// A name with several addresses is tried by each of them.
#[tokio::test]
async fn code_0_the_address_that_answers_is_used() {
    let port = ClosedPort::new().address().port();
    let other = Ipv4Addr::new(127, 0, 0, 2);
    let answer = |_: &[u8]| vec![Datagram::Plain(b"pong".to_vec())];
    let two = Peer::on((other, port).into(), answer).await.unwrap();
    let target = format!("both.example:{port}");
    let run = |first: Ipv4Addr| {
        let resolve = json!([format!("both.example:{first}"), format!("both.example:{other}")]);
        let target = target.clone();
        async move { run_with(&target, json!({"send": "ping"}), json!({"resolve": resolve, "timeout": "60s"})).await }
    };
    // The first says that its port is closed, or nothing at all.
    let closed = ClosedPort::on((Ipv4Addr::new(127, 0, 0, 3), port).into());
    let silent = Peer::on((Ipv4Addr::new(127, 0, 0, 4), port).into(), |_| Vec::new()).await.unwrap();
    for (index, first) in [closed.address().ip(), silent.address().ip()].into_iter().enumerate() {
        let IpAddr::V4(first) = first else { panic!("{first}") };
        let result = run(first).await;
        expect(&result, 0, "");
        assert_eq!((observed(&result).ip, two.asked(), silent.asked()), (Some(other.into()), index + 1, index));
        assert!(result.duration < Duration::from_secs(30), "{:?}", result.duration);
    }
}

#[tokio::test]
async fn code_0_over_ipv6() {
    let any = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
    let Some(peer) = Peer::on(any, |_| vec![Datagram::Plain(b"pong".to_vec())]).await else { return };
    let result = run(peer.address(), json!({"send": "ping", "expect": "pong"})).await;
    expect(&result, 0, "");
    assert_eq!(observed(&result).ip, Some(Ipv6Addr::LOCALHOST.into()));
}

#[tokio::test]
async fn code_0_dns_servers() {
    let lab = dns::Server::start([("", Answer::Addresses(vec![], 60))]).await;
    let result = run(lab.address(), json!({"payload": "dns"})).await;
    expect(&result, 0, "");
    let Some(Facts::Dns { rcode, answers: 0, truncated: false }) = observed(&result).facts else {
        panic!("{:?}", observed(&result));
    };
    assert!(["NOERROR", "NXDOMAIN"].contains(&rcode), "{rcode}");
    let Some(real) = Dnsmasq::start() else { return };
    let result = run(real.address(), json!({"payload": "dns"})).await;
    expect(&result, 0, "");
    let facts = observed(&result).facts.clone();
    assert_eq!(facts, Some(Facts::Dns { rcode: "REFUSED", answers: 0, truncated: false }));
}

/// The answer of a server to a ready-made request.
fn answer_to(payload: &str, request: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(request);
    match payload {
        "dns" => {
            let mut answer = request.to_vec();
            answer[2] |= 0x80;
            answer
        }
        "ntp" => {
            let mut answer = vec![0; 48];
            (answer[0], answer[1]) = (0x24, 3);
            answer[24..32].copy_from_slice(&request[40..48]);
            // Some time in 2026.
            answer[32..40].copy_from_slice(&(4_004_503_200_u64 << 32).to_be_bytes());
            answer[40..48].copy_from_slice(&(4_004_503_200_u64 << 32).to_be_bytes());
            answer
        }
        "sip" => {
            let kept = ["Via:", "From:", "To:", "Call-ID:", "CSeq:", "Content-Length:"];
            let kept = text.lines().filter(|line| kept.iter().any(|name| line.starts_with(name)));
            let lines = ["SIP/2.0 200 OK"].into_iter().chain(kept);
            (lines.collect::<Vec<_>>().join("\r\n") + "\r\n\r\n").into_bytes()
        }
        "stun" => {
            let mut answer = request.to_vec();
            answer[..4].copy_from_slice(&[1, 1, 0, 12]);
            // 192.0.2.1, port 32853, behind the cookie.
            answer.extend([0, 0x20, 0, 8, 0, 1, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43]);
            answer
        }
        "quake" => {
            let challenge = text.rsplit(' ').next().unwrap();
            [
                &[0xff; 4][..],
                format!("infoResponse\n\\challenge\\{challenge}\\hostname\\Arena\\mapname\\q3dm17").as_bytes(),
            ]
            .concat()
        }
        "source" => b"\xff\xff\xff\xffI\x11Arena\0dust\0cs\0CS\0\xda\x02\x05\x10\0dl\0\x011.38\0".to_vec(),
        other => panic!("{other}"),
    }
}

const PAYLOADS: [&str; 6] = ["dns", "ntp", "sip", "stun", "quake", "source"];

async fn serving(payload: &'static str) -> Peer {
    Peer::start(move |request| vec![Datagram::Plain(answer_to(payload, request))]).await
}

#[tokio::test]
async fn code_0_ready_made_requests() {
    for payload in PAYLOADS {
        let peer = serving(payload).await;
        let result = run(peer.address(), json!({ "payload": payload })).await;
        expect(&result, 0, "");
        let shown = serde_json::to_value(observed(&result)).unwrap();
        let words = observed(&result).lines().join("; ");
        let (path, value, line) = match payload {
            "dns" => ("/dns/rcode", json!("NOERROR"), "DNS: NOERROR, 0 records"),
            "ntp" => ("/ntp/stratum", json!(3), "NTP: stratum 3, offset "),
            "sip" => ("/sip/status", json!(200), "SIP: 200 OK"),
            "stun" => ("/stun/mapped_address", json!("192.0.2.1:32853"), "seen as 192.0.2.1:32853"),
            _ => ("/game/name", json!("Arena"), "game server: Arena, map "),
        };
        assert_eq!(shown.pointer(path), Some(&value), "{shown}");
        assert!(words.contains(line), "{words}");
    }
}

/// Each test has numbers of its own, so that nobody can answer for another.
#[tokio::test]
async fn code_0_requests_are_fresh() {
    use std::sync::{Arc, Mutex};
    for payload in ["dns", "ntp", "sip", "stun", "quake"] {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        let peer = Peer::start(move |request| {
            kept.lock().unwrap().push(request.to_vec());
            vec![Datagram::Plain(answer_to(payload, request))]
        })
        .await;
        for _ in 0..4 {
            expect(&run(peer.address(), json!({ "payload": payload })).await, 0, "");
        }
        let mut requests = seen.lock().unwrap().clone();
        requests.sort();
        requests.dedup();
        // Sixteen bits may be the same twice, though hardly four times.
        assert!(requests.len() > 1, "{payload}");
    }
}

/// What has nothing to do with our request is waited over.
#[tokio::test]
async fn code_0_strays_before_the_answer() {
    for payload in PAYLOADS {
        let peer = Peer::start(move |request| {
            let mut other = answer_to(payload, request);
            match payload {
                "ntp" => other[24] ^= 1,
                "stun" => other[8] ^= 1,
                "dns" => other[0] ^= 1,
                _ => other = b"SIP/2.0 100 Trying\r\n\r\n".to_vec(),
            }
            vec![
                Datagram::FromElsewhere(answer_to(payload, request)),
                Datagram::Plain(other),
                Datagram::Plain(b"noise".to_vec()),
                Datagram::Plain(answer_to(payload, request)),
            ]
        })
        .await;
        let result = run(peer.address(), json!({ "payload": payload })).await;
        expect(&result, 0, "");
        assert!(observed(&result).facts.is_some());
    }
}

#[test]
fn code_101_not_enough_parameters() {
    let dns = json!({"payload": "dns"});
    for (target, options, words) in [
        ("", dns.clone(), "give the host to test"),
        ("dns.example", dns, "has no port"),
        ("dns.example:53", json!({}), "give a text, bytes (send_hex) or a ready-made request (payload)"),
        ("dns.example:53", json!({"expect": "a"}), "give a text"),
    ] {
        expect(&refused(object_of("udp", target, options, json!({})).into()), 101, words);
    }
}

#[tokio::test]
async fn code_490_names_and_forbidden_addresses() {
    let server = dns::Server::start([("silent.example", Answer::Silence)]).await;
    for (name, words) in [("absent.example", "does not exist (NXDOMAIN)"), ("silent.example", "no DNS server answered")]
    {
        let extra = json!({"resolver": server.address().to_string(), "timeout": "400ms"});
        expect(&run_with(&format!("{name}:53"), json!({"send": "a"}), extra).await, 490, words);
    }
    for target in ["169.254.169.254:53", "0.0.0.0:53", "255.255.255.255:53", "[ff02::1]:53"] {
        expect(&run(target, json!({"send": "a"})).await, 490, "the egress policy forbids");
    }
    let peer = Peer::replying("pong").await;
    let test = parse_as("udp", &peer.address().to_string(), json!({"send": "ping"}), json!({}));
    let prober = Prober::new(ProberOptions { egress: EgressPolicy::PublicOnly }).unwrap();
    expect(&prober.run(&test, &LocationName::local()).await, 490, "only public addresses");
    assert_eq!(peer.asked(), 0);
}

#[tokio::test]
async fn code_491_nothing_comes() {
    let elsewhere = Peer::start(|_| vec![Datagram::FromElsewhere(b"pong".to_vec())]).await;
    let silent = Peer::silent().await;
    for peer in [silent, elsewhere] {
        let result = run_briefly(peer.address(), json!({"send": "ping"})).await;
        expect(&result, 491, &format!("no answer from {} within 300ms", peer.address()));
        assert_eq!((observed(&result).reply.as_deref(), observed(&result).bytes, peer.asked()), (None, 0, 1));
        assert_eq!(observed(&result).ip, Some(peer.address().ip()));
        assert!(result.phases.first_byte.unwrap() > Duration::ZERO);
    }
}

#[tokio::test]
async fn code_491_port_unreachable() {
    let closed = ClosedPort::new();
    for options in [json!({"send": "ping"}), json!({"payload": "dns"})] {
        let result = run_with(&closed.address().to_string(), options, json!({"timeout": "60s"})).await;
        expect(&result, 491, &format!("the port is unreachable (ICMP, {})", closed.address()));
        // The host's word is not waited over.
        assert!(result.duration < Duration::from_secs(30), "{:?}", result.duration);
    }
    // Every address is told of.
    let second = ClosedPort::on((Ipv4Addr::new(127, 0, 0, 2), closed.address().port()).into());
    let extra = json!({"resolve": ["both.example:127.0.0.1", "both.example:127.0.0.2"]});
    let target = format!("both.example:{}", closed.address().port());
    let result = run_with(&target, json!({"send": "ping"}), extra).await;
    expect(&result, 491, &format!("{}); the host says", closed.address()));
    expect(&result, 491, &second.address().to_string());
}

#[tokio::test]
async fn code_492_another_reply() {
    for (answer, options, words) in [
        (&b"pong\n"[..], json!({"send": "a", "expect": "/^ok/"}), "the reply does not match /^ok/: pong"),
        (b"\x00\x01", json!({"send": "a", "expect_hex": "00ff"}), "does not match the bytes 00ff: 0001"),
        (b"", json!({"send": "a", "expect": "ok"}), "does not match ok: the datagram is empty"),
        (b"6e6f", json!({"send": "a", "expect": "ok", "encoding": "hex"}), "does not match ok: 6e6f"),
        (b"\x1b[31mred\x07", json!({"send": "a", "expect": "blue"}), "does not match blue: [31mred"),
    ] {
        let peer = Peer::replying(answer).await;
        // The first datagram is the reply; nobody waits for the second.
        let result = run_with(&peer.address().to_string(), options, json!({"timeout": "60s"})).await;
        expect(&result, 492, words);
        assert!(result.duration < Duration::from_secs(30), "{:?}", result.duration);
    }
}

#[tokio::test]
async fn code_492_another_answer_to_a_ready_made_request() {
    for (payload, from, to, words) in [
        ("dns", 3, 2, "the DNS server answers SERVFAIL"),
        ("dns", 2, 1, "it is a DNS query and no answer"),
        ("ntp", 0, 0x25, "of mode 5"),
        ("ntp", 1, 16, "is not set (stratum 16)"),
        ("ntp", 1, 0, "kiss of death"),
        ("sip", 8, b'5', "the SIP server answers 500 OK"),
        ("stun", 1, 0x11, "answers an error without a code"),
    ] {
        let peer = Peer::start(move |request| {
            let mut answer = answer_to(payload, request);
            answer[from] = to;
            vec![Datagram::Plain(answer)]
        })
        .await;
        let result = run(peer.address(), json!({ "payload": payload })).await;
        expect(&result, 492, words);
        assert_eq!(observed(&result).facts, None);
    }
    // What belongs to another request is told at the end of the time.
    for payload in ["dns", "ntp", "stun"] {
        let at = if payload == "dns" {
            0
        } else if payload == "ntp" {
            24
        } else {
            8
        };
        let peer = Peer::start(move |request| {
            let mut answer = answer_to(payload, request);
            answer[at] ^= 1;
            vec![Datagram::Plain(answer), Datagram::Plain(b"noise".to_vec())]
        })
        .await;
        let result = run_briefly(peer.address(), json!({ "payload": payload })).await;
        expect(&result, 492, "another");
    }
    let peer = serving("quake").await;
    let result = run(peer.address(), json!({"payload": "quake", "expect": "mapname\\q3tourney"})).await;
    expect(&result, 492, "does not match mapname\\q3tourney: ");
}

#[tokio::test]
async fn code_493_not_in_the_declared_encoding() {
    for (answer, options, words) in [
        (
            &b"ok \xff"[..],
            json!({"send": "a", "expect": "ok", "encoding": "utf-8"}),
            "it is not UTF-8 from byte 3 on: ok",
        ),
        (b"ok \xc3", json!({"send": "a", "encoding": "utf-8"}), "it ends in the middle of a UTF-8 character"),
        (
            b"00f",
            json!({"send": "a", "expect_hex": "00", "encoding": "hex"}),
            "an odd number of hexadecimal digits: 00f",
        ),
        (b"ok", json!({"send": "a", "encoding": "hex"}), "something else than hexadecimal digits at byte 0: ok"),
    ] {
        let peer = Peer::replying(answer).await;
        expect(&run(peer.address(), options).await, 493, words);
    }
}

/// An answer cut at any byte is never right, and never makes a test wait beyond its limit.
#[tokio::test]
async fn code_493_cut_answers() {
    for payload in PAYLOADS {
        let whole = {
            let peer = serving(payload).await;
            usize::try_from(observed(&run(peer.address(), json!({ "payload": payload })).await).bytes).unwrap()
        };
        let cuts = [0, 1, 5, 15, 25, whole / 2, whole - 1];
        for cut in cuts.into_iter().filter(|cut| *cut < whole) {
            let peer =
                Peer::start(move |request| vec![Datagram::Plain(answer_to(payload, request)[..cut].to_vec())]).await;
            let extra = json!({"timeout": "100ms"});
            let result = run_with(&peer.address().to_string(), json!({ "payload": payload }), extra).await;
            let code = result.verdict.code.number();
            // Behind a text that is cut nothing says that more was to come.
            let may_be_unexpected = ["dns", "sip", "quake"].contains(&payload);
            let is_whole = payload == "quake" && code == 0;
            assert!(
                code == 493 || (may_be_unexpected && code == 492) || is_whole,
                "{payload} cut to {cut}: {:?}",
                result.verdict
            );
        }
    }
    for (payload, words) in [
        ("dns", "has 12 bytes at least, and this one has 5"),
        ("ntp", "has 48 bytes at least, and this one has 5"),
        ("sip", "it is no SIP message"),
        ("stun", "has 20 bytes at least, and this one has 5"),
        ("quake", "four bytes of a game server"),
        ("source", "four bytes of a game server"),
    ] {
        let peer = Peer::replying("noise").await;
        expect(&run_briefly(peer.address(), json!({ "payload": payload })).await, 493, words);
    }
}

/// A peer that never stops to send what is not asked for is left, whatever the limit.
#[tokio::test]
async fn strays_without_end_are_bounded() {
    let flood = Peer::start(|_| vec![Datagram::Plain(b"noise".to_vec()); 150]).await;
    let result = run_with(&flood.address().to_string(), json!({"payload": "dns"}), json!({"timeout": "60s"})).await;
    expect(&result, 493, "this one has 5");
    assert!(result.duration < Duration::from_secs(30), "{:?}", result.duration);
}
