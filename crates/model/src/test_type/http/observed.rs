//! What an HTTP(S) test saw, as results show it under `observed`.

use std::{borrow::Cow, net::IpAddr};

use serde::Serialize;

use super::HttpVersion;
use crate::SeenCertificate;

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

/// One redirect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Redirect {
    /// The status that told it.
    pub status: u16,
    /// Where it led, absolute, without credentials.
    pub url: String,
}

/// What was negotiated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TlsSession {
    /// `TLSv1.3`, `TLSv1.2`.
    pub version: &'static str,
    /// The cipher suite by its IANA name, or OpenSSL's where legacy.
    pub cipher: Cow<'static, str>,
    /// The application protocol agreed by ALPN.
    pub alpn: Option<&'static str>,
    /// True where only a suite that modern libraries refuse, and browsers still accept, was in common.
    pub legacy: bool,
}
