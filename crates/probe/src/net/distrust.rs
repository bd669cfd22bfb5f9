//! What is wrong with a certificate chain, in words: who is not trusted and why, or what makes it unusable.
//! Pure: the chain, the verifier's finding and the time come in.

use std::time::Duration;

use jiff::Timestamp;
use rustls::{CertificateError, OtherError};
use rustls_pki_types::{CertificateDer, UnixTime};
use x509_parser::{certificate::X509Certificate, public_key::PublicKey};

use crate::outside::shown;

/// What is wrong with a chain. The two kinds have different codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Distrust {
    /// The certificate itself cannot be used.
    Invalid(String),
    /// It does not lead to a trusted authority.
    Unknown(String),
}

/// The smallest RSA key that proves anything (CA/Browser Forum Baseline Requirements, 6.1.5).
const SMALLEST_RSA: usize = 2_048;
/// The names of a certificate that a detail lists.
const MOST_NAMES: usize = 5;
/// Certificates of a chain that are followed to its end.
const LONGEST_CHAIN: usize = 16;

/// Says in words what the verifier found.
pub(crate) fn explain(
    error: &CertificateError,
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    now: UnixTime,
) -> Distrust {
    let invalid = |text: &str| Distrust::Invalid(text.to_owned());
    match error {
        CertificateError::ExpiredContext { not_after, .. } => {
            let whose = owner(leaf, intermediates, |validity| validity.not_after.timestamp() == seconds(*not_after));
            let ago = days(now, *not_after);
            Distrust::Invalid(format!("{whose} expired at {}, {ago} ago", date(*not_after)))
        }
        CertificateError::Expired => invalid("the certificate has expired"),
        CertificateError::NotValidYetContext { not_before, .. } => {
            let whose = owner(leaf, intermediates, |validity| validity.not_before.timestamp() == seconds(*not_before));
            let ahead = days(*not_before, now);
            Distrust::Invalid(format!("{whose} is not valid before {}, in {ahead}", date(*not_before)))
        }
        CertificateError::NotValidYet => invalid("the certificate is not valid yet"),
        CertificateError::NotValidForNameContext { expected, presented } => {
            Distrust::Invalid(wrong_name(&expected.to_str(), presented, leaf))
        }
        CertificateError::NotValidForName => invalid("the certificate is for another name"),
        CertificateError::Revoked => invalid("the certificate is revoked"),
        CertificateError::UnknownIssuer => unknown_issuer(leaf, intermediates),
        CertificateError::Other(OtherError(cause)) => match cause.downcast_ref() {
            Some(webpki::Error::CaUsedAsEndEntity) => authority_as_leaf(leaf),
            Some(webpki::Error::NameConstraintViolation) => {
                invalid("an authority of the chain may not vouch for this name (name constraints)")
            }
            Some(webpki::Error::MaximumPathDepthExceeded | webpki::Error::PathLenConstraintViolated) => {
                invalid("the chain has more intermediate certificates than allowed")
            }
            Some(
                webpki::Error::MaximumPathBuildCallsExceeded
                | webpki::Error::MaximumSignatureChecksExceeded
                | webpki::Error::MaximumNameConstraintComparisonsExceeded,
            ) => invalid("the chain is so tangled that it cannot be verified within bounds"),
            Some(webpki::Error::UnsupportedCriticalExtension) => {
                invalid("the certificate has a critical extension that is not known")
            }
            Some(webpki::Error::EndEntityUsedAsCa) => {
                invalid("a certificate of the chain vouches for another and is not an authority's")
            }
            _ => Distrust::Invalid(format!("the certificate is invalid: {cause}")),
        },
        CertificateError::BadEncoding => invalid("the certificate is malformed"),
        CertificateError::BadSignature => bad_signature(leaf, intermediates),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            invalid("the certificate is not made for servers (extended key usage)")
        }
        CertificateError::UnhandledCriticalExtension => {
            invalid("the certificate has a critical extension that is not known")
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            invalid("the certificate is signed with an algorithm that is no longer accepted")
        }
        other => Distrust::Invalid(format!("the certificate is invalid: {other:?}")),
    }
}

/// Says why the proof of a certificate's key, the handshake's signature, did not hold.
pub(crate) fn unproven(leaf: Option<&CertificateDer<'_>>) -> String {
    leaf.and_then(weakness).unwrap_or_else(|| "the server's proof that the certificate is its own is bad".to_owned())
}

/// What makes a certificate's key too weak, if it is.
pub(crate) fn weakness(der: &CertificateDer<'_>) -> Option<String> {
    let certificate = read(der)?;
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) if key.key_size() < SMALLEST_RSA => Some(format!(
            "the certificate's key is too weak (RSA with {} bits, at least {SMALLEST_RSA} are needed)",
            key.key_size()
        )),
        Ok(PublicKey::DSA(_)) => Some("the certificate's key is too weak (DSA)".to_owned()),
        _ => None,
    }
}

fn read<'a>(der: &'a CertificateDer<'_>) -> Option<X509Certificate<'a>> {
    x509_parser::parse_x509_certificate(der).ok().map(|(_, certificate)| certificate)
}

fn seconds(time: UnixTime) -> i64 {
    i64::try_from(time.as_secs()).unwrap_or(i64::MAX)
}

fn date(time: UnixTime) -> String {
    Timestamp::from_second(seconds(time))
        .map_or_else(|_| "a date beyond the calendar".to_owned(), |time| time.to_string())
}

