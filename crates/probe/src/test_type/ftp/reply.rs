//! Replies of an FTP server, made of its bytes as they come (RFC 959, 4.2). No I/O.
//! A reply has bounds, so that one without end is found broken and not waited for.

/// The longest line, in bytes.
const LONGEST_LINE: usize = 4 * 1024;
/// The most lines of one reply.
const MOST_LINES: usize = 512;
/// The most bytes of one reply.
const LARGEST: usize = 64 * 1024;
/// How much of its text is kept, in bytes.
const MOST_KEPT: usize = 4 * 1024;

/// A complete reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    /// From 100 to 599.
    pub(crate) code: u16,
    /// The text without the codes that begin and end it, a line each; cut where it is very long.
    pub(crate) text: String,
}

/// How bytes break the rules of replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Broken {
    /// A reply begins with three digits, then a space or a hyphen.
    #[error("it does not begin with a three-digit code")]
    NoCode,
    /// Codes have a first digit from 1 to 5.
    #[error("its code is {0}, and codes are from 100 to 599")]
    OutOfRange(u16),
    #[error("a line of it is longer than {LONGEST_LINE} bytes")]
    LongLine,
    #[error("it has more than {MOST_LINES} lines and no end")]
    ManyLines,
    #[error("it is larger than {LARGEST} bytes and has no end")]
    Large,
}

/// How much of a reply has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing.
    Nothing,
    /// Part of its first line.
    FirstLine,
    /// The first of several lines, and not the last.
    SeveralLines,
}

/// Makes replies of bytes. Of no use any more once it has found something broken.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    telnet: Telnet,
    line: Vec<u8>,
    /// The code of a reply of several lines, once its first is there.
    several: Option<u16>,
    lines: usize,
    bytes: usize,
    text: Vec<u8>,
}

impl Replies {
    /// The next reply, if `input` completes one; what belongs to it is taken off.
    ///
    /// # Errors
    /// How the reply breaks the rules.
    pub(crate) fn take(&mut self, input: &mut &[u8]) -> Result<Option<Reply>, Broken> {
        while let Some((&byte, rest)) = input.split_first() {
            *input = rest;
            self.bytes += 1;
            if self.bytes > LARGEST {
                return Err(Broken::Large);
            }
            let meant = self.telnet.pass(byte);
            for byte in meant.into_iter().flatten() {
                if let Some(reply) = self.push(byte)? {
                    return Ok(Some(reply));
                }
            }
        }
        Ok(None)
    }

    /// How much of the next reply has come.
    pub(crate) fn progress(&self) -> Progress {
        match (self.several, self.line.is_empty()) {
            (Some(_), _) => Progress::SeveralLines,
            (None, false) => Progress::FirstLine,
            (None, true) => Progress::Nothing,
        }
    }

    /// The line that has begun.
    pub(crate) fn line(&self) -> &[u8] {
        &self.line
    }

    fn push(&mut self, byte: u8) -> Result<Option<Reply>, Broken> {
        // Some servers end their lines with LF alone.
        if byte == b'\n' {
            return self.end_line();
        }
        if self.line.len() == LONGEST_LINE {
            return Err(Broken::LongLine);
        }
        self.line.push(byte);
        // What is no reply is told at its first byte, because its line may never end.
        if self.several.is_none() && self.line.len() <= 4 {
            begins_a_reply(&self.line)?;
        }
        Ok(None)
    }

    fn end_line(&mut self) -> Result<Option<Reply>, Broken> {
        self.lines += 1;
        if self.lines > MOST_LINES {
            return Err(Broken::ManyLines);
        }
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        let split = line.split_at_checked(3).and_then(|(digits, rest)| Some((number(digits)?, rest)));
        match (self.several, split) {
            (None, Some((code, [] | [b' ', ..]))) => Ok(Some(self.finish(code, line.get(4..).unwrap_or_default()))),
            (None, Some((code, [b'-', text @ ..]))) => {
                self.several = Some(code);
                self.keep(text);
                Ok(None)
            }
            (None, _) => Err(Broken::NoCode),
            (Some(code), Some((again, [] | [b' ', ..]))) if code == again => {
                Ok(Some(self.finish(code, line.get(4..).unwrap_or_default())))
            }
            (Some(_), _) => {
                self.keep(line);
                Ok(None)
            }
        }
    }

    fn keep(&mut self, text: &[u8]) {
        let separator = if self.lines > 1 { &b"\n"[..] } else { b"" };
        let room = MOST_KEPT.saturating_sub(self.text.len());
        self.text.extend(separator.iter().chain(text).take(room));
    }

