//! FTP (RFC 4217): the greeting, AUTH TLS.

use std::borrow::Cow;

use super::{Next, Numbered, Script, Unanswered, line};
use crate::outside::shown;

const AUTH: &[u8] = b"AUTH TLS\r\n";

#[derive(Default)]
pub(super) struct Ftp {
    stage: Stage,
    is_known: bool,
    /// The number of a reply of several lines, whose last line begins with it (RFC 959, 4.2).
    open: Option<[u8; 3]>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Greeting,
    GoAhead,
}

impl Script for Ftp {
    fn read(&mut self, heard: &[u8]) -> Next {
        let (text, used) = match line(heard) {
            Ok(Some(found)) => found,
            Ok(None) => return Next::More,
            Err(_) if !self.is_known => return Next::Stranger,
            Err(unanswered) => return Next::End(unanswered),
        };
        let numbered = Numbered::read(text);
        let number = numbered.as_ref().and_then(|reply| <[u8; 3]>::try_from(reply.code.as_bytes()).ok());
        if let Some(open) = self.open {
            match &numbered {
                Some(reply) if reply.is_last && number == Some(open) => self.open = None,
                _ => return Next::Read(used),
            }
        }
        let Some(reply) = numbered else {
            let broken = Unanswered::broken(format!("a line of the server is no reply of FTP: {:?}", shown(text)));
            return if self.is_known { Next::End(broken) } else { Next::Stranger };
        };
        self.is_known = true;
        if !reply.is_last {
            self.open = number;
            return Next::Read(used);
        }
        match (self.stage, reply.code.as_bytes().first()) {
            // Ready in some minutes; the greeting follows.
            (Stage::Greeting, Some(b'1')) => Next::Read(used),
            (Stage::Greeting, Some(b'2')) => {
                self.stage = Stage::GoAhead;
                Next::Say(used, Cow::Borrowed(AUTH))
            }
            (Stage::Greeting, _) => {
                Next::End(Unanswered::broken(format!("the server refuses the session: {}", shown(text))))
            }
            (Stage::GoAhead, Some(b'2')) => Next::Begin(used),
            (Stage::GoAhead, _) => {
                Next::End(Unanswered::no_tls(format!("the server refuses AUTH TLS: {}", shown(text))))
            }
        }
    }

    fn waiting_for(&self) -> &'static str {
        match self.stage {
            Stage::Greeting => "no complete greeting came",
            Stage::GoAhead => "no complete answer to AUTH TLS came",
        }
    }
}
