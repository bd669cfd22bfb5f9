//! What tests say to a peer and expect of its answer; shared by the test types whose protocol is the user's own.

use std::fmt::Write as _;

use serde_json::json;

use crate::{Field, Object, Pattern, Reader, Shape};

/// The most bytes that a test sends or expects.
const LARGEST: usize = 64 * 1024;

/// How the peer's answer is to be read before it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Text in UTF-8: anything else is an invalid answer.
    Utf8,
    /// Hexadecimal digits, with or without white space, that stand for bytes: anything else is an invalid answer.
    Hex,
}

/// What validates an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Expectation {
    /// A word or an expression that must be in its text.
    Text(Pattern),
    /// Bytes that must be in it.
    Bytes(Box<[u8]>),
}

/// What is said, and what is expected in return.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exchange {
    /// What is sent; nothing when absent.
    pub send: Option<Payload>,
    /// What must come back; any answer will do when absent.
    pub expect: Option<Expectation>,
    /// How the answer is read; as it comes when absent.
    pub encoding: Option<Encoding>,
}

/// Bytes to send, and how the user wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Text; its escapes are resolved.
    Text {
        /// As written, `EHLO robot\r\n` with its backslashes.
        source: Box<str>,
        /// What is sent.
        bytes: Box<[u8]>,
    },
    /// Written in hexadecimal.
    Hex(Box<[u8]>),
}

impl Payload {
    /// What is sent.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Text { bytes, .. } | Self::Hex(bytes) => bytes,
        }
    }
}

impl Exchange {
    /// The fields, for the `FIELDS` of test types.
    pub const SEND: Field = Field {
        name: "send",
        flag: None,
        label: "Send",
        help: "Text to send; \\r, \\n, \\t, \\0, \\xHH and \\\\ stand for those bytes.",
        default: "",
        shape: Shape::LongText,
    };
    /// Bytes to send.
    pub const SEND_HEX: Field = Field {
        name: "send_hex",
        flag: None,
        label: "Send (hexadecimal)",
        help: "Bytes to send instead of a text, such as 0d0a.",
        default: "",
        shape: Shape::Text,
    };
    /// Text to expect.
    pub const EXPECT: Field = Field {
        name: "expect",
        flag: None,
        label: "Expect",
        help: "Must be in the answer. /…/ or /…/i makes a regular expression.",
        default: "",
        shape: Shape::Text,
    };
    /// Bytes to expect.
    pub const EXPECT_HEX: Field = Field {
        name: "expect_hex",
        flag: None,
        label: "Expect (hexadecimal)",
        help: "Bytes that must be in the answer, such as 00ff.",
        default: "",
        shape: Shape::Text,
    };
    /// How the answer is read.
    pub const ENCODING: Field = Field {
        name: "encoding",
        flag: None,
        label: "Encoding of the answer",
        help: "The answer must be text in UTF-8, or hexadecimal digits, which are turned into bytes before they are compared.",
        default: "",
        shape: Shape::Choice(&["utf-8", "hex"]),
    };

    /// Reads the fields `send`, `send_hex`, `expect`, `expect_hex` and `encoding`.
    pub(crate) fn read(reader: &mut Reader) -> Self {
        let text = reader.text("send").filter(|text| !text.is_empty());
        let hex = read_hex(reader, "send_hex");
        let send = match (text, hex) {
            (Some(_), Some(_)) => {
                reader.problem("send_hex", "cannot stand beside send; keep one of them");
                None
            }
            (Some(source), None) => match unescaped(&source) {
                Ok(bytes) => Some(Payload::Text { source: source.into(), bytes: bytes.into() }),
                Err(message) => {
                    reader.problem("send", message);
                    None
                }
            },
            (None, hex) => hex.map(Payload::Hex),
        };
        let pattern = reader.parse::<Pattern>("expect");
        let bytes = read_hex(reader, "expect_hex");
        let expect = match (pattern, bytes) {
            (Some(_), Some(_)) => {
                reader.problem("expect_hex", "cannot stand beside expect; keep one of them");
                None
            }
            (Some(pattern), None) => Some(Expectation::Text(pattern)),
            (None, bytes) => bytes.map(Expectation::Bytes),
        };
        let encoding = reader.text("encoding").and_then(|word| match word.to_ascii_lowercase().as_str() {
            "utf-8" | "utf8" => Some(Encoding::Utf8),
            "hex" => Some(Encoding::Hex),
            _ => {
                reader.problem("encoding", "must be utf-8 or hex");
                None
            }
        });
        Self { send, expect, encoding }
    }

