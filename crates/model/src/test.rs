//! One test as a robot runs it: what is tested, within which limits, by which way through the network.
//! [`Test::read`] is the one place where tests are validated.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
    sync::Arc,
};

use serde_json::json;
use watchkeep_catalogue::{Family, StatusCode, service};

use crate::{Exposure, Field, Invalid, Object, Options, Reader, Shape, Span, TestType, split_scheme};

impl TestType {
    /// The type whose scheme a target begins with, such as `tcp://mail.example:25`.
    #[must_use]
    pub fn of_target(target: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| split_scheme(target, known.schemes()).0.is_some())
    }
}

/// What a test is about; shared by all of its results.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TestSubject {
    /// The family of its codes.
    pub family: Family,
    /// The word for its type, `http` for instance. A word and not a [`TestType`], because results of types
    /// that this version does not know are told too.
    pub test_type: Arc<str>,
    /// What is tested, in canonical form and without credentials.
    pub target: Arc<str>,
}

/// A valid test.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// What it is about.
    pub subject: Arc<TestSubject>,
    /// Its time limits.
    pub limits: Limits,
    /// Its way through the network.
    pub network: Network,
    /// What its type adds.
    pub options: Options,
}

impl Test {
    /// Reads a test from a JSON object that holds nothing else.
    ///
    /// # Errors
    /// Every problem found, with the status code that the test would end in where there is one.
    pub fn parse(object: Object) -> Result<Self, Invalid> {
        let mut reader = Reader::new(object);
        let test = Self::read(&mut reader);
        match (test, Invalid::check(reader.into_problems())) {
            (Some(test), Ok(())) => Ok(test),
            (_, Err(invalid)) => Err(invalid),
            (None, Ok(())) => Err(Invalid::one("", "this is not a complete test")),
        }
    }

    /// Reads the fields of a test: `family`, `type`, `target`, the limits, the network's, and the type's own
    /// under its name. `None` only when the reader has noted why.
    pub fn read(reader: &mut Reader) -> Option<Self> {
        let family = reader.text("family");
        let word = reader.text("type");
        let target = reader.text("target");
        let known = family.as_deref().map_or(Some(Family::Service), Family::parse);
        let Some(family) = known else {
            reader.problem("family", "must be service, server, certificate or domain");
            return None;
        };
        // Families other than service have one type, named like the family.
        let word = word.or_else(|| (family != Family::Service).then(|| family.as_str().to_owned()));
        let Some(word) = word else {
            reader.problem_with_code(
                "type",
                "is missing; say what kind of test this is, http for instance",
                service::NOT_ENOUGH_PARAMETERS,
            );
            return None;
        };
        let Some(test_type) = TestType::parse(&word).filter(|known| known.family() == family) else {
            let known: Vec<_> = TestType::ALL.iter().map(|known| known.as_str()).collect();
            let message = format!("is a type of test that this version does not know; it knows {}", known.join(", "));
            // Of servers, 100 is the load.
            match family {
                Family::Service => reader.problem_with_code("type", message, service::UNKNOWN_TEST_TYPE),
                Family::Server | Family::Certificate | Family::Domain => reader.problem("type", message),
            }
            return None;
        };
        let limits = Limits::read(reader, test_type.limits_code());
        if family != Family::Service && limits.is_some_and(|limits| limits.slow_after.is_some()) {
            reader.problem("slow_after", format_args!("belongs to services; a {family} is never slow"));
        }
        let network = Network::read(reader);
        let assumed = limits.unwrap_or(Limits::USUAL);
        let (target, options) = test_type.read(target.as_deref(), assumed, reader)?;
        let subject = TestSubject { family, test_type: test_type.as_str().into(), target: target.into() };
        Some(Self { subject: Arc::new(subject), limits: limits?, network: network?, options })
    }

    /// The object that [`Test::read`] reads back as the same test (for [`Exposure::Stored`]).
    #[must_use]
    pub fn write(&self, exposure: Exposure) -> Object {
        let mut object = Object::new();
        object.insert("family".to_owned(), json!(self.subject.family.as_str()));
        object.insert("type".to_owned(), json!(&*self.subject.test_type));
        object.insert("target".to_owned(), json!(&*self.subject.target));
        self.limits.write(&mut object);
        self.network.write(&mut object);
        object.insert(self.subject.test_type.to_string(), self.options.write(exposure).into());
        object
    }

    /// The fields that every network test takes, beside those of its type.
    pub const FIELDS: &'static [Field] = &[
        Field {
            name: "timeout",
            flag: None,
            label: "Time limit",
            help: "The whole test must be done within this time.",
            default: "10s",
            shape: Shape::Span,
        },
        Field {
            name: "connect_timeout",
            flag: None,
            label: "Connect limit",
            help: "Each connection, TLS handshake included, must stand within this time.",
            default: "5s",
            shape: Shape::Span,
        },
        Field {
            name: "slow_after",
            flag: None,
            label: "Slow after",
            help: "A good answer that takes longer than this is degraded (102).",
            default: "",
            shape: Shape::Span,
        },
        Field {
            name: "ip",
            flag: None,
            label: "IP version",
            help: "Use only IPv4 or only IPv6 instead of whichever answers first.",
            default: "",
            shape: Shape::Choice(&["4", "6"]),
        },
        Field {
            name: "resolve",
            flag: None,
            label: "Fixed addresses",
            help: "HOST:IP pairs that are used instead of asking DNS.",
            default: "",
            shape: Shape::List,
        },
        Field {
            name: "resolver",
            flag: None,
            label: "DNS server",
            help: "IP:PORT of the DNS server to ask instead of the robot's own.",
            default: "",
            shape: Shape::Text,
        },
    ];
}

