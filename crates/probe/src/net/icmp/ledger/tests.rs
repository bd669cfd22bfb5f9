//! What becomes of an echo when replies and errors come in whatever way they can.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use super::{super::packet::Version, *};

const TARGET: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));
const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 8));
const SIZE: usize = 56;
const REFUSED: Fault = Fault { version: Version::V4, kind: 3, code: 1, mtu: 0 };

/// An echo under way, as the host sees it.
struct Sent {
    number: u32,
    payload: Vec<u8>,
}

fn send(ledger: &mut Ledger, place: u32) -> Sent {
    let mut packet = blank_packet(SIZE);
    let number = ledger.begin(place, &mut packet[HEADER..], moment(0)).unwrap();
    Sent { number, payload: packet[HEADER..].to_vec() }
}

/// So many milliseconds after a beginning that all tests share.
fn moment(milliseconds: u64) -> Moment {
    use std::sync::OnceLock;
    static BEGINNING: OnceLock<Instant> = OnceLock::new();
    let beginning = *BEGINNING.get_or_init(Instant::now);
    Moment { wall: None, steady: beginning + Duration::from_millis(milliseconds) }
}

fn answer(ledger: &mut Ledger, from: IpAddr, echo: &Sent, payload: &[u8]) {
    assert!(ledger.reply(from, echo.number, payload, true, moment(5)).is_none());
}

#[test]
fn only_what_was_sent_comes_back() {
    type Alter = fn(&mut Vec<u8>);
    let cases: [(&str, Alter, Option<Defect>); 7] = [
        ("as sent", |_| {}, None),
        ("cut", |payload| payload.truncate(40), Some(Defect::Length { sent: 56, came: 40 })),
        ("cut within what identifies it", |payload| payload.truncate(9), Some(Defect::Length { sent: 56, came: 9 })),
        ("longer", |payload| payload.push(0), Some(Defect::Length { sent: 56, came: 57 })),
        ("another serial", |payload| payload[7] ^= 1, Some(Defect::Altered)),
        ("another token", |payload| payload[15] ^= 1, Some(Defect::Altered)),
        ("another end", |payload| payload[55] ^= 1, Some(Defect::Altered)),
    ];
    for (name, alter, defect) in cases {
        let mut ledger = Ledger::new(1 << 16);
        let place = ledger.open(TARGET, 1, SIZE);
        let echo = send(&mut ledger, place);
        let mut payload = echo.payload.clone();
        alter(&mut payload);
        answer(&mut ledger, TARGET, &echo, &payload);
        let ping = ledger.close(place).unwrap();
        assert_eq!((ping.defect, ping.round_trips().count()), (defect, usize::from(defect.is_none())), "{name}");
    }
}

#[test]
fn fault_15_replies_count_once_and_only_from_the_target() {
    let mut ledger = Ledger::new(1 << 16);
    let place = ledger.open(TARGET, 3, SIZE);
    let echoes: Vec<_> = (0..3).map(|_| send(&mut ledger, place)).collect();
    answer(&mut ledger, OTHER, &echoes[0], &echoes[0].payload);
    answer(&mut ledger, TARGET, &echoes[2], &echoes[2].payload);
    answer(&mut ledger, TARGET, &echoes[1], &echoes[1].payload);
    answer(&mut ledger, TARGET, &echoes[1], &echoes[1].payload);
    // Under the number of another echo of the same test.
    answer(&mut ledger, TARGET, &echoes[0], &echoes[1].payload);
    let ping = ledger.close(place).unwrap();
    assert_eq!((ping.sent(), ping.round_trips().count(), ping.duplicates), (3, 2, 1));
    assert_eq!((ping.stranger, ping.defect, ping.fault), (Some(OTHER), None, None));
}

