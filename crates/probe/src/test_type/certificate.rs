//! The certificate test: reaches a port, begins TLS there, within another protocol where that is asked for, and tells
//! what it is shown: the chain, what speaks against it, whether it was revoked, when it ends.

mod chain;
mod contact;
mod page;
mod revocation;
mod scan;
mod starttls;

use std::time::Duration;

use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, UnixTime};
use watchkeep_catalogue::certificate;
use watchkeep_model::{
    Notable, Phases, SeenCertificate, Test, Verdict,
    certificate::{Manner, Observed, Options, Scan, SeenTls},
    hex,
};

use self::contact::Contact;
use crate::{
    Finding, Prober, Step,
    net::{
        deadline::Deadline,
        secure::{Cause, Insecure},
        tls::{Alpn, TlsParameters},
    },
};

/// Certificates of a chain that are told; a longer one is cut, and a remark says so.
const MOST_LINKS: usize = 16;
/// The most bytes of the names that contacts are told of.
const LONGEST_NAMES: usize = 4_096;

/// What is noted on the way, whether the test succeeds or not.
#[derive(Default)]
struct Trace {
    phases: Phases,
    observed: Observed,
}

impl Trace {
    fn remark(&mut self, remark: impl Into<std::borrow::Cow<'static, str>>) {
        self.observed.remarks.push(remark.into());
    }
}

/// Adds a share to a phase.
fn add(phase: &mut Option<Duration>, more: Option<Duration>) {
    if let Some(more) = more {
        *phase = Some(phase.unwrap_or_default() + more);
    }
}

/// Runs the test.
pub(crate) async fn run(prober: &Prober, test: &Test, options: &Options) -> Finding<Observed> {
    let mut trace = Trace::default();
    // Boxed, so that what is large and seldom needed at the same time is not held by every test.
    let verdict = match Box::pin(examine(prober, test, options, &mut trace)).await {
        Ok(()) => Verdict::OPERATIONAL,
        Err(verdict) => verdict,
    };
    let notable = trace.observed.certificate.as_ref().map(|seen| Box::new(notable(seen, options)));
    Finding { notable, ..Finding::new(verdict, trace.phases, trace.observed) }
}

async fn examine(prober: &Prober, test: &Test, options: &Options, trace: &mut Trace) -> Step<()> {
    let total = Deadline::after(test.limits.total);
    let alpn = match options.manner {
        Manner::Https { .. } => Alpn::Http2OrHttp1,
        Manner::Direct | Manner::Starttls(_) => Alpn::Nothing,
    };
    if let Manner::Starttls(protocol) = options.manner {
        trace.observed.starttls = Some(protocol);
    }
    let contact = Contact { prober, test, options, total };
    let reached = contact.reach(trace).await?;
    let address = reached.address;
    let parameters = TlsParameters { alpn, settings: &options.tls };
    let secured = contact.secure(reached, parameters, trace).await;
    let shown = &secured.notes.chain;
    tell_chain(prober, shown, trace);
    trace.observed.tls = secured.notes.session.map(|session| Box::new(SeenTls { session, versions: Vec::new() }));
    if let Err(verdict) = secured.outcome {
        return Err(contact.without_certificate(address, verdict).await);
    }
    let now = UnixTime::now();
    let verified = match shown.split_first() {
        Some((leaf, rest)) => {
            let judge = prober.tls.judge(&parameters);
            judge.lineage(leaf, rest, now).map(|lineage| (leaf, lineage))
        }
        None => None,
    };
    if let Some((_, lineage)) = &verified {
        trace.observed.verified_chain = chain::way(prober, shown, lineage);
        let remarks = chain::remarks(shown, lineage, &trace.observed.chain);
        trace.observed.remarks.extend(remarks.into_iter().map(Into::into));
    }
    let page = match &options.manner {
        Manner::Https { url, accept_status } => page::ask(&contact, url, accept_status, trace).await,
        Manner::Direct | Manner::Starttls(_) => Ok(()),
    };
    if options.scan == Scan::Versions {
        contact.scan(address, trace).await;
    }
    if let Some((leaf, lineage)) = verified {
        revocation::check(&contact, leaf, &lineage, &secured.notes.staple, trace).await?;
    }
    // What is wrong with the certificate comes before what is wrong with the page.
    page
}

/// Tells what the server sent.
fn tell_chain(prober: &Prober, shown: &[CertificateDer<'static>], trace: &mut Trace) {
    let now = Timestamp::now();
    let read = |der: &CertificateDer<'static>| prober.certificates.read(der, now).map(|(seen, _)| seen);
    trace.observed.chain = shown.iter().take(MOST_LINKS).filter_map(read).collect();
    trace.observed.certificate = shown.first().and_then(read);
    if shown.len() > MOST_LINKS {
        trace.remark(format!("The server sends {} certificates; the first {MOST_LINKS} are told.", shown.len()));
    }
}

/// What contacts are told of when it comes nearer or changes.
fn notable(seen: &SeenCertificate, options: &Options) -> Notable {
    let certificate = &seen.certificate;
    let mut notable =
        Notable { expires_at: Some(certificate.not_after), warn_days: options.warn_days.clone(), ..Notable::default() };
    notable.set("issuer", &certificate.issuer);
    notable.set("key", &certificate.key);
    notable.set("names", joined(&certificate.names));
    notable.set("serial", &certificate.serial);
    notable
}

/// All names, sorted; where they are very many, as many as are read, and a digest that tells two lists apart.
fn joined(names: &[String]) -> String {
    let mut names: Vec<_> = names.iter().map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let all = names.join(", ");
    if all.len() <= LONGEST_NAMES {
        return all;
    }
    let mut few = String::new();
    let mut count = 0;
    for name in &names {
        if few.len() + name.len() > LONGEST_NAMES {
            break;
        }
        few.push_str(name);
        few.push_str(", ");
        count += 1;
    }
    let digest = ring::digest::digest(&ring::digest::SHA256, all.as_bytes());
    few.push_str(&format!("and {} more ({})", names.len() - count, hex(&digest.as_ref()[..8])));
    few
}

/// The one place that knows which code a failure of TLS is.
fn insecure(Insecure { cause, detail }: Insecure, has_no_certificate: bool) -> Verdict {
    let code = match cause {
        _ if has_no_certificate => certificate::CERTIFICATE_ABSENT,
        Cause::Silent => certificate::CERTIFICATE_CONNECT_TIMEOUT,
        Cause::Invalid => certificate::CERTIFICATE_INVALID,
        Cause::Untrusted => certificate::CERTIFICATE_UNTRUSTED,
        Cause::NoCommonCipher => certificate::CERTIFICATE_TLS_NO_COMMON_CIPHER,
        Cause::Protocol => certificate::CERTIFICATE_PROTOCOL_NOT_SUPPORTED,
        Cause::Unreached => certificate::CERTIFICATE_CONNECT_FAILED,
        Cause::Failed => certificate::CERTIFICATE_TLS_FAILED,
    };
    Verdict::new(code, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_in_one_order_and_within_bounds() {
        let names = |names: &[&str]| joined(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        assert_eq!(names(&["b.example", "a.example", "b.example"]), "a.example, b.example");
        assert_eq!(names(&[]), "");
        let many: Vec<_> = (0..2_000).map(|number| format!("shop-{number:04}.example")).collect();
        let told = joined(&many);
        assert!(told.len() < LONGEST_NAMES + 100 && told.contains("more ("), "{told}");
        let mut others = many;
        others[1_999] = "stranger.example".to_owned();
        assert_ne!(joined(&others), told, "a change among those that are not told is a change");
    }
}
