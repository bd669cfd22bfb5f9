//! What an HTTP(S) test saw, as results show it under `observed`.

use std::net::IpAddr;

use serde::Serialize;

use super::HttpVersion;
use crate::{SeenCertificate, TlsSession};

/// What an HTTP(S) test saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Observed {
    /// The address that answered last.
    pub ip: Option<IpAddr>,
    /// The final status.
    pub http_status: Option<u16>,
    /// The version of the final reply.
    pub http_version: Option<HttpVersion>,
    /// Bytes of the final body as received, before decompression.
    pub bytes: u64,
    /// Every redirect that was followed.
    pub redirects: Vec<Redirect>,
    /// The final server's certificate.
    pub certificate: Option<SeenCertificate>,
    /// The final connection's TLS parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSession>,
    /// What is worth knowing although it is no failure.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<&'static str>,
}

impl Observed {
    /// The same for people, a line each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let reply = match (self.http_status, self.ip) {
            (Some(status), ip) => {
                let version = self.http_version.map(|version| format!("HTTP/{} ", version.as_str()));
                let bytes = if self.bytes == 1 { "byte" } else { "bytes" };
                let from = ip.map(|ip| format!(" from {ip}")).unwrap_or_default();
                Some(format!("{}{status}, {} {bytes}{from}", version.unwrap_or_default(), self.bytes))
            }
            (None, ip) => ip.map(|ip| format!("address {ip}")),
        };
        let redirects = self.redirects.iter();
        let redirects = redirects.map(|redirect| format!("redirected ({}) to {}", redirect.status, redirect.url));
        let tls = self.tls.as_ref().map(TlsSession::line);
        let certificate = self.certificate.as_ref().map(SeenCertificate::line);
        let remarks = self.remarks.iter().map(|remark| (*remark).to_owned());
        reply.into_iter().chain(redirects).chain(tls).chain(certificate).chain(remarks).collect()
    }
}

/// One redirect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Redirect {
    /// The status that told it.
    pub status: u16,
    /// Where it led, absolute, without credentials.
    pub url: String,
}
