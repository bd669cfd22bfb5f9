//! Whether an issuer has taken a certificate back: its OCSP answers and its lists, read and verified.
//! Pure: bytes, certificate, issuer and time come in.

pub(crate) mod list;
pub(crate) mod ocsp;

use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use watchkeep_model::certificate::RevocationStatus;
use webpki::anchor_from_trusted_cert;

/// Who issued a certificate: the name and the key that the answers about it must come from.
pub(crate) struct Issuer(TrustAnchor<'static>);

/// What an issuer says, its signature and its age verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: RevocationStatus,
    pub(crate) this_update: Timestamp,
    pub(crate) next_update: Option<Timestamp>,
    pub(crate) revoked_at: Option<Timestamp>,
    pub(crate) reason: Option<&'static str>,
}

impl Issuer {
    /// An authority below the trusted ones.
    pub(crate) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        anchor_from_trusted_cert(certificate).ok().map(|anchor| Self(anchor.to_owned()))
    }

    /// A trusted authority itself.
    pub(crate) fn trusted(anchor: &TrustAnchor<'_>) -> Self {
        Self(anchor.to_owned())
    }
}

impl Answer {
    /// Says that the certificate is revoked, if the answer does.
    pub(crate) fn objection(&self) -> Option<String> {
        if self.status != RevocationStatus::Revoked {
            return None;
        }
        let when = self.revoked_at.map(|time| format!(" at {time}")).unwrap_or_default();
        let why = self.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        Some(format!("the certificate was revoked by its issuer{when}{why}"))
    }
}

/// The reasons of RFC 5280, 5.3.1, by their numbers.
fn reason(number: u32) -> Option<&'static str> {
    const REASONS: [&str; 11] = [
        "unspecified",
        "keyCompromise",
        "cACompromise",
        "affiliationChanged",
        "superseded",
        "cessationOfOperation",
        "certificateHold",
        "",
        "removeFromCRL",
        "privilegeWithdrawn",
        "aACompromise",
    ];
    REASONS.get(number as usize).copied().filter(|reason| !reason.is_empty())
}

fn timestamp(time: UnixTime) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(time.as_secs()).ok()?).ok()
}