    /// Writes them, those that are absent excepted.
    pub(crate) fn write(&self, object: &mut Object) {
        let mut set = |name: &str, value: serde_json::Value| {
            object.insert(name.to_owned(), value);
        };
        match &self.send {
            None => {}
            Some(Payload::Text { source, .. }) => set("send", json!(source)),
            Some(Payload::Hex(bytes)) => set("send_hex", json!(hex(bytes))),
        }
        match &self.expect {
            None => {}
            Some(Expectation::Text(pattern)) => set("expect", json!(pattern.as_str())),
            Some(Expectation::Bytes(bytes)) => set("expect_hex", json!(hex(bytes))),
        }
        match self.encoding {
            None => {}
            Some(Encoding::Utf8) => set("encoding", json!("utf-8")),
            Some(Encoding::Hex) => set("encoding", json!("hex")),
        }
    }
}

fn read_hex(reader: &mut Reader, field: &str) -> Option<Box<[u8]>> {
    let text = reader.text(field).filter(|text| !text.trim().is_empty())?;
    let bytes = unhex(&text);
    if bytes.is_none() {
        reader.problem(field, "must be pairs of hexadecimal digits, such as 00ff");
    }
    bytes.map(Into::into)
}

/// The bytes that pairs of hexadecimal digits stand for; white space may stand between them, and `0x` before them.
#[must_use]
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    let text = text.strip_prefix("0x").unwrap_or(text);
    let mut digits = text.chars().filter(|c| !c.is_ascii_whitespace()).map(|c| c.to_digit(16));
    let mut bytes = Vec::with_capacity(text.len() / 2);
    while let Some(high) = digits.next() {
        let byte = high? * 16 + digits.next()??;
        bytes.push(u8::try_from(byte).ok()?);
    }
    Some(bytes)
}

/// Bytes in lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Resolves the escapes of a text to send.
fn unescaped(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            bytes.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        match rest.next() {
            Some('r') => bytes.push(b'\r'),
            Some('n') => bytes.push(b'\n'),
            Some('t') => bytes.push(b'\t'),
            Some('0') => bytes.push(0),
            Some('\\') => bytes.push(b'\\'),
            Some('x') => {
                let digits: String = rest.by_ref().take(2).collect();
                let byte = Some(&digits).filter(|digits| digits.len() == 2).and_then(|digits| unhex(digits));
                bytes.extend(byte.ok_or("has \\x without two hexadecimal digits after it")?);
            }
            _ => return Err("has a \\ that begins no escape; write \\\\ for the character itself".to_owned()),
        }
    }
    if bytes.len() > LARGEST { Err(format!("must have {LARGEST} bytes at most")) } else { Ok(bytes) }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn escapes_stand_for_bytes() {
        for (text, bytes) in [
            (r"EHLO x\r\n", &b"EHLO x\r\n"[..]),
            (r"\x00\xFF\0\t\\", &[0, 255, 0, 9, 92]),
            ("ü", "ü".as_bytes()),
            ("a\nb", b"a\nb"),
        ] {
            assert_eq!(unescaped(text).unwrap(), bytes, "{text}");
        }
        for text in [r"\", r"\q", r"\x", r"\x1", r"\xg0", r"\x+1"] {
            assert!(unescaped(text).is_err(), "{text}");
        }
    }

    #[test]
    fn hexadecimal_is_read_and_written() {
        assert_eq!(unhex("00 ff\n0A").unwrap(), [0, 255, 10]);
        assert_eq!(unhex("0x0d0a").unwrap(), [13, 10]);
        assert_eq!(hex(&[0, 255, 10]), "00ff0a");
        for text in ["0", "0g", "zz", "0 0 0", "+1"] {
            assert_eq!(unhex(text), None, "{text}");
        }
    }

    #[test]
    fn an_exchange_is_written_as_it_is_read() {
        for (object, problem) in [
            (json!({"send": "PING\\r\\n", "expect": "/^PONG/", "encoding": "utf-8"}), None),
            (json!({"send_hex": "00ff", "expect_hex": "ff", "encoding": "hex"}), None),
            (json!({}), None),
            (json!({"send": "a", "send_hex": "00"}), Some("send_hex")),
            (json!({"expect": "a", "expect_hex": "00"}), Some("expect_hex")),
            (json!({"send": "\\"}), Some("send")),
            (json!({"expect": "/(/"}), Some("expect")),
            (json!({"send_hex": "0"}), Some("send_hex")),
            (json!({"encoding": "latin-1"}), Some("encoding")),
        ] {
            let Value::Object(fields) = object.clone() else { unreachable!() };
            let mut reader = Reader::new(fields);
            let exchange = Exchange::read(&mut reader);
            let problems = reader.into_problems();
            assert_eq!(problems.first().map(|problem| problem.field.as_str()), problem, "{object}");
            if problem.is_none() {
                let mut written = Object::new();
                exchange.write(&mut written);
                assert_eq!(Value::Object(written), object);
            }
        }
    }
}
