//! Where a test goes: a host, and a host with a port. Both have one canonical form, by which they are shown and
//! compared.

use std::{fmt, net::IpAddr, str::FromStr};

use url::Host;
use watchkeep_catalogue::StatusCode;

use crate::Reader;

/// A host: an address, or a name in lower case, ASCII (IDNA) and without the dot at the end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostName(Host<String>);

/// The longest name, in characters (RFC 1035, 2.3.4, without the root's dot).
const LONGEST_NAME: usize = 253;
/// The longest part of a name.
const LONGEST_LABEL: usize = 63;

impl HostName {
    /// The host as resolvers and TLS take it.
    #[must_use]
    pub fn as_host(&self) -> Host<&str> {
        match &self.0 {
            Host::Domain(name) => Host::Domain(name),
            Host::Ipv4(address) => Host::Ipv4(*address),
            Host::Ipv6(address) => Host::Ipv6(*address),
        }
    }

    /// The name, where it is one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match &self.0 {
            Host::Domain(name) => Some(name),
            Host::Ipv4(_) | Host::Ipv6(_) => None,
        }
    }

    /// The address, where it is one.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match self.0 {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
        }
    }

    /// Without the brackets of an IPv6 address: where no port follows.
    #[must_use]
    pub fn bare(&self) -> String {
        self.address().map_or_else(|| self.to_string(), |address| address.to_string())
    }
}

impl FromStr for HostName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "must be a host name or an IP address, such as shop.example or 192.0.2.7";
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if bare.contains(':') {
            if bare.contains('%') {
                return Err("has a zone, which only its own machine understands; give the address without %");
            }
            return bare.parse().map(|address| Self(Host::Ipv6(address))).map_err(|_| FORM);
        }
        if bare.len() != text.len() || bare.contains('/') {
            return Err(FORM);
        }
        match Host::parse(bare).map_err(|_| FORM)? {
            Host::Domain(name) => {
                let name = name.strip_suffix('.').unwrap_or(&name);
                if name.len() > LONGEST_NAME {
                    return Err("has more than 253 characters, which no name on the internet has");
                }
                let is_label = |label: &str| (1..=LONGEST_LABEL).contains(&label.len());
                match name.split('.').all(is_label) {
                    true => Ok(Self(Host::Domain(name.to_owned()))),
                    false => Err("has a part that is empty or longer than 63 characters"),
                }
            }
            host => Ok(Self(host)),
        }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A host and a port; shown as `mail.example:25` or `[2001:db8::1]:25`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// The host.
    pub host: HostName,
    /// The port, never 0.
    pub port: u16,
}

/// Why an endpoint is none. What is missing has codes of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidEndpoint {
    /// Nothing before the port.
    NoHost,
    /// No port, and the kind of test has none of its own.
    NoPort,
    /// Anything else, in words.
    Malformed(&'static str),
}

impl Endpoint {
    /// Reads `HOST:PORT`; the port may be left out where there is a usual one.
    ///
    /// # Errors
    /// What is missing or wrong.
    pub fn parse(text: &str, usual_port: Option<u16>) -> Result<Self, InvalidEndpoint> {
        const PORT: &str = "must have a port from 1 to 65535";
        let is_bare_v6 = text.parse::<std::net::Ipv6Addr>().is_ok();
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !is_bare_v6 && !port.contains(']') => (host, Some(port)),
            _ => (text, None),
        };
        if host.is_empty() || host == "[]" {
            return Err(InvalidEndpoint::NoHost);
        }
        let host = host.parse().map_err(InvalidEndpoint::Malformed)?;
        let port = match port {
            None | Some("") => usual_port.ok_or(InvalidEndpoint::NoPort)?,
            Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                port.parse().ok().filter(|&port| port != 0).ok_or(InvalidEndpoint::Malformed(PORT))?
            }
            Some(_) => return Err(InvalidEndpoint::Malformed(PORT)),
        };
        Ok(Self { host, port })
    }

    /// Reads a test's target, `HOST:PORT` with or without one of the `schemes` before it, and notes what is wrong;
    /// `missing` is the code of a test without host or port.
    pub fn read(
        target: Option<&str>,
        schemes: &[&str],
        usual_port: Option<u16>,
        missing: StatusCode,
        reader: &mut Reader,
    ) -> Option<Self> {
        let text = target.map(str::trim).unwrap_or_default();
        let (_, rest) = split_scheme(text, schemes);
        match Self::parse(rest.strip_suffix('/').unwrap_or(rest), usual_port) {
            Ok(endpoint) => return Some(endpoint),
            Err(InvalidEndpoint::NoHost) => {
                let example = if usual_port.is_some() { "shop.example" } else { "shop.example:25" };
                let message = format!("is missing; give the host to test, such as {example}");
                reader.problem_with_code("target", message, missing);
            }
            Err(InvalidEndpoint::NoPort) => {
                reader.problem_with_code("target", "has no port; write HOST:PORT, such as shop.example:25", missing);
            }
            Err(InvalidEndpoint::Malformed(message)) => reader.problem_with_code("target", message, missing),
        }
        None
    }
}

