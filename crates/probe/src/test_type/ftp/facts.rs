//! What stands in the text of certain replies: where a data connection goes, and what a path is. No I/O.

use watchkeep_model::ftp::{PathKind, SeenPath};

/// The port of `229 Entering Extended Passive Mode (|||6446|)` (RFC 2428, 3).
pub(super) fn extended_port(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once('(')?;
    let (inside, _) = rest.split_once(')')?;
    // Any printable character may stand between the parts; it is the same everywhere.
    let delimiter = inside.chars().next().filter(char::is_ascii_graphic)?;
    let mut parts = inside.split(delimiter);
    match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(""), Some(_), Some(_), Some(port), Some(""), None) => usable(port.parse().ok()?),
        _ => None,
    }
}

/// The port of `227 Entering Passive Mode (127,0,0,1,25,46)`. Servers write it with brackets and without
/// (RFC 1123, 4.1.2.6); the address is left out, because only the one that the test talks to already is trusted.
pub(super) fn passive_port(text: &str) -> Option<u16> {
    let is_of_numbers = |c: char| c.is_ascii_digit() || c == ',';
    text.split(|c| !is_of_numbers(c)).find_map(|candidate| {
        let numbers: Result<Vec<u8>, _> = candidate.split(',').map(str::parse).collect();
        match *numbers.ok()? {
            [_, _, _, _, high, low] => usable(u16::from_be_bytes([high, low])),
            _ => None,
        }
    })
}

fn usable(port: u16) -> Option<u16> {
    (port != 0).then_some(port)
}

/// What the reply to MLST says: a line in the middle with facts, a space and the name (RFC 3659, 7.2).
pub(super) fn facts(text: &str) -> SeenPath {
    let mut seen = SeenPath { kind: PathKind::Unknown, size: None };
    let Some(line) = text.lines().skip(1).find_map(|line| line.strip_prefix(' ')) else { return seen };
    let facts = line.split(' ').next().unwrap_or_default();
    for (name, value) in facts.split(';').filter_map(|fact| fact.split_once('=')) {
        match name.to_ascii_lowercase().as_str() {
            "type" => {
                seen.kind = match value.to_ascii_lowercase().as_str() {
                    "file" => PathKind::File,
                    "dir" | "cdir" | "pdir" => PathKind::Directory,
                    _ => PathKind::Unknown,
                };
            }
            "size" => seen.size = value.parse().ok(),
            _ => {}
        }
    }
    if seen.kind == PathKind::Directory {
        seen.size = None;
    }
    seen
}

/// The number of bytes that the reply to SIZE tells (RFC 3659, 4).
pub(super) fn size(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ports_are_found() {
        for (text, port) in [
            ("Entering Extended Passive Mode (|||6446|)", Some(6446)),
            ("Extended (!!!1!).", Some(1)),
            ("Entering Extended Passive Mode (|1|192.0.2.7|21|)", Some(21)),
            ("(|||0|)", None),
            ("(|||65536|)", None),
            ("(||6446|)", None),
            ("(|||6446|", None),
            ("(|||6446||)", None),
            ("()", None),
            ("6446", None),
            ("(   6446 )", None),
        ] {
            assert_eq!(extended_port(text), port, "{text}");
        }
        for (text, port) in [
            ("Entering Passive Mode (127,0,0,1,25,46).", Some(6446)),
            ("Entering Passive Mode. 10,0,0,1,0,21", Some(21)),
            ("=127,0,0,1,255,255", Some(65535)),
            ("Mode 1,2 (127,0,0,1,0,21)", Some(21)),
            ("(127,0,0,1,0,0)", None),
            ("(127,0,0,1,256,0)", None),
            ("(127,0,0,1,25)", None),
            ("(127,0,0,1,25,46,1)", None),
            ("(127,0,0,1,,46)", None),
            ("", None),
        ] {
            assert_eq!(passive_port(text), port, "{text}");
        }
    }

    #[test]
    fn facts_are_read() {
        for (text, kind, size) in [
            ("Listing a\n type=file;size=1024;modify=20260101000000; a\nEnd", PathKind::File, Some(1024)),
            ("Listing a\n Size=5;TYPE=File; my;type=dir\nEnd", PathKind::File, Some(5)),
            ("a\n type=dir;size=4096; /a\nb", PathKind::Directory, None),
            ("a\n type=OS.unix=slink:/b; /a\nb", PathKind::Unknown, None),
            ("a\n size=x; /a\nb", PathKind::Unknown, None),
            ("a\n /a\nb", PathKind::Unknown, None),
            ("a\ntype=file; a\nb", PathKind::Unknown, None),
            ("", PathKind::Unknown, None),
        ] {
            assert_eq!(facts(text), SeenPath { kind, size }, "{text}");
        }
        for (text, bytes) in [("1024", Some(1024)), (" 0\n", Some(0)), ("-1", None), ("1 2", None), ("", None)] {
            assert_eq!(size(text), bytes, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_much(text in "\\PC*|[0-9,()|!]{0,30}|(\\n? ?[a-zA-Z]{1,5}[=;]){0,6}") {
            let _ = (extended_port(&text), passive_port(&text), facts(&text), size(&text));
        }
    }
}
