//! IMAP (RFC 3501, 6.2.1): the greeting, STARTTLS with a tag. Whether it is offered, the answer says.

use std::borrow::Cow;

use super::{Next, Script, Unanswered, line};
use crate::outside::shown;

const STARTTLS: &[u8] = b"w1 STARTTLS\r\n";
const TAG: &str = "w1";

#[derive(Default)]
pub(super) struct Imap {
    has_greeted: bool,
}

impl Script for Imap {
    fn read(&mut self, heard: &[u8]) -> Next {
        let (text, used) = match line(heard) {
            Ok(Some(found)) => found,
            Ok(None) => return Next::More,
            Err(_) if !self.has_greeted => return Next::Stranger,
            Err(unanswered) => return Next::End(unanswered),
        };
        let mut words = text.split_ascii_whitespace();
        let (tag, word) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let is = |known: &str| word.eq_ignore_ascii_case(known);
        if tag == "*" && is("BYE") {
            return Next::End(Unanswered::broken(format!("the server refuses the session: {}", shown(text))));
        }
        if !self.has_greeted {
            return match tag {
                "*" if is("OK") => {
                    self.has_greeted = true;
                    Next::Say(used, Cow::Borrowed(STARTTLS))
                }
                "*" if is("PREAUTH") => {
                    Next::End(Unanswered::no_tls("the server begins with a session that is signed in, without TLS"))
                }
                _ => Next::Stranger,
            };
        }
        match tag {
            "*" => Next::Read(used),
            TAG if is("OK") => Next::Begin(used),
            TAG => Next::End(Unanswered::no_tls(format!("the server refuses STARTTLS: {}", shown(text)))),
            _ => Next::End(Unanswered::broken(format!("a line of the server is no reply of IMAP: {:?}", shown(text)))),
        }
    }

    fn waiting_for(&self) -> &'static str {
        if self.has_greeted { "no complete answer to STARTTLS came" } else { "no complete greeting came" }
    }
}
