//! TLS handshakes with rustls: shared configurations, no resumption, failures sorted by cause.
//! What a server shows is seen, judged and remembered by the [`Witness`] of each handshake.

use std::{
    collections::HashMap,
    io,
    ops::RangeInclusive,
    sync::{Arc, Mutex, PoisonError},
};

use rustls::{
    AlertDescription, ClientConfig, Error, InvalidMessage, PeerMisbehaved, SupportedProtocolVersion,
    client::Resumption,
    crypto::CryptoProvider,
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use rustls_pki_types::ServerName;
use tokio_rustls::{TlsConnector, client::TlsStream};
use watchkeep_model::{TlsSettings, TlsVersion, Verification};

use crate::{
    ProberError,
    net::{
        admission::Admission,
        distrust::{Distrust, unproven},
        pem::{self, Files},
        stream::Tcp,
        trust::Trust,
        witness::{Judge, Seen, Witness},
    },
};

/// The application protocols that are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Alpn {
    /// HTTP/2 or HTTP/1.1, as the server prefers.
    Http2OrHttp1,
    /// HTTP/2 only.
    Http2,
    /// HTTP/1.1 only.
    Http1,
    /// None: the port says what is spoken.
    Nothing,
}

impl Alpn {
    pub(crate) fn protocols(self) -> &'static [&'static str] {
        match self {
            Self::Http2OrHttp1 => &["h2", "http/1.1"],
            Self::Http2 => &["h2"],
            Self::Http1 => &["http/1.1"],
            Self::Nothing => &[],
        }
    }
}

/// What a record of TLS begins with (RFC 8446, 5.1; RFC 6520).
const RECORDS: RangeInclusive<u8> = 20..=24;

/// What a handshake is made with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TlsParameters<'a> {
    pub(crate) alpn: Alpn,
    pub(crate) settings: &'a TlsSettings,
}

impl TlsParameters<'_> {
    pub(crate) fn is_newest_only(&self) -> bool {
        self.settings.minimum == Some(TlsVersion::Tls13)
    }
}

/// Why a handshake failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HandshakeError {
    /// No version or cipher suite in common.
    Incompatible(String),
    /// The certificate cannot be used, or is not trusted.
    Certificate(Distrust),
    /// The peer answered in clear text.
    ClearText,
    /// The peer's side of TLS has no certificate.
    NoCertificate,
    /// The peer talks, but not HTTP as offered.
    Protocol(String),
    /// The connection was reset before the server said anything.
    Unreached,
    /// Anything else.
    Failed(String),
}

/// Shared TLS state.
pub(crate) struct Tls {
    provider: Arc<CryptoProvider>,
    trust: Trust,
    configurations: Mutex<HashMap<(Alpn, bool), Arc<ClientConfig>>>,
    identities: Files<CertifiedKey>,
    pub(crate) admission: Admission,
    #[cfg(feature = "legacy-tls")]
    pub(crate) legacy: crate::net::legacy_tls::LegacyTls,
}

/// A handshake about to be made, and afterwards what it has shown.
pub(crate) struct Handshake {
    connector: TlsConnector,
    witness: Arc<Witness>,
}

