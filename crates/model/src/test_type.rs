//! The registration of the test types, one module each.
//! Written by `cargo xtask gen` from the catalogue's sections; do not edit.

pub mod certificate;
pub mod domain;
pub mod ftp;
pub mod http;
pub mod icmp;
pub mod tcp;
pub mod udp;
pub mod websocket;

use serde::Serialize;
use watchkeep_catalogue::{Family, StatusCode};

use crate::{Exposure, Field, Limits, Object, Reader, Span};

/// A type of test that this version knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TestType {
    /// Certificate (TLS, STARTTLS).
    Certificate,
    /// Domain name.
    Domain,
    /// FTP server (FTP, FTPS).
    Ftp,
    /// Website (HTTP, HTTPS).
    Http,
    /// Host (ICMP ping).
    Icmp,
    /// TCP port (also TLS).
    Tcp,
    /// UDP port (also DNS, NTP, SIP, STUN).
    Udp,
    /// WebSocket.
    Websocket,
}

impl TestType {
    /// All of them, in the order of the catalogue.
    pub const ALL: &'static [Self] =
        &[Self::Icmp, Self::Http, Self::Tcp, Self::Ftp, Self::Udp, Self::Websocket, Self::Certificate, Self::Domain];

    /// The word used in configuration, API and results.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::Domain => "domain",
            Self::Ftp => "ftp",
            Self::Http => "http",
            Self::Icmp => "icmp",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Websocket => "websocket",
        }
    }

    /// What people call it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Certificate => "Certificate (TLS, STARTTLS)",
            Self::Domain => "Domain name",
            Self::Ftp => "FTP server (FTP, FTPS)",
            Self::Http => "Website (HTTP, HTTPS)",
            Self::Icmp => "Host (ICMP ping)",
            Self::Tcp => "TCP port (also TLS)",
            Self::Udp => "UDP port (also DNS, NTP, SIP, STUN)",
            Self::Websocket => "WebSocket",
        }
    }

    /// The usual time between two tests.
    #[must_use]
    pub const fn usual_interval(self) -> Span {
        match self {
            Self::Certificate => Span::seconds(21600),
            Self::Domain => Span::seconds(43200),
            Self::Ftp => Span::seconds(60),
            Self::Http => Span::seconds(60),
            Self::Icmp => Span::seconds(60),
            Self::Tcp => Span::seconds(60),
            Self::Udp => Span::seconds(60),
            Self::Websocket => Span::seconds(60),
        }
    }

    /// A target as one might look.
    #[must_use]
    pub const fn example(self) -> &'static str {
        match self {
            Self::Certificate => "shop.example:443",
            Self::Domain => "domain:shop.example",
            Self::Ftp => "ftp://files.example/pub/",
            Self::Http => "https://shop.example/",
            Self::Icmp => "router.example",
            Self::Tcp => "mail.example:25",
            Self::Udp => "dns.example:53",
            Self::Websocket => "wss://chat.example/socket",
        }
    }

    /// The family of its codes.
    #[must_use]
    pub const fn family(self) -> Family {
        match self {
            Self::Certificate => Family::Certificate,
            Self::Domain => Family::Domain,
            Self::Ftp => Family::Service,
            Self::Http => Family::Service,
            Self::Icmp => Family::Service,
            Self::Tcp => Family::Service,
            Self::Udp => Family::Service,
            Self::Websocket => Family::Service,
        }
    }

    /// The URL schemes by which `watchkeep check` recognises its targets.
    #[must_use]
    pub const fn schemes(self) -> &'static [&'static str] {
        match self {
            Self::Certificate => &["certificate"],
            Self::Domain => &["domain"],
            Self::Ftp => &["ftp", "ftps"],
            Self::Http => &["http", "https"],
            Self::Icmp => &["icmp"],
            Self::Tcp => &["tcp", "tls"],
            Self::Udp => &["udp"],
            Self::Websocket => &["ws", "wss"],
        }
    }

    /// The fields of its options, for forms, flags and reference pages.
    #[must_use]
    pub const fn fields(self) -> &'static [Field] {
        match self {
            Self::Certificate => certificate::FIELDS,
            Self::Domain => domain::FIELDS,
            Self::Ftp => ftp::FIELDS,
            Self::Http => http::FIELDS,
            Self::Icmp => icmp::FIELDS,
            Self::Tcp => tcp::FIELDS,
            Self::Udp => udp::FIELDS,
            Self::Websocket => websocket::FIELDS,
        }
    }

    /// The code of a test whose time limits cannot be used.
    pub(crate) const fn limits_code(self) -> StatusCode {
        match self {
            Self::Certificate => certificate::LIMITS_CODE,
            Self::Domain => domain::LIMITS_CODE,
            Self::Ftp => ftp::LIMITS_CODE,
            Self::Http => http::LIMITS_CODE,
            Self::Icmp => icmp::LIMITS_CODE,
            Self::Tcp => tcp::LIMITS_CODE,
            Self::Udp => udp::LIMITS_CODE,
            Self::Websocket => websocket::LIMITS_CODE,
        }
    }

    /// The canonical target and the options, read from a test's object.
    pub(crate) fn read(self, target: Option<&str>, limits: Limits, reader: &mut Reader) -> Option<(String, Options)> {
        match self {
            Self::Certificate => certificate::read(target, limits, reader)
                .map(|(target, options)| (target, Options::Certificate(options))),
            Self::Domain => {
                domain::read(target, limits, reader).map(|(target, options)| (target, Options::Domain(options)))
            }
            Self::Ftp => ftp::read(target, limits, reader).map(|(target, options)| (target, Options::Ftp(options))),
            Self::Http => http::read(target, limits, reader).map(|(target, options)| (target, Options::Http(options))),
            Self::Icmp => icmp::read(target, limits, reader).map(|(target, options)| (target, Options::Icmp(options))),
            Self::Tcp => tcp::read(target, limits, reader).map(|(target, options)| (target, Options::Tcp(options))),
            Self::Udp => udp::read(target, limits, reader).map(|(target, options)| (target, Options::Udp(options))),
            Self::Websocket => {
                websocket::read(target, limits, reader).map(|(target, options)| (target, Options::Websocket(options)))
            }
        }
    }

    /// The type that a word names, if any.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.as_str() == word)
    }
}

