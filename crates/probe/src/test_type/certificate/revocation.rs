//! Whether the certificate was revoked: by the OCSP answer that the server brought along, else by its issuer's
//! responder, else by its issuer's list. Where nobody says, the test goes on, and a remark tells why.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::HeaderValue;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use rustls_pki_types::{CertificateDer, UnixTime};
use url::Url;
use watchkeep_catalogue::certificate;
use watchkeep_model::{
    ByteSize, Verdict,
    certificate::{Revocation, RevocationSource, RevocationStatus},
};
use x509_parser::{
    certificate::X509Certificate,
    extensions::{DistributionPointName, GeneralName, ParsedExtension},
    prelude::FromDer,
};

use super::{Trace, contact::Contact};
use crate::{
    Step,
    net::{
        deadline::Deadline,
        revocation::{Answer, list, ocsp},
        trust::Lineage,
    },
    outside::shown,
    test_type::http::Get,
};

/// The largest answer of a responder; usual ones have two kilobytes.
const LARGEST_ANSWER: ByteSize = ByteSize::bytes(64 << 10);
/// The largest list. Public authorities keep theirs far below.
const LARGEST_LIST: ByteSize = ByteSize::bytes(4 << 20);
/// Addresses of one kind that are tried.
const MOST_ADDRESSES: usize = 2;

/// What a certificate says about where its revocation is told.
#[derive(Debug, Default, PartialEq, Eq)]
struct Places {
    responders: Vec<String>,
    lists: Vec<String>,
    /// Whether the certificate demands that the server brings an answer along (RFC 7633).
    must_staple: bool,
}

/// Learns whether the certificate was revoked. Only a trusted chain comes here: a certificate that anybody can make
/// must not choose what the robot fetches.
pub(super) async fn check(
    contact: &Contact<'_>,
    leaf: &CertificateDer<'static>,
    lineage: &Lineage,
    staple: &[u8],
    trace: &mut Trace,
) -> Step<()> {
    let places = places(leaf);
    if places.must_staple && staple.is_empty() {
        trace.remark(
            "The certificate demands a stapled OCSP answer and the server brings none; some browsers refuse it.",
        );
    }
    let now = UnixTime::now();
    let mut reasons = Vec::new();
    if !staple.is_empty() {
        match ocsp::read(staple, leaf, &lineage.issuer, now) {
            Ok(answer) => return conclude(&answer, RevocationSource::Stapled, None, trace),
            Err(reason) => {
                trace.remark(format!("The OCSP answer that the server brings along is of no use: {reason}."));
                reasons.push(reason);
            }
        }
    }
    // A responder that hangs must not use up more than one connection's time.
    let deadline = Deadline::after(contact.test.limits.connect).earlier(contact.total);
    let looking = look_up(contact, leaf, lineage, &places, deadline);
    match looking.await {
        Ok((answer, source, url)) => conclude(&answer, source, Some(url), trace),
        Err(more) => {
            reasons.extend(more);
            let reason = reasons.join("; ");
            trace.remark(format!("Revocation could not be checked: {reason}."));
            Ok(())
        }
    }
}

/// Asks the responders, then the lists; all reasons why none of them says anything.
async fn look_up(
    contact: &Contact<'_>,
    leaf: &CertificateDer<'static>,
    lineage: &Lineage,
    places: &Places,
    deadline: Deadline,
) -> Result<(Answer, RevocationSource, String), Vec<String>> {
    let mut reasons = Vec::new();
    let issuer = &lineage.issuer;
    let request = X509Certificate::from_der(leaf).ok().and_then(|(_, parsed)| ocsp::request(&parsed, issuer));
    for place in places.responders.iter().take(MOST_ADDRESSES) {
        let asked = match &request {
            Some(request) => fetch(contact, &question(place, request), LARGEST_ANSWER, deadline).await,
            None => Err("its serial number is no proper one".to_owned()),
        };
        match asked.and_then(|answer| ocsp::read(&answer, leaf, issuer, UnixTime::now())) {
            Ok(answer) => return Ok((answer, RevocationSource::Responder, place.clone())),
            Err(reason) => reasons.push(format!("{}: {reason}", shown(place))),
        }
    }
    for place in places.lists.iter().take(MOST_ADDRESSES) {
        let fetched = fetch(contact, place, LARGEST_LIST, deadline).await;
        match fetched.and_then(|list| list::read(&list, leaf, issuer, UnixTime::now())) {
            Ok(answer) => return Ok((answer, RevocationSource::List, place.clone())),
            Err(reason) => reasons.push(format!("{}: {reason}", shown(place))),
        }
    }
    if places.responders.is_empty() && places.lists.is_empty() {
        reasons.push("the certificate names neither an OCSP responder nor a list".to_owned());
    }
    Err(reasons)
}

/// The URL of a question to a responder (RFC 6960, A.1).
fn question(responder: &str, request: &[u8]) -> String {
    let encoded = BASE64_STANDARD.encode(request);
    format!("{}/{}", responder.trim_end_matches('/'), utf8_percent_encode(&encoded, NON_ALPHANUMERIC))
}

async fn fetch(contact: &Contact<'_>, url: &str, largest: ByteSize, deadline: Deadline) -> Result<Vec<u8>, String> {
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.ok_or("this is no address that can be asked over HTTP")?;
    let get = Get { url, accept: HeaderValue::from_static("*/*"), largest };
    let got = get.send(contact.prober, contact.test, deadline).await.map_err(|failed| failed.detail)?;
    match got.status.as_u16() {
        200 => Ok(got.body),
        other => Err(format!("status {other}")),
    }
}

fn conclude(answer: &Answer, source: RevocationSource, url: Option<String>, trace: &mut Trace) -> Step<()> {
    let objection = answer.objection();
    if answer.status == RevocationStatus::Unknown {
        trace.remark("The issuer's OCSP responder does not know this certificate.");
    }
    let Answer { status, this_update, next_update, revoked_at, reason } = *answer;
    let url = url.map(|url| shown(&url));
    trace.observed.ocsp = Some(Revocation { status, source, url, this_update, next_update, revoked_at, reason });
    match objection {
        Some(objection) => {
            let detail = format!("{objection}, says the {}", source.title());
            Err(Verdict::new(certificate::CERTIFICATE_INVALID, detail))
        }
        None => Ok(()),
    }
}

fn places(leaf: &CertificateDer<'_>) -> Places {
    let mut places = Places::default();
    let Ok((_, parsed)) = X509Certificate::from_der(leaf) else { return places };
    for extension in parsed.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::AuthorityInfoAccess(access) => {
                // id-ad-ocsp (RFC 5280, 4.2.2.1).
                let responders =
                    access.iter().filter(|access| access.access_method.to_id_string() == "1.3.6.1.5.5.7.48.1");
                places.responders.extend(responders.filter_map(|access| uri(&access.access_location)));
            }
            ParsedExtension::CRLDistributionPoints(points) => {
                for point in points.iter() {
                    if let Some(DistributionPointName::FullName(names)) = &point.distribution_point {
                        places.lists.extend(names.iter().filter_map(uri));
                    }
                }
            }
            // A feature of TLS, status_request, as the sequence of its one number.
            _ if extension.oid.to_id_string() == "1.3.6.1.5.5.7.1.24" => {
                places.must_staple = extension.value.windows(3).any(|window| window == [2, 1, 5]);
            }
            _ => {}
        }
    }
    places
}

fn uri(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::URI(uri) => Some((*uri).to_owned()),
        _ => None,
    }
}
