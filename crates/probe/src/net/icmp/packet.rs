//! ICMP and ICMPv6 messages as bytes: an echo request is built, and what comes back is told apart.
//! Nothing here knows sockets or which echoes are under way; bytes go in, borrowed messages come out.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

/// Bytes before the payload of an echo (RFC 792; RFC 4443, 4.1).
pub(crate) const HEADER: usize = 8;

const PROTOCOL_ICMP: u8 = 1;
const PROTOCOL_ICMPV6: u8 = 58;
const PROTOCOL_FRAGMENT: u8 = 44;

/// Which of the two protocols a message is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    V4,
    V6,
}

impl Version {
    pub(crate) const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// The types of echo request and echo reply.
    pub(crate) const fn echo_types(self) -> (u8, u8) {
        match self {
            Self::V4 => (8, 0),
            Self::V6 => (128, 129),
        }
    }

    pub(crate) const fn is_error(self, kind: u8) -> bool {
        match self {
            Self::V4 => matches!(kind, 3 | 11 | 12),
            Self::V6 => matches!(kind, 1..=4),
        }
    }
}

/// A message that says something about an echo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message<'a> {
    /// An echo reply.
    Reply {
        id: u16,
        sequence: u16,
        payload: &'a [u8],
        /// Whether the checksum is right; over IPv6 the system has looked at it already.
        checksum_holds: bool,
    },
    /// An error about an echo request, which it quotes.
    Error { fault: Fault, quoted: Quoted },
}

/// The echo request that an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quoted {
    /// Where it was going.
    pub(crate) target: IpAddr,
    pub(crate) id: u16,
    pub(crate) sequence: u16,
}

/// What an ICMP error says; in words by its `Display`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) version: Version,
    pub(crate) kind: u8,
    pub(crate) code: u8,
    /// The largest packet that can pass, where the error is about that.
    pub(crate) mtu: u32,
}

/// Writes the header of an echo request before its payload. `packet` is [`HEADER`] bytes and the payload; the system
/// itself fills in the checksum of ICMPv6.
pub(crate) fn write_header(packet: &mut [u8], version: Version, id: u16, sequence: u16) {
    let Some((header, _)) = packet.split_first_chunk_mut::<HEADER>() else { return };
    let [id_high, id_low] = id.to_be_bytes();
    let [sequence_high, sequence_low] = sequence.to_be_bytes();
    *header = [version.echo_types().0, 0, 0, 0, id_high, id_low, sequence_high, sequence_low];
    if version == Version::V4 {
        let [high, low] = checksum(packet).to_be_bytes();
        packet[2] = high;
        packet[3] = low;
    }
}

/// The internet checksum (RFC 1071); zero over a message whose checksum is right.
pub(crate) fn checksum(bytes: &[u8]) -> u16 {
    let (words, rest) = bytes.as_chunks::<2>();
    let sum: u64 = words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum();
    let mut sum = sum + rest.first().map_or(0, |last| u64::from(*last) << 8);
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    // Folded above, so it fits.
    !(sum as u16)
}

/// What a raw IPv4 socket gives: the IP header with its options, then the message.
pub(crate) fn parse_ipv4(packet: &[u8]) -> Option<Message<'_>> {
    let (_, message) = split_ipv4(packet)?;
    parse(message, Version::V4)
}

/// A message alone: what raw IPv6 sockets and datagram sockets give.
pub(crate) fn parse(message: &[u8], version: Version) -> Option<Message<'_>> {
    let (&[kind, code, _, _, a, b, c, d], rest) = message.split_first_chunk::<HEADER>()?;
    if kind == version.echo_types().1 {
        return Some(Message::Reply {
            id: u16::from_be_bytes([a, b]),
            sequence: u16::from_be_bytes([c, d]),
            payload: rest,
            checksum_holds: version == Version::V6 || checksum(message) == 0,
        });
    }
    // A router's mistake in the checksum of an error changes nothing about what it says of our packet.
    if !version.is_error(kind) {
        return None;
    }
    let mtu = match (version, kind, code) {
        (Version::V4, 3, 4) => u32::from(u16::from_be_bytes([c, d])),
        (Version::V6, 2, _) => u32::from_be_bytes([a, b, c, d]),
        _ => 0,
    };
    let quoted = match version {
        Version::V4 => quoted_ipv4(rest),
        Version::V6 => quoted_ipv6(rest),
    };
    Some(Message::Error { fault: Fault { version, kind, code, mtu }, quoted: quoted? })
}

