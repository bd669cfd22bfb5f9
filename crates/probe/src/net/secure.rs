//! TLS over a connection that stands: the handshake, what is noted of it, and a second attempt for old servers.
//! What went wrong is told as a cause and a sentence; which code that is, each test type knows.

use std::{
    future::Future,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use rustls::ProtocolVersion;
use rustls_pki_types::{CertificateDer, DnsName, ServerName};
use tokio_rustls::client::TlsStream;
use url::Host;
use watchkeep_model::{HostName, SeenCertificate, TlsSession, Verification};

use crate::{
    Prober,
    certificate::Usage,
    net::{
        deadline::{Deadline, Passed},
        distrust::Distrust,
        reach::{Reached, Unreached},
        stream::{BoxedStream, Meter, Metered, Tcp},
        tls::{Alpn, HandshakeError, TlsParameters},
        witness::Seen,
    },
};

/// A connection over TLS.
pub(crate) struct Secured {
    pub(crate) stream: BoxedStream,
    /// What came inside TLS.
    pub(crate) meter: Arc<Meter>,
    /// What came over the network, TLS records included.
    pub(crate) wire_meter: Arc<Meter>,
    /// The application protocol agreed on.
    pub(crate) agreed: Option<&'static str>,
}

/// What is noted of a handshake, whatever becomes of it.
#[derive(Default)]
pub(crate) struct TlsNotes {
    /// Time spent on it, connecting again excepted; `None` where it was not begun.
    pub(crate) spent: Option<Duration>,
    /// What the server sent, its own certificate first.
    pub(crate) chain: Vec<CertificateDer<'static>>,
    /// The server's own certificate.
    pub(crate) certificate: Option<SeenCertificate>,
    /// What was negotiated.
    pub(crate) session: Option<TlsSession>,
    /// The OCSP answer that the server brought along; empty where it brought none.
    pub(crate) staple: Vec<u8>,
    /// Whether the server has no certificate to show: it answers in clear text, or its TLS does without.
    pub(crate) has_no_certificate: bool,
    /// What is worth knowing although it is no failure.
    pub(crate) remark: Option<&'static str>,
}

impl TlsNotes {
    fn spend(&mut self, more: Duration) {
        *self.spent.get_or_insert_default() += more;
    }
}

/// Why there is no TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// It was not done in time.
    Silent,
    /// The certificate cannot be used.
    Invalid,
    /// The chain does not lead to a trusted authority.
    Untrusted,
    /// No version or cipher suite in common.
    NoCommonCipher,
    /// No application protocol in common.
    Protocol,
    /// The connection was reset before the server said anything.
    Unreached,
    /// Anything else.
    Failed,
}

/// A connection that could not be secured.
#[derive(Clone, Debug)]
pub(crate) struct Insecure {
    pub(crate) cause: Cause,
    pub(crate) detail: String,
}

/// Why a handshake led to nothing: its own fault, or that of connecting once more.
pub(crate) enum Fault<E> {
    Insecure(Insecure),
    #[cfg_attr(not(feature = "legacy-tls"), expect(dead_code, reason = "without it there is no second attempt"))]
    Redial(E),
}

/// A handshake to be made.
pub(crate) struct Securing<'a> {
    pub(crate) prober: &'a Prober,
    pub(crate) parameters: TlsParameters<'a>,
    /// Whom the certificate must be for.
    pub(crate) name: ServerName<'static>,
    pub(crate) address: SocketAddr,
    pub(crate) deadline: Deadline,
}

/// The name that a certificate must have; `None` for a host that none can name.
pub(crate) fn server_name(host: &Host<&str>) -> Option<ServerName<'static>> {
    match host {
        Host::Ipv4(address) => Some(ServerName::from(IpAddr::V4(*address))),
        Host::Ipv6(address) => Some(ServerName::from(IpAddr::V6(*address))),
        Host::Domain(name) => DnsName::try_from(name.trim_end_matches('.').to_owned()).ok().map(ServerName::DnsName),
    }
}

