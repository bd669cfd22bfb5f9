//! Sees what a server shows in a handshake, judges it, and remembers it whatever becomes of the handshake.
//! One for each handshake, in the place where rustls asks for a verifier and for a client certificate.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::{
    CertificateError, DigitallySignedStruct, Error, SignatureScheme,
    client::{
        ResolvesClientCert,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use crate::net::{
    distrust::Distrust,
    revocation::ocsp,
    trust::{Lineage, Roots},
};

/// By what a chain is judged.
pub(crate) enum Judge {
    /// By trusted authorities, or by none because of this reason.
    Authorities(Result<Arc<Roots>, String>),
    /// Any certificate will do.
    Nobody,
}

/// What was seen.
#[derive(Default)]
pub(crate) struct Seen {
    /// What the server sent, its own certificate first.
    pub(crate) chain: Vec<CertificateDer<'static>>,
    /// The OCSP answer that it brought along; empty where it brought none.
    pub(crate) staple: Vec<u8>,
    /// What is wrong with the chain.
    pub(crate) distrust: Option<Distrust>,
    /// Whether the server asked for a certificate of ours.
    pub(crate) asks_for_certificate: bool,
}

/// Sees one handshake.
pub(crate) struct Witness {
    pub(crate) provider: Arc<CryptoProvider>,
    pub(crate) judge: Judge,
    pub(crate) identity: Option<Arc<CertifiedKey>>,
    seen: Mutex<Seen>,
}

impl Witness {
    pub(crate) fn new(provider: Arc<CryptoProvider>, judge: Judge, identity: Option<Arc<CertifiedKey>>) -> Self {
        Self { provider, judge, identity, seen: Mutex::default() }
    }

    /// What was seen so far.
    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Judge {
    /// Judges a chain, its leaf first.
    pub(crate) fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Distrust> {
        match self {
            Self::Nobody => Ok(()),
            Self::Authorities(Ok(roots)) => roots.verify(leaf, intermediates, name, now),
            Self::Authorities(Err(reason)) => Err(Distrust::Unknown(reason.clone())),
        }
    }

    /// The way from a chain's leaf to the authority that is trusted, if any.
    pub(crate) fn lineage(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Option<Lineage> {
        match self {
            Self::Authorities(Ok(roots)) => roots.lineage(leaf, intermediates, now),
            Self::Authorities(Err(_)) | Self::Nobody => None,
        }
    }

    /// Whether an OCSP answer that the server brought along proves that its certificate is revoked. An answer that
    /// proves nothing is passed over, as browsers do.
    fn heed(
        &self,
        staple: &[u8],
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Distrust> {
        // Most bring none, and of the others nearly all bring a good one, which needs no proof here.
        if staple.is_empty() || !ocsp::claims_revocation(staple, leaf) {
            return Ok(());
        }
        let Some(lineage) = self.lineage(leaf, intermediates, now) else { return Ok(()) };
        let answer = ocsp::read(staple, leaf, &lineage.issuer, now);
        match answer.ok().and_then(|answer| answer.objection()) {
            Some(objection) => {
                Err(Distrust::Invalid(format!("{objection}, says the OCSP answer that the server brought along")))
            }
            None => Ok(()),
        }
    }
}

impl std::fmt::Debug for Witness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Witness")
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        staple: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let judged = self.judge.judge(leaf, intermediates, name, now);
        let judged = judged.and_then(|()| self.judge.heed(staple, leaf, intermediates, now));
        let mut seen = self.seen();
        seen.staple = staple.to_vec();
        seen.chain = std::iter::once(leaf).chain(intermediates).map(|der| der.clone().into_owned()).collect();
        judged.map(|()| ServerCertVerified::assertion()).map_err(|distrust| {
            // The alert that the server gets; our own reason is kept aside.
            let told = match distrust {
                Distrust::Invalid(_) => CertificateError::ApplicationVerificationFailure,
                Distrust::Unknown(_) => CertificateError::UnknownIssuer,
            };
            seen.distrust = Some(distrust);
            told.into()
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match self.judge {
            // Whoever accepts any certificate accepts one with a key too weak to be checked.
            Judge::Nobody => Ok(HandshakeSignatureValid::assertion()),
            Judge::Authorities(_) => {
                verify_tls12_signature(message, leaf, signature, &self.provider.signature_verification_algorithms)
            }
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        match self.judge {
            Judge::Nobody => Ok(HandshakeSignatureValid::assertion()),
            Judge::Authorities(_) => {
                verify_tls13_signature(message, leaf, signature, &self.provider.signature_verification_algorithms)
            }
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl ResolvesClientCert for Witness {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.seen().asks_for_certificate = true;
        self.identity.clone()
    }

    fn has_certs(&self) -> bool {
        self.identity.is_some()
    }
}