/// Destination and content of an IPv4 packet that carries ICMP and is no later fragment.
fn split_ipv4(packet: &[u8]) -> Option<(Ipv4Addr, &[u8])> {
    let (header, _) = packet.split_first_chunk::<20>()?;
    let length = usize::from(header[0] & 0x0f) * 4;
    let fragment = u16::from_be_bytes([header[6], header[7]]) & 0x1fff;
    if header[0] >> 4 != 4 || length < header.len() || header[9] != PROTOCOL_ICMP || fragment != 0 {
        return None;
    }
    let destination = Ipv4Addr::new(header[16], header[17], header[18], header[19]);
    Some((destination, packet.get(length..)?))
}

fn quoted_ipv4(packet: &[u8]) -> Option<Quoted> {
    let (target, message) = split_ipv4(packet)?;
    quoted_echo(message, Version::V4, target.into())
}

/// Our requests have no extension headers but, when they are large, that of a fragment.
fn quoted_ipv6(packet: &[u8]) -> Option<Quoted> {
    let (header, mut rest) = packet.split_first_chunk::<40>()?;
    let target: [u8; 16] = header[24..].try_into().ok()?;
    let mut next = header[6];
    if next == PROTOCOL_FRAGMENT {
        let (fragment, after) = rest.split_first_chunk::<8>()?;
        if u16::from_be_bytes([fragment[2], fragment[3]]) >> 3 != 0 {
            return None;
        }
        (next, rest) = (fragment[0], after);
    }
    if header[0] >> 4 != 6 || next != PROTOCOL_ICMPV6 {
        return None;
    }
    quoted_echo(rest, Version::V6, Ipv6Addr::from(target).into())
}

/// The request at the beginning of what an error quotes, or of what a datagram socket tells with an error.
pub(crate) fn quoted_echo(message: &[u8], version: Version, target: IpAddr) -> Option<Quoted> {
    let (&[kind, code, _, _, a, b, c, d], _) = message.split_first_chunk::<HEADER>()?;
    let is_request = kind == version.echo_types().0 && code == 0;
    is_request.then(|| Quoted { target, id: u16::from_be_bytes([a, b]), sequence: u16::from_be_bytes([c, d]) })
}

impl Fault {
    /// The words for it, where it is one that the standards name.
    const fn words(self) -> Option<&'static str> {
        Some(match (self.version, self.kind, self.code) {
            (Version::V4, 3, 0) => "network unreachable",
            (Version::V4, 3, 1) => "host unreachable",
            (Version::V4, 3, 2) | (Version::V6, 4, 1) => "protocol not known at the host",
            (Version::V4, 3, 3) | (Version::V6, 1, 4) => "port unreachable",
            (Version::V4, 3, 4) | (Version::V6, 2, _) => "packet too big",
            (Version::V4, 3, 5) => "source route failed",
            (Version::V4, 3, 6) => "network unknown",
            (Version::V4, 3, 7) => "host unknown",
            (Version::V4, 3, 8) => "source host isolated",
            (Version::V4, 3, 9) => "network prohibited by an administrator",
            (Version::V4, 3, 10) => "host prohibited by an administrator",
            (Version::V4, 3, 11) => "network unreachable for this type of service",
            (Version::V4, 3, 12) => "host unreachable for this type of service",
            (Version::V4, 3, 13) | (Version::V6, 1, 1) => "prohibited by an administrator (filtered)",
            (Version::V4, 3, 14) => "host precedence violated",
            (Version::V4, 3, 15) => "precedence too low",
            (Version::V4, 3, _) | (Version::V6, 1, _) if !self.is_named() => "destination unreachable",
            (Version::V4, 11, 1) | (Version::V6, 3, 1) => "fragments not complete in time",
            (Version::V4, 11, _) | (Version::V6, 3, _) => "too many hops (TTL exceeded)",
            (Version::V4, 12, _) | (Version::V6, 4, _) => "a header field is wrong (parameter problem)",
            (Version::V6, 1, 0) => "no route to the host",
            (Version::V6, 1, 2) => "beyond the scope of the source address",
            (Version::V6, 1, 3) => "host unreachable",
            (Version::V6, 1, 5) => "source address refused by a policy",
            (Version::V6, 1, 6) => "route rejected",
            (Version::V6, 1, 7) => "error in the source routing header",
            _ => return None,
        })
    }

    /// Whether this code of an unreachable destination has words of its own.
    const fn is_named(self) -> bool {
        match self.version {
            Version::V4 => self.code <= 15,
            Version::V6 => self.code <= 7,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, kind, code, mtu } = *self;
        if let Some(words) = self.words() {
            write!(f, "{words}, ")?;
        }
        if mtu > 0 {
            write!(f, "{mtu} bytes at most, ")?;
        }
        let name = if version == Version::V4 { "ICMP" } else { "ICMPv6" };
        write!(f, "{name} type {kind} code {code}")
    }
}

#[cfg(test)]
mod tests;
