//! OCSP (RFC 6960): the request about one certificate, and the answer, which must be signed by the issuer or by a
//! responder that it names, be about this certificate, and be of now.

use std::time::Duration;

use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, UnixTime};
use watchkeep_model::certificate::RevocationStatus;
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, RawPublicKeyEntity, spki_for_anchor};
use x509_cert::{
    der::{
        Decode, Encode, Header, Reader, SliceReader, Tag,
        asn1::{AnyRef, Null, ObjectIdentifier, OctetString},
    },
    serial_number::SerialNumber,
    spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoRef},
};
use x509_ocsp::{
    BasicOcspResponse, CertId, CertStatus, OcspGeneralizedTime, OcspRequest, OcspResponse, OcspResponseStatus, Request,
    SingleResponse, TbsRequest,
};
use x509_parser::certificate::X509Certificate;

use super::{Answer, Issuer};

/// Clocks of responders may differ from ours by so much.
const LEEWAY: Duration = Duration::from_secs(5 * 60);
/// How long an answer counts that does not say how long it does.
const UNLIMITED: Duration = Duration::from_secs(24 * 60 * 60);
/// Certificates in an answer that are tried as the responder's.
const MOST_RESPONDERS: usize = 4;
/// The purpose of a responder's certificate, id-kp-OCSPSigning, as the content of its identifier.
const OCSP_SIGNING: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 9];

const BASIC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.1");
const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");

/// The request about a certificate; `None` where none can be made, because its serial number is no proper one.
/// The issuer is named by SHA-1 hashes, which every responder knows (RFC 5019, 2.1.1); they prove nothing.
pub(crate) fn request(leaf: &X509Certificate<'_>, issuer: &Issuer) -> Option<Vec<u8>> {
    let hashes = Hashes::of(issuer, SHA1)?;
    let req_cert = CertId {
        hash_algorithm: AlgorithmIdentifierOwned { oid: SHA1, parameters: Some(Null.into()) },
        issuer_name_hash: OctetString::new(hashes.name).ok()?,
        issuer_key_hash: OctetString::new(hashes.key).ok()?,
        serial_number: SerialNumber::new(leaf.raw_serial()).ok()?,
    };
    let asked = Request { req_cert, single_request_extensions: None };
    let tbs_request = TbsRequest { request_list: vec![asked], ..TbsRequest::default() };
    OcspRequest { tbs_request, optional_signature: None }.to_der().ok()
}

/// Whether an answer says that a certificate with this one's serial number is revoked. Nothing is verified yet.
pub(crate) fn claims_revocation(response: &[u8], leaf: &CertificateDer<'_>) -> bool {
    let Ok((_, leaf)) = x509_parser::parse_x509_certificate(leaf) else { return false };
    let Ok((basic, _)) = basic(response) else { return false };
    let is_revoked = |single: &SingleResponse| {
        is_serial(&single.cert_id, leaf.raw_serial()) && matches!(single.cert_status, CertStatus::Revoked(_))
    };
    basic.tbs_response_data.responses.iter().any(is_revoked)
}

/// What the answer says of a certificate; the error says why it says nothing that counts.
pub(crate) fn read(
    response: &[u8],
    leaf: &CertificateDer<'_>,
    issuer: &Issuer,
    now: UnixTime,
) -> Result<Answer, String> {
    let (_, leaf) = x509_parser::parse_x509_certificate(leaf).map_err(|_| "the certificate is malformed")?;
    let (basic, signed) = basic(response)?;
    let single = basic.tbs_response_data.responses.iter().find(|single| is_about(single, &leaf, issuer));
    let single = single.ok_or("the OCSP answer is about other certificates")?;
    verify(&basic, &signed, issuer, now)?;
    let this_update = single.this_update.0.to_unix_duration();
    let next_update = single.next_update.map(|time| time.0.to_unix_duration());
    let now = Duration::from_secs(now.as_secs());
    if this_update > now + LEEWAY {
        return Err("the OCSP answer is of the future".to_owned());
    }
    if next_update.unwrap_or(this_update + UNLIMITED) + LEEWAY < now {
        return Err("the OCSP answer is out of date".to_owned());
    }
    let (status, revoked) = match single.cert_status {
        CertStatus::Good(_) => (RevocationStatus::Good, None),
        CertStatus::Unknown(_) => (RevocationStatus::Unknown, None),
        CertStatus::Revoked(revoked) => (RevocationStatus::Revoked, Some(revoked)),
    };
    Ok(Answer {
        status,
        this_update: timestamp(single.this_update).ok_or("the OCSP answer is of no date in the calendar")?,
        next_update: single.next_update.and_then(timestamp),
        revoked_at: revoked.and_then(|revoked| timestamp(revoked.revocation_time)),
        reason: revoked.and_then(|revoked| super::reason(revoked.revocation_reason? as u32)),
    })
}

fn timestamp(time: OcspGeneralizedTime) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(time.0.to_unix_duration().as_secs()).ok()?).ok()
}

/// What a signature is over and which algorithm made it, byte for byte as they came.
struct Signed {
    data: Vec<u8>,
    /// The content of the algorithm's identifier.
    algorithm: Vec<u8>,
}

