//! What a UDP test saw, as results show it under `observed`.

use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

/// What a UDP test saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Observed {
    /// The address that answered, or that was asked.
    pub ip: Option<IpAddr>,
    /// Bytes of the datagram that counts as the answer.
    pub bytes: u64,
    /// How that datagram begins: as text where it is text, in hexadecimal otherwise. Absent where none came.
    pub reply: Option<Box<str>>,
    /// What the answer to a ready-made request says.
    #[serde(flatten)]
    pub facts: Option<Facts>,
}

/// What the answer to a ready-made request says, under the word for its protocol.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Facts {
    /// Of a DNS server.
    Dns {
        /// The response code by its usual word.
        rcode: &'static str,
        /// How many records answer the question.
        answers: u16,
        /// Whether the answer was cut to fit into a datagram, as its server says.
        truncated: bool,
    },
    /// Of an NTP server.
    Ntp {
        /// How far it is from a reference clock, 1 to 15.
        stratum: u8,
        /// How far its clock is ahead of the robot's, in milliseconds; negative when it is behind.
        offset_ms: f64,
    },
    /// Of a SIP server.
    Sip {
        /// The status of its final answer.
        status: u16,
        /// The words beside it.
        reason: Box<str>,
    },
    /// Of a STUN server.
    Stun {
        /// The robot's address as the server sees it.
        mapped_address: SocketAddr,
    },
    /// Of a game server.
    Game {
        /// What it calls itself; absent where it only asks to be asked again.
        name: Option<Box<str>>,
        /// What is played on.
        map: Option<Box<str>>,
    },
}

impl Observed {
    /// The same for people, a line each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let from = self.ip.map(|ip| match (&self.reply, self.bytes) {
            (None, _) => format!("address {ip}"),
            (Some(_), 0) => format!("an empty datagram from {ip}"),
            (Some(_), 1) => format!("1 byte from {ip}"),
            (Some(_), bytes) => format!("{bytes} bytes from {ip}"),
        });
        let shown = match &self.facts {
            Some(facts) => Some(facts.line()),
            None => self.reply.as_ref().filter(|reply| !reply.is_empty()).map(|reply| format!("reply: {reply}")),
        };
        from.into_iter().chain(shown).collect()
    }
}

impl Facts {
    fn line(&self) -> String {
        match self {
            Self::Dns { rcode, answers, truncated } => {
                let records = if *answers == 1 { "record" } else { "records" };
                let cut = if *truncated { ", cut to fit into a datagram" } else { "" };
                format!("DNS: {rcode}, {answers} {records}{cut}")
            }
            Self::Ntp { stratum, offset_ms } => format!("NTP: stratum {stratum}, offset {offset_ms} ms"),
            Self::Sip { status, reason } => format!("SIP: {status} {reason}"),
            Self::Stun { mapped_address } => format!("STUN: the robot is seen as {mapped_address}"),
            Self::Game { name: None, .. } => {
                "game server: it asks to be asked again with a number of its own".to_owned()
            }
            Self::Game { name: Some(name), map } => {
                let map = map.as_ref().map(|map| format!(", map {map}")).unwrap_or_default();
                format!("game server: {name}{map}")
            }
        }
    }
}
