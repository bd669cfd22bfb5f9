//! Bodies: packed, endless, cut, in any charset; lengths that lie. Rows 3, 4, 5, 6 and 14 of the list of faults.
//! What is bounded is bounded after unpacking, and the bound is named.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::io::Write;

use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};
use serde_json::json;
use support::{expect, observed, run, run_with};
use watchkeep_lab::raw::{Act, Peer};

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn brotli(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    brotli::CompressorWriter::new(&mut out, 4096, 5, 22).write_all(data).unwrap();
    out
}

fn packed(encoding: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[tokio::test]
async fn packed_bodies_are_unpacked() {
    let text = "the quick brown fox ".repeat(100);
    let two_members = [gzip(b"the quick "), gzip(b"brown fox")].concat();
    for (encoding, body) in [
        ("gzip", gzip(text.as_bytes())),
        ("x-gzip", gzip(text.as_bytes())),
        ("gzip", two_members),
        ("deflate", zlib(text.as_bytes())),
        ("br", brotli(text.as_bytes())),
        ("GZIP", gzip(text.as_bytes())),
        ("identity", text.clone().into_bytes()),
    ] {
        let peer = Peer::replying(packed(encoding, &body)).await;
        let result = run(&peer.url("http"), json!({"require": ["quick brown fox"]})).await;
        expect(&result, 0, "");
        assert_eq!(observed(&result).bytes, body.len() as u64, "{encoding}: bytes are counted as received");
    }
}

#[tokio::test]
async fn fault_04_bombs() {
    let zeros = vec![0; 50 << 20];
    let member = gzip(&zeros[..1 << 20]);
    for (encoding, body) in [
        ("gzip", gzip(&zeros)),
        // Ten thousand members of 1 MiB each.
        ("gzip", member.repeat(10_000)),
        ("deflate", zlib(&zeros)),
        ("br", brotli(&zeros)),
    ] {
        let peer = Peer::replying(packed(encoding, &body)).await;
        for options in [json!({}), json!({"require": ["x"]}), json!({"max_body": "64KiB"})] {
            let bound = options["max_body"].as_str().unwrap_or("10MiB").to_owned();
            expect(&run(&peer.url("http"), options).await, 450, &format!("larger than {bound}"));
        }
    }
}

#[tokio::test]
async fn code_450_bodies_that_cannot_be_unpacked() {
    let good = gzip(b"hello hello hello");
    let mut bad_sum = good.clone();
    let sum = bad_sum.len() - 8;
    bad_sum[sum] ^= 1;
    for (name, encoding, body, words) in [
        ("cut gzip", "gzip", good[..good.len() - 9].to_vec(), "cannot be decompressed"),
        ("gzip with a wrong sum", "gzip", bad_sum, "cannot be decompressed"),
        ("cut deflate", "deflate", zlib(b"hello hello hello")[..8].to_vec(), "cannot be decompressed"),
        ("cut brotli", "br", brotli(&[b'a'; 5000])[..5].to_vec(), "cannot be decompressed"),
        ("not brotli", "br", b"\xff\xff\xff\xff".to_vec(), "cannot be decompressed"),
        ("zstd", "zstd", b"\x28\xb5\x2f\xfd".to_vec(), "zstd"),
        ("twice", "gzip, gzip", gzip(&good), "gzip, gzip"),
    ] {
        let peer = Peer::replying(packed(encoding, &body)).await;
        let result = run(&peer.url("http"), json!({})).await;
        assert_eq!(result.verdict.code.number(), 450, "{name}");
        expect(&result, 450, words);
    }
}

#[tokio::test]
async fn fault_03_endless_parts() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (name, beginning, flood, words) in [
        ("status line", "HTTP/1.1 200 ", "OK and so on ", "larger than 65536"),
        ("reason of nothing", "", "\r\n", ""),
        ("header name", "HTTP/1.1 200 OK\r\n", "xxxxxxxxxx", "larger than 65536"),
        ("chunk size", chunked, "00000000", "not valid HTTP"),
        ("chunk extension", &format!("{chunked}5;"), "a=b;a=b;", "not valid HTTP"),
        ("trailers", &format!("{chunked}0\r\n"), "X-A: b\r\n", "not valid HTTP"),
        ("chunks", chunked, "4\r\nxxxx\r\n", "larger than 1MiB"),
        ("body", "HTTP/1.1 200 OK\r\n\r\n", "xxxxxxxxxx", "larger than 1MiB"),
        (
            "body of a huge length",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
            "xxxxxxxx",
            "larger than 1MiB",
        ),
        ("interim replies", "", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", ""),
    ] {
        let script = vec![Act::ReadHead, Act::send(beginning), Act::Flood(flood.repeat(100).into_bytes())];
        let peer = Peer::start(script).await;
        let result = run(&peer.url("http"), json!({"max_body": "1MiB"})).await;
        let detail = result.verdict.detail.clone().unwrap_or_default();
        assert_eq!(result.verdict.code.number(), 450, "{name}: {detail}");
        assert!(detail.contains(words), "{name}: {detail:?} does not say {words:?}");
    }
}

#[tokio::test]
async fn fault_05_lengths_that_lie() {
    let reply = |lengths: &str, body: &str| format!("HTTP/1.1 200 OK\r\n{lengths}\r\n{body}");
    for (lengths, body, code, words) in [
        ("Content-Length: 9\r\n", "hello", 450, "after 5 of 9 bytes"),
        ("Content-Length: -5\r\n", "hello", 450, "not valid HTTP"),
        ("Content-Length: +5\r\n", "hello", 450, "not valid HTTP"),
        ("Content-Length: 5x\r\n", "hello", 450, "not valid HTTP"),
        ("Content-Length: 5, 6\r\n", "hello", 450, "not valid HTTP"),
        ("Content-Length: 99999999999999999999999\r\n", "hello", 450, "not valid HTTP"),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", "hello!", 450, "not valid HTTP"),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", 450, "both"),
        ("Transfer-Encoding: chunked\r\n", "-5\r\nhello\r\n0\r\n\r\n", 450, "not valid HTTP"),
        ("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\nhello", 450, "not valid HTTP"),
        ("Transfer-Encoding: chunked\r\n", "5\r\nhelloX\r\n0\r\n\r\n", 450, "not valid HTTP"),
        ("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n", 450, "cut after 5 bytes"),
        ("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n", 0, ""),
        ("Content-Length: 5\r\nContent-Length: 5\r\n", "hello", 0, ""),
        // What follows the declared end belongs to nobody.
        ("Content-Length: 5\r\n", "hello smuggled", 0, ""),
        ("Content-Length: 5\r\n", "helloHTTP/1.1 500 smuggled\r\n\r\n", 0, ""),
    ] {
        let peer = Peer::replying(reply(lengths, body)).await;
        let result = run(&peer.url("http"), json!({"require": ["hello"], "forbid": ["smuggled"]})).await;
        expect(&result, code, words);
        if code == 0 {
            assert_eq!(observed(&result).bytes, 5, "{lengths:?}");
        }
    }
}

