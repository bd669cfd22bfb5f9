//! What a peer answered, held against what the test expects: decoded as declared, then searched.
//! Bytes in, verdict out; shared by the test types whose protocol is the user's own.

use std::borrow::Cow;

use memchr::memmem;
use watchkeep_model::{Encoding, Expectation};

use crate::outside::shown;

/// How far an answer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// More may follow: what is cut at the end may be completed.
    Begun,
    /// A stream has ended here: what matches before the first flaw counts.
    Ended,
    /// A message that came whole: it must be decodable to its last byte.
    Message,
}

/// What an answer is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It has what is expected.
    Right,
    /// It does not, as far as it has come.
    Wrong,
    /// It is not in the declared encoding, for this reason.
    Undecodable(String),
}

/// Judges an answer. Without an expectation anything decodable is right.
pub(crate) fn judge(
    bytes: &[u8],
    extent: Extent,
    encoding: Option<Encoding>,
    expectation: Option<&Expectation>,
) -> Answer {
    let Decoded { bytes, flaw } = decode(bytes, encoding);
    let undecodable = flaw.filter(|flaw| extent != Extent::Begun || !flaw.is_cut);
    match undecodable {
        Some(flaw) if extent == Extent::Message => Answer::Undecodable(flaw.reason),
        _ if is_met(expectation, &bytes, extent) => Answer::Right,
        Some(flaw) => Answer::Undecodable(flaw.reason),
        None => Answer::Wrong,
    }
}

/// The expectation in the words of a detail.
pub(crate) fn expected(expectation: &Expectation) -> String {
    match expectation {
        Expectation::Text(pattern) => shown(pattern.as_str()),
        Expectation::Bytes(bytes) => format!("the bytes {}", shown(&watchkeep_model::hex(bytes))),
    }
}

fn is_met(expectation: Option<&Expectation>, bytes: &[u8], extent: Extent) -> bool {
    match expectation {
        None => true,
        Some(Expectation::Bytes(wanted)) => memmem::find(bytes, wanted).is_some(),
        Some(Expectation::Text(pattern)) => {
            let bytes = if extent == Extent::Begun { without_cut_character(bytes) } else { bytes };
            pattern.is_in(&String::from_utf8_lossy(bytes))
        }
    }
}

/// The bytes that an answer stands for, up to its first flaw.
struct Decoded<'a> {
    bytes: Cow<'a, [u8]>,
    flaw: Option<Flaw>,
}

struct Flaw {
    /// Nothing is wrong but that the end is missing.
    is_cut: bool,
    reason: String,
}

fn decode(bytes: &[u8], encoding: Option<Encoding>) -> Decoded<'_> {
    match encoding {
        None => Decoded { bytes: bytes.into(), flaw: None },
        Some(Encoding::Utf8) => {
            let Err(error) = str::from_utf8(bytes) else { return Decoded { bytes: bytes.into(), flaw: None } };
            let valid = error.valid_up_to();
            let is_cut = error.error_len().is_none();
            let reason = match is_cut {
                true => "it ends in the middle of a UTF-8 character".to_owned(),
                false => format!("it is not UTF-8 from byte {valid} on"),
            };
            Decoded { bytes: bytes[..valid].into(), flaw: Some(Flaw { is_cut, reason }) }
        }
        Some(Encoding::Hex) => unhexed(bytes),
    }
}

/// Pairs of digits, with white space between and `0x` before them as where users write them.
fn unhexed(bytes: &[u8]) -> Decoded<'_> {
    let start = bytes.len() - bytes.trim_ascii_start().len();
    let start = if bytes[start..].starts_with(b"0x") { start + 2 } else { start };
    let mut decoded = Vec::with_capacity((bytes.len() - start) / 2);
    let mut high = None;
    for (at, &byte) in bytes.iter().enumerate().skip(start).filter(|(_, byte)| !byte.is_ascii_whitespace()) {
        let Some(digit) = char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()) else {
            let reason = format!("it has something else than hexadecimal digits at byte {at}");
            return Decoded { bytes: decoded.into(), flaw: Some(Flaw { is_cut: false, reason }) };
        };
        match high.take() {
            None => high = Some(digit * 16),
            Some(high) => decoded.push(high + digit),
        }
    }
    let flaw = high.map(|_| Flaw { is_cut: true, reason: "it has an odd number of hexadecimal digits".to_owned() });
    Decoded { bytes: decoded.into(), flaw }
}