impl Tls {
    /// Loads the public authorities too, the first time.
    pub(crate) fn new() -> Result<Self, ProberError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = Self {
            trust: Trust::new(Arc::clone(&provider)),
            provider,
            configurations: Mutex::default(),
            identities: Files::new(),
            admission: Admission::new(),
            #[cfg(feature = "legacy-tls")]
            legacy: crate::net::legacy_tls::LegacyTls::default(),
        };
        tls.trust.roots(None).map_err(ProberError::Roots)?;
        tls.configuration(Alpn::Http2OrHttp1, false).map_err(|error| ProberError::Tls(error.to_string()))?;
        Ok(tls)
    }

    /// Whether the files that the settings name can be used, which is the robot's own affair.
    pub(crate) fn usable(&self, settings: &TlsSettings) -> Result<(), String> {
        if let (Verification::Full, Some(path)) = (settings.verification, settings.ca_file.as_deref()) {
            self.trust.roots(Some(path))?;
        }
        settings.client_cert.as_deref().map_or(Ok(()), |path| self.identity(path).map(drop))
    }

    /// By what the chains of a test are judged.
    pub(crate) fn judge(&self, parameters: &TlsParameters<'_>) -> Judge {
        match parameters.settings.verification {
            Verification::Full => Judge::Authorities(self.trust.roots(parameters.settings.ca_file.as_deref())),
            Verification::None => Judge::Nobody,
        }
    }

    /// Prepares a handshake. The shared configuration is copied, which costs a few counters, so that this
    /// handshake has a witness of its own.
    pub(crate) fn prepare(&self, parameters: &TlsParameters<'_>) -> Result<Handshake, HandshakeError> {
        let failed = |error: Error| HandshakeError::Failed(format!("TLS cannot be set up: {error}"));
        let identity = match parameters.settings.client_cert.as_deref() {
            Some(path) => Some(self.identity(path).map_err(HandshakeError::Failed)?),
            None => None,
        };
        let shared = self.configuration(parameters.alpn, parameters.is_newest_only()).map_err(failed)?;
        let witness = Arc::new(Witness::new(Arc::clone(&self.provider), self.judge(parameters), identity));
        let mut configuration = ClientConfig::clone(&shared);
        configuration.client_auth_cert_resolver = Arc::clone(&witness) as _;
        configuration.dangerous().set_certificate_verifier(Arc::clone(&witness) as _);
        Ok(Handshake { connector: TlsConnector::from(Arc::new(configuration)), witness })
    }

    /// The certificate and key of a PEM file.
    fn identity(&self, path: &str) -> Result<Arc<CertifiedKey>, String> {
        let read = |content: &[u8]| {
            CertifiedKey::from_der(pem::certificates(content)?, pem::private_key(content)?, &self.provider)
                .map_err(|error| format!("is unusable: {error}"))
        };
        self.identities.get(path, read).map_err(|reason| format!("the client certificate {path} {reason}"))
    }

    fn configuration(&self, alpn: Alpn, is_newest_only: bool) -> Result<Arc<ClientConfig>, Error> {
        let mut known = self.configurations.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(configuration) = known.get(&(alpn, is_newest_only)) {
            return Ok(Arc::clone(configuration));
        }
        let versions: &[&SupportedProtocolVersion] = if is_newest_only { &[&TLS13] } else { &[&TLS13, &TLS12] };
        let nobody = Witness::new(Arc::clone(&self.provider), Judge::Authorities(Err(String::new())), None);
        let mut configuration = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(versions)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(nobody))
            .with_no_client_auth();
        // Each test makes a whole handshake, as a first visitor does.
        configuration.resumption = Resumption::disabled();
        configuration.alpn_protocols = alpn.protocols().iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let configuration = Arc::new(configuration);
        known.insert((alpn, is_newest_only), Arc::clone(&configuration));
        Ok(configuration)
    }
}

impl Handshake {
    /// The handshake alone, the judgement of the chain included.
    pub(crate) async fn shake(&self, stream: Tcp, name: ServerName<'static>) -> Result<TlsStream<Tcp>, HandshakeError> {
        let meter = stream.meter();
        let before = meter.received();
        let shaken = self.connector.connect(name, stream).await;
        shaken.map_err(|error| match meter.first_byte() {
            Some(byte) if before == 0 && !RECORDS.contains(&byte) => HandshakeError::ClearText,
            _ => sort(&error, &self.witness.seen(), meter.received() - before),
        })
    }

    /// What was seen, also when the handshake failed or was given up.
    pub(crate) fn take_seen(&self) -> Seen {
        std::mem::take(&mut *self.witness.seen())
    }
}

/// Sorts the handshake's failure by what the user must know.
fn sort(error: &io::Error, seen: &Seen, received: u64) -> HandshakeError {
    if let Some(distrust) = &seen.distrust {
        return HandshakeError::Certificate(distrust.clone());
    }
    let failed = |reason: String| HandshakeError::Failed(reason);
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::AlertReceived(alert)) => sort_alert(*alert, seen),
        Some(Error::PeerIncompatible(reason)) => {
            HandshakeError::Incompatible(format!("the server chose what was not offered ({reason:?})"))
        }
        Some(Error::PeerMisbehaved(reason)) => match reason {
            PeerMisbehaved::SelectedUnofferedApplicationProtocol => {
                HandshakeError::Protocol("the server chose an application protocol that was not offered".to_owned())
            }
            PeerMisbehaved::SelectedUnofferedCipherSuite
            | PeerMisbehaved::SelectedUnofferedKxGroup
            | PeerMisbehaved::SelectedUnusableCipherSuiteForVersion => {
                HandshakeError::Incompatible(format!("the server chose what was not offered ({reason:?})"))
            }
            _ => failed(format!("the server broke the rules of TLS ({reason:?})")),
        },
        Some(Error::InvalidCertificate(_)) => {
            HandshakeError::Certificate(Distrust::Invalid(unproven(seen.chain.first())))
        }
        Some(Error::NoCertificatesPresented) => HandshakeError::NoCertificate,
        Some(Error::InvalidMessage(
            InvalidMessage::CertificatePayloadTooLarge | InvalidMessage::HandshakePayloadTooLarge,
        )) => failed("a message of the handshake, such as the certificate chain, is larger than 64 KiB".to_owned()),
        Some(Error::InvalidMessage(_)) if seen.chain.is_empty() => {
            failed("the server does not speak TLS on this port".to_owned())
        }
        Some(other) => failed(format!("the handshake failed: {}", crate::outside::shown(&other.to_string()))),
        None => sort_io(error, received),
    }
}

