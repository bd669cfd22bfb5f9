//! Peers that cut, drip and flood: always a specified code, within the limits.

use std::time::Duration;

use serde_json::json;
use watchkeep_lab::{
    ca::{Authority, Profile},
    raw::{Act, Peer},
    relay::Relay,
    tls::{Offer, Server},
};

use crate::{ann, expect, observed, run, run_briefly, saying, script};

const REPLIES: [&str; 6] = ["220-hello\r\n220 there", "331 who", "230 in", "500 no", "200 binary", "213 7"];

/// What happens after so many bytes of the dialogue of [`REPLIES`] without its last line end.
fn is_in_several_lines(length: usize) -> bool {
    (11..11 + 11).contains(&length)
}

#[tokio::test]
async fn closed_at_every_offset_of_a_dialogue() {
    let peer = saying(&REPLIES).await;
    let whole: usize = REPLIES.iter().map(|reply| reply.len() + 2).sum();
    for length in 0..=whole {
        let cut = Relay::until(peer.address(), length, Vec::new()).await;
        let result = run(&format!("ftp://{}", cut.address()), ann(json!({"path": "a"}))).await;
        let (code, words) = match length {
            n if n == whole => (0, ""),
            n if is_in_several_lines(n) => (481, "several lines and no end"),
            _ => (480, "the server closed the connection"),
        };
        expect(&result, code, words);
    }
}

#[tokio::test]
async fn closed_at_offsets_of_a_dialogue_over_tls() {
    let authority = Authority::new();
    let server =
        Server::scripted(&authority.issue(&Profile::good()), Offer::default(), script(&["220 a", "230 b"])).await;
    let options = ann(json!({"ca_file": authority.file().to_str().unwrap()}));
    let open = Relay::open(server.address()).await;
    expect(&run(&format!("ftps://localhost:{}", open.address().port()), options.clone()).await, 0, "");
    for length in (0..open.passed()).step_by(29) {
        let cut = Relay::until(server.address(), length, Vec::new()).await;
        let result = run(&format!("ftps://localhost:{}", cut.address().port()), options.clone()).await;
        let code = result.verdict.code.number();
        assert!(code == 480 || code == 0 && length > open.passed() / 2, "{length}: {:?}", result.verdict);
    }
}

#[tokio::test]
async fn one_byte_at_a_time_is_enough() {
    let peer = saying(&REPLIES).await;
    let slow = Relay::drip(peer.address(), Duration::from_micros(1)).await;
    let result = run(&format!("ftp://{}", slow.address()), ann(json!({"path": "a"}))).await;
    expect(&result, 0, "");
    assert_eq!(observed(&result).path.unwrap().size, Some(7));
}

#[tokio::test]
async fn the_deadline_is_for_everything_together() {
    let peer = saying(&REPLIES).await;
    let slow = Relay::drip(peer.address(), Duration::from_millis(20)).await;
    let result = run_briefly(&format!("ftp://{}", slow.address()), ann(json!({"path": "a"}))).await;
    expect(&result, 480, "within 300ms");
    assert!(result.duration < Duration::from_secs(3), "{:?}", result.duration);
}

/// No bytes that a server may send lead anywhere but to a code of the test.
#[tokio::test]
async fn any_bytes_end_in_a_specified_code() {
    let pieces: [&[u8]; 12] = [
        b"220 a\r\n",
        b"331 b\r\n",
        b"230 c\r\n",
        b"220-",
        b"\r\n",
        b"\xff\xfb\x01",
        b"\0",
        b"999 ",
        b"15",
        b"0 ",
        b"229 (|||1|)\r\n",
        b"\xff",
    ];
    let mut seed: u32 = 7;
    for round in 0..150 {
        let mut bytes = Vec::new();
        for _ in 0..(round % 9) {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            bytes.extend(pieces[(seed >> 16) as usize % pieces.len()]);
        }
        let peer = Peer::start(vec![Act::Send(bytes.clone())]).await;
        let result = run(&peer.url("ftp"), ann(json!({"list": true}))).await;
        let code = result.verdict.code.number();
        assert!((480..=486).contains(&code), "{}: {:?}", bytes.escape_ascii(), result.verdict);
        assert!(result.verdict.detail.is_some());
    }
}

#[tokio::test]
async fn control_characters_are_not_passed_on() {
    let peer = saying(&["220 \x1b[2J\u{202e}hello\x07", "530 \x1b]0;title\x07no"]).await;
    let result = run(&peer.url("ftp"), ann(json!({}))).await;
    expect(&result, 484, "530 ]0;titleno");
    let told = result.observed.lines().concat();
    assert!(!told.contains(['\x1b', '\x07', '\u{202e}']), "{told:?}");
}
