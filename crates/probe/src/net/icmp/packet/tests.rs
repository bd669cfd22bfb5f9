//! Messages as tables of bytes, and that no bytes at all are too much for the parsers.
//! Packets are built here by hand, independently of the code that is tested.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use proptest::prelude::*;

use super::*;

const FOUR: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);
const SIX: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7);

fn echo(kind: u8, id: u16, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let mut message = vec![kind, 0, 0, 0];
    message.extend(id.to_be_bytes());
    message.extend(sequence.to_be_bytes());
    message.extend(payload);
    if kind < 128 {
        let sum = checksum(&message).to_be_bytes();
        message[2..4].copy_from_slice(&sum);
    }
    message
}

fn ipv4(options: usize, protocol: u8, fragment: u16, content: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; 20 + options];
    packet[0] = 0x40 | u8::try_from(packet.len() / 4).unwrap();
    packet[6..8].copy_from_slice(&fragment.to_be_bytes());
    packet[9] = protocol;
    packet[16..20].copy_from_slice(&FOUR.octets());
    packet.extend(content);
    packet
}

fn ipv6(next: u8, content: &[u8]) -> Vec<u8> {
    let mut packet = vec![0; 40];
    packet[0] = 0x60;
    packet[6] = next;
    packet[24..40].copy_from_slice(&SIX.octets());
    packet.extend(content);
    packet
}

fn error(kind: u8, code: u8, rest: [u8; 4], quoted: &[u8]) -> Vec<u8> {
    [&[kind, code, 0, 0], &rest[..], quoted].concat()
}

#[test]
fn checksums_are_those_of_the_standard() {
    // The example of RFC 1071, section 3, and the ends of the range.
    assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
    assert_eq!(checksum(&[]), 0xffff);
    assert_eq!(checksum(&[0xff, 0xff]), 0);
    assert_eq!(checksum(&[0x12]), !0x1200);
}

#[test]
fn replies_are_found_behind_whatever_header() {
    let reply = echo(0, 0x1234, 7, b"payload");
    let expected = Message::Reply { id: 0x1234, sequence: 7, payload: b"payload", checksum_holds: true };
    for options in [0, 4, 40] {
        assert_eq!(parse_ipv4(&ipv4(options, 1, 0, &reply)), Some(expected), "{options} bytes of options");
    }
    // Whoever sent it allowed no fragments, which is no fragment.
    assert_eq!(parse_ipv4(&ipv4(0, 1, 0x4000, &reply)), Some(expected));
    assert_eq!(parse(&reply, Version::V4), Some(expected));
    assert_eq!(parse(&echo(129, 0x1234, 7, b"payload"), Version::V6), Some(expected));

    let mut damaged = reply;
    damaged[9] ^= 1;
    let Some(Message::Reply { checksum_holds, .. }) = parse(&damaged, Version::V4) else { panic!("{damaged:?}") };
    assert!(!checksum_holds);
}

#[test]
fn errors_are_about_the_request_that_they_quote() {
    let request = echo(8, 0x1234, 7, b"payload");
    let quoted = Quoted { target: FOUR.into(), id: 0x1234, sequence: 7 };
    // Eight bytes of the message are what a router must quote.
    for (options, length) in [(0, 8), (0, 15), (12, 8)] {
        let packet = error(3, 1, [0; 4], &ipv4(options, 1, 0, &request[..length]));
        let Some(Message::Error { fault, quoted: found }) = parse(&packet, Version::V4) else { panic!("{packet:?}") };
        assert_eq!((found, fault.to_string().as_str()), (quoted, "host unreachable, ICMP type 3 code 1"));
    }
    let request = echo(128, 0x1234, 7, b"payload");
    let quoted = Quoted { target: SIX.into(), ..quoted };
    let fragment = [&[58, 0, 0, 1, 0, 0, 0, 9], &request[..]].concat();
    for content in [ipv6(58, &request), ipv6(44, &fragment)] {
        let packet = error(3, 0, [0; 4], &content);
        let Some(Message::Error { fault, quoted: found }) = parse(&packet, Version::V6) else { panic!("{packet:?}") };
        assert_eq!((found, fault.to_string().as_str()), (quoted, "too many hops (TTL exceeded), ICMPv6 type 3 code 0"));
    }
}

