//! WebSocket servers that drip, flood, cut and lie: every test ends in a specified code, in time, and within its bounds.
#![allow(clippy::needless_pass_by_value, clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/socket.rs"]
mod socket;
mod support;

use std::time::Duration;

use serde_json::json;
use socket::{BINARY, PING, TEXT, observed, run, run_briefly, run_patiently, sending};
use support::expect;
use watchkeep_lab::{
    ca::{Authority, Profile},
    raw::{self, Act},
    relay::Relay,
    tls::Offer,
    websocket::{ACCEPTING, Manners, Peer, Server, frame},
};

const A_WHILE: Duration = Duration::from_millis(50);

/// The answer to the opening handshake as it goes over the network.
const ANSWER: usize = ACCEPTING.len() - "{accept}".len() + 28;

#[tokio::test]
async fn every_cut_of_an_exchange_has_its_code() {
    let frames = [frame(PING, b"?"), frame(0x01, b"rea"), frame(0x80, b"dy")].concat();
    let peer = Peer::accepting(vec![Act::Send(frames.clone()), Act::Hang]).await;
    for length in 0..=ANSWER + frames.len() {
        for end in [vec![], vec![Act::Reset]] {
            let relay = Relay::until(peer.address(), length, end.clone()).await;
            let result = run(format!("ws://{}/", relay.address()), json!({"expect": "ready"})).await;
            let (code, words) = match length {
                n if n < ANSWER => (522, ""),
                n if n < ANSWER + frames.len() => (524, "before a message with ready"),
                _ => (0, ""),
            };
            expect(&result, code, words);
        }
    }
}

#[tokio::test]
async fn every_byte_alone_is_as_good_as_all_together() {
    let server = Server::start(Manners::default()).await;
    let relay = Relay::drip(server.address(), Duration::from_millis(1)).await;
    let url = format!("ws://{}/", relay.address());
    for own in [json!({}), json!({"send": "hello", "expect": "/^hello$/"})] {
        expect(&run_patiently(&url, own).await, 0, "");
    }
}

#[tokio::test]
async fn code_525_one_byte_after_the_other() {
    let head = raw::Peer::start(vec![Act::ReadHead, Act::Drip(ACCEPTING.into(), A_WHILE)]).await;
    expect(&run_briefly(head.url("ws"), json!({})).await, 525, "not complete within 300ms");
    let message = Peer::accepting(vec![Act::Drip(frame(TEXT, &[b'x'; 100]), A_WHILE)]).await;
    let result = run_briefly(message.url(), json!({"expect": "ready"})).await;
    expect(&result, 525, "within 300ms; a message had begun and was not complete");
    let fragments = Peer::accepting(vec![Act::Drip([frame(0x01, b"x"), frame(0, b"x").repeat(50)].concat(), A_WHILE)]);
    let result = run_briefly(fragments.await.url(), json!({"expect": "ready"})).await;
    expect(&result, 525, "a message had begun and was not complete");
    let pings = Peer::accepting(vec![Act::Drip(frame(PING, b"").repeat(50), A_WHILE)]).await;
    expect(&run_briefly(pings.url(), json!({"expect": "ready"})).await, 525, "no message came within 300ms");
}

#[tokio::test]
async fn code_522_endless_answers() {
    for (beginning, flood, words) in [
        (
            "HTTP/1.1 101 Switching Protocols\r\n",
            "X-Filler: yes\r\n",
            "headers are larger than 65536 bytes or more than 256",
        ),
        ("HTTP/1.1 101 Switching Protocols\r\nX: ", "xxxxxxxxxxxxxx", "headers are larger"),
        ("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", "1048576 bytes came and the answer's headers were not"),
    ] {
        let flood = Act::Flood(flood.repeat(100).into_bytes());
        let peer = raw::Peer::start(vec![Act::ReadHead, Act::send(beginning), flood]).await;
        expect(&run_patiently(peer.url("ws"), json!({})).await, 522, words);
    }
}

