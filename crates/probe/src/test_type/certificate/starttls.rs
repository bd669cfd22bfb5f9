//! Dialogues in which a client asks for TLS within another protocol: bytes in, what is to be done next out. No I/O.
//! One file per protocol; what they share, bounds and lines and the refusal of what comes after the go-ahead, is here.

mod ftp;
mod imap;
mod ldap;
mod pop3;
mod postgresql;
mod smtp;
mod xmpp;

use std::{borrow::Cow, io};

use watchkeep_model::{HostName, certificate::Starttls};

use crate::outside::shown;

/// The most bytes that a server may say before TLS begins.
const LARGEST: usize = 16 * 1024;
/// The longest line.
const LONGEST_LINE: usize = 4 * 1024;

/// What is to be done next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Send these bytes, then hear on.
    Say(Cow<'static, [u8]>),
    /// Wait for more.
    Listen,
    /// TLS may begin.
    Begin,
    /// There will be no TLS.
    End(Unanswered),
}

/// Why TLS does not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The server does not offer it, or refuses it.
    NoTls,
    /// The server speaks another protocol.
    Stranger,
    /// The dialogue broke.
    Broken,
}

/// A dialogue that led to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unanswered {
    pub(super) cause: Cause,
    pub(super) detail: String,
}

impl Unanswered {
    fn broken(detail: impl Into<String>) -> Self {
        Self { cause: Cause::Broken, detail: detail.into() }
    }

    fn no_tls(detail: impl Into<String>) -> Self {
        Self { cause: Cause::NoTls, detail: detail.into() }
    }
}

/// What one protocol makes of what it hears.
enum Next {
    /// Nothing yet: more must come before anything can be read.
    More,
    /// So many bytes are dealt with; there may be more to read among the rest.
    Read(usize),
    /// So many bytes are dealt with, and this is the answer to them.
    Say(usize, Cow<'static, [u8]>),
    /// So many bytes are dealt with, and TLS may begin.
    Begin(usize),
    /// What was heard is not of this protocol.
    Stranger,
    End(Unanswered),
}

/// One protocol's side of a dialogue.
trait Script: Send {
    /// What the client says first, without having heard anything.
    fn opening(&mut self) -> Option<Cow<'static, [u8]>> {
        None
    }

    /// Reads what has come and is not dealt with yet.
    fn read(&mut self, heard: &[u8]) -> Next;

    /// What is waited for, as the beginning of a sentence.
    fn waiting_for(&self) -> &'static str;
}

/// A dialogue with one server.
pub(super) struct Dialogue {
    script: Box<dyn Script>,
    protocol: Starttls,
    /// What has come and is not dealt with yet.
    heard: Vec<u8>,
    /// All that has come.
    count: usize,
    has_begun: bool,
}

impl Dialogue {
    /// A dialogue that has not begun; `name` is whom the client wants to speak to.
    pub(super) fn new(protocol: Starttls, name: &HostName) -> Self {
        let script: Box<dyn Script> = match protocol {
            Starttls::Smtp => Box::new(smtp::Smtp::default()),
            Starttls::Imap => Box::new(imap::Imap::default()),
            Starttls::Pop3 => Box::new(pop3::Pop3::default()),
            Starttls::Ftp => Box::new(ftp::Ftp::default()),
            Starttls::Postgresql => Box::new(postgresql::Postgresql),
            Starttls::Xmpp => Box::new(xmpp::Xmpp::new(name)),
            Starttls::Ldap => Box::new(ldap::Ldap),
        };
        Self { script, protocol, heard: Vec::new(), count: 0, has_begun: false }
    }

    /// Takes what has come; nothing, at the beginning and after something was said.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> Turn {
        if !self.has_begun {
            self.has_begun = true;
            if let Some(opening) = self.script.opening() {
                return Turn::Say(opening);
            }
        }
        self.heard.extend_from_slice(bytes);
        self.count += bytes.len();
        if self.count > LARGEST {
            return Turn::End(Unanswered::broken(format!("{LARGEST} bytes came and TLS has not begun")));
        }
        loop {
            let (used, turn) = match self.script.read(&self.heard) {
                Next::More => return Turn::Listen,
                Next::Read(used) => (used, None),
                Next::Say(used, bytes) => (used, Some(Turn::Say(bytes))),
                Next::Begin(used) => (used, Some(Turn::Begin)),
                Next::Stranger => return Turn::End(self.stranger()),
                Next::End(unanswered) => return Turn::End(unanswered),
            };
            self.heard.drain(..used.min(self.heard.len()));
            match turn {
                // Whoever sits between could have put it there, to be taken for what came inside TLS (CVE-2011-0411).
                Some(Turn::Begin) if !self.heard.is_empty() => {
                    let detail =
                        format!("{} more bytes of clear text follow the server's go-ahead for TLS", self.heard.len());
                    return Turn::End(Unanswered::broken(detail));
                }
                Some(turn) => return turn,
                None => {}
            }
        }
    }

    fn stranger(&self) -> Unanswered {
        let text = String::from_utf8_lossy(&self.heard[..self.heard.len().min(80)]).into_owned();
        let detail = format!("the server does not speak {}; it says {:?}", self.protocol.title(), shown(&text));
        Unanswered { cause: Cause::Stranger, detail }
    }

    /// What is waited for, as the beginning of a sentence.
    pub(super) fn waiting_for(&self) -> String {
        let hint = if self.count == 0 { "; a port that begins with TLS needs a test without STARTTLS" } else { "" };
        format!("{} ({} bytes came{hint})", self.script.waiting_for(), self.count)
    }

    /// The connection ended in the middle.
    pub(super) fn broke(&self, error: Option<&io::Error>) -> Unanswered {
        let how = error.map_or_else(|| "the server closed the connection".to_owned(), ToString::to_string);
        Unanswered::broken(format!("the dialogue before TLS broke off after {} bytes: {how}", self.count))
    }
}

/// The first line, without its end, and how many bytes it takes; `None` while it is not complete.
fn line(heard: &[u8]) -> Result<Option<(&str, usize)>, Unanswered> {
    let end = heard.iter().take(LONGEST_LINE).position(|byte| *byte == b'\n');
    let Some(end) = end else {
        return match heard.len() {
            0..LONGEST_LINE => Ok(None),
            _ => Err(Unanswered::broken(format!("a line has more than {LONGEST_LINE} bytes"))),
        };
    };
    let text = heard[..end].strip_suffix(b"\r").unwrap_or(&heard[..end]);
    match std::str::from_utf8(text) {
        Ok(text) => Ok(Some((text, end + 1))),
        Err(_) => Err(Unanswered::broken("a line is not text")),
    }
}

/// A line of a reply with a number of three digits, as SMTP and FTP have it.
struct Numbered<'a> {
    code: &'a str,
    is_last: bool,
    text: &'a str,
}

impl<'a> Numbered<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let code = line.get(..3).filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()))?;
        let rest = line.get(3..).unwrap_or_default();
        match rest.as_bytes().first() {
            None | Some(b' ') => Some(Self { code, is_last: true, text: rest.trim_ascii_start() }),
            Some(b'-') => Some(Self { code, is_last: false, text: &rest[1..] }),
            Some(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