/// Without the beginning of a UTF-8 character at the end, whose other bytes are still to come.
fn without_cut_character(bytes: &[u8]) -> &[u8] {
    let is_continuation = |byte: &u8| byte & 0xc0 == 0x80;
    let Some(lead) = bytes.iter().rposition(|byte| !is_continuation(byte)) else { return bytes };
    match str::from_utf8(&bytes[lead..]) {
        Err(error) if error.error_len().is_none() => &bytes[..lead],
        _ => bytes,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use proptest::prelude::*;
    use watchkeep_model::{hex, unhex};

    use super::*;

    fn text(pattern: &str) -> Expectation {
        Expectation::Text(pattern.parse().unwrap())
    }

    #[test]
    fn answers_are_decoded_and_searched() {
        use Answer::{Right, Wrong};
        use Encoding::{Hex, Utf8};
        use Extent::{Begun, Ended, Message};
        let raw = |bytes: &[u8]| Expectation::Bytes(bytes.into());
        let undecodable = |reason: &str| Answer::Undecodable(reason.to_owned());
        let cut = || undecodable("it ends in the middle of a UTF-8 character");
        let no_utf8 = || undecodable("it is not UTF-8 from byte 2 on");
        let odd = || undecodable("it has an odd number of hexadecimal digits");
        for (bytes, extent, encoding, expectation, answer) in [
            (&b"220 mail"[..], Begun, None, Some(text("/^220 /")), Right),
            (b"554 no", Begun, None, Some(text("/^220 /")), Wrong),
            (b"\xff220 ", Begun, None, Some(text("220")), Right),
            (b"a\xffb", Begun, None, Some(raw(b"\xff")), Right),
            (b"abc", Message, None, Some(raw(b"abcd")), Wrong),
            (b"", Message, None, None, Right),
            (b"", Message, None, Some(text("a")), Wrong),
            // Half an é is no character yet, and at the end it is a broken one.
            (b"\xc3", Begun, None, Some(text("/./")), Wrong),
            (b"\xc3", Ended, None, Some(text("/./")), Right),
            (b"ok\xc3", Begun, Some(Utf8), Some(text("no")), Wrong),
            (b"ok\xc3", Ended, Some(Utf8), Some(text("no")), cut()),
            (b"ok\xff", Begun, Some(Utf8), Some(text("no")), no_utf8()),
            // In a stream it counts what came first, however it was cut into pieces.
            (b"ok\xff", Begun, Some(Utf8), Some(text("ok")), Right),
            (b"ok\xff", Ended, Some(Utf8), Some(text("ok")), Right),
            (b"ok\xff", Message, Some(Utf8), Some(text("ok")), no_utf8()),
            (b"ok\xff", Message, Some(Utf8), None, no_utf8()),
            (b"6f 6B\n", Message, Some(Hex), Some(text("ok")), Right),
            (b"0x00ff", Message, Some(Hex), Some(raw(b"\xff")), Right),
            (b"00f", Begun, Some(Hex), Some(raw(b"\xff")), Wrong),
            (b"00f", Message, Some(Hex), Some(raw(b"\0")), odd()),
            (b"00f", Ended, Some(Hex), Some(raw(b"\0")), Right),
            (
                b"00 zz",
                Begun,
                Some(Hex),
                Some(raw(b"\xff")),
                undecodable("it has something else than hexadecimal digits at byte 3"),
            ),
        ] {
            let judged = judge(bytes, extent, encoding, expectation.as_ref());
            assert_eq!(judged, answer, "{bytes:?} {extent:?} {encoding:?} {expectation:?}");
        }
    }

    #[test]
    fn expectations_are_told_without_what_steers() {
        assert_eq!(expected(&text("/^220\u{1b} /i")), "/^220 /i");
        assert_eq!(expected(&Expectation::Bytes([0, 255].into())), "the bytes 00ff");
    }

    proptest! {
        #[test]
        fn hexadecimal_is_read_as_where_users_write_it(text in "( |0x)?[0-9a-fA-F \n]{0,12}[g]?") {
            let Decoded { bytes, flaw } = decode(text.as_bytes(), Some(Encoding::Hex));
            let read = flaw.is_none().then(|| bytes.to_vec());
            prop_assert_eq!(read, unhex(&text));
        }

        #[test]
        fn what_is_undecodable_stays_so(bytes in any::<Vec<u8>>(), more in any::<Vec<u8>>(), is_hex in any::<bool>()) {
            let encoding = Some(if is_hex { Encoding::Hex } else { Encoding::Utf8 });
            let never = Expectation::Bytes(b"more than can come here, however it is decoded".as_slice().into());
            if let Answer::Undecodable(reason) = judge(&bytes, Extent::Begun, encoding, Some(&never)) {
                let longer = [bytes, more].concat();
                let judged = judge(&longer, Extent::Begun, encoding, Some(&never));
                prop_assert_eq!(judged, Answer::Undecodable(reason));
            }
        }

        #[test]
        fn a_whole_character_is_kept(text in ".{0,8}", rest in 1..4_usize) {
            let bytes = text.as_bytes();
            prop_assert_eq!(without_cut_character(bytes), bytes);
            let cut = bytes.len().saturating_sub(rest);
            prop_assert!(str::from_utf8(without_cut_character(&bytes[..cut])).is_ok());
        }

        #[test]
        fn bytes_survive_their_hexadecimal(bytes in any::<Vec<u8>>()) {
            let wanted = Expectation::Bytes(bytes.clone().into());
            let written = hex(&bytes);
            let judged = judge(written.as_bytes(), Extent::Message, Some(Encoding::Hex), Some(&wanted));
            prop_assert_eq!(judged, Answer::Right);
        }
    }
}
