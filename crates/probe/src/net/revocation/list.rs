//! Lists of revoked certificates (RFC 5280, 5): the list must be of the certificate's issuer, signed by it, be about
//! certificates of this kind, and be of now.

use rustls_pki_types::{CertificateDer, UnixTime};
use watchkeep_model::certificate::RevocationStatus;
use webpki::{
    ALL_VERIFICATION_ALGS, BorrowedCertRevocationList, CertRevocationList, EndEntityCert, Error, ExpirationPolicy,
    KeyUsage, RevocationCheckDepth, RevocationOptionsBuilder, UnknownStatusPolicy,
};
use x509_cert::{
    der::{Decode, Header, Reader, SliceReader, Tag},
    time::Time,
};

use super::{Answer, Issuer, timestamp};

/// What the list says of a certificate; the error says why it says nothing that counts.
pub(crate) fn read(list: &[u8], leaf: &CertificateDer<'_>, issuer: &Issuer, now: UnixTime) -> Result<Answer, String> {
    let malformed = || "the list of revoked certificates is malformed".to_owned();
    let certificate = EndEntityCert::try_from(leaf).map_err(|_| "the certificate is malformed".to_owned())?;
    let list_of = |error: Error| format!("the list of revoked certificates cannot be used: {error}");
    let parsed = CertRevocationList::from(BorrowedCertRevocationList::from_der(list).map_err(list_of)?);
    let (this_update, next_update) = times(list).ok_or_else(malformed)?;
    if this_update.as_secs() > now.as_secs() {
        return Err("the list of revoked certificates is of the future".to_owned());
    }
    let lists = [&parsed];
    let options = RevocationOptionsBuilder::new(&lists).map_err(|_| malformed())?;
    let options = options
        .with_depth(RevocationCheckDepth::EndEntity)
        .with_status_policy(UnknownStatusPolicy::Deny)
        .with_expiration_policy(ExpirationPolicy::Enforce)
        .build();
    let anchors = std::slice::from_ref(&issuer.0);
    let usage = KeyUsage::server_auth();
    let verified = certificate.verify_for_usage(ALL_VERIFICATION_ALGS, anchors, &[], now, usage, Some(options), None);
    let status = match verified {
        Ok(_) => RevocationStatus::Good,
        Err(Error::CertRevoked) => RevocationStatus::Revoked,
        Err(Error::CrlExpired { .. }) => return Err("the list of revoked certificates is out of date".to_owned()),
        Err(Error::UnknownRevocationStatus) => {
            return Err("the list of revoked certificates is about other certificates".to_owned());
        }
        Err(other) => return Err(list_of(other)),
    };
    let entry = match status {
        RevocationStatus::Revoked => serial(leaf).and_then(|serial| parsed.find_serial(&serial).ok().flatten()),
        RevocationStatus::Good | RevocationStatus::Unknown => None,
    };
    Ok(Answer {
        status,
        this_update: timestamp(this_update).ok_or_else(malformed)?,
        next_update: next_update.and_then(timestamp),
        revoked_at: entry.as_ref().and_then(|entry| timestamp(entry.revocation_date)),
        reason: entry.and_then(|entry| super::reason(entry.reason_code? as u32)),
    })
}

fn serial(leaf: &CertificateDer<'_>) -> Option<Vec<u8>> {
    let (_, leaf) = x509_parser::parse_x509_certificate(leaf).ok()?;
    Some(leaf.raw_serial().to_vec())
}

/// From when a list is, and until when it holds: the only fields that the verifier keeps for itself.
fn times(list: &[u8]) -> Option<(UnixTime, Option<UnixTime>)> {
    let mut reader = SliceReader::new(list).ok()?;
    Header::decode(&mut reader).ok()?;
    Header::decode(&mut reader).ok()?;
    if reader.peek_tag().ok()? == Tag::Integer {
        reader.tlv_bytes().ok()?;
    }
    // The signature's algorithm, and the issuer's name.
    reader.tlv_bytes().ok()?;
    reader.tlv_bytes().ok()?;
    let time = |time: Time| UnixTime::since_unix_epoch(time.to_unix_duration());
    let this_update = time(Time::decode(&mut reader).ok()?);
    let has_next = matches!(reader.peek_tag(), Ok(Tag::UtcTime | Tag::GeneralizedTime));
    let next_update = if has_next { Time::decode(&mut reader).ok().map(time) } else { None };
    Some((this_update, next_update))
}