    fn finish(&mut self, code: u16, text: &[u8]) -> Reply {
        self.keep(text);
        let text = String::from_utf8_lossy(&self.text).into_owned();
        *self = Self { telnet: std::mem::take(&mut self.telnet), ..Self::default() };
        Reply { code, text }
    }
}

/// Whether the first line of a reply may begin like this; four bytes decide.
fn begins_a_reply(line: &[u8]) -> Result<(), Broken> {
    let digits = &line[..line.len().min(3)];
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(Broken::NoCode);
    }
    match (number(digits), line.get(3)) {
        (Some(code), _) if !(100..600).contains(&code) => Err(Broken::OutOfRange(code)),
        (_, None | Some(b' ' | b'-' | b'\r')) => Ok(()),
        (_, Some(_)) => Err(Broken::NoCode),
    }
}

/// The number that three digits make.
fn number(digits: &[u8]) -> Option<u16> {
    let is_number = digits.len() == 3 && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| digits.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0')))
}

/// Leaves out the commands of the Telnet protocol, which may stand between the bytes (RFC 854).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Telnet {
    #[default]
    Text,
    /// After the escape.
    Command,
    /// A command whose subject is the next byte.
    Subject,
    /// A negotiation that ends with a command.
    Negotiation,
    /// After the escape in a negotiation.
    NegotiationCommand,
}

impl Telnet {
    const ESCAPE: u8 = 255;
    const END_OF_NEGOTIATION: u8 = 240;
    const NEGOTIATION: u8 = 250;

