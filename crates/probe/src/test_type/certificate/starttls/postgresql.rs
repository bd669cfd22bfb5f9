//! PostgreSQL: the message SSLRequest, which is answered with one byte.

use std::borrow::Cow;

use super::{Next, Script, Unanswered};

/// Its length, 8, and the number that no version of the protocol has.
const SSL_REQUEST: &[u8] = &[0, 0, 0, 8, 4, 210, 22, 47];

pub(super) struct Postgresql;

impl Script for Postgresql {
    fn opening(&mut self) -> Option<Cow<'static, [u8]>> {
        Some(Cow::Borrowed(SSL_REQUEST))
    }

    fn read(&mut self, heard: &[u8]) -> Next {
        match heard.first() {
            None => Next::More,
            Some(b'S') => Next::Begin(1),
            Some(b'N') => Next::End(Unanswered::no_tls("the server answers that it does not do TLS")),
            // An error message, of a server older than TLS or one that is full.
            Some(b'E') => Next::End(Unanswered::broken("the server answers the request for TLS with an error")),
            Some(_) => Next::Stranger,
        }
    }

    fn waiting_for(&self) -> &'static str {
        "no answer to the request for TLS came"
    }
}
