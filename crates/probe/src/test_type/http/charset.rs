//! The text of a body by its charset: byte order mark, then what the header says, then what the page itself says.
//! Where nobody says anything it is UTF-8. Bytes that are wrong in their charset never make an error.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use http::{HeaderMap, header};

/// How much of a page is searched for its own declaration (WHATWG HTML, 13.2.3.2).
const BEGINNING: usize = 1024;

/// The text of `body`.
pub(super) fn text<'a>(headers: &HeaderMap, body: &'a [u8]) -> Cow<'a, str> {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| labelled(value.as_bytes(), b"charset"));
    let encoding = declared.or_else(|| by_page(&body[..body.len().min(BEGINNING)])).unwrap_or(UTF_8);
    encoding.decode(body).0
}

/// What an HTML page says in a `<meta>`, or an XML document in its first line.
fn by_page(beginning: &[u8]) -> Option<&'static Encoding> {
    let said = if beginning.trim_ascii_start().starts_with(b"<?xml") {
        let end = position(beginning, b"?>").unwrap_or(beginning.len());
        labelled(&beginning[..end], b"encoding")
    } else {
        let meta = position(beginning, b"<meta")?;
        labelled(&beginning[meta..], b"charset")
    }?;
    // Whoever could read this far does not read UTF-16 (WHATWG HTML, 13.2.3.2).
    Some(if said == UTF_16LE || said == UTF_16BE { UTF_8 } else { said })
}

/// The encoding after `word=`, if one that is known follows.
fn labelled(bytes: &[u8], word: &[u8]) -> Option<&'static Encoding> {
    let mut rest = bytes;
    while let Some(at) = position(rest, word) {
        rest = &rest[at + word.len()..];
        let Some(value) = rest.trim_ascii_start().strip_prefix(b"=") else { continue };
        let value = value.trim_ascii_start();
        let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value);
        let is_label = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_:.".contains(byte);
        let end = value.iter().position(|byte| !is_label(byte)).unwrap_or(value.len());
        return Encoding::for_label(&value[..end]);
    }
    None
}

/// Where `word` stands, whatever its case.
fn position(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).position(|window| window.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_decoded_by_what_is_declared() {
        let headers =
            |value: &'static str| HeaderMap::from_iter([(header::CONTENT_TYPE, http::HeaderValue::from_static(value))]);
        for (content_type, body, expected) in [
            ("text/html; charset=iso-8859-1", &b"caf\xe9"[..], "café"),
            ("text/html; charset=\"UTF-8\"", "café".as_bytes(), "café"),
            ("text/html;Charset = latin1", b"caf\xe9", "café"),
            ("text/html", b"<meta charset='windows-1252'>caf\xe9", "<meta charset='windows-1252'>café"),
            (
                "text/html",
                b"<META http-equiv=Content-Type content=\"text/html; charset=koi8-r\">\xc1",
                "<META http-equiv=Content-Type content=\"text/html; charset=koi8-r\">а",
            ),
            ("application/json", b"{\"charset\": \"x\", \"charset=\": \"iso-8859-1\", \"a\": \"\xc3\xa9\"}", {
                "{\"charset\": \"x\", \"charset=\": \"iso-8859-1\", \"a\": \"é\"}"
            }),
            (
                "text/xml",
                b"<?xml version='1.0' encoding='iso-8859-1'?><a>\xe9</a>",
                "<?xml version='1.0' encoding='iso-8859-1'?><a>é</a>",
            ),
            ("text/html", b"<meta charset=utf-16>caf\xc3\xa9", "<meta charset=utf-16>café"),
            ("text/html", b"\xff\xfec\x00a\x00f\x00\xe9\x00", "café"),
            ("text/html; charset=iso-8859-1", b"\xef\xbb\xbfcaf\xc3\xa9", "café"),
            ("text/html; charset=utf-16le", b"o\x00k\x00", "ok"),
            ("text/html; charset=nonsense", b"ok", "ok"),
            ("text/html; charset=", b"ok", "ok"),
            ("text/plain", b"a\x00b\xffc", "a\0b\u{fffd}c"),
            ("text/plain", b"", ""),
        ] {
            assert_eq!(text(&headers(content_type), body), expected, "{content_type}");
        }
    }
}
