//! What a WebSocket test saw, as results show it under `observed`.

use std::net::IpAddr;

use serde::Serialize;

use crate::{SeenCertificate, TlsSession};

/// What a WebSocket test saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Observed {
    /// The address that was connected to.
    pub ip: Option<IpAddr>,
    /// The status of the opening handshake.
    pub http_status: Option<u16>,
    /// The sub-protocol that the server chose.
    pub subprotocol: Option<Box<str>>,
    /// Messages that came, text and binary.
    pub messages: u32,
    /// Bytes of their content.
    pub bytes: u64,
    /// How the message begins that decided: as text where it is text, in hexadecimal otherwise.
    pub reply: Option<Box<str>>,
    /// With what the server closed the connection, where it did before the test's end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub close: Option<Close>,
    /// What was said from both sides, in its order, where the exchange failed; its beginning where it is long.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dialogue: Vec<Frame>,
    /// The server's certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<SeenCertificate>,
    /// The connection's TLS parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSession>,
    /// What is worth knowing although it is no failure.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<&'static str>,
}

/// With what a connection was closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Close {
    /// The code (RFC 6455, 7.4), if one was given.
    pub code: Option<u16>,
    /// The reason that was given; empty for none.
    pub reason: Box<str>,
}

/// One thing that was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Frame {
    /// By whom.
    pub by: Side,
    /// What it is.
    pub kind: Kind,
    /// Bytes of its content.
    pub bytes: u64,
    /// How its content begins: as text where it is text, in hexadecimal otherwise.
    pub content: Box<str>,
}

/// One side of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The robot.
    Robot,
    /// The server.
    Server,
}

/// What can be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A text message.
    Text,
    /// A binary message.
    Binary,
    /// A ping.
    Ping,
    /// A pong.
    Pong,
    /// The end.
    Close,
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Binary => "binary",
            Self::Ping => "ping",
            Self::Pong => "pong",
            Self::Close => "close",
        }
    }
}

impl Close {
    /// Code and reason, for people.
    #[must_use]
    pub fn line(&self) -> String {
        let code = self.code.map_or_else(|| "no code".to_owned(), |code| code.to_string());
        if self.reason.is_empty() { code } else { format!("{code} ({})", self.reason) }
    }
}

impl Frame {
    /// One line of a dialogue, for people.
    #[must_use]
    pub fn line(&self) -> String {
        let by = match self.by {
            Side::Robot => "→",
            Side::Server => "←",
        };
        let (kind, bytes) = (self.kind.as_str(), count(self.bytes, "byte", "bytes"));
        if self.content.is_empty() {
            format!("{by} {kind}, {bytes}")
        } else {
            format!("{by} {kind}, {bytes}: {}", self.content)
        }
    }
}

fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

impl Observed {
    /// The same for people, a line each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let from = match (self.http_status, self.ip) {
            (Some(status), Some(ip)) => {
                let chosen = self.subprotocol.as_ref().map(|chosen| format!(", sub-protocol {chosen}"));
                Some(format!("status {status} from {ip}{}", chosen.unwrap_or_default()))
            }
            (_, ip) => ip.map(|ip| format!("address {ip}")),
        };
        let came = (self.messages > 0).then(|| {
            let messages = count(self.messages.into(), "message", "messages");
            format!("{messages}, {}", count(self.bytes, "byte", "bytes"))
        });
        let reply = self.reply.as_ref().map(|reply| format!("reply: {reply}"));
        let close = self.close.as_ref().map(|close| format!("closed by the server: {}", close.line()));
        let dialogue = self.dialogue.iter().map(Frame::line);
        let tls = self.tls.as_ref().map(TlsSession::line);
        let certificate = self.certificate.as_ref().map(SeenCertificate::line);
        let remarks = self.remarks.iter().map(|remark| (*remark).to_owned());
        let said = from.into_iter().chain(came).chain(reply).chain(close).chain(dialogue);
        said.chain(tls).chain(certificate).chain(remarks).collect()
    }
}
