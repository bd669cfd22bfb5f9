//! Printing: a reader that goes away is no error, and texts from outside cannot steer a terminal.
//! Paragraphs are wrapped to a width that is easy to read.

use std::io::Write;

use serde::Serialize;

/// Characters of a line of text, its indent included.
const WIDTH: usize = 80;
/// The most characters that are shown of something that was typed.
const SHORT: usize = 60;

/// Prints to standard output, with colours where it is a terminal and `NO_COLOR` is not set.
pub(crate) fn print(text: &str) {
    let mut out = anstream::stdout().lock();
    // Whoever reads may have closed the pipe; there is nobody left to tell.
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// Prints to standard error.
pub(crate) fn print_error(text: &str) {
    // As above: nobody is left to tell.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// The text without what steers a terminal or turns the direction of what follows.
pub(crate) fn inert(text: &str) -> String {
    text.chars().map(|c| if steers(c) { ' ' } else { c }).collect()
}

/// The same, cut where it is long: for repeating what somebody typed.
pub(crate) fn short(text: &str) -> String {
    let mut characters = text.chars();
    let mut short: String = characters.by_ref().take(SHORT).map(|c| if steers(c) { ' ' } else { c }).collect();
    if characters.next().is_some() {
        short.push('…');
    }
    short
}

/// Control characters, and those that change the direction of the text around them (Unicode TR 36).
fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One line of JSON, what steers a terminal escaped in it.
///
/// # Errors
/// The serializer's, which values of ours never cause.
pub(crate) fn json(value: &impl Serialize) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string(value)?;
    // Outside of its texts compact JSON has no such character, and inside of them an escape means the same. All of
    // them lie in the first plane, so four digits are enough.
    let escaped = |c: char| if steers(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    Ok(text.chars().map(escaped).chain(["\n".to_owned()]).collect())
}

/// The text in lines of at most [`WIDTH`] characters, each behind `indent`; a longer word has a line of its own.
pub(crate) fn wrapped(text: &str, indent: &str) -> String {
    let mut out = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let more = word.chars().count();
        if length > 0 && length + 1 + more <= WIDTH {
            out.push(' ');
            length += 1 + more;
        } else {
            if length > 0 {
                out.push('\n');
            }
            out.push_str(indent);
            length = indent.chars().count() + more;
        }
        out.push_str(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_gone() {
        assert_eq!(inert("a\u{1b}[31mb\u{9b}c\r\nd\u{202e}e"), "a [31mb c  d e");
        assert_eq!(short(&"é".repeat(1_000)).chars().count(), SHORT + 1);
        assert_eq!(short("a\u{7}b"), "a b");
    }

    #[test]
    fn json_says_the_same_without_steering() {
        let text = "a\u{1b}b\u{7f}c\u{9b}d\u{202e}e\"\\";
        let shown = json(&text).unwrap_or_default();
        assert!(!shown.trim_end().chars().any(steers), "{shown:?}");
        assert_eq!(serde_json::from_str::<String>(&shown).ok().as_deref(), Some(text));
    }

    #[test]
    fn lines_end_before_the_width() {
        let text = wrapped(&"word ".repeat(50), "  ");
        assert!(text.lines().all(|line| line.starts_with("  word") && line.len() <= WIDTH), "{text}");
        assert_eq!(text.split_whitespace().count(), 50);
        let long = "x".repeat(200);
        assert_eq!(wrapped(&format!("a {long} b"), " "), format!(" a\n {long}\n b"));
        assert_eq!(wrapped("", "  "), "");
    }
}