#[tokio::test]
async fn code_526_without_end() {
    let begun = frame(0x01, b"");
    for (name, beginning, flood, words) in [
        (
            "messages",
            vec![],
            frame(TEXT, b"no").repeat(1_000),
            "more than 20000 frames came and a message with ready did not",
        ),
        ("large messages", vec![], frame(BINARY, &[0; 60_000]), "more than 16777216 bytes came"),
        ("pings", vec![], frame(PING, b"?").repeat(1_000), "more than 20000 frames came"),
        ("large pings", vec![], frame(PING, &[0; 125]).repeat(100), "more than 20000 frames came"),
        ("fragments of nothing", begun.clone(), frame(0, b"").repeat(1_000), "more than 20000 frames came"),
        ("fragments of a byte", begun.clone(), frame(0, b"x").repeat(1_000), "more than 20000 frames came"),
        ("large fragments", begun, frame(0, &[b'x'; 60_000]), "a message is larger than 1048576 bytes"),
        (
            "announced",
            vec![0x82, 127, 0, 0, 0, 2, 0x54, 0x0b, 0xe4, 0],
            vec![0; 1_000],
            "10000000000 bytes was announced",
        ),
    ] {
        let peer = Peer::accepting(vec![Act::Send(beginning), Act::Flood(flood)]).await;
        let result = run_patiently(peer.url(), json!({"expect": "ready"})).await;
        assert_eq!(result.verdict.code.number(), 526, "{name}: {:?}", result.verdict);
        expect(&result, 526, words);
        assert!(observed(&result).dialogue.len() <= 20, "{name}");
    }
}

/// Neither side can hold the other up: the server sends much before it reads what the robot sends.
#[tokio::test]
async fn code_0_both_sides_say_much() {
    let greeting = frame(BINARY, &[0; 60_000]).repeat(100);
    let script = vec![Act::Send(greeting), Act::ReadSome, Act::Send(frame(TEXT, b"ready")), Act::Hang];
    let peer = Peer::accepting(script).await;
    let own = json!({"send": "x".repeat(65_536), "expect": "ready"});
    let result = run_patiently(peer.url(), own).await;
    expect(&result, 0, "");
    assert_eq!(observed(&result).messages, 101);
}

/// After the answer the server may say what it likes: it is the farewell, and bounded.
#[tokio::test]
async fn code_0_floods_after_the_answer() {
    for flood in [frame(TEXT, b"more").repeat(1_000), frame(0xc1, b"broken"), frame(BINARY, &[0; 60_000])] {
        let peer = sending(&[(TEXT, b"ready")], vec![Act::Flood(flood)]).await;
        expect(&run_patiently(peer.url(), json!({"expect": "ready"})).await, 0, "");
    }
}

/// Garbage after the opening handshake: whatever it is, a specified code.
#[tokio::test]
async fn garbage_has_its_code() {
    for seed in 0..64_u8 {
        let garbage: Vec<u8> =
            (0..=255_u8).map(|at| at.wrapping_mul(167).wrapping_add(seed.wrapping_mul(41))).collect();
        let peer = Peer::accepting(vec![Act::Send(garbage)]).await;
        let result = run(peer.url(), json!({"expect": "ready"})).await;
        let code = result.verdict.code.number();
        assert!((524..=527).contains(&code), "{seed}: {:?}", result.verdict);
    }
}

#[tokio::test]
async fn every_cut_over_tls_has_its_code() {
    let authority = Authority::new();
    let identity = authority.issue(&Profile::good());
    let server = Server::start_tls(&identity, &Offer::default(), Manners::default()).await;
    let options = json!({"ca_file": authority.file().to_str().unwrap(), "send": "hello", "expect": "hello"});
    let open = Relay::open(server.address()).await;
    let url = |relay: &Relay| format!("wss://localhost:{}/", relay.address().port());
    expect(&run(url(&open), options.clone()).await, 0, "");
    let whole = open.passed();
    for length in (0..whole).step_by(37) {
        let relay = Relay::until(server.address(), length, vec![]).await;
        let result = run(url(&relay), options.clone()).await;
        let code = result.verdict.code.number();
        // The end of it is the farewell, without which the test is as good.
        assert!([522, 524, 0].contains(&code), "{length} of {whole}: {:?}", result.verdict);
        assert!(code != 0 || length > whole / 2, "{length} of {whole}");
    }
}
