//! A certificate as a test saw it; shared by every test type that speaks TLS.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

/// The facts of one certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Certificate {
    /// The subject's distinguished name.
    pub subject: String,
    /// The issuer's distinguished name.
    pub issuer: String,
    /// The DNS names and IP addresses of its subjectAltName.
    pub names: Vec<String>,
    /// First moment of validity.
    pub not_before: Timestamp,
    /// Last moment of validity.
    pub not_after: Timestamp,
    /// Kind and size of the key, `RSA 2048` or `EC P-256`.
    pub key: String,
    /// The algorithm of the issuer's signature.
    pub signature: String,
    /// SHA-256 of the whole certificate, lower-case hexadecimal.
    pub fingerprint: String,
    /// The serial number, lower-case hexadecimal.
    pub serial: String,
}

/// A certificate at the moment of a test. The facts are shared between tests that saw the same one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SeenCertificate {
    /// Its facts.
    #[serde(flatten)]
    pub certificate: Arc<Certificate>,
    /// Whole days until `not_after`, negative once expired.
    pub days_left: i64,
}

impl SeenCertificate {
    /// The certificate as seen at `now`.
    #[must_use]
    pub fn at(certificate: Arc<Certificate>, now: Timestamp) -> Self {
        let days_left = certificate.not_after.duration_since(now).as_secs().div_euclid(86_400);
        Self { certificate, days_left }
    }

    /// Whose it is, by whom, and how long it lasts, for people.
    #[must_use]
    pub fn line(&self) -> String {
        let days = |number: i64| format!("{number} {}", if number == 1 { "day" } else { "days" });
        // Days are whole ones: minus one is the first day after the end.
        let left = match self.days_left {
            -1 => "expired within the last 24 hours".to_owned(),
            past if past < 0 => format!("expired {} ago", days(-(past + 1))),
            left => format!("{} left", days(left)),
        };
        let Certificate { subject, issuer, not_after, .. } = &*self.certificate;
        format!("certificate {subject}, issued by {issuer}, {left} ({})", not_after.strftime("%Y-%m-%d"))
    }
}
