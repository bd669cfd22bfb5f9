//! Trusted authorities, and the verification of a server's certificate chain against them, as a browser would.
//! The public ones are loaded once for the whole process; those of a file when it changes.

use std::sync::{Arc, OnceLock};

use rustls::{
    CertificateError, Error, OtherError, RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    crypto::CryptoProvider,
};
use rustls_pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage};

use crate::net::{
    distrust::{Distrust, explain},
    pem::{self, Files},
    revocation::Issuer,
};

/// Trusted authorities.
pub(crate) struct Roots {
    verifier: Arc<WebPkiServerVerifier>,
    authorities: Arc<RootCertStore>,
    /// Those that a file names. A server may show one of them itself.
    named: Vec<CertificateDer<'static>>,
}

/// The way from a certificate to the authority that is trusted.
pub(crate) struct Lineage {
    /// Who issued the certificate.
    pub(crate) issuer: Issuer,
    /// The intermediate certificates that lead there, the issuer's first.
    pub(crate) intermediates: Vec<CertificateDer<'static>>,
    /// The authority at the end.
    pub(crate) authority: TrustAnchor<'static>,
}

/// Where trusted authorities come from.
pub(crate) struct Trust {
    provider: Arc<CryptoProvider>,
    files: Files<Roots>,
}

/// The system's authorities, or Mozilla's where the system has none.
static PUBLIC: OnceLock<Result<Arc<Roots>, String>> = OnceLock::new();

impl Trust {
    /// Loads the public authorities, if that has not been done yet.
    pub(crate) fn new(provider: Arc<CryptoProvider>) -> Self {
        PUBLIC.get_or_init(|| public(&provider).map(Arc::new));
        Self { provider, files: Files::new() }
    }

    /// The authorities for a test: the public ones, or those of a PEM file.
    pub(crate) fn roots(&self, ca_file: Option<&str>) -> Result<Arc<Roots>, String> {
        match ca_file {
            None => PUBLIC.get_or_init(|| public(&self.provider).map(Arc::new)).clone(),
            Some(path) => self
                .files
                .get(path, |content| named(pem::certificates(content)?, &self.provider))
                .map_err(|reason| format!("the CA file {path} {reason}")),
        }
    }
}

fn public(provider: &Arc<CryptoProvider>) -> Result<Roots, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    build(roots, Vec::new(), provider)
}

fn named(certificates: Vec<CertificateDer<'static>>, provider: &Arc<CryptoProvider>) -> Result<Roots, String> {
    let mut roots = RootCertStore::empty();
    for certificate in &certificates {
        roots.add(certificate.clone()).map_err(|error| format!("has an unusable certificate: {error}"))?;
    }
    build(roots, certificates, provider)
}

fn build(
    roots: RootCertStore,
    named: Vec<CertificateDer<'static>>,
    provider: &Arc<CryptoProvider>,
) -> Result<Roots, String> {
    let authorities = Arc::new(roots);
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::clone(&authorities), Arc::clone(provider)).build();
    verifier.map(|verifier| Roots { verifier, authorities, named }).map_err(|error| error.to_string())
}

impl Roots {
    /// Whether a chain proves that the peer is `name`, at `now`.
    pub(crate) fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Distrust> {
        match self.verifier.verify_server_cert(leaf, intermediates, name, &[], now) {
            Ok(_) => Ok(()),
            Err(Error::InvalidCertificate(error)) if is_authority(&error) && self.named.contains(leaf) => {
                trusted_itself(leaf, name, now)
            }
            Err(Error::InvalidCertificate(error)) => {
                let untimely = explain(&error, leaf, intermediates, now);
                Err(self.untrusted_at_any_time(&error, leaf, intermediates, name).unwrap_or(untimely))
            }
            Err(other) => Err(Distrust::Invalid(other.to_string())),
        }
    }
}

impl Roots {
    /// The way that makes a certificate trusted; `None` where it is not, or only because the test names it.
    pub(crate) fn lineage(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Option<Lineage> {
        let certificate = EndEntityCert::try_from(leaf).ok()?;
        let anchors = &self.authorities.roots;
        let usage = KeyUsage::server_auth();
        let path =
            certificate.verify_for_usage(ALL_VERIFICATION_ALGS, anchors, intermediates, now, usage, None, None).ok()?;
        let intermediates: Vec<_> = path.intermediate_certificates().map(|link| link.der().into_owned()).collect();
        let issuer = match intermediates.first() {
            Some(issuer) => Issuer::of(issuer)?,
            None => Issuer::trusted(path.anchor()),
        };
        Some(Lineage { issuer, intermediates, authority: path.anchor().to_owned() })
    }

    /// A certificate out of its time that nobody trusts either: as in browsers, the trust is what counts first.
    fn untrusted_at_any_time(
        &self,
        error: &CertificateError,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
    ) -> Option<Distrust> {
        let in_time = match error {
            CertificateError::ExpiredContext { not_after, .. } => *not_after,
            CertificateError::NotValidYetContext { not_before, .. } => *not_before,
            _ => return None,
        };
        match self.verifier.verify_server_cert(leaf, intermediates, name, &[], in_time) {
            Err(Error::InvalidCertificate(error)) => match explain(&error, leaf, intermediates, in_time) {
                Distrust::Unknown(reason) => {
                    Some(Distrust::Unknown(format!("{reason}; besides, it is out of its time")))
                }
                Distrust::Invalid(_) => None,
            },
            _ => None,
        }
    }
}

/// Whether what is wrong is that the server's certificate calls itself an authority.
fn is_authority(error: &CertificateError) -> bool {
    let CertificateError::Other(OtherError(cause)) = error else { return false };
    matches!(cause.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

/// A certificate that is trusted because the test names it: what is left to check are its name and its time.
fn trusted_itself(leaf: &CertificateDer<'_>, name: &ServerName<'_>, now: UnixTime) -> Result<(), Distrust> {
    let wrong = |error: CertificateError| Err(explain(&error, leaf, &[], now));
    let Ok((_, parsed)) = x509_parser::parse_x509_certificate(leaf) else {
        return wrong(CertificateError::BadEncoding);
    };
    let seconds = |time: x509_parser::time::ASN1Time| u64::try_from(time.timestamp()).unwrap_or_default();
    let time = |seconds| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    let not_before = time(seconds(parsed.validity().not_before));
    let not_after = time(seconds(parsed.validity().not_after));
    if now < not_before {
        return wrong(CertificateError::NotValidYetContext { time: now, not_before });
    }
    if now > not_after {
        return wrong(CertificateError::ExpiredContext { time: now, not_after });
    }
    let parsed = rustls::server::ParsedCertificate::try_from(leaf);
    match parsed.and_then(|parsed| rustls::client::verify_server_name(&parsed, name)) {
        Ok(()) => Ok(()),
        Err(Error::InvalidCertificate(error)) => wrong(error),
        Err(other) => Err(Distrust::Invalid(other.to_string())),
    }
}