/// The time limits of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For the whole test.
    pub total: Span,
    /// For each connection, TLS handshake included; never above `total`.
    pub connect: Span,
    /// Over this, a good result is degraded (102).
    pub slow_after: Option<Span>,
}

impl Limits {
    /// The longest limit that can be asked for.
    pub const MAXIMUM: Span = Span::seconds(300);
    /// Those of a test that names none.
    pub const USUAL: Self = Self { total: Span::seconds(10), connect: Span::seconds(5), slow_after: None };

    fn read(reader: &mut Reader, code: StatusCode) -> Option<Self> {
        let before = reader.problem_count();
        let mut limit = |field: &str| match reader.text(field)?.parse::<Span>() {
            Ok(span) if span.is_zero() => {
                reader.problem_with_code(field, "must be more than zero", code);
                None
            }
            Ok(span) if span > Self::MAXIMUM => {
                reader.problem_with_code(field, format_args!("must be {} at most", Self::MAXIMUM), code);
                None
            }
            Ok(span) => Some(span),
            Err(error) => {
                reader.problem_with_code(field, error, code);
                None
            }
        };
        let (total, connect, slow_after) = (limit("timeout"), limit("connect_timeout"), limit("slow_after"));
        let total = total.unwrap_or(Self::USUAL.total);
        if connect.is_some_and(|connect| connect > total) {
            reader.problem_with_code("connect_timeout", format_args!("must not be above the timeout of {total}"), code);
        }
        let connect = connect.unwrap_or(Self::USUAL.connect.min(total));
        (reader.problem_count() == before).then_some(Self { total, connect, slow_after })
    }

    fn write(&self, object: &mut Object) {
        object.insert("timeout".to_owned(), json!(self.total));
        object.insert("connect_timeout".to_owned(), json!(self.connect));
        if let Some(slow_after) = self.slow_after {
            object.insert("slow_after".to_owned(), json!(slow_after));
        }
    }
}

/// A version of the Internet Protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IpVersion {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl IpVersion {
    /// Whether `address` is of this version.
    #[must_use]
    pub const fn has(self, address: IpAddr) -> bool {
        matches!((self, address), (Self::V4, IpAddr::V4(_)) | (Self::V6, IpAddr::V6(_)))
    }
}

impl FromStr for IpVersion {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "4" => Ok(Self::V4),
            "6" => Ok(Self::V6),
            _ => Err("must be 4 or 6"),
        }
    }
}

impl fmt::Display for IpVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "4",
            Self::V6 => "6",
        })
    }
}

/// How a test finds its way: address family, fixed names, DNS server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// Use this version only.
    pub ip: Option<IpVersion>,
    /// Names with fixed addresses.
    pub resolve: Vec<FixedAddress>,
    /// The DNS server to ask instead of the robot's own.
    pub resolver: Option<SocketAddr>,
}

impl Network {
    fn read(reader: &mut Reader) -> Option<Self> {
        let before = reader.problem_count();
        let ip = reader.parse("ip");
        let resolve = reader.list("resolve", 100).unwrap_or_default();
        let resolver = reader.parse::<Resolver>("resolver").map(|resolver| resolver.0);
        (reader.problem_count() == before).then_some(Self { ip, resolve, resolver })
    }

    fn write(&self, object: &mut Object) {
        if let Some(ip) = self.ip {
            object.insert("ip".to_owned(), json!(ip.to_string()));
        }
        if !self.resolve.is_empty() {
            object.insert("resolve".to_owned(), self.resolve.iter().map(|fixed| fixed.to_string()).collect());
        }
        if let Some(resolver) = self.resolver {
            object.insert("resolver".to_owned(), json!(resolver.to_string()));
        }
    }
}

/// A name that has a fixed address: `shop.example:192.0.2.7`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FixedAddress {
    /// The name, in lower case.
    pub host: Box<str>,
    /// Its address.
    pub address: IpAddr,
}

impl FromStr for FixedAddress {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "must be HOST:IP, such as shop.example:192.0.2.7";
        let (host, address) = text.split_once(':').ok_or(FORM)?;
        let address = address.trim_start_matches('[').trim_end_matches(']').parse().map_err(|_| FORM)?;
        let host = host.trim().trim_end_matches('.').to_ascii_lowercase();
        if host.is_empty() { Err(FORM) } else { Ok(Self { host: host.into(), address }) }
    }
}

impl fmt::Display for FixedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.address)
    }
}

/// An address with the DNS port as its default.
struct Resolver(SocketAddr);

impl FromStr for Resolver {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let alone = |ip: IpAddr| SocketAddr::new(ip, 53);
        text.parse::<SocketAddr>()
            .or_else(|_| text.parse::<IpAddr>().map(alone))
            .map(Self)
            .map_err(|_| "must be IP:PORT, such as 192.0.2.53:53")
    }
}