fn basic(response: &[u8]) -> Result<(BasicOcspResponse, Signed), String> {
    let malformed = |_| "the OCSP answer is malformed".to_owned();
    let response = OcspResponse::from_der(response).map_err(malformed)?;
    let refusal = match response.response_status {
        OcspResponseStatus::Successful => None,
        OcspResponseStatus::MalformedRequest => Some("that it does not understand the request"),
        OcspResponseStatus::InternalError => Some("an internal error"),
        OcspResponseStatus::TryLater => Some("to try later"),
        OcspResponseStatus::SigRequired => Some("that requests must be signed"),
        OcspResponseStatus::Unauthorized => Some("that it has no knowledge of this certificate"),
    };
    if let Some(refusal) = refusal {
        return Err(format!("the OCSP responder says {refusal}"));
    }
    let bytes = response.response_bytes.filter(|bytes| bytes.response_type == BASIC);
    let bytes = bytes.ok_or("the OCSP answer is of an unknown kind")?;
    let bytes = bytes.response.as_bytes();
    let basic = BasicOcspResponse::from_der(bytes).map_err(malformed)?;
    Ok((basic, Signed::read(bytes).map_err(malformed)?))
}

impl Signed {
    fn read(basic: &[u8]) -> Result<Self, x509_cert::der::Error> {
        let mut reader = SliceReader::new(basic)?;
        Header::decode(&mut reader)?;
        let data = reader.tlv_bytes()?.to_vec();
        let algorithm = AnyRef::decode(&mut reader)?.value().to_vec();
        Ok(Self { data, algorithm })
    }
}

/// The two hashes by which an answer names an issuer.
struct Hashes {
    name: Vec<u8>,
    key: Vec<u8>,
}

impl Hashes {
    fn of(issuer: &Issuer, algorithm: ObjectIdentifier) -> Option<Self> {
        let algorithm = match algorithm {
            SHA1 => &ring::digest::SHA1_FOR_LEGACY_USE_ONLY,
            SHA256 => &ring::digest::SHA256,
            SHA384 => &ring::digest::SHA384,
            SHA512 => &ring::digest::SHA512,
            _ => return None,
        };
        let hash = |bytes: &[u8]| ring::digest::digest(algorithm, bytes).as_ref().to_vec();
        let name = AnyRef::new(Tag::Sequence, issuer.0.subject.as_ref()).ok()?.to_der().ok()?;
        let key = spki_for_anchor(&issuer.0);
        let key = SubjectPublicKeyInfoRef::from_der(key.as_ref()).ok()?;
        Some(Self { name: hash(&name), key: hash(key.subject_public_key.raw_bytes()) })
    }
}

fn is_serial(id: &CertId, serial: &[u8]) -> bool {
    let significant = |bytes: &[u8]| bytes.iter().position(|byte| *byte != 0).map_or(bytes.len(), |at| at);
    let (one, other) = (id.serial_number.as_bytes(), serial);
    one[significant(one)..] == other[significant(other)..]
}

fn is_about(single: &SingleResponse, leaf: &X509Certificate<'_>, issuer: &Issuer) -> bool {
    let id = &single.cert_id;
    is_serial(id, leaf.raw_serial())
        && Hashes::of(issuer, id.hash_algorithm.oid).is_some_and(|hashes| {
            id.issuer_name_hash.as_bytes() == hashes.name && id.issuer_key_hash.as_bytes() == hashes.key
        })
}

/// Whether the issuer signed the answer, or a responder that the issuer made one (RFC 6960, 4.2.2.2).
fn verify(basic: &BasicOcspResponse, signed: &Signed, issuer: &Issuer, now: UnixTime) -> Result<(), String> {
    let signature = basic.signature.raw_bytes();
    let known = ALL_VERIFICATION_ALGS.iter().filter(|known| known.signature_alg_id().as_ref() == signed.algorithm);
    let known: Vec<_> = known.collect();
    if known.is_empty() {
        return Err("the OCSP answer is signed with an algorithm that is not accepted".to_owned());
    }
    let key = spki_for_anchor(&issuer.0);
    if let Ok(key) = RawPublicKeyEntity::try_from(&key)
        && known.iter().any(|known| key.verify_signature(**known, &signed.data, signature).is_ok())
    {
        return Ok(());
    }
    for certificate in basic.certs.iter().flatten().take(MOST_RESPONDERS) {
        let Ok(der) = certificate.to_der().map(CertificateDer::from) else { continue };
        let Ok(responder) = EndEntityCert::try_from(&der) else { continue };
        let usage = KeyUsage::required(OCSP_SIGNING);
        let anchors = std::slice::from_ref(&issuer.0);
        let may_answer =
            responder.verify_for_usage(ALL_VERIFICATION_ALGS, anchors, &[], now, usage, None, None).is_ok();
        if may_answer && known.iter().any(|known| responder.verify_signature(**known, &signed.data, signature).is_ok())
        {
            return Ok(());
        }
    }
    Err("the OCSP answer is not signed by the issuer or a responder of its own".to_owned())
}