#[test]
fn what_says_nothing_about_an_echo_is_left_alone() {
    let (reply, request) = (echo(0, 1, 1, b""), echo(8, 1, 1, b""));
    let (reply6, request6) = (echo(129, 1, 1, b""), echo(128, 1, 1, b""));
    let quoting = |quoted: &[u8]| ipv4(0, 1, 0, &error(3, 1, [0; 4], quoted));
    for (name, packet) in [
        ("nothing", Vec::new()),
        ("a request", ipv4(0, 1, 0, &request)),
        ("a cut header", ipv4(0, 1, 0, &reply[..7])),
        ("another protocol", ipv4(0, 6, 0, &reply)),
        ("a later fragment", ipv4(0, 1, 3, &reply)),
        ("a header shorter than headers are", [&[0x44], &ipv4(0, 1, 0, &reply)[1..]].concat()),
        ("a header longer than the packet", [&[0x4f], &ipv4(0, 1, 0, &reply)[1..]].concat()),
        ("IPv6 on the wrong socket", ipv6(58, &reply6)),
        ("a redirect", ipv4(0, 1, 0, &error(5, 1, [0; 4], &ipv4(0, 1, 0, &request)))),
        ("an error about TCP", quoting(&ipv4(0, 6, 0, &request))),
        ("an error about a reply", quoting(&ipv4(0, 1, 0, &reply))),
        ("an error about a later fragment", quoting(&ipv4(0, 1, 9, &request))),
        ("an error that quotes too little", quoting(&ipv4(0, 1, 0, &request[..7]))),
        ("an error that quotes nothing", quoting(&[])),
    ] {
        assert_eq!(parse_ipv4(&packet), None, "{name}");
    }
    let later = [&[58, 0, 0, 8, 0, 0, 0, 9], &request6[..]].concat();
    for (name, packet) in [
        ("a request", request6.clone()),
        ("a neighbour's solicitation", error(135, 0, [0; 4], &[0; 16])),
        ("an error about TCP", error(1, 0, [0; 4], &ipv6(6, &request6))),
        ("an error about a later fragment", error(1, 0, [0; 4], &ipv6(44, &later))),
        ("an error about half a fragment", error(1, 0, [0; 4], &ipv6(44, &later[..6]))),
        ("an error about IPv4", error(1, 0, [0; 4], &[&[0x45], &ipv6(58, &request6)[1..]].concat())),
    ] {
        assert_eq!(parse(&packet, Version::V6), None, "{name}");
    }
}

#[test]
fn every_fault_has_words() {
    let fault = |version, kind, code, mtu| Fault { version, kind, code, mtu }.to_string();
    for (said, expected) in [
        (fault(Version::V4, 3, 0, 0), "network unreachable, ICMP type 3 code 0"),
        (fault(Version::V4, 3, 4, 1400), "packet too big, 1400 bytes at most, ICMP type 3 code 4"),
        (fault(Version::V4, 3, 13, 0), "prohibited by an administrator (filtered), ICMP type 3 code 13"),
        (fault(Version::V4, 3, 99, 0), "destination unreachable, ICMP type 3 code 99"),
        (fault(Version::V4, 11, 0, 0), "too many hops (TTL exceeded), ICMP type 11 code 0"),
        (fault(Version::V4, 12, 1, 0), "a header field is wrong (parameter problem), ICMP type 12 code 1"),
        (fault(Version::V6, 1, 3, 0), "host unreachable, ICMPv6 type 1 code 3"),
        (fault(Version::V6, 1, 99, 0), "destination unreachable, ICMPv6 type 1 code 99"),
        (fault(Version::V6, 2, 0, 1280), "packet too big, 1280 bytes at most, ICMPv6 type 2 code 0"),
    ] {
        assert_eq!(said, expected);
    }
    for version in [Version::V4, Version::V6] {
        for (kind, code) in (0..=255).flat_map(|kind| (0..=255).map(move |code| (kind, code))) {
            if version.is_error(kind) {
                assert!(Fault { version, kind, code, mtu: 0 }.words().is_some(), "{version:?} {kind}/{code}");
            }
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_are_too_much(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_ipv4(&bytes);
        let _ = parse(&bytes, Version::V4);
        let _ = parse(&bytes, Version::V6);
        // The same behind a header that is right, so that what comes after it is reached.
        let _ = parse_ipv4(&ipv4(0, 1, 0, &bytes));
        for kind in [3, 1] {
            let _ = parse(&error(kind, 0, [0; 4], &bytes), Version::V4);
            let _ = parse(&error(kind, 0, [0; 4], &ipv6(44, &bytes)), Version::V6);
        }
    }

    #[test]
    fn what_is_built_is_read_back(
        id: u16,
        sequence: u16,
        payload in proptest::collection::vec(any::<u8>(), 0..100),
        flipped: proptest::sample::Index,
    ) {
        for version in [Version::V4, Version::V6] {
            let mut packet = [&[0; HEADER], &payload[..]].concat();
            write_header(&mut packet, version, id, sequence);
            let quoted = quoted_echo(&packet, version, FOUR.into()).unwrap();
            prop_assert_eq!((quoted.id, quoted.sequence), (id, sequence));
            // A host answers with the same bytes under another type, and corrects the checksum.
            let answered = echo(version.echo_types().1, id, sequence, &packet[HEADER..]);
            let expected = Message::Reply { id, sequence, payload: &payload, checksum_holds: true };
            prop_assert_eq!(parse(&answered, version), Some(expected));
        }
        let mut packet = [&[0; HEADER], &payload[..]].concat();
        write_header(&mut packet, Version::V4, id, sequence);
        prop_assert_eq!(checksum(&packet), 0);
        let at = flipped.index(packet.len());
        packet[at] ^= 0x10;
        prop_assert_ne!(checksum(&packet), 0);
    }
}
