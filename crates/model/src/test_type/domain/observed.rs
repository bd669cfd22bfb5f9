//! What a domain test saw, as results show it under `observed`.

use std::{fmt, net::Ipv4Addr};

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::HostName;

/// What a domain test saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Observed {
    /// The name that was looked up.
    pub domain: String,
    /// Who told the rest.
    pub source: Option<Source>,
    /// Through whom the name is registered.
    pub registrar: Option<String>,
    /// When it was registered.
    pub created_at: Option<Timestamp>,
    /// When its data changed last.
    pub updated_at: Option<Timestamp>,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// Whole days until then, negative once expired.
    pub days_left: Option<i64>,
    /// Its statuses as EPP writes them (RFC 5731, RFC 3915), whatever the source's spelling; sorted.
    pub statuses: Vec<String>,
    /// Its name servers, in lower case; sorted.
    pub name_servers: Vec<String>,
    /// Whether the delegation is signed.
    pub dnssec: Option<bool>,
    /// The blocklists that have it.
    pub listed_on: Vec<Listing>,
    /// What is worth knowing although it is no failure.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<Remark>,
}

/// Who told of a domain; shown as `rdap https://rdap.example/` or `whois whois.example:43`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// An RDAP service, by its URL.
    Rdap(String),
    /// A WHOIS server, by host and port.
    Whois(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rdap(url) => write!(f, "rdap {url}"),
            Self::Whois(server) => write!(f, "whois {server}"),
        }
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A blocklist that has the domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The list's zone.
    pub list: HostName,
    /// What it returned; its meaning is the list's own.
    pub codes: Vec<Ipv4Addr>,
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes: Vec<_> = self.codes.iter().map(ToString::to_string).collect();
        write!(f, "{} ({})", self.list, codes.join(", "))
    }
}

impl Serialize for Listing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut listing = serializer.serialize_struct("Listing", 2)?;
        listing.serialize_field("list", &self.list.to_string())?;
        listing.serialize_field("codes", &self.codes)?;
        listing.end()
    }
}

/// Something worth knowing, one sentence without the dot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Remark(pub String);

impl Observed {
    /// The same for people, a line each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let day = |at: Timestamp| at.strftime("%Y-%m-%d").to_string();
        let registrar = self.registrar.as_ref().map(|registrar| format!("registrar {registrar}"));
        let expires = self.expires_at.zip(self.days_left).map(|(at, left)| match left {
            -1 => format!("expired within the last 24 hours ({})", day(at)),
            left if left < 0 => format!("expired {} ago ({})", days(-(left + 1)), day(at)),
            left => format!("expires in {} ({})", days(left), day(at)),
        });
        let created = self.created_at.map(|at| format!("registered since {}", day(at)));
        let updated = self.updated_at.map(|at| format!("changed last on {}", day(at)));
        let list =
            |title: &str, values: &[String]| (!values.is_empty()).then(|| format!("{title} {}", values.join(", ")));
        let dnssec = self.dnssec.map(|signed| if signed { "DNSSEC: signed" } else { "DNSSEC: not signed" }.to_owned());
        let source = self.source.as_ref().map(|source| format!("source {source}"));
        let listed = self.listed_on.iter().map(|listing| format!("listed by {listing}"));
        let remarks = self.remarks.iter().map(|remark| remark.0.clone());
        [registrar, created, updated, expires]
            .into_iter()
            .chain([list("status", &self.statuses), list("name servers", &self.name_servers), dnssec, source])
            .flatten()
            .chain(listed)
            .chain(remarks)
            .collect()
    }
}

fn days(number: i64) -> String {
    format!("{number} {}", if number == 1 { "day" } else { "days" })
}
