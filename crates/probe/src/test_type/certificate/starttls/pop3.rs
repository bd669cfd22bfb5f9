//! POP3 (RFC 2595, 4): the greeting, STLS. Whether it is offered, the answer says.

use std::borrow::Cow;

use super::{Next, Script, Unanswered, line};
use crate::outside::shown;

const STLS: &[u8] = b"STLS\r\n";

#[derive(Default)]
pub(super) struct Pop3 {
    has_greeted: bool,
}

impl Script for Pop3 {
    fn read(&mut self, heard: &[u8]) -> Next {
        let (text, used) = match line(heard) {
            Ok(Some(found)) => found,
            Ok(None) => return Next::More,
            Err(_) if !self.has_greeted => return Next::Stranger,
            Err(unanswered) => return Next::End(unanswered),
        };
        let word = text.split_ascii_whitespace().next().unwrap_or_default();
        match (word, self.has_greeted) {
            ("+OK", false) => {
                self.has_greeted = true;
                Next::Say(used, Cow::Borrowed(STLS))
            }
            ("+OK", true) => Next::Begin(used),
            ("-ERR", false) => {
                Next::End(Unanswered::broken(format!("the server refuses the session: {}", shown(text))))
            }
            ("-ERR", true) => Next::End(Unanswered::no_tls(format!("the server refuses STLS: {}", shown(text)))),
            (_, false) => Next::Stranger,
            (_, true) => {
                Next::End(Unanswered::broken(format!("a line of the server is no reply of POP3: {:?}", shown(text))))
            }
        }
    }

    fn waiting_for(&self) -> &'static str {
        if self.has_greeted { "no complete answer to STLS came" } else { "no complete greeting came" }
    }
}
