//! SMTP (RFC 3207): the greeting, EHLO with its extensions, STARTTLS.

use std::borrow::Cow;

use super::{Next, Numbered, Script, Unanswered, line};
use crate::outside::shown;

const EHLO: &[u8] = b"EHLO watchkeep.invalid\r\n";
const STARTTLS: &[u8] = b"STARTTLS\r\n";

#[derive(Default)]
pub(super) struct Smtp {
    stage: Stage,
    /// Whether any line of this protocol has come.
    is_known: bool,
    offers_tls: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Greeting,
    Extensions,
    GoAhead,
}

impl Script for Smtp {
    fn read(&mut self, heard: &[u8]) -> Next {
        let (text, used) = match line(heard) {
            Ok(Some(found)) => found,
            Ok(None) => return Next::More,
            Err(_) if !self.is_known => return Next::Stranger,
            Err(unanswered) => return Next::End(unanswered),
        };
        let Some(Numbered { code, is_last, text: word }) = Numbered::read(text) else {
            let broken = Unanswered::broken(format!("a line of the server is no reply of SMTP: {:?}", shown(text)));
            return if self.is_known { Next::End(broken) } else { Next::Stranger };
        };
        self.is_known = true;
        let is_good = code.starts_with('2');
        if self.stage == Stage::Extensions && is_good {
            let keyword = word.split_ascii_whitespace().next().unwrap_or_default();
            self.offers_tls |= keyword.eq_ignore_ascii_case("STARTTLS");
        }
        if !is_last {
            return Next::Read(used);
        }
        match (self.stage, is_good) {
            (Stage::Greeting, true) => {
                self.stage = Stage::Extensions;
                Next::Say(used, Cow::Borrowed(EHLO))
            }
            (Stage::Greeting, false) => {
                Next::End(Unanswered::broken(format!("the server refuses the session: {}", shown(text))))
            }
            (Stage::Extensions, true) if self.offers_tls => {
                self.stage = Stage::GoAhead;
                Next::Say(used, Cow::Borrowed(STARTTLS))
            }
            (Stage::Extensions, true) => Next::End(Unanswered::no_tls("the server does not offer STARTTLS")),
            (Stage::Extensions, false) if code.starts_with('5') => Next::End(Unanswered::no_tls(format!(
                "the server does not know EHLO, and so no STARTTLS: {}",
                shown(text)
            ))),
            (Stage::Extensions, false) => {
                Next::End(Unanswered::broken(format!("the server refuses EHLO: {}", shown(text))))
            }
            (Stage::GoAhead, true) => Next::Begin(used),
            (Stage::GoAhead, false) => {
                Next::End(Unanswered::no_tls(format!("the server refuses STARTTLS: {}", shown(text))))
            }
        }
    }

    fn waiting_for(&self) -> &'static str {
        match self.stage {
            Stage::Greeting => "no complete greeting came",
            Stage::Extensions => "no complete answer to EHLO came",
            Stage::GoAhead => "no complete answer to STARTTLS came",
        }
    }
}
