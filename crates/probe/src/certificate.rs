//! The facts of a certificate, read once and kept while tests see the same one again.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use watchkeep_model::{Certificate, SeenCertificate, hex};
use x509_parser::{certificate::X509Certificate, extensions::GeneralName, prelude::FromDer, public_key::PublicKey};

use crate::outside::shown;

/// Certificates kept at the same time; beyond that all are forgotten and read again.
const MOST_KEPT: usize = 4_096;

/// Certificates already read.
#[derive(Default)]
pub(crate) struct Certificates {
    hasher: RandomState,
    known: Mutex<HashMap<u64, Known>>,
}

struct Known {
    der: CertificateDer<'static>,
    certificate: Arc<Certificate>,
    usage: Usage,
}

/// What a certificate's key may do in a handshake (RFC 5280, 4.2.1.3; RFC 8446, 4.4.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Sign: every handshake of TLS 1.3, and those of TLS 1.2 with ECDHE.
    pub(crate) may_sign: bool,
    /// Encrypt: the handshakes of TLS 1.2 with RSA key exchange.
    pub(crate) may_encipher: bool,
}

impl Certificates {
    /// What `der` says; `None` where it cannot be read at all.
    pub(crate) fn read(&self, der: &CertificateDer<'_>, now: Timestamp) -> Option<(SeenCertificate, Usage)> {
        let key = self.hasher.hash_one(der.as_ref());
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key)
            && known.der == *der
        {
            return Some((SeenCertificate::at(Arc::clone(&known.certificate), now), known.usage));
        }
        let (_, parsed) = X509Certificate::from_der(der).ok()?;
        let certificate = Arc::new(facts(der, &parsed)?);
        let usage = usage(&parsed);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_KEPT {
            known.clear();
        }
        known.insert(key, Known { der: der.clone().into_owned(), certificate: Arc::clone(&certificate), usage });
        Some((SeenCertificate::at(certificate, now), usage))
    }
}

/// A certificate without the extension may do everything.
fn usage(parsed: &X509Certificate<'_>) -> Usage {
    match parsed.key_usage() {
        Ok(Some(usage)) => {
            Usage { may_sign: usage.value.digital_signature(), may_encipher: usage.value.key_encipherment() }
        }
        _ => Usage { may_sign: true, may_encipher: true },
    }
}

fn facts(der: &CertificateDer<'_>, parsed: &X509Certificate<'_>) -> Option<Certificate> {
    let validity = parsed.validity();
    let time = |seconds: i64| Timestamp::from_second(seconds).ok();
    Some(Certificate {
        subject: shown(&parsed.subject().to_string()),
        issuer: shown(&parsed.issuer().to_string()),
        names: names(parsed),
        not_before: time(validity.not_before.timestamp())?,
        not_after: time(validity.not_after.timestamp())?,
        key: key(parsed),
        signature: signature(parsed),
        fingerprint: hex(ring_digest(der).as_ref()),
        serial: hex(parsed.raw_serial()),
    })
}

fn ring_digest(der: &CertificateDer<'_>) -> impl AsRef<[u8]> {
    ring::digest::digest(&ring::digest::SHA256, der)
}

fn names(parsed: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = parsed.subject_alternative_name() else { return Vec::new() };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(shown(name)),
        GeneralName::IPAddress(bytes) => {
            let four = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            let six = <[u8; 16]>::try_from(*bytes).map(IpAddr::from);
            four.or(six).ok().map(|address| address.to_string())
        }
        _ => None,
    };
    extension.value.general_names.iter().filter_map(name).collect()
}

fn key(parsed: &X509Certificate<'_>) -> String {
    match parsed.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => format!("RSA {}", key.key_size()),
        Ok(PublicKey::EC(_)) => format!("EC {}", curve(parsed)),
        Ok(PublicKey::DSA(_)) => "DSA".to_owned(),
        _ => match parsed.public_key().algorithm.algorithm.to_id_string().as_str() {
            "1.3.101.112" => "Ed25519".to_owned(),
            other => other.to_owned(),
        },
    }
}

/// The curve's usual name (RFC 5480, 2.1.1.1).
fn curve(parsed: &X509Certificate<'_>) -> String {
    let parameters = parsed.public_key().algorithm.parameters.as_ref();
    let Some(identifier) = parameters.and_then(|parameters| parameters.as_oid().ok()) else {
        return "on a curve without a name".to_owned();
    };
    match identifier.to_id_string().as_str() {
        "1.2.840.10045.3.1.7" => "P-256".to_owned(),
        "1.3.132.0.34" => "P-384".to_owned(),
        "1.3.132.0.35" => "P-521".to_owned(),
        other => other.to_owned(),
    }
}

fn signature(parsed: &X509Certificate<'_>) -> String {
    let identifier = parsed.signature_algorithm.algorithm.to_id_string();
    let name = match identifier.as_str() {
        "1.2.840.113549.1.1.4" => "MD5 with RSA",
        "1.2.840.113549.1.1.5" => "SHA-1 with RSA",
        "1.2.840.113549.1.1.11" => "SHA-256 with RSA",
        "1.2.840.113549.1.1.12" => "SHA-384 with RSA",
        "1.2.840.113549.1.1.13" => "SHA-512 with RSA",
        "1.2.840.113549.1.1.10" => "RSA-PSS",
        "1.2.840.10045.4.3.2" => "ECDSA with SHA-256",
        "1.2.840.10045.4.3.3" => "ECDSA with SHA-384",
        "1.2.840.10045.4.3.4" => "ECDSA with SHA-512",
        "1.3.101.112" => "Ed25519",
        other => other,
    };
    name.to_owned()
}
