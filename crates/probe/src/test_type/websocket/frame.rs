//! Frames of the WebSocket protocol (RFC 6455, 5): bytes in, messages out, and the other way round. No I/O.
//! What breaks the protocol is told by `breach`.

mod breach;

use watchkeep_model::websocket::{Close, Kind};

pub(super) use self::breach::Breach;
use crate::outside::shown;

/// The most bytes of one message.
pub(super) const LARGEST_MESSAGE: usize = 1 << 20;
/// The most bytes of a frame that steers the connection.
const LARGEST_CONTROL: usize = 125;

/// What came whole: a message, put together from its fragments, or a control frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) kind: Kind,
    pub(super) content: Vec<u8>,
}

/// Reads what a server sends, in pieces of any size.
#[derive(Default)]
pub(super) struct Reader {
    stage: Stage,
    /// The message that has begun and has not ended.
    message: Option<Message>,
    control: Vec<u8>,
    frames: u32,
}

enum Stage {
    /// The first bytes of a frame.
    Head {
        bytes: [u8; 10],
        filled: usize,
    },
    Content {
        of: Part,
        left: u64,
    },
}

impl Default for Stage {
    fn default() -> Self {
        Self::Head { bytes: [0; 10], filled: 0 }
    }
}

/// What a frame is a part of.
#[derive(Clone, Copy)]
enum Part {
    Message { is_last: bool },
    Control(Kind),
}

struct Message {
    is_text: bool,
    content: Vec<u8>,
    /// How much of a text is known to be UTF-8.
    checked: usize,
}

impl Reader {
    /// Takes bytes off `input` until something is whole, or until there are no more.
    pub(super) fn read(&mut self, input: &mut &[u8]) -> Result<Option<Said>, Breach> {
        loop {
            match &mut self.stage {
                Stage::Head { bytes, filled } => {
                    let Some((first, rest)) = input.split_first() else { return Ok(None) };
                    *input = rest;
                    bytes[*filled] = *first;
                    *filled += 1;
                    if let Some((of, left)) = head(&bytes[..*filled], self.message.as_ref())? {
                        self.begin(of, left);
                    }
                }
                Stage::Content { of, left } => {
                    let of = *of;
                    let count = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                    let (taken, rest) = input.split_at(count);
                    *input = rest;
                    *left -= count as u64;
                    let is_whole = *left == 0;
                    self.take(of, taken)?;
                    if !is_whole {
                        return Ok(None);
                    }
                    self.stage = Stage::default();
                    if let Some(said) = self.end(of)? {
                        return Ok(Some(said));
                    }
                }
            }
        }
    }

    /// Whether nothing has begun that has not ended.
    pub(super) fn is_between_messages(&self) -> bool {
        self.message.is_none() && matches!(self.stage, Stage::Head { filled: 0, .. })
    }

    /// How many frames have begun.
    pub(super) fn frames(&self) -> u32 {
        self.frames
    }

    fn begin(&mut self, of: Part, left: u64) {
        self.frames = self.frames.saturating_add(1);
        if let (Part::Message { .. }, None, Stage::Head { bytes, .. }) = (of, &self.message, &self.stage) {
            let is_text = bytes[0] & OPCODE == TEXT;
            self.message = Some(Message { is_text, content: Vec::new(), checked: 0 });
        }
        self.stage = Stage::Content { of, left };
    }

    fn take(&mut self, of: Part, content: &[u8]) -> Result<(), Breach> {
        match (of, &mut self.message) {
            (Part::Message { .. }, Some(message)) => message.take(content),
            _ => {
                self.control.extend_from_slice(content);
                Ok(())
            }
        }
    }

    fn end(&mut self, of: Part) -> Result<Option<Said>, Breach> {
        match of {
            Part::Control(kind) => {
                let content = std::mem::take(&mut self.control);
                if kind == Kind::Close {
                    close(&content)?;
                }
                Ok(Some(Said { kind, content }))
            }
            Part::Message { is_last: false } => Ok(None),
            Part::Message { is_last: true } => self.message.take().map(Message::end).transpose(),
        }
    }
}

impl Message {
    fn take(&mut self, content: &[u8]) -> Result<(), Breach> {
        self.content.extend_from_slice(content);
        if !self.is_text {
            return Ok(());
        }
        match str::from_utf8(&self.content[self.checked..]) {
            Ok(rest) => self.checked += rest.len(),
            Err(error) => {
                self.checked += error.valid_up_to();
                if error.error_len().is_some() {
                    return Err(Breach::NotUtf8(self.checked));
                }
            }
        }
        Ok(())
    }

