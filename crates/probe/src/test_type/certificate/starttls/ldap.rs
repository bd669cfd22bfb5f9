//! LDAP (RFC 4511, 4.14): the extended request StartTLS, and the one response to it.

use std::borrow::Cow;

use x509_parser::asn1_rs::{Class, Enumerated, FromBer, Header, Integer, Tag};

use super::{Next, Script, Unanswered};

/// LDAPMessage { messageID 1, ExtendedRequest { requestName 1.3.6.1.4.1.1466.20037 } }
const REQUEST: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
/// The largest response; the usual one has fourteen bytes.
const LARGEST: usize = 4 * 1024;

/// The tag of an extended response among the application's own.
const EXTENDED_RESPONSE: Tag = Tag(24);

pub(super) struct Ldap;

/// What came is no message of LDAP.
#[derive(Debug)]
struct Malformed;

impl Script for Ldap {
    fn opening(&mut self) -> Option<Cow<'static, [u8]>> {
        Some(Cow::Borrowed(REQUEST))
    }

    fn read(&mut self, heard: &[u8]) -> Next {
        if heard.first().is_some_and(|byte| *byte != 0x30) {
            return Next::Stranger;
        }
        let broken = || Next::End(Unanswered::broken("the answer to the request for TLS is no message of LDAP"));
        let length = match message(heard) {
            Ok(Some(length)) if length <= LARGEST => length,
            Ok(None) => return Next::More,
            Ok(Some(_)) | Err(_) => return broken(),
        };
        let Some(message) = heard.get(..length) else { return Next::More };
        match result(message) {
            Ok(0) => Next::Begin(length),
            Ok(code) => {
                Next::End(Unanswered::no_tls(format!("the server refuses StartTLS with the result code {code}")))
            }
            Err(_) => broken(),
        }
    }

    fn waiting_for(&self) -> &'static str {
        "no complete answer to the request for TLS came"
    }
}

/// The length of the first message, its header included; `None` while the header is not complete.
fn message(heard: &[u8]) -> Result<Option<usize>, Malformed> {
    match Header::from_ber(heard) {
        Ok((rest, header)) => {
            let length = header.length().definite().map_err(|_| Malformed)?;
            Ok(Some((heard.len() - rest.len()).saturating_add(length)))
        }
        Err(x509_parser::nom::Err::Incomplete(_)) => Ok(None),
        Err(_) => Err(Malformed),
    }
}

/// The result code of an extended response (RFC 4511, 4.1.9 and 4.12). Lengths may be longer than they need be, as
/// Active Directory writes them.
fn result(message: &[u8]) -> Result<u8, Malformed> {
    let (content, _) = Header::from_ber(message).map_err(|_| Malformed)?;
    // The number of the message that is answered.
    let (content, _) = Integer::from_ber(content).map_err(|_| Malformed)?;
    let (content, response) = Header::from_ber(content).map_err(|_| Malformed)?;
    if response.class() != Class::Application || response.tag() != EXTENDED_RESPONSE {
        return Err(Malformed);
    }
    let (_, code) = Enumerated::from_ber(content).map_err(|_| Malformed)?;
    u8::try_from(code.0).map_err(|_| Malformed)
}
