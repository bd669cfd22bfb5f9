//! What is said over a WebSocket and what comes of it: which answer ends the test, and with which verdict. No I/O.

use std::io;

use watchkeep_catalogue::{StatusCode, service};
use watchkeep_model::{
    Encoding, Exchange, Expectation, Payload, Span, Verdict,
    websocket::{Close, Frame, Kind, Observed, Side},
};

use super::frame::{Breach, Said, close};
use crate::{
    answer::{Answer, Extent, expected, judge},
    outside::{shown, shown_bytes},
};

/// What a ping of ours holds, so that its pong is known.
const OUR_PING: &[u8] = b"watchkeep";
/// The most lines of a dialogue that are kept.
const MOST_LINES: usize = 20;
/// The most bytes of one content that are kept: more are not shown.
const MOST_KEPT: usize = 1024;

/// What ends the test well.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    /// A message like this.
    Message(&'a Expectation),
    /// Any message, or the pong.
    Anything,
    /// The pong.
    Pong,
}

/// What follows from something that was said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// There is more to wait for.
    GoOn,
    /// A pong with this content is due.
    Pong(Vec<u8>),
    /// It is what was waited for.
    Done,
    /// It is what ends the test otherwise.
    Failed(Verdict),
}

/// Why nothing more can come.
#[derive(Debug)]
pub(super) enum Lost {
    /// The server closed the connection without saying so.
    Closed,
    /// Reading failed.
    Broken(io::Error),
    /// Writing failed.
    Unsent(io::Error),
}

/// One conversation.
pub(super) struct Conversation<'a> {
    wanted: Wanted<'a>,
    encoding: Option<Encoding>,
    send: Option<&'a Payload>,
    messages: u32,
    bytes: u64,
    close: Option<Close>,
    lines: Vec<Line>,
    /// How the last message begins.
    last: Option<Vec<u8>>,
}

struct Line {
    by: Side,
    kind: Kind,
    bytes: u64,
    beginning: Vec<u8>,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(exchange: &'a Exchange) -> Self {
        let wanted = match (&exchange.expect, &exchange.send) {
            (Some(expectation), _) => Wanted::Message(expectation),
            (None, Some(_)) => Wanted::Anything,
            (None, None) => Wanted::Pong,
        };
        Self {
            wanted,
            encoding: exchange.encoding,
            send: exchange.send.as_ref(),
            messages: 0,
            bytes: 0,
            close: None,
            lines: Vec::new(),
            last: None,
        }
    }

    /// What the robot says first.
    pub(super) fn beginning(&mut self) -> Vec<(Kind, &'a [u8])> {
        let message = self.send.map(|payload| match payload {
            Payload::Text { bytes, .. } => (Kind::Text, &**bytes),
            Payload::Hex(bytes) => (Kind::Binary, &**bytes),
        });
        let ping = match self.wanted {
            Wanted::Message(_) => None,
            Wanted::Anything | Wanted::Pong => Some((Kind::Ping, OUR_PING)),
        };
        let said: Vec<_> = message.into_iter().chain(ping).collect();
        for (kind, content) in &said {
            self.note(Side::Robot, *kind, content);
        }
        said
    }

    fn note(&mut self, by: Side, kind: Kind, content: &[u8]) {
        if self.lines.len() < MOST_LINES {
            self.lines.push(Line { by, kind, bytes: content.len() as u64, beginning: beginning(content).to_vec() });
        }
    }

    /// Takes what the server said.
    pub(super) fn hear(&mut self, said: Said) -> Turn {
        let Said { kind, content } = said;
        self.note(Side::Server, kind, &content);
        match kind {
            Kind::Text | Kind::Binary => {
                self.messages = self.messages.saturating_add(1);
                self.bytes += content.len() as u64;
                let last = self.last.get_or_insert_default();
                last.clear();
                last.extend_from_slice(beginning(&content));
                self.judge(&content)
            }
            Kind::Ping => {
                self.note(Side::Robot, Kind::Pong, &content);
                Turn::Pong(content)
            }
            Kind::Pong if content == OUR_PING && !matches!(self.wanted, Wanted::Message(_)) => Turn::Done,
            Kind::Pong => Turn::GoOn,
            Kind::Close => self.closed(&content),
        }
    }

    fn judge(&self, content: &[u8]) -> Turn {
        let expectation = match self.wanted {
            Wanted::Message(expectation) => expectation,
            Wanted::Anything => return Turn::Done,
            Wanted::Pong => return Turn::GoOn,
        };
        match judge(content, Extent::Message, self.encoding, Some(expectation)) {
            Answer::Right => Turn::Done,
            Answer::Wrong => Turn::GoOn,
            Answer::Undecodable(reason) => {
                let detail = format!("a message cannot be read as declared: {reason}{}", self.shown_last());
                Turn::Failed(Verdict::new(service::WEBSOCKET_INVALID_RESPONSE, detail))
            }
        }
    }