    fn end(self) -> Result<Said, Breach> {
        match (self.is_text, self.checked == self.content.len()) {
            (true, false) => Err(Breach::NotUtf8(self.checked)),
            (true, true) => Ok(Said { kind: Kind::Text, content: self.content }),
            (false, _) => Ok(Said { kind: Kind::Binary, content: self.content }),
        }
    }
}

const FINAL: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// What the bytes of a frame's head say as soon as they are complete; what is wrong with them as soon as it is known.
fn head(bytes: &[u8], message: Option<&Message>) -> Result<Option<(Part, u64)>, Breach> {
    let &[first, ref rest @ ..] = bytes else { return Ok(None) };
    if first & RESERVED != 0 {
        return Err(Breach::ReservedBits(first & RESERVED));
    }
    let is_final = first & FINAL != 0;
    let of = match (first & OPCODE, message) {
        (CONTINUATION, None) => return Err(Breach::NothingToContinue),
        (TEXT | BINARY, Some(_)) => return Err(Breach::MessageWithinMessage),
        (CONTINUATION, Some(_)) | (TEXT | BINARY, None) => Part::Message { is_last: is_final },
        (CLOSE, _) => Part::Control(Kind::Close),
        (PING, _) => Part::Control(Kind::Ping),
        (PONG, _) => Part::Control(Kind::Pong),
        (unknown, _) => return Err(Breach::UnknownOpcode(unknown)),
    };
    if let (Part::Control(kind), false) = (of, is_final) {
        return Err(Breach::FragmentedControl(kind));
    }
    let &[second, ref length @ ..] = rest else { return Ok(None) };
    if second & MASKED != 0 {
        return Err(Breach::Masked);
    }
    let short = second & !MASKED;
    if let (Part::Control(kind), true) = (of, usize::from(short) > LARGEST_CONTROL) {
        return Err(Breach::LargeControl(kind));
    }
    let (length, least) = match (short, length) {
        (126, &[a, b]) => (u16::from_be_bytes([a, b]).into(), 126),
        (127, &[a, b, c, d, e, f, g, h]) => (u64::from_be_bytes([a, b, c, d, e, f, g, h]), 1 << 16),
        (126 | 127, _) => return Ok(None),
        (short, _) => (short.into(), 0),
    };
    if length > u64::MAX >> 1 {
        return Err(Breach::LengthWithTopBit);
    }
    if length < least {
        return Err(Breach::LongLength(length));
    }
    let begun = message.filter(|_| matches!(of, Part::Message { .. })).map_or(0, |message| message.content.len());
    if length.saturating_add(begun as u64) > LARGEST_MESSAGE as u64 {
        return Err(Breach::LargeMessage(length));
    }
    Ok(Some((of, length)))
}

/// What the content of a close frame says (RFC 6455, 5.5.1).
pub(super) fn close(content: &[u8]) -> Result<Close, Breach> {
    match content {
        [] => Ok(Close { code: None, reason: Box::default() }),
        [_] => Err(Breach::HalfCloseCode),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            if !may_be_sent(code) {
                return Err(Breach::CloseCode(code));
            }
            let reason = str::from_utf8(reason).map_err(|_| Breach::CloseReason(code))?;
            Ok(Close { code: Some(code), reason: shown(reason).into() })
        }
    }
}

/// The codes that may stand in a close frame (RFC 6455, 7.4, and IANA's registry).
fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Writes a whole message or a control frame as a client does, hidden by `mask`.
pub(super) fn write(kind: Kind, content: &[u8], mask: [u8; 4], out: &mut Vec<u8>) {
    let opcode = match kind {
        Kind::Text => TEXT,
        Kind::Binary => BINARY,
        Kind::Close => CLOSE,
        Kind::Ping => PING,
        Kind::Pong => PONG,
    };
    out.reserve(content.len() + 14);
    out.push(FINAL | opcode);
    match (u8::try_from(content.len()), u16::try_from(content.len())) {
        (Ok(length @ 0..=125), _) => out.push(MASKED | length),
        (_, Ok(length)) => {
            out.push(MASKED | 126);
            out.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            out.push(MASKED | 127);
            out.extend_from_slice(&(content.len() as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&mask);
    out.extend(content.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
}

#[cfg(test)]
mod tests;