fn sort_alert(alert: AlertDescription, seen: &Seen) -> HandshakeError {
    let is_about_offer = matches!(
        alert,
        AlertDescription::HandshakeFailure | AlertDescription::ProtocolVersion | AlertDescription::InsufficientSecurity
    );
    match alert {
        AlertDescription::NoApplicationProtocol => {
            HandshakeError::Protocol("the server has none of the protocols offered".to_owned())
        }
        // Once the server has shown its certificate, version and cipher suite are agreed on.
        _ if is_about_offer && seen.chain.is_empty() => HandshakeError::Incompatible(format!(
            "the server refused every version and cipher offered (alert {alert:?})"
        )),
        _ if seen.asks_for_certificate => HandshakeError::Failed(format!(
            "the server asked for a client certificate and broke the handshake off with the alert {alert:?}"
        )),
        AlertDescription::UnrecognisedName => {
            HandshakeError::Failed("the server does not know the name asked for (alert UnrecognisedName)".to_owned())
        }
        _ => HandshakeError::Failed(format!("the server broke the handshake off with the alert {alert:?}")),
    }
}

fn sort_io(error: &io::Error, received: u64) -> HandshakeError {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe if received == 0 => HandshakeError::Unreached,
        io::ErrorKind::UnexpectedEof => HandshakeError::Failed(format!(
            "the server closed the connection in the middle of the handshake, after {received} bytes"
        )),
        _ => HandshakeError::Failed(format!(
            "the connection broke in the middle of the handshake, after {received} bytes: {error}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use rustls::{CertificateError, PeerIncompatible};
    use rustls_pki_types::CertificateDer;

    use super::*;

    fn tls(error: Error) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }

    fn shown_chain() -> Seen {
        Seen { chain: vec![CertificateDer::from(vec![0])], ..Seen::default() }
    }

    #[test]
    fn failures_are_sorted_by_cause() {
        use AlertDescription as Alert;
        let nothing = Seen::default();
        let asked = Seen { asks_for_certificate: true, ..shown_chain() };
        let distrust = Distrust::Unknown("x".to_owned());
        let distrusted = Seen { distrust: Some(distrust), ..shown_chain() };
        let kind = |error: &io::Error, seen: &Seen| match sort(error, seen, 5) {
            HandshakeError::Incompatible(_) => "incompatible",
            HandshakeError::Certificate(_) => "certificate",
            HandshakeError::Protocol(_) => "protocol",
            HandshakeError::ClearText | HandshakeError::NoCertificate => "none",
            HandshakeError::Unreached => "unreached",
            HandshakeError::Failed(_) => "failed",
        };
        for (error, seen, expected) in [
            (Error::AlertReceived(Alert::HandshakeFailure), &nothing, "incompatible"),
            (Error::AlertReceived(Alert::ProtocolVersion), &nothing, "incompatible"),
            (Error::AlertReceived(Alert::InsufficientSecurity), &nothing, "incompatible"),
            (Error::AlertReceived(Alert::HandshakeFailure), &asked, "failed"),
            (Error::AlertReceived(Alert::HandshakeFailure), &shown_chain(), "failed"),
            (Error::AlertReceived(Alert::InternalError), &nothing, "failed"),
            (Error::AlertReceived(Alert::NoApplicationProtocol), &nothing, "protocol"),
            (Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13), &nothing, "incompatible"),
            (Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedCipherSuite), &nothing, "incompatible"),
            (Error::PeerMisbehaved(PeerMisbehaved::SelectedUnofferedApplicationProtocol), &nothing, "protocol"),
            (Error::PeerMisbehaved(PeerMisbehaved::TooManyWarningAlertsReceived), &nothing, "failed"),
            (Error::InvalidCertificate(CertificateError::BadSignature), &shown_chain(), "certificate"),
            (Error::InvalidMessage(InvalidMessage::InvalidContentType), &nothing, "failed"),
            (Error::NoCertificatesPresented, &nothing, "none"),
            (Error::AlertReceived(Alert::BadCertificate), &distrusted, "certificate"),
        ] {
            assert_eq!(kind(&tls(error.clone()), seen), expected, "{error:?}");
        }
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        assert_eq!(sort(&reset, &nothing, 0), HandshakeError::Unreached);
        assert_eq!(kind(&reset, &nothing), "failed");
        assert_eq!(kind(&io::ErrorKind::UnexpectedEof.into(), &nothing), "failed");
    }
}
