//! Text that comes from a server, made fit for a detail: nothing in it can steer a terminal, and it ends.
//! Whoever shows a detail still escapes it for HTML or whatever it stands in.

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
}