/// What each type adds to a test.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "the largest is the most usual one")]
pub enum Options {
    /// Certificate (TLS, STARTTLS).
    Certificate(certificate::Options),
    /// Domain name.
    Domain(domain::Options),
    /// FTP server (FTP, FTPS).
    Ftp(ftp::Options),
    /// Website (HTTP, HTTPS).
    Http(http::Options),
    /// Host (ICMP ping).
    Icmp(icmp::Options),
    /// TCP port (also TLS).
    Tcp(tcp::Options),
    /// UDP port (also DNS, NTP, SIP, STUN).
    Udp(udp::Options),
    /// WebSocket.
    Websocket(websocket::Options),
}

impl Options {
    /// The object that is read back as the same options.
    pub(crate) fn write(&self, exposure: Exposure) -> Object {
        match self {
            Self::Certificate(options) => options.write(exposure),
            Self::Domain(options) => options.write(exposure),
            Self::Ftp(options) => options.write(exposure),
            Self::Http(options) => options.write(exposure),
            Self::Icmp(options) => options.write(exposure),
            Self::Tcp(options) => options.write(exposure),
            Self::Udp(options) => options.write(exposure),
            Self::Websocket(options) => options.write(exposure),
        }
    }

    /// Whose options they are.
    #[must_use]
    pub const fn test_type(&self) -> TestType {
        match self {
            Self::Certificate(_) => TestType::Certificate,
            Self::Domain(_) => TestType::Domain,
            Self::Ftp(_) => TestType::Ftp,
            Self::Http(_) => TestType::Http,
            Self::Icmp(_) => TestType::Icmp,
            Self::Tcp(_) => TestType::Tcp,
            Self::Udp(_) => TestType::Udp,
            Self::Websocket(_) => TestType::Websocket,
        }
    }
}

/// What each type saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(untagged)]
#[allow(clippy::large_enum_variant, reason = "the largest is the most usual one")]
pub enum Observed {
    /// The test did not come far enough to see anything.
    #[default]
    Nothing,
    /// Certificate (TLS, STARTTLS).
    Certificate(certificate::Observed),
    /// Domain name.
    Domain(domain::Observed),
    /// FTP server (FTP, FTPS).
    Ftp(ftp::Observed),
    /// Website (HTTP, HTTPS).
    Http(http::Observed),
    /// Host (ICMP ping).
    Icmp(icmp::Observed),
    /// TCP port (also TLS).
    Tcp(tcp::Observed),
    /// UDP port (also DNS, NTP, SIP, STUN).
    Udp(udp::Observed),
    /// WebSocket.
    Websocket(websocket::Observed),
}

impl Observed {
    /// The same for people, a line each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Nothing => Vec::new(),
            Self::Certificate(seen) => seen.lines(),
            Self::Domain(seen) => seen.lines(),
            Self::Ftp(seen) => seen.lines(),
            Self::Http(seen) => seen.lines(),
            Self::Icmp(seen) => seen.lines(),
            Self::Tcp(seen) => seen.lines(),
            Self::Udp(seen) => seen.lines(),
            Self::Websocket(seen) => seen.lines(),
        }
    }
}