    /// What a byte means as text, together with an escape before it that was none.
    fn pass(&mut self, byte: u8) -> [Option<u8>; 2] {
        let (next, text) = match (*self, byte) {
            (Self::Text, Self::ESCAPE) => (Self::Command, [None, None]),
            (Self::Text, text) => (Self::Text, [Some(text), None]),
            (Self::Command, Self::ESCAPE) => (Self::Text, [Some(Self::ESCAPE), None]),
            (Self::Command, Self::NEGOTIATION) => (Self::Negotiation, [None, None]),
            (Self::Command, 251..=254) => (Self::Subject, [None, None]),
            (Self::Command, 240..=249) => (Self::Text, [None, None]),
            // No command at all: in ISO 8859-1 the escape is a letter.
            (Self::Command, text) => (Self::Text, [Some(Self::ESCAPE), Some(text)]),
            (Self::Subject, _) | (Self::NegotiationCommand, Self::END_OF_NEGOTIATION) => (Self::Text, [None, None]),
            (Self::Negotiation, Self::ESCAPE) => (Self::NegotiationCommand, [None, None]),
            (Self::Negotiation | Self::NegotiationCommand, _) => (Self::Negotiation, [None, None]),
        };
        *self = next;
        text
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every reply in `bytes`, given in pieces of these lengths in turn.
    fn replies(bytes: &[u8], pieces: &[usize]) -> Result<Vec<Reply>, Broken> {
        let (mut replies, mut all, mut rest) = (Replies::default(), Vec::new(), bytes);
        for &length in pieces.iter().cycle() {
            let (mut piece, later) = rest.split_at(length.clamp(1, rest.len().max(1)).min(rest.len()));
            while let Some(reply) = replies.take(&mut piece)? {
                all.push(reply);
            }
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        Ok(all)
    }

    fn texts(bytes: &[u8]) -> Vec<(u16, String)> {
        replies(bytes, &[usize::MAX]).unwrap().into_iter().map(|reply| (reply.code, reply.text)).collect()
    }

    #[test]
    fn replies_have_one_line_or_several() {
        for (bytes, expected) in [
            (&b"220 ready\r\n"[..], vec![(220, "ready")]),
            (b"220 bare\n", vec![(220, "bare")]),
            (b"220\r\n220 \r\n220\n", vec![(220, ""), (220, ""), (220, "")]),
            (b"123-First\r\nSecond\r\n 234 numbers\r\n123 Last\r\n", vec![(123, "First\nSecond\n 234 numbers\nLast")]),
            (b"230-one\r\n230-two\r\n230 three\r\n", vec![(230, "one\n230-two\nthree")]),
            (b"230-\r\n331 another\r\n\r\n2300 more\r\n230\r\n", vec![(230, "\n331 another\n\n2300 more\n")]),
            (b"331 a\r\n230 b\r\n", vec![(331, "a"), (230, "b")]),
            (b"550 caf\xe9\r\n", vec![(550, "caf\u{fffd}")]),
            (b"200 a\0b\x1b[31m\rc\r\n", vec![(200, "a\0b\x1b[31m\rc")]),
            (b"\xff\xfb\x01220 \xff\xf1a\xff\xfa\x18\x01\n\xff\xf0b\xff\xff\r\n", vec![(220, "ab\u{fffd}")]),
            (b"220 \xff\r\n", vec![(220, "\u{fffd}")]),
            (b"220", vec![]),
            (b"220-a\r\n221 b\r\n", vec![]),
            (b"", vec![]),
        ] {
            let expected: Vec<_> = expected.into_iter().map(|(code, text)| (code, text.to_owned())).collect();
            assert_eq!(texts(bytes), expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn what_is_no_reply_is_broken_at_once() {
        for (bytes, broken) in [
            (&b"S"[..], Broken::NoCode),
            (b"SSH-2.0-OpenSSH_9.2\r\n", Broken::NoCode),
            (b"22x", Broken::NoCode),
            (b"2200 ready", Broken::NoCode),
            (b"220\tready", Broken::NoCode),
            (b"22\r\n", Broken::NoCode),
            (b"220\rx\n", Broken::NoCode),
            (b"\r\n", Broken::NoCode),
            (b"\n", Broken::NoCode),
            (b" 220 ready\r\n", Broken::NoCode),
            (b"\x15\x03\x03", Broken::NoCode),
            (b"099", Broken::OutOfRange(99)),
            (b"600 x", Broken::OutOfRange(600)),
            (b"220 ok\r\n999-", Broken::OutOfRange(999)),
        ] {
            assert_eq!(replies(bytes, &[usize::MAX]), Err(broken), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn replies_have_bounds() {
        let line = |length: usize| [&b"220 "[..], &vec![b'x'; length - 4]].concat();
        let with_end = |mut bytes: Vec<u8>| {
            bytes.extend(b"\n");
            bytes
        };
        assert_eq!(texts(&with_end(line(LONGEST_LINE)))[0].1.len(), LONGEST_LINE - 4);
        assert_eq!(replies(&line(LONGEST_LINE + 1), &[1]), Err(Broken::LongLine));
        let several = |lines: usize| [b"220-\n".repeat(lines - 1), b"220 end\n".to_vec()].concat();
        assert_eq!(texts(&several(MOST_LINES)).len(), 1);
        assert_eq!(replies(&several(MOST_LINES + 1), &[7]), Err(Broken::ManyLines));
        let large = [b"220-\n".to_vec(), with_end(vec![b'x'; 4000]).repeat(17)].concat();
        assert_eq!(replies(&large, &[1000]), Err(Broken::Large));
        assert_eq!(replies(&[255, 250].repeat(LARGEST), &[1000]), Err(Broken::Large));
        let kept = [b"220-\n".to_vec(), with_end(vec![b'x'; 4000]).repeat(4), b"220 end\n".to_vec()].concat();
        assert_eq!(texts(&kept)[0].1.len(), MOST_KEPT);
    }

    #[test]
    fn progress_is_known() {
        let mut replies = Replies::default();
        for (bytes, progress) in [
            (&b""[..], Progress::Nothing),
            (b"22", Progress::FirstLine),
            (b"0-a\r", Progress::FirstLine),
            (b"\n", Progress::SeveralLines),
            (b"220 b", Progress::SeveralLines),
            (b"\r\n", Progress::Nothing),
        ] {
            let mut input = bytes;
            replies.take(&mut input).unwrap();
            assert_eq!(replies.progress(), progress, "{}", bytes.escape_ascii());
        }
    }

    /// Bytes that are often replies.
    fn likely() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            "[1-5][0-9]{2}[ -][a-z]{0,5}\r?\n".prop_map(String::into_bytes),
            Just(b"220-x\r\n".to_vec()),
            Just(b"220 y\r\n".to_vec()),
            Just(vec![255, 251, 1]),
            proptest::collection::vec(any::<u8>(), 0..4),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_split_of_the_bytes_gives_the_same(bytes in likely(), pieces in proptest::collection::vec(1_usize..9, 1..8)) {
            prop_assert_eq!(replies(&bytes, &pieces), replies(&bytes, &[usize::MAX]));
        }

        #[test]
        fn no_bytes_are_too_much(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            for reply in replies(&bytes, &[3]).into_iter().flatten() {
                prop_assert!((100..600).contains(&reply.code));
            }
        }
    }
}
