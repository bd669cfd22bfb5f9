//! What a certificate test saw, as results show it under `observed`.

use std::{borrow::Cow, net::IpAddr};

use jiff::Timestamp;
use serde::Serialize;

use super::Starttls;
use crate::{SeenCertificate, TlsSession};

/// What a certificate test saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Observed {
    /// The address that answered.
    pub ip: Option<IpAddr>,
    /// The server's own certificate.
    #[serde(flatten)]
    pub certificate: Option<SeenCertificate>,
    /// Every certificate that the server sent, in its order, its own first.
    pub chain: Vec<SeenCertificate>,
    /// The subjects from the server's certificate to the authority that is trusted; empty where none is.
    pub verified_chain: Vec<String>,
    /// What OCSP, or else the list of revoked certificates, says.
    pub ocsp: Option<Revocation>,
    /// The protocol in which TLS was begun.
    pub starttls: Option<Starttls>,
    /// What was negotiated.
    pub tls: Option<Box<SeenTls>>,
    /// The final status of an https target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// What is worth knowing although it is no failure.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<Cow<'static, str>>,
}

/// What was seen of TLS.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeenTls {
    /// What was negotiated.
    #[serde(flatten)]
    pub session: TlsSession,
    /// What became of each version that was tried by itself.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub versions: Vec<SeenVersion>,
}

/// One version of TLS that was tried by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SeenVersion {
    /// `TLSv1`, `TLSv1.1`, `TLSv1.2`, `TLSv1.3`.
    pub version: &'static str,
    /// Whether the server accepted it; `None` where that could not be learnt.
    pub accepted: Option<bool>,
    /// The cipher suite that the server chose, by its IANA name.
    pub cipher: Option<String>,
}

/// What the issuer says of a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Revocation {
    /// The answer.
    pub status: RevocationStatus,
    /// Who gave it.
    pub source: RevocationSource,
    /// The address that was asked, unless the server brought the answer.
    pub url: Option<String>,
    /// From when the answer is.
    pub this_update: Timestamp,
    /// Until when it holds.
    pub next_update: Option<Timestamp>,
    /// When the certificate was revoked.
    pub revoked_at: Option<Timestamp>,
    /// Why it was, in the word of RFC 5280.
    pub reason: Option<&'static str>,
}

/// The answer about a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationStatus {
    /// Not revoked.
    Good,
    /// Revoked.
    Revoked,
    /// The issuer's responder does not know it.
    Unknown,
}

/// Who says whether a certificate is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationSource {
    /// An OCSP answer that the server brought along.
    Stapled,
    /// The issuer's OCSP responder.
    Responder,
    /// The issuer's list of revoked certificates.
    List,
}

impl RevocationSource {
    /// What people call it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Stapled => "stapled OCSP answer",
            Self::Responder => "OCSP responder",
            Self::List => "list of revoked certificates",
        }
    }
}

impl Revocation {
    /// The answer, for people.
    #[must_use]
    pub fn line(&self) -> String {
        let word = match self.status {
            RevocationStatus::Good => "not revoked",
            RevocationStatus::Revoked => "revoked",
            RevocationStatus::Unknown => "unknown to its issuer",
        };
        let until = self.next_update.map(|time| format!(", good until {}", minute(time))).unwrap_or_default();
        format!("{word} ({} of {}{until})", self.source.title(), minute(self.this_update))
    }
}

fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Names that a report for people lists.
const MOST_NAMES: usize = 10;

impl Observed {
    /// The same for people, a line each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(seen) = &self.certificate {
            let certificate = &seen.certificate;
            lines.push(seen.line());
            lines.push(format!("for {}", listed(&certificate.names)));
            lines.push(format!("{} key, signed with {}", certificate.key, certificate.signature));
            lines.push(format!("serial {}", certificate.serial));
            lines.push(format!("SHA-256 {}", certificate.fingerprint));
        }
        if self.chain.len() > 1 {
            lines.push("sent with it:".to_owned());
            lines.extend(self.chain.iter().skip(1).map(|seen| format!("  {}", seen.line())));
        }
        if let Some((authority, way)) = self.verified_chain.split_last() {
            let steps = if way.len() < 2 { String::new() } else { format!(" in {} steps", way.len()) };
            lines.push(format!("trusted through {authority}{steps}"));
        }
        lines.extend(self.ocsp.as_ref().map(Revocation::line));
        let from = self.ip.map(|ip| format!(" from {ip}")).unwrap_or_default();
        let within = self.starttls.map(|protocol| format!(" within {}", protocol.title())).unwrap_or_default();
        match &self.tls {
            Some(tls) => {
                lines.push(format!("{}{within}{from}", tls.session.line()));
                lines.extend(tls.versions.iter().map(SeenVersion::line));
            }
            None => lines.extend(self.ip.map(|ip| format!("address {ip}{within}"))),
        }
        lines.extend(self.http_status.map(|status| format!("HTTP status {status}")));
        lines.extend(self.remarks.iter().map(ToString::to_string));
        lines
    }
}

impl SeenVersion {
    fn line(&self) -> String {
        match (self.accepted, &self.cipher) {
            (Some(true), Some(cipher)) => format!("  {} accepted with {cipher}", self.version),
            (Some(true), None) => format!("  {} accepted", self.version),
            (Some(false), _) => format!("  {} refused", self.version),
            (None, _) => format!("  {} not learnt", self.version),
        }
    }
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "no name at all".to_owned(),
        few if few.len() <= MOST_NAMES => few.join(", "),
        many => format!("{} and {} more", many[..MOST_NAMES].join(", "), many.len() - MOST_NAMES),
    }
}
