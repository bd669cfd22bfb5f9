//! What the server's chain is like beside being trusted: its order, what is in it for nothing, what ends too early.
//! Pure.

use rustls_pki_types::CertificateDer;
use watchkeep_model::SeenCertificate;
use x509_cert::der::{Encode, Tag, asn1::AnyRef};
use x509_parser::{certificate::X509Certificate, prelude::FromDer, x509::X509Name};

use crate::{Prober, net::trust::Lineage, outside::shown};

/// The subjects from the server's certificate to the authority that is trusted.
pub(super) fn way(prober: &Prober, sent: &[CertificateDer<'static>], lineage: &Lineage) -> Vec<String> {
    let now = jiff::Timestamp::now();
    let read = |der: &CertificateDer<'static>| {
        let seen = prober.certificates.read(der, now);
        seen.map_or_else(|| "unreadable".to_owned(), |(seen, _)| seen.certificate.subject.clone())
    };
    let authority = AnyRef::new(Tag::Sequence, &lineage.authority.subject).and_then(|name| name.to_der());
    let authority = authority.ok().and_then(|der| X509Name::from_der(&der).ok().map(|(_, name)| name.to_string()));
    let authority = authority.map_or_else(|| "an authority without a name".to_owned(), |name| shown(&name));
    sent.first().into_iter().chain(&lineage.intermediates).map(read).chain([authority]).collect()
}

/// What is worth knowing of a chain that is trusted, one sentence each. `seen` are the facts of what was sent.
pub(super) fn remarks(sent: &[CertificateDer<'static>], lineage: &Lineage, seen: &[SeenCertificate]) -> Vec<String> {
    let mut remarks = Vec::new();
    let (own, rest) = match sent.split_first() {
        Some(split) => split,
        None => return remarks,
    };
    let needed: Vec<_> = rest.iter().filter(|der| lineage.intermediates.contains(der)).collect();
    let is_in_order = needed.iter().zip(&lineage.intermediates).all(|(sent, due)| **sent == *due);
    if !is_in_order {
        remarks.push("The server sends its chain out of order; some clients cannot follow it.".to_owned());
    }
    let mut roots = Vec::new();
    let mut surplus = Vec::new();
    for (index, der) in rest.iter().enumerate().filter(|(_, der)| !lineage.intermediates.contains(der)) {
        let Ok((_, parsed)) = X509Certificate::from_der(der) else { continue };
        let name = shown(&parsed.subject().to_string());
        if der == own || rest[..index].contains(der) {
            surplus.push(format!("{name} twice"));
        } else if is_authority(&parsed, lineage) {
            roots.push(name);
        } else {
            surplus.push(name);
        }
    }
    if !roots.is_empty() {
        let names = roots.join(", ");
        remarks.push(format!("The server sends the trusted authority itself ({names}), which clients have anyway."));
    }
    if needed.len() > lineage.intermediates.len() {
        surplus.push("an intermediate certificate twice".to_owned());
    }
    if !surplus.is_empty() {
        let names = surplus.join(", ");
        remarks.push(format!("The server sends what its certificate does not need: {names}."));
    }
    remarks.extend(early_ends(lineage, sent, seen));
    remarks
}

/// Whether this is the authority at the end of the way, in one of its certificates.
fn is_authority(parsed: &X509Certificate<'_>, lineage: &Lineage) -> bool {
    let subject = AnyRef::new(Tag::Sequence, &lineage.authority.subject).and_then(|name| name.to_der());
    subject.is_ok_and(|subject| subject == parsed.subject().as_raw())
}

/// Intermediates that end before the certificate that they vouch for.
fn early_ends<'a>(
    lineage: &'a Lineage,
    sent: &'a [CertificateDer<'static>],
    seen: &'a [SeenCertificate],
) -> impl Iterator<Item = String> + 'a {
    let own_end = seen.first().map(|own| own.certificate.not_after);
    let links = seen.iter().zip(sent).skip(1).filter(|(_, der)| lineage.intermediates.contains(der));
    links.filter_map(move |(link, _)| {
        let certificate = &link.certificate;
        (own_end? > certificate.not_after).then(|| {
            let left = link.days_left;
            let days = if left == 1 { "day" } else { "days" };
            format!(
                "The intermediate certificate {} ends before the server's own, in {left} {days}.",
                certificate.subject
            )
        })
    })
}
