//! What is read of frames, good and bad, and that it does not depend on the pieces in which they come.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use proptest::prelude::*;

use super::*;

/// A frame of a server, its length in the shortest form.
fn frame(first: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match content.len() {
        length @ 0..=125 => bytes.push(length as u8),
        length @ 126..=0xffff => {
            bytes.push(126);
            bytes.extend((length as u16).to_be_bytes());
        }
        length => {
            bytes.push(127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(content);
    bytes
}

/// Everything that is read of `pieces`, and the breach that ended it.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Said>, Option<Breach>) {
    let (mut reader, mut heard) = (Reader::default(), Vec::new());
    for mut piece in pieces {
        loop {
            match reader.read(&mut piece) {
                Ok(Some(said)) => heard.push(said),
                Ok(None) => break,
                Err(breach) => return (heard, Some(breach)),
            }
        }
    }
    (heard, None)
}

fn said(kind: Kind, content: &[u8]) -> Said {
    Said { kind, content: content.to_vec() }
}

/// In one piece, and byte by byte.
fn read_both_ways(bytes: &[u8]) -> (Vec<Said>, Option<Breach>) {
    let whole = read([bytes]);
    assert_eq!(read(bytes.chunks(1)), whole, "{bytes:02x?}");
    whole
}

#[test]
fn messages_are_put_together() {
    use Kind::{Binary, Close, Ping, Pong, Text};
    let large = vec![7; LARGEST_MESSAGE];
    for (frames, expected) in [
        (vec![], vec![]),
        (vec![frame(0x81, b"hello")], vec![said(Text, b"hello")]),
        (vec![frame(0x82, b"\xff\x00")], vec![said(Binary, b"\xff\x00")]),
        (vec![frame(0x81, b"")], vec![said(Text, b"")]),
        (vec![frame(0x82, &[1; 126])], vec![said(Binary, &[1; 126])]),
        (vec![frame(0x82, &[1; 0x1_0000])], vec![said(Binary, &[1; 0x1_0000])]),
        (vec![frame(0x82, &large)], vec![said(Binary, &large)]),
        (vec![frame(0x01, b"he"), frame(0x00, b"l"), frame(0x80, b"lo")], vec![said(Text, b"hello")]),
        (vec![frame(0x01, b""), frame(0x00, b""), frame(0x80, b"")], vec![said(Text, b"")]),
        // A character cut by a fragment is whole in the message.
        (vec![frame(0x01, b"gr\xc3"), frame(0x80, b"\xbcezi")], vec![said(Text, "grüezi".as_bytes())]),
        // What steers may stand between fragments (RFC 6455, 5.4).
        (
            vec![frame(0x01, b"a"), frame(0x89, b"p"), frame(0x8a, b""), frame(0x80, b"b"), frame(0x82, b"c")],
            vec![said(Ping, b"p"), said(Pong, b""), said(Text, b"ab"), said(Binary, b"c")],
        ),
        (vec![frame(0x89, &[9; 125])], vec![said(Ping, &[9; 125])]),
        (vec![frame(0x88, b"")], vec![said(Close, b"")]),
        (vec![frame(0x88, b"\x03\xe8bye")], vec![said(Close, b"\x03\xe8bye")]),
    ] {
        let bytes = frames.concat();
        let read = if bytes.len() > 100_000 { read([&*bytes]) } else { read_both_ways(&bytes) };
        assert!(read == (expected, None), "{:02x?}", &bytes[..bytes.len().min(40)]);
    }
}

#[test]
fn every_breach_is_told_apart() {
    let half = vec![1; LARGEST_MESSAGE / 2 + 1];
    for (bytes, breach, words) in [
        (vec![0xc1], Breach::ReservedBits(0x40), "reserved bits set (RSV1)"),
        (vec![0xb1], Breach::ReservedBits(0x30), "(RSV2, RSV3)"),
        (vec![0xc8], Breach::ReservedBits(0x40), "although no extension was agreed on"),
        (vec![0x83], Breach::UnknownOpcode(3), "the opcode 0x3"),
        (vec![0x8b], Breach::UnknownOpcode(11), "the opcode 0xb"),
        (vec![0x8f], Breach::UnknownOpcode(15), "which does not exist"),
        (vec![0x81, 0x85], Breach::Masked, "masked"),
        (vec![0x89, 0x80], Breach::Masked, "which only those of clients may be"),
        (vec![0x80], Breach::NothingToContinue, "none has begun"),
        (vec![0x00], Breach::NothingToContinue, "continues a message"),
        ([frame(0x81, b"a"), vec![0x80]].concat(), Breach::NothingToContinue, "none has begun"),
        ([frame(0x01, b"a"), vec![0x81]].concat(), Breach::MessageWithinMessage, "within another"),
        ([frame(0x01, b"a"), vec![0x02]].concat(), Breach::MessageWithinMessage, "has not ended"),
        (vec![0x09], Breach::FragmentedControl(Kind::Ping), "a ping frame is fragmented"),
        (vec![0x08], Breach::FragmentedControl(Kind::Close), "a close frame is fragmented"),
        (vec![0x8a, 126], Breach::LargeControl(Kind::Pong), "a pong frame has more than 125 bytes"),
        (vec![0x88, 127], Breach::LargeControl(Kind::Close), "a close frame has more than 125 bytes"),
        (vec![0x82, 126, 0, 125], Breach::LongLength(125), "the length of a frame, 125, is written in more bytes"),
        (vec![0x82, 127, 0, 0, 0, 0, 0, 0, 255, 255], Breach::LongLength(65_535), "65535"),
        (vec![0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], Breach::LengthWithTopBit, "highest bit"),
        (frame(0x81, b"ab\xffcd"), Breach::NotUtf8(2), "not UTF-8 from byte 2 on"),
        (frame(0x81, b"ab\xc3"), Breach::NotUtf8(2), "not UTF-8 from byte 2 on"),
        (frame(0x81, b"\xed\xa0\x80"), Breach::NotUtf8(0), "a text message"),
        ([frame(0x01, b"ab\xe2\x82"), frame(0x80, b"c")].concat(), Breach::NotUtf8(2), "from byte 2 on"),
        (frame(0x88, b"\x03"), Breach::HalfCloseCode, "one byte"),
        (frame(0x88, b"\x03\xe8\xff"), Breach::CloseReason(1000), "(code 1000) is not UTF-8"),
        (
            vec![0x82, 127, 0, 0, 0, 2, 0x54, 0x0b, 0xe4, 0],
            Breach::LargeMessage(10_000_000_000),
            "larger than 1048576 bytes: a frame of 10000000000 bytes",
        ),
        ([frame(0x02, &half), frame(0x00, &half)].concat(), Breach::LargeMessage(half.len() as u64), "1048576"),
    ] {
        let (_, found) = if bytes.len() > 100_000 { read([&*bytes]) } else { read_both_ways(&bytes) };
        assert_eq!(found, Some(breach), "{:02x?}", &bytes[..bytes.len().min(40)]);
        assert!(breach.to_string().contains(words), "{breach}");
    }
}

#[test]
fn close_codes_are_those_that_may_be_sent() {
    for (codes, is_right) in [
        (&[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999][..], true),
        (&[0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535][..], false),
    ] {
        for &code in codes {
            let bytes = frame(0x88, &u16::to_be_bytes(code));
            let breach = (!is_right).then_some(Breach::CloseCode(code));
            assert_eq!(read_both_ways(&bytes).1, breach, "{code}");
        }
    }
    assert_eq!(close(b"").unwrap(), Close { code: None, reason: "".into() });
    let shown = close(b"\x03\xf0no\x1b[31m").unwrap();
    assert_eq!(shown, Close { code: Some(1008), reason: "no[31m".into() });
    for (breach, code) in [
        (Breach::Masked, 1002),
        (Breach::NotUtf8(0), 1007),
        (Breach::CloseReason(1000), 1007),
        (Breach::LargeMessage(5), 1009),
    ] {
        assert_eq!(breach.close_code(), code);
    }
}

#[test]
fn what_has_begun_is_known() {
    for (bytes, is_between) in [
        (vec![], true),
        (vec![0x81], false),
        (vec![0x81, 2, b'a'], false),
        (frame(0x81, b"ab"), true),
        (frame(0x01, b"ab"), false),
        ([frame(0x01, b"ab"), frame(0x89, b"")].concat(), false),
    ] {
        let mut reader = Reader::default();
        let mut input = &*bytes;
        while reader.read(&mut input).unwrap().is_some() {}
        assert_eq!(reader.is_between_messages(), is_between, "{bytes:02x?}");
    }
}

#[test]
fn fragments_without_end_are_counted() {
    let mut reader = Reader::default();
    let mut input = &*[frame(0x01, b""), frame(0x00, b"").repeat(1_000)].concat();
    assert_eq!(reader.read(&mut input), Ok(None));
    assert_eq!(reader.frames(), 1_001);
}

/// A frame as the robot writes it, without its mask.
fn unmasked(bytes: &[u8]) -> Vec<u8> {
    let head = match bytes[1] & 0x7f {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    assert_eq!(bytes[1] & 0x80, 0x80);
    let (mask, content) = bytes[head..].split_at(4);
    let mut plain = bytes[..head].to_vec();
    plain[1] &= 0x7f;
    plain.extend(content.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]));
    plain
}

#[test]
fn what_is_written_is_masked() {
    let mut out = Vec::new();
    // The example of RFC 6455, 5.7.
    write(Kind::Text, b"Hello", [0x37, 0xfa, 0x21, 0x3d], &mut out);
    assert_eq!(out, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
    for length in [0, 1, 125, 126, 127, 65_535, 65_536, 70_000] {
        out.clear();
        let content = vec![b'x'; length];
        write(Kind::Binary, &content, [1, 2, 3, 4], &mut out);
        assert_eq!(read([&*unmasked(&out)]), (vec![said(Kind::Binary, &content)], None), "{length}");
    }
}

/// Frames as servers send them, not all of them good.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        10 => proptest::sample::select(vec![0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8a, 0x88]),
        1 => any::<u8>(),
    ];
    let content = prop_oneof![
        "\\PC{0,12}".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 0..40),
        proptest::collection::vec(any::<u8>(), 120..140),
    ];
    (first, content).prop_map(|(first, content)| frame(first, &content))
}

proptest! {
    #[test]
    fn pieces_make_no_difference(frames in proptest::collection::vec(any_frame(), 0..8), cuts in proptest::collection::vec(0..2_000_usize, 0..8)) {
        let bytes = frames.concat();
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
        let whole = read([&*bytes]);
        prop_assert_eq!(&read(pieces), &whole);
        prop_assert_eq!(read(bytes.chunks(1)), whole);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let whole = read([&*bytes]);
        prop_assert_eq!(read(bytes.chunks(3)), whole);
    }

    #[test]
    fn what_is_written_reads_back(content in proptest::collection::vec(any::<u8>(), 0..300), mask in any::<[u8; 4]>()) {
        let mut out = Vec::new();
        write(Kind::Binary, &content, mask, &mut out);
        prop_assert_eq!(read([&*unmasked(&out)]), (vec![said(Kind::Binary, &content)], None));
    }
}