#[test]
fn fault_15_what_is_late_is_of_no_test() {
    let mut ledger = Ledger::new(1);
    let first = ledger.open(TARGET, 1, SIZE);
    let given_up = send(&mut ledger, first);
    ledger.close(first).unwrap();
    assert!(ledger.reply(TARGET, given_up.number, &given_up.payload, true, moment(5)).is_none());
    // The next test has the same place and number.
    let second = ledger.open(TARGET, 1, SIZE);
    let echo = send(&mut ledger, second);
    assert_eq!((first, given_up.number), (second, echo.number));
    answer(&mut ledger, TARGET, &echo, &given_up.payload);
    let ping = ledger.close(second).unwrap();
    assert_eq!((ping.round_trips().count(), ping.duplicates, ping.defect), (0, 0, None));
    // Numbers that were never given out lead nowhere.
    assert!(ledger.reply(TARGET, 1 << 20, &echo.payload, true, moment(5)).is_none());
    assert!(ledger.fault(OTHER, 1 << 20, TARGET, REFUSED).is_none());
}

#[test]
fn the_test_is_woken_when_the_last_echo_is_settled() {
    let waker = Waker::noop();
    let mut ledger = Ledger::new(1 << 16);
    let place = ledger.open(TARGET, 2, SIZE);
    let one = send(&mut ledger, place);
    assert!(!ledger.is_settled(place, waker));
    // One of two: the other is still to be sent.
    answer(&mut ledger, TARGET, &one, &one.payload);
    let two = send(&mut ledger, place);
    // About a packet to somebody else.
    assert!(ledger.fault(OTHER, two.number, OTHER, REFUSED).is_none());
    assert!(!ledger.is_settled(place, waker));
    assert!(ledger.fault(OTHER, two.number, TARGET, REFUSED).is_some());
    assert!(ledger.is_settled(place, waker));
    // A reply after an error is still one; an error after a reply is not.
    answer(&mut ledger, TARGET, &two, &two.payload);
    assert!(ledger.fault(OTHER, one.number, TARGET, REFUSED).is_none());
    let ping = ledger.close(place).unwrap();
    assert_eq!((ping.round_trips().count(), ping.fault), (2, Some((OTHER, REFUSED))));
}

#[test]
fn a_wrong_checksum_is_a_defect_whatever_else_is_right() {
    let mut ledger = Ledger::new(1 << 16);
    let place = ledger.open(TARGET, 1, SIZE);
    let echo = send(&mut ledger, place);
    assert!(ledger.reply(OTHER, echo.number, &echo.payload, false, moment(5)).is_none());
    assert!(ledger.reply(TARGET, echo.number, &echo.payload, false, moment(5)).is_none());
    let ping = ledger.close(place).unwrap();
    assert_eq!((ping.defect, ping.stranger), (Some(Defect::Checksum), None));
}

#[test]
fn numbers_are_bounded_and_come_back() {
    let mut ledger = Ledger::new(10_000);
    let place = ledger.open(TARGET, 20_000, SIZE);
    let mut payload = vec![0; SIZE];
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..10_000 {
        assert!(seen.insert(ledger.begin(place, &mut payload, moment(0)).unwrap()));
    }
    assert_eq!(ledger.begin(place, &mut payload, moment(0)), Err(Full));
    ledger.take_back(place);
    assert!(ledger.begin(place, &mut payload, moment(0)).is_ok());
    assert_eq!(ledger.close(place).unwrap().sent(), 10_000);
    assert!(ledger.close(place).is_none());
    let place = ledger.open(TARGET, 1, SIZE);
    assert!(ledger.begin(place, &mut payload, moment(0)).is_ok());
}

#[test]
fn times_are_those_of_the_system_where_both_clocks_agree() {
    let at = |wall: Option<u64>, milliseconds| Moment { wall, ..moment(milliseconds) };
    for (name, sent, came, expected) in [
        ("read later than it came", at(Some(1_000_000), 0), at(Some(4_000_000), 9), 3),
        ("no stamp", at(Some(1_000_000), 0), at(None, 9), 9),
        ("the clock was set back", at(Some(9_000_000), 0), at(Some(4_000_000), 9), 9),
        ("the clock was set on", at(Some(1_000_000), 0), at(Some(99_000_000), 9), 9),
    ] {
        assert_eq!(sent.until(came), Duration::from_millis(expected), "{name}");
    }
}
