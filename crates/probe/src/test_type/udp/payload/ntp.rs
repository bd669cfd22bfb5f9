//! NTP (RFC 5905): asks for the time, with a number in place of our own,
//! which an answer must repeat.

use watchkeep_model::udp::Facts;

use super::{Fault, Nonce, Times, take};
use crate::outside::shown;

/// Bytes of a packet without extensions.
const PACKET: usize = 48;
/// Version 4, mode 3: a client.
const CLIENT: u8 = 0x23;
/// Mode 4: a server.
const SERVER: u8 = 4;
/// This stratum and those above it stand for a clock that is not set.
const UNSYNCHRONISED: u8 = 16;
/// The leap indicator of a clock that is not set.
const ALARM: u8 = 3;

/// A client's packet; its transmit timestamp is a number that only we know.
pub(super) fn request(nonce: &Nonce) -> Vec<u8> {
    let mut packet = vec![0; PACKET];
    packet[0] = CLIENT;
    packet[40..].copy_from_slice(&nonce[..8]);
    packet
}

/// A server's packet for our number, from a clock that is set.
pub(super) fn read(nonce: &Nonce, datagram: &[u8], times: Times) -> Result<Facts, Fault> {
    let Some((packet, _)) = take::<PACKET>(datagram) else {
        let detail = format!("an NTP packet has {PACKET} bytes at least, and this one has {}", datagram.len());
        return Err(Fault::invalid(detail).stray());
    };
    if packet[24..32] != nonce[..8] {
        return Err(Fault::unexpected("it answers another NTP request").stray());
    }
    if packet[0] & 7 != SERVER {
        return Err(Fault::unexpected(format!("it is an NTP packet of mode {}, not of a server", packet[0] & 7)));
    }
    let stratum = packet[1];
    if stratum == 0 {
        let word = shown(&String::from_utf8_lossy(&packet[12..16]));
        return Err(Fault::unexpected(format!("the NTP server refuses to serve (kiss of death {word})")));
    }
    let [received, sent] = [32, 40].map(|at| {
        let mut time = [0; 8];
        time.copy_from_slice(&packet[at..at + 8]);
        u64::from_be_bytes(time)
    });
    if stratum >= UNSYNCHRONISED || packet[0] >> 6 == ALARM || sent == 0 {
        return Err(Fault::unexpected(format!("the clock of the NTP server is not set (stratum {stratum})")));
    }
    // Differences of times are right whatever the era (RFC 5905, 6); half of each cannot overflow.
    let there = received.wrapping_sub(times.sent).cast_signed() / 2;
    let back = sent.wrapping_sub(times.received).cast_signed() / 2;
    let milliseconds = there.saturating_add(back) as f64 / f64::from(2_u32.pow(31)) / 2.0 * 1_000.0;
    // To the microsecond, as other times are told.
    Ok(Facts::Ntp { stratum, offset_ms: (milliseconds * 1_000.0).round() / 1_000.0 })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::{super::Kind, *};

    const NONCE: Nonce = [9; 16];
    const SECOND: u64 = 1 << 32;

    fn answer(change: impl FnOnce(&mut [u8])) -> Vec<u8> {
        let mut packet = vec![0; PACKET];
        packet[0] = 0x24;
        packet[1] = 2;
        packet[24..32].copy_from_slice(&[9; 8]);
        packet[32..40].copy_from_slice(&(100 * SECOND).to_be_bytes());
        packet[40..48].copy_from_slice(&(100 * SECOND).to_be_bytes());
        change(&mut packet);
        packet
    }

    #[test]
    fn offsets_are_measured_between_both_ways() {
        for (sent, received, offset_ms) in [
            (100 * SECOND, 100 * SECOND, 0.0),
            (99 * SECOND, 101 * SECOND, 0.0),
            (98 * SECOND, 98 * SECOND, 2_000.0),
            (100 * SECOND + SECOND / 2, 101 * SECOND, -750.0),
            // The robot's clock lies in the era before.
            (0_u64.wrapping_sub(SECOND), 0_u64.wrapping_sub(SECOND), 101_000.0),
        ] {
            let read = read(&NONCE, &answer(|_| {}), Times { sent, received });
            assert_eq!(read, Ok(Facts::Ntp { stratum: 2, offset_ms }), "{sent} {received}");
        }
        // Whatever a server claims can be computed.
        for claim in [1, u64::MAX, 1 << 63, (1 << 63) - 1] {
            let absurd = answer(|packet| {
                packet[32..40].copy_from_slice(&claim.to_be_bytes());
                packet[40..48].copy_from_slice(&claim.to_be_bytes());
            });
            assert!(read(&NONCE, &absurd, Times { sent: 0, received: u64::MAX }).is_ok(), "{claim}");
        }
    }

    #[test]
    fn only_a_server_that_knows_the_time_is_right() {
        type Change = fn(&mut [u8]);
        let cases: [(Change, Kind, bool, &str); 8] = [
            (|packet| packet[24] = 1, Kind::Unexpected, true, "another NTP request"),
            (|packet| packet[0] = CLIENT, Kind::Unexpected, false, "mode 3"),
            (|packet| packet[0] = 0x25, Kind::Unexpected, false, "mode 5"),
            (
                |packet| {
                    packet[1] = 0;
                    packet[12..16].copy_from_slice(b"RATE");
                },
                Kind::Unexpected,
                false,
                "kiss of death RATE",
            ),
            (|packet| packet[1] = 16, Kind::Unexpected, false, "not set (stratum 16)"),
            (|packet| packet[1] = 255, Kind::Unexpected, false, "not set (stratum 255)"),
            (|packet| packet[0] = 0xe4, Kind::Unexpected, false, "not set (stratum 2)"),
            (|packet| packet[40..48].fill(0), Kind::Unexpected, false, "not set"),
        ];
        let times = Times { sent: 0, received: 0 };
        for (change, kind, is_stray, words) in cases {
            let fault = read(&NONCE, &answer(change), times).unwrap_err();
            assert_eq!((fault.kind, fault.is_stray), (kind, is_stray), "{}", fault.detail);
            assert!(fault.detail.contains(words), "{} does not say {words}", fault.detail);
        }
        for length in 0..PACKET {
            let fault = read(&NONCE, &answer(|_| {})[..length], times).unwrap_err();
            assert_eq!((fault.kind, fault.is_stray), (Kind::Invalid, true), "{length}");
        }
    }
}