/// The time between two moments, in the unit that a person would choose.
fn days(later: UnixTime, earlier: UnixTime) -> String {
    let between = Duration::from_secs(later.as_secs().saturating_sub(earlier.as_secs())).as_secs();
    let (count, unit) = match between {
        0..60 => (between, "second"),
        60..3_600 => (between / 60, "minute"),
        3_600..86_400 => (between / 3_600, "hour"),
        _ => (between / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// Which certificate of the chain is meant: the server's own, or an intermediate one by its name.
fn owner(
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    is_meant: impl Fn(&x509_parser::certificate::Validity) -> bool,
) -> String {
    if read(leaf).is_none_or(|leaf| is_meant(leaf.validity())) {
        return "the certificate".to_owned();
    }
    let meant = intermediates.iter().filter_map(read).find(|certificate| is_meant(certificate.validity()));
    match meant {
        Some(certificate) => {
            format!("the intermediate certificate of {}", shown(&certificate.subject().to_string()))
        }
        None => "a certificate of the chain".to_owned(),
    }
}

fn wrong_name(expected: &str, presented: &[String], leaf: &CertificateDer<'_>) -> String {
    if !presented.is_empty() {
        // The verifier shows names as Rust would; people know them bare.
        let bare = presented.iter().map(|name| {
            let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
            shown(inner.trim_matches('"'))
        });
        let mut listed = bare.take(MOST_NAMES).collect::<Vec<_>>().join(", ");
        if presented.len() > MOST_NAMES {
            listed.push_str(&format!(" and {} more", presented.len() - MOST_NAMES));
        }
        return format!("the certificate is not for {expected}; it names {listed}");
    }
    let common_name = read(leaf).and_then(|certificate| {
        let name = certificate.subject().iter_common_name().next()?.as_str().ok()?.to_owned();
        Some(name)
    });
    match common_name {
        Some(name) => format!(
            "the certificate is not for {expected}; it names nothing in subjectAltName, and its common name \
             {} does not count",
            shown(&name)
        ),
        None => format!("the certificate is not for {expected}; it names nothing at all"),
    }
}

/// The end of the chain as sent: the last certificate that can be reached from the leaf, issuer by issuer.
fn end_of_chain<'a>(leaf: X509Certificate<'a>, sent: &[X509Certificate<'a>]) -> X509Certificate<'a> {
    let mut end = leaf;
    for _ in 0..LONGEST_CHAIN {
        let is_own_issuer = end.issuer() == end.subject();
        match sent.iter().find(|next| !is_own_issuer && next.subject() == end.issuer()) {
            Some(next) => end = next.clone(),
            None => break,
        }
    }
    end
}

fn unknown_issuer(leaf: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) -> Distrust {
    let Some(first) = read(leaf) else {
        return Distrust::Unknown("the issuer is not trusted".to_owned());
    };
    if first.issuer() == first.subject() {
        return signed_by_itself(&first);
    }
    let sent: Vec<_> = intermediates.iter().filter_map(read).collect();
    let end = end_of_chain(first, &sent);
    let issuer = shown(&end.issuer().to_string());
    Distrust::Unknown(if end.issuer() == end.subject() {
        format!("the chain ends at {issuer}, which is not a trusted authority")
    } else if sent.is_empty() {
        format!("the issuer {issuer} is not a trusted authority, and the server sent no intermediate certificate")
    } else {
        format!("the issuer {issuer} is not a trusted authority and not among the certificates that the server sent")
    })
}

fn signed_by_itself(leaf: &X509Certificate<'_>) -> Distrust {
    Distrust::Unknown(format!("the certificate is signed by itself ({})", shown(&leaf.subject().to_string())))
}

/// A signature that does not fit: the issuer only bears the name of a trusted authority, a key of the chain
/// is too weak to count, or the chain as sent is broken.
fn bad_signature(leaf: &CertificateDer<'_>, intermediates: &[CertificateDer<'_>]) -> Distrust {
    let broken = || Distrust::Invalid("a signature of the certificate chain is bad".to_owned());
    let Some(first) = read(leaf) else { return broken() };
    if first.issuer() == first.subject() {
        return weakness(leaf).map_or_else(|| signed_by_itself(&first), Distrust::Invalid);
    }
    if let Some(weak) = intermediates.iter().find_map(weakness) {
        return Distrust::Invalid(weak);
    }
    let sent: Vec<_> = intermediates.iter().filter_map(read).collect();
    if sent.iter().any(|certificate| certificate.subject() == first.issuer()) {
        return broken();
    }
    let issuer = shown(&first.issuer().to_string());
    Distrust::Unknown(format!("the issuer calls itself {issuer} and is not a trusted authority of that name"))
}

/// A leaf that calls itself an authority: the common self-signed certificate, unless somebody else issued it.
fn authority_as_leaf(leaf: &CertificateDer<'_>) -> Distrust {
    match read(leaf) {
        Some(leaf) if leaf.issuer() == leaf.subject() => signed_by_itself(&leaf),
        _ => Distrust::Invalid("the certificate belongs to an authority and cannot be a server's".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_the_unit_of_people() {
        let at = |seconds| UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        for (seconds, expected) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "1 minute"),
            (7_200, "2 hours"),
            (86_400, "1 day"),
            (3 * 86_400 + 5, "3 days"),
        ] {
            assert_eq!(days(at(1_000 + seconds), at(1_000)), expected);
        }
        assert_eq!(days(at(0), at(5)), "0 seconds");
    }

    #[test]
    fn unreadable_certificates_have_an_explanation() {
        let garbage = CertificateDer::from(vec![1, 2, 3]);
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_000));
        for error in [
            CertificateError::BadEncoding,
            CertificateError::BadSignature,
            CertificateError::UnknownIssuer,
            CertificateError::ExpiredContext { time: now, not_after: now },
        ] {
            explain(&error, &garbage, std::slice::from_ref(&garbage), now);
        }
        assert_eq!(weakness(&garbage), None);
    }
}