/// The one of `schemes` that a target begins with, as `SCHEME:` or `SCHEME://` in any case, and what follows it.
#[must_use]
pub fn split_scheme<'t, 's>(text: &'t str, schemes: &[&'s str]) -> (Option<&'s str>, &'t str) {
    let found = text.split_once(':').and_then(|(scheme, rest)| {
        let known = schemes.iter().copied().find(|known| known.eq_ignore_ascii_case(scheme))?;
        // `ftp:21` is a host named like a scheme, and its port.
        let is_port = !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
        (!is_port).then(|| (known, rest.strip_prefix("//").unwrap_or(rest)))
    });
    found.map_or((None, text), |(scheme, rest)| (Some(scheme), rest))
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_one_form() {
        for (text, form) in [
            ("Shop.Example.", "shop.example"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("_dmarc.example", "_dmarc.example"),
            ("127.0.0.1", "127.0.0.1"),
            ("0x7f.1", "127.0.0.1"),
            ("::1", "[::1]"),
            ("[2001:DB8::1]", "[2001:db8::1]"),
            ("::ffff:192.0.2.7", "[::ffff:c000:207]"),
        ] {
            assert_eq!(text.parse::<HostName>().unwrap().to_string(), form, "{text}");
        }
        let longest = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)].join(".");
        assert!(longest.parse::<HostName>().is_ok());
        let too_long = format!("{longest}d");
        let long_label = format!("{}.example", "a".repeat(64));
        let wrong =
            ["", ".", "a..b", "a b", "user@host", "host/path", "[::1", "fe80::1%eth0", "1.2.3.4.5", "[a]", "a#b"];
        for text in wrong.into_iter().chain([too_long.as_str(), &long_label]) {
            assert!(text.parse::<HostName>().is_err(), "{text}");
        }
    }

    #[test]
    fn endpoints_are_hosts_with_ports() {
        use InvalidEndpoint::{NoHost, NoPort};
        for (text, form) in
            [("mail.example:25", "mail.example:25"), ("[::1]:25", "[::1]:25"), ("127.0.0.1:065", "127.0.0.1:65")]
        {
            assert_eq!(Endpoint::parse(text, None).unwrap().to_string(), form, "{text}");
        }
        for (text, form) in [("::1", "[::1]:21"), ("host", "host:21"), ("host:", "host:21"), ("[::1]", "[::1]:21")] {
            assert_eq!(Endpoint::parse(text, Some(21)).unwrap().to_string(), form, "{text}");
        }
        for (text, reason) in [("", NoHost), (":25", NoHost), ("host", NoPort), ("::1", NoPort), ("host:", NoPort)] {
            assert_eq!(Endpoint::parse(text, None), Err(reason), "{text}");
        }
        for text in ["host:0", "host:65536", "host:x", "host:25/path", "a@host:25", "host:+5"] {
            assert!(matches!(Endpoint::parse(text, None), Err(InvalidEndpoint::Malformed(_))), "{text}");
        }
    }

    #[test]
    fn schemes_are_taken_off() {
        for (text, scheme, rest) in [
            ("tcp://host:1", Some("tcp"), "host:1"),
            ("TLS://host:1", Some("tls"), "host:1"),
            ("tcp:host:1", Some("tcp"), "host:1"),
            ("tcp:25", None, "tcp:25"),
            ("host:1", None, "host:1"),
            ("udp://host:1", None, "udp://host:1"),
        ] {
            assert_eq!(split_scheme(text, &["tcp", "tls"]), (scheme, rest), "{text}");
        }
    }
}
