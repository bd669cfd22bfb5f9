//! The UDP test: its options and how they are written; `observed` is what it saw.
//! The codes that a bad option leads to are those of the catalogue's general section: 101 for what is missing.

mod observed;

use std::{fmt, str::FromStr};

use serde_json::json;
use watchkeep_catalogue::{StatusCode, service};

pub use observed::{Facts, Observed};

use crate::{
    Encoding, Endpoint, Exchange, Expectation, Exposure, Field, Limits, Object, Payload, Reader, Shape, TestType,
};

/// The code of a test whose time limits cannot be used.
pub(crate) const LIMITS_CODE: StatusCode = service::NOT_ENOUGH_PARAMETERS;

/// The most bytes of one datagram (RFC 768 over IPv4).
const LARGEST_DATAGRAM: usize = 65_507;

/// What a person may set.
pub const FIELDS: &[Field] = &[
    Exchange::SEND,
    Exchange::SEND_HEX,
    Field {
        name: "payload",
        flag: None,
        label: "Ready-made request",
        help: "Sent instead of a text or bytes of one's own; only a good answer to it is right.",
        default: "",
        shape: Shape::Choice(&ReadyMade::WORDS),
    },
    Exchange::EXPECT,
    Exchange::EXPECT_HEX,
    Exchange::ENCODING,
];

/// A request that the robot makes itself, anew for every test, and whose answer it understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadyMade {
    /// DNS (RFC 1035): who serves the root.
    Dns,
    /// NTP (RFC 5905): what time it is.
    Ntp,
    /// SIP (RFC 3261): `OPTIONS`.
    Sip,
    /// STUN (RFC 8489): a binding request.
    Stun,
    /// Games of the Quake III family: `getinfo`.
    Quake,
    /// Games on the Source engine: `A2S_INFO`.
    Source,
}

impl ReadyMade {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Dns, Self::Ntp, Self::Sip, Self::Stun, Self::Quake, Self::Source];

    /// Their words, in the same order.
    const WORDS: [&'static str; 6] = ["dns", "ntp", "sip", "stun", "quake", "source"];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

impl FromStr for ReadyMade {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(text));
        known.ok_or("must be dns, ntp, sip, stun, quake or source")
    }
}

impl fmt::Display for ReadyMade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// What the user wrote, and how its answer is read.
    Own(Payload, Option<Encoding>),
    /// A ready-made one.
    Ready(ReadyMade),
}

/// Valid options of a UDP test.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Where the datagram goes.
    pub endpoint: Endpoint,
    /// What is in it.
    pub request: Request,
    /// What must be in the answer; any answer will do when absent.
    pub expect: Option<Expectation>,
}

impl Options {
    /// The object that is read back as the same options; fields at their default are left out.
    pub(crate) fn write(&self, _: Exposure) -> Object {
        let mut object = Object::new();
        let expect = self.expect.clone();
        match &self.request {
            Request::Own(payload, encoding) => {
                Exchange { send: Some(payload.clone()), expect, encoding: *encoding }.write(&mut object);
            }
            Request::Ready(ready) => {
                object.insert("payload".to_owned(), json!(ready.as_str()));
                Exchange { send: None, expect, encoding: None }.write(&mut object);
            }
        }
        object
    }
}

/// The canonical target and the options, from a test's object.
pub(crate) fn read(target: Option<&str>, _: Limits, reader: &mut Reader) -> Option<(String, Options)> {
    let before = reader.problem_count();
    let endpoint = Endpoint::read(target, TestType::Udp.schemes(), None, service::NOT_ENOUGH_PARAMETERS, reader);
    let (request, expect) = reader.nested("udp", |reader| {
        let before = reader.problem_count();
        let Exchange { send, expect, encoding } = Exchange::read(reader);
        let ready = reader.parse::<ReadyMade>("payload");
        // Whose request could not be read was told why.
        let is_sound = reader.problem_count() == before;
        (is_sound.then(|| read_request(reader, send, ready, encoding)).flatten(), expect)
    });
    if reader.problem_count() > before {
        return None;
    }
    let (endpoint, request) = endpoint.zip(request)?;
    Some((endpoint.to_string(), Options { endpoint, request, expect }))
}

fn read_request(
    reader: &mut Reader,
    send: Option<Payload>,
    ready: Option<ReadyMade>,
    encoding: Option<Encoding>,
) -> Option<Request> {
    match (send, ready) {
        (Some(_), Some(_)) => reader.problem("payload", "cannot stand beside send or send_hex; keep one of them"),
        (None, Some(_)) if encoding.is_some() => {
            reader.problem("encoding", "cannot stand beside payload, whose answers have an encoding of their own");
        }
        (None, Some(ready)) => return Some(Request::Ready(ready)),
        (Some(own), None) if own.bytes().len() > LARGEST_DATAGRAM => {
            let field = if matches!(own, Payload::Hex(_)) { "send_hex" } else { "send" };
            reader.problem(field, format_args!("must have {LARGEST_DATAGRAM} bytes at most, to fit into one datagram"));
        }
        (Some(own), None) => return Some(Request::Own(own, encoding)),
        (None, None) => {
            let message = "is missing; give a text, bytes (send_hex) or a ready-made request (payload): a service that \
                           is not asked does not answer";
            reader.problem_with_code("send", message, service::NOT_ENOUGH_PARAMETERS);
        }
    }
    None
}