impl Reached {
    /// TLS with `host` over this connection, and for an old server over another one to the same address.
    pub(crate) async fn secure(
        self,
        prober: &Prober,
        host: &HostName,
        parameters: TlsParameters<'_>,
        notes: &mut TlsNotes,
    ) -> Result<Secured, Fault<Unreached>> {
        let Self { stream, address, connect_deadline: deadline } = self;
        let name = server_name(&host.as_host()).ok_or_else(|| {
            let detail = "no certificate can name this host".to_owned();
            Fault::Insecure(Insecure { cause: Cause::Invalid, detail })
        })?;
        let again = || async {
            let (stream, _) = prober.dial(&[address.ip()], address.port(), deadline).await?;
            Ok(stream)
        };
        Securing { prober, parameters, name, address, deadline }.secure(stream, notes, again).await
    }
}

impl Securing<'_> {
    /// Makes the handshake. `redial` gives another connection to the same address, ready for a handshake like the
    /// first: an old server that refused once is asked once more, with what browsers accept beyond rustls.
    pub(crate) async fn secure<E, F>(
        &self,
        stream: Tcp,
        notes: &mut TlsNotes,
        redial: impl FnOnce() -> F,
    ) -> Result<Secured, Fault<E>>
    where
        F: Future<Output = Result<Tcp, E>>,
    {
        notes.spend(Duration::ZERO);
        let tls = &self.prober.tls;
        let handshake = tls.prepare(&self.parameters).map_err(|error| self.failure(error))?;
        // Small messages go both ways; none of them may wait for another. A socket that refuses is found broken soon.
        let _ = stream.get_ref().set_nodelay(true);
        let wire_meter = stream.meter();
        let place = tls.admission.place().await;
        let start = Instant::now();
        let shaking = pin!(handshake.shake(stream, self.name.clone()));
        let shaken = self.deadline.bound(place.hold(shaking)).await;
        notes.spend(start.elapsed());
        let Seen { chain, staple, .. } = handshake.take_seen();
        notes.staple = staple;
        let usage = self.note_chain(chain, notes);
        match shaken {
            Err(passed) => Err(Fault::Insecure(stalled(passed))),
            Ok(Ok(stream)) => {
                let agreed = note_session(&stream, self.parameters.alpn, notes);
                self.permits(usage.is_none_or(|usage| usage.may_sign)).map_err(Fault::Insecure)?;
                let stream = Metered::new(stream);
                Ok(Secured { meter: stream.meter(), wire_meter, stream: Box::new(stream), agreed })
            }
            Ok(Err(HandshakeError::Incompatible(reason))) => Box::pin(self.second_attempt(reason, notes, redial)).await,
            Ok(Err(error)) => {
                notes.has_no_certificate = matches!(error, HandshakeError::ClearText | HandshakeError::NoCertificate);
                Err(self.failure(error))
            }
        }
    }

    /// Notes what the server sent; what its certificate's key may be used for.
    fn note_chain(&self, chain: Vec<CertificateDer<'static>>, notes: &mut TlsNotes) -> Option<Usage> {
        let read = chain.first().and_then(|leaf| self.prober.certificates.read(leaf, Timestamp::now()));
        notes.chain = chain;
        let (certificate, usage) = read?;
        notes.certificate = Some(certificate);
        Some(usage)
    }

    /// Whether the certificate's key may be used as this handshake used it.
    fn permits(&self, is_usage_right: bool) -> Result<(), Insecure> {
        if is_usage_right || self.parameters.settings.verification == Verification::None {
            return Ok(());
        }
        let detail = "the certificate's key may not be used for this handshake (key usage)".to_owned();
        Err(Insecure { cause: Cause::Invalid, detail })
    }

    /// A second attempt with what browsers accept beyond rustls, on a new connection to the same address.
    #[cfg(feature = "legacy-tls")]
    async fn second_attempt<E, F>(
        &self,
        reason: String,
        notes: &mut TlsNotes,
        redial: impl FnOnce() -> F,
    ) -> Result<Secured, Fault<E>>
    where
        F: Future<Output = Result<Tcp, E>>,
    {
        use crate::net::distrust::weakness;

        let refused = |detail: String| Fault::Insecure(Insecure { cause: Cause::NoCommonCipher, detail });
        // HTTP/2 forbids all of these suites (RFC 9113, 9.2.2).
        if self.parameters.is_newest_only() || self.parameters.alpn == Alpn::Http2 {
            return Err(refused(reason));
        }
        let stream = redial().await.map_err(Fault::Redial)?;
        let wire_meter = stream.meter();
        let start = Instant::now();
        let handshake = self.prober.tls.legacy.shake(stream, &self.name, &self.parameters);
        let shaken = self.deadline.bound(handshake).await;
        notes.spend(start.elapsed());
        let shaken = shaken.map_err(|passed| Fault::Insecure(stalled(passed)))?;
        let Ok(legacy) = shaken else { return Err(refused(reason)) };
        notes.session = Some(TlsSession { version: "TLSv1.2", cipher: legacy.cipher.into(), alpn: None, legacy: true });
        notes.remark = Some("The server offers only old TLS 1.2 cipher suites; browsers still accept them.");
        let usage = self.note_chain(legacy.chain, notes);
        let Some((leaf, intermediates)) = notes.chain.split_first() else {
            notes.has_no_certificate = true;
            return Err(self.failure(HandshakeError::NoCertificate));
        };
        let now = rustls_pki_types::UnixTime::now();
        let judged = self.prober.tls.judge(&self.parameters).judge(leaf, intermediates, &self.name, now);
        judged.map_err(|distrust| self.failure(HandshakeError::Certificate(distrust)))?;
        if self.parameters.settings.verification == Verification::Full
            && let Some(weak) = weakness(leaf)
        {
            return Err(Fault::Insecure(Insecure { cause: Cause::Invalid, detail: weak }));
        }
        let is_usage_right = usage.is_none_or(|usage| match legacy.enciphers_with_key {
            true => usage.may_encipher,
            false => usage.may_sign,
        });
        self.permits(is_usage_right).map_err(Fault::Insecure)?;
        let stream = Metered::new(legacy.stream);
        Ok(Secured { meter: stream.meter(), wire_meter, stream: Box::new(stream), agreed: None })
    }

    #[cfg(not(feature = "legacy-tls"))]
    #[expect(clippy::unused_async, reason = "the same signature with and without the feature")]
    async fn second_attempt<E, F>(
        &self,
        reason: String,
        _: &mut TlsNotes,
        _: impl FnOnce() -> F,
    ) -> Result<Secured, Fault<E>>
    where
        F: Future<Output = Result<Tcp, E>>,
    {
        Err(Fault::Insecure(Insecure { cause: Cause::NoCommonCipher, detail: reason }))
    }

    fn failure<E>(&self, error: HandshakeError) -> Fault<E> {
        let (cause, detail) = match error {
            HandshakeError::Certificate(Distrust::Invalid(detail)) => (Cause::Invalid, detail),
            HandshakeError::Certificate(Distrust::Unknown(detail)) => (Cause::Untrusted, detail),
            HandshakeError::Protocol(detail) => (Cause::Protocol, detail),
            HandshakeError::Incompatible(detail) => (Cause::NoCommonCipher, detail),
            HandshakeError::Failed(detail) => (Cause::Failed, detail),
            HandshakeError::ClearText => (Cause::Failed, "the server does not speak TLS on this port".to_owned()),
            HandshakeError::NoCertificate => (Cause::Failed, "the server sent no certificate".to_owned()),
            HandshakeError::Unreached => {
                (Cause::Unreached, format!("the connection was reset before the TLS handshake ({})", self.address))
            }
        };
        Fault::Insecure(Insecure { cause, detail })
    }
}

/// Notes what was negotiated; the application protocol that was agreed on.
fn note_session(stream: &TlsStream<Tcp>, offered: Alpn, notes: &mut TlsNotes) -> Option<&'static str> {
    let (_, session) = stream.get_ref();
    let version = match session.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
        _ => "TLSv1.2",
    };
    let cipher = session.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str()).unwrap_or("unknown");
    let agreed = session.alpn_protocol();
    let agreed = agreed.and_then(|agreed| offered.protocols().iter().copied().find(|known| known.as_bytes() == agreed));
    notes.session = Some(TlsSession { version, cipher: cipher.into(), alpn: agreed, legacy: false });
    agreed
}

fn stalled(Passed(limit): Passed) -> Insecure {
    let detail = format!("the server took the connection and did not finish the TLS handshake within {limit}");
    Insecure { cause: Cause::Silent, detail }
}