    fn closed(&mut self, content: &[u8]) -> Turn {
        match close(content) {
            Ok(close) => {
                let detail = format!("the server closed the WebSocket with {} before {}", close.line(), self.awaited());
                self.close = Some(close);
                Turn::Failed(Verdict::new(service::WEBSOCKET_UNEXPECTED_RESPONSE, self.with_messages(detail)))
            }
            Err(breach) => Turn::Failed(self.breached(breach)),
        }
    }

    /// The server broke the protocol, or said more than is listened to.
    pub(super) fn breached(&self, breach: Breach) -> Verdict {
        let code = match breach {
            Breach::LargeMessage(_) => service::WEBSOCKET_UNEXPECTED_RESPONSE,
            _ => service::WEBSOCKET_INVALID_RESPONSE,
        };
        Verdict::new(code, breach.to_string())
    }

    /// More came than is listened to: `bound` says what.
    pub(super) fn too_much(&self, bound: &str) -> Verdict {
        let detail = format!("{bound} came and {} did not", self.awaited());
        Verdict::new(service::WEBSOCKET_UNEXPECTED_RESPONSE, self.with_messages(detail))
    }

    /// The connection ended; `is_cut` where something had begun.
    pub(super) fn lost(&self, lost: &Lost, is_cut: bool) -> Verdict {
        let place = if is_cut { " in the middle of a message" } else { "" };
        let awaited = self.awaited();
        let detail = match lost {
            Lost::Closed => format!("the server closed the connection{place} without a close frame, before {awaited}"),
            Lost::Broken(error) => {
                format!("the connection broke{place}, before {awaited}: {}", shown(&error.to_string()))
            }
            Lost::Unsent(error) => format!("sending failed, before {awaited}: {}", shown(&error.to_string())),
        };
        Verdict::new(service::WEBSOCKET_EXCHANGE_FAILED, self.with_messages(detail))
    }

    /// The time is up; `is_cut` where something had begun.
    pub(super) fn late(&self, limit: Span, is_cut: bool) -> Verdict {
        let unfinished = if is_cut { "; a message had begun and was not complete" } else { "" };
        let (code, detail): (StatusCode, _) = match self.wanted {
            Wanted::Message(_) if self.messages > 0 => {
                (service::WEBSOCKET_UNEXPECTED_RESPONSE, format!("{} did not come within {limit}", self.awaited()))
            }
            Wanted::Message(_) => (service::WEBSOCKET_NO_RESPONSE, format!("no message came within {limit}")),
            Wanted::Anything => {
                (service::WEBSOCKET_NO_RESPONSE, format!("neither a message nor a pong came within {limit}"))
            }
            Wanted::Pong => (service::WEBSOCKET_NO_RESPONSE, format!("no pong came within {limit}")),
        };
        Verdict::new(code, format!("{}{unfinished}", self.with_messages(detail)))
    }

    /// What is waited for.
    fn awaited(&self) -> String {
        match self.wanted {
            Wanted::Message(expectation) => format!("a message with {}", expected(expectation)),
            Wanted::Anything => "an answer".to_owned(),
            Wanted::Pong => "the pong".to_owned(),
        }
    }

    /// The detail, and what has come instead.
    fn with_messages(&self, detail: String) -> String {
        let count = match self.messages {
            0 => return detail,
            1 => "1 message came".to_owned(),
            more => format!("{more} messages came"),
        };
        format!("{detail}; {count}{}", self.shown_last())
    }

    fn shown_last(&self) -> String {
        let Some(last) = self.last.as_ref() else { return String::new() };
        let which = if self.messages > 1 { "the last" } else { "it" };
        match shown_bytes(last) {
            empty if empty.is_empty() => format!(", {which} is empty"),
            beginning => format!(", {which} begins with {beginning}"),
        }
    }

    /// Tells what was observed; the dialogue too where the test failed.
    pub(super) fn tell(self, verdict: Option<&Verdict>, observed: &mut Observed) {
        observed.messages = self.messages;
        observed.bytes = self.bytes;
        observed.reply = self.last.as_deref().map(|last| shown_bytes(last).into());
        observed.close = self.close;
        if verdict.is_some() {
            observed.dialogue = self.lines.into_iter().map(Line::told).collect();
        }
    }
}

/// As much of a content as is kept.
fn beginning(content: &[u8]) -> &[u8] {
    &content[..content.len().min(MOST_KEPT)]
}

impl Line {
    fn told(self) -> Frame {
        let content = match self.kind {
            // Its code and reason, as `observed.close` has them.
            Kind::Close => close(&self.beginning).map(|close| close.line()).unwrap_or_default(),
            _ => shown_bytes(&self.beginning),
        };
        Frame { by: self.by, kind: self.kind, bytes: self.bytes, content: content.into() }
    }
}

#[cfg(test)]
mod tests;