/// Cut at every byte, by a close and by a reset: always 450, never silence, never success.
#[tokio::test]
async fn fault_06_every_cut_has_its_code() {
    let chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;x=y\r\nabc\r\n0\r\nX-A: b\r\n\r\n";
    let fixed = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let interim = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let zipped = packed("gzip", &gzip(b"hello"));
    for whole in [chunked.as_bytes(), fixed.as_bytes(), interim.as_bytes(), &zipped] {
        for length in 0..=whole.len() {
            let sent = Act::send(&whole[..length]);
            let closing = Peer::start(vec![Act::ReadHead, sent.clone()]).await;
            let result = run(&closing.url("http"), json!({})).await;
            expect(&result, if length == whole.len() { 0 } else { 450 }, "");
            let resetting = Peer::start(vec![Act::ReadHead, sent, Act::Reset]).await;
            let code = run(&resetting.url("http"), json!({})).await.verdict.code.number();
            // A reset may overtake the last bytes; when they arrived first, the reply is complete.
            assert!(code == 450 || (code == 0 && length == whole.len()), "reset after {length}: {code}");
        }
    }
}

/// Every byte of a reply replaced by others: whatever that means, it has a code of the contract.
#[tokio::test]
async fn fault_06_every_garbled_byte_has_its_code() {
    let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello";
    for at in 0..whole.len() {
        for byte in [0, b'\n', b' ', b'9', b':', 0x7f, 0xff] {
            let mut garbled = whole.to_vec();
            garbled[at] = byte;
            let peer = Peer::replying(garbled).await;
            let result = run_with(&peer.url("http"), json!({}), json!({"timeout": "2s"})).await;
            let code = result.verdict.code.number();
            assert!([0, 414, 450].contains(&code), "byte {at} as {byte:#04x}: {code}, {:?}", result.verdict.detail);
        }
    }
}

#[tokio::test]
async fn fault_14_bodies_of_every_charset() {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let marked = [b"\xff\xfe".as_slice(), &utf16("Größe")].concat();
    for (content_type, body, word, code) in [
        ("text/html; charset=utf-8", "Größe".as_bytes().to_vec(), "Größe", 0),
        ("text/html; charset=iso-8859-1", b"Gr\xf6\xdfe".to_vec(), "Größe", 0),
        ("text/html; charset=utf-16le", utf16("Größe"), "Größe", 0),
        ("text/html", marked, "Größe", 0),
        ("text/html; charset=shift_jis", b"\x93\xfa\x96\x7b".to_vec(), "日本", 0),
        ("text/html; charset=\"windows-1251\"", b"\xcf\xf0\xe8".to_vec(), "При", 0),
        ("text/html; charset=x-unknown", b"plain".to_vec(), "plain", 0),
        ("text/html", b"ab\xff\xfecd".to_vec(), "cd", 0),
        ("application/octet-stream", vec![0; 10_000], "x", 412),
        ("text/html; charset=utf-8", b"Gr\xf6\xdfe".to_vec(), "Größe", 412),
    ] {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n", body.len());
        let peer = Peer::replying([head.as_bytes(), &body].concat()).await;
        expect(&run(&peer.url("http"), json!({"require": [word]})).await, code, "");
    }
    // A word, and a letter of it, that are split over chunks.
    let split =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nGr\xc3\r\n1\r\n\xb6\r\n3\r\n\xc3\x9fe\r\n0\r\n\r\n";
    let peer = Peer::replying(split.to_vec()).await;
    expect(&run(&peer.url("http"), json!({"require": ["Größe"]})).await, 0, "");
}
