//! Text that comes from a server, made fit for a detail: nothing in it can steer a terminal, and it ends.
//! Whoever shows a detail still escapes it for HTML or whatever it stands in.

use watchkeep_model::hex;

/// The most characters of one piece of text that are shown.
const LONGEST: usize = 200;

/// `text` without control and direction characters, cut where it is long.
pub(crate) fn shown(text: &str) -> String {
    let mut characters = text.chars().filter(|&c| !steers(c));
    let mut shown: String = characters.by_ref().take(LONGEST).collect();
    if characters.next().is_some() {
        shown.push('…');
    }
    shown
}

/// The most bytes of one answer that are shown.
const MOST_BYTES: usize = LONGEST * 4;

/// Bytes that a peer sent, fit for a detail: as text where most of them are text, in hexadecimal otherwise.
/// A line end shows as a blank.
pub(crate) fn shown_bytes(bytes: &[u8]) -> String {
    let beginning = &bytes[..bytes.len().min(MOST_BYTES)];
    let text = String::from_utf8_lossy(beginning);
    let is_legible = |c: &char| c.is_whitespace() || !(c.is_control() || *c == char::REPLACEMENT_CHARACTER);
    let (legible, all) = (text.chars().filter(is_legible).count(), text.chars().count());
    if legible * 4 >= all * 3 {
        let lines = text.split(['\r', '\n', '\t']).filter(|line| !line.is_empty());
        return shown(lines.collect::<Vec<_>>().join(" ").trim());
    }
    shown(&hex(beginning))
}

/// Control characters, and those that change the direction of the text around them (Unicode TR 36).
fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_is_left_out_and_what_is_long_is_cut() {
        for (text, expected) in [
            ("plain", "plain"),
            ("\u{1b}[31mred\u{7}\r\n", "[31mred"),
            ("a\u{202e}b\u{9b}c", "abc"),
            ("ünïcode", "ünïcode"),
        ] {
            assert_eq!(shown(text), expected);
        }
        let long = shown(&"é".repeat(10_000));
        assert_eq!((long.chars().count(), long.ends_with('…')), (LONGEST + 1, true));
        assert_eq!(shown(&"x".repeat(LONGEST)).len(), LONGEST);
    }

    #[test]
    fn bytes_are_shown_as_what_they_are() {
        let long_text = "é".repeat(10_000);
        for (bytes, expected) in [
            (&b"220-mail\r\n220 ready\r\n"[..], "220-mail 220 ready"),
            (b"", ""),
            (b"\r\n", ""),
            (b"+OK Gr\xfc\xdfe aus M\xfcnchen, willkommen", "+OK Gr\u{fffd}\u{fffd}e aus M\u{fffd}nchen, willkommen"),
            (b"\x1b[31mdanger", "[31mdanger"),
            (&[0, 0, 0, 1, 0xff], "00000001ff"),
            (&[0x16, 3, 3, 0, 2], "1603030002"),
            (long_text.as_bytes(), &(("é".repeat(LONGEST)) + "…")),
            (&[0xff; 70_000], &("f".repeat(LONGEST) + "…")),
        ] {
            assert_eq!(shown_bytes(bytes), expected);
        }
    }
}
