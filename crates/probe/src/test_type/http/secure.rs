//! TLS on the way to the server: the handshake, what is noted of it, and the second attempt for old servers.
//! Each cause of failure has its code; the certificate is noted whatever becomes of the handshake.

use std::{
    net::{IpAddr, SocketAddr},
    pin::pin,
    time::Instant,
};

use jiff::Timestamp;
use rustls::ProtocolVersion;
use rustls_pki_types::{CertificateDer, DnsName, ServerName};
use tokio_rustls::client::TlsStream;
use url::{Host, Url};
use watchkeep_catalogue::service;
use watchkeep_model::{
    Verdict,
    http::{HttpVersion, TlsSession, Verification},
};

use super::{
    Trace, add,
    connection::{Route, Way, Wire},
};
use crate::{
    Step,
    certificate::Usage,
    net::{
        deadline::{Deadline, Passed},
        distrust::Distrust,
        stream::{Metered, Tcp},
        tls::{Alpn, HandshakeError, TlsParameters},
    },
};

impl Way<'_> {
    /// Makes the TLS handshake, within the same limit as the connection.
    pub(super) async fn secure(
        &self,
        stream: Tcp,
        address: SocketAddr,
        url: &Url,
        deadline: Deadline,
        trace: &mut Trace,
    ) -> Step<Wire> {
        let name = server_name(url)?;
        let parameters = self.parameters();
        let tls = &self.prober.tls;
        let handshake = tls.prepare(&parameters).map_err(|error| unsecured(error, address))?;
        // Small messages go both ways; none of them may wait for another. A socket that refuses is found broken soon.
        let _ = stream.get_ref().set_nodelay(true);
        let wire_meter = stream.meter();
        let place = tls.admission.place().await;
        let start = Instant::now();
        let shaking = pin!(handshake.shake(stream, name.clone()));
        let shaken = deadline.bound(place.hold(shaking)).await;
        add(&mut trace.phases.tls, start.elapsed());
        let seen = handshake.take_seen();
        let usage = self.note_certificate(&seen.chain, trace);
        match shaken {
            Err(passed) => Err(stalled(passed)),
            Ok(Ok(stream)) => {
                let agreed = note_session(&stream, parameters.alpn, trace);
                self.permits(usage.is_none_or(|usage| usage.may_sign))?;
                let route = match (agreed, self.options.http_version) {
                    (Some("h2"), _) => Route::Http2,
                    (None, Some(HttpVersion::Http2)) => {
                        return Err(Verdict::new(
                            service::HTTP_PROTOCOL_NOT_SUPPORTED,
                            "the server did not agree to HTTP/2 (ALPN)",
                        ));
                    }
                    _ => Route::Direct,
                };
                let stream = Metered::new(stream);
                Ok(Wire { meter: stream.meter(), wire_meter, stream: Box::new(stream), route })
            }
            Ok(Err(HandshakeError::Incompatible(reason))) => {
                Box::pin(self.second_attempt(address, url, &name, reason, deadline, trace)).await
            }
            Ok(Err(error)) => Err(unsecured(error, address)),
        }
    }

    fn parameters(&self) -> TlsParameters<'_> {
        TlsParameters {
            alpn: match self.options.http_version {
                None => Alpn::Http2OrHttp1,
                Some(HttpVersion::Http2) => Alpn::Http2,
                Some(HttpVersion::Http10 | HttpVersion::Http11) => Alpn::Http1,
            },
            minimum: self.options.tls_min,
            verification: self.options.verification,
            ca_file: self.options.ca_file.as_deref(),
            client_cert: self.options.client_cert.as_deref(),
        }
    }

    /// Notes the server's certificate; what its key may be used for.
    fn note_certificate(&self, chain: &[CertificateDer<'_>], trace: &mut Trace) -> Option<Usage> {
        let (certificate, usage) = self.prober.certificates.read(chain.first()?, Timestamp::now())?;
        trace.observed.certificate = Some(certificate);
        Some(usage)
    }

    /// Whether the certificate's key may be used as this handshake used it.
    fn permits(&self, is_usage_right: bool) -> Step<()> {
        if is_usage_right || self.options.verification == Verification::None {
            return Ok(());
        }
        let detail = "the certificate's key may not be used for this handshake (key usage)";
        Err(Verdict::new(service::HTTP_CERTIFICATE_INVALID, detail))
    }

    /// A second attempt with what browsers accept beyond rustls, on a new connection to the same address.
    #[cfg(feature = "legacy-tls")]
    async fn second_attempt(
        &self,
        address: SocketAddr,
        url: &Url,
        name: &ServerName<'static>,
        reason: String,
        deadline: Deadline,
        trace: &mut Trace,
    ) -> Step<Wire> {
        use crate::net::distrust::weakness;

        let first_refusal = |reason: String| Verdict::new(service::HTTP_TLS_NO_COMMON_CIPHER, reason);
        let parameters = self.parameters();
        // HTTP/2 forbids all of these suites (RFC 9113, 9.2.2).
        if parameters.is_newest_only() || parameters.alpn == Alpn::Http2 {
            return Err(first_refusal(reason));
        }
        let (stream, _) = self.dial(&[address.ip()], url, deadline, trace).await?;
        let wire_meter = stream.meter();
        let start = Instant::now();
        let handshake = self.prober.tls.legacy.shake(stream, name, parameters.client_cert);
        let shaken = deadline.bound(handshake).await;
        add(&mut trace.phases.tls, start.elapsed());
        let Ok(legacy) = shaken.map_err(stalled)? else { return Err(first_refusal(reason)) };
        trace.observed.tls =
            Some(TlsSession { version: "TLSv1.2", cipher: legacy.cipher.into(), alpn: None, legacy: true });
        trace.observed.remarks.push("The server offers only old TLS 1.2 cipher suites; browsers still accept them.");
        let usage = self.note_certificate(&legacy.chain, trace);
        let Some((leaf, intermediates)) = legacy.chain.split_first() else {
            return Err(Verdict::new(service::HTTP_TLS_FAILED, "the server sent no certificate"));
        };
        let now = rustls_pki_types::UnixTime::now();
        let judged = self.prober.tls.judge(&parameters).judge(leaf, intermediates, name, now);
        judged.map_err(distrusted)?;
        if self.options.verification == Verification::Full
            && let Some(weak) = weakness(leaf)
        {
            return Err(Verdict::new(service::HTTP_CERTIFICATE_INVALID, weak));
        }
        self.permits(usage.is_none_or(|usage| match legacy.enciphers_with_key {
            true => usage.may_encipher,
            false => usage.may_sign,
        }))?;
        let stream = Metered::new(legacy.stream);
        Ok(Wire { meter: stream.meter(), wire_meter, stream: Box::new(stream), route: Route::Direct })
    }

    #[cfg(not(feature = "legacy-tls"))]
    #[expect(clippy::unused_async, reason = "the same signature with and without the feature")]
    async fn second_attempt(
        &self,
        _: SocketAddr,
        _: &Url,
        _: &ServerName<'static>,
        reason: String,
        _: Deadline,
        _: &mut Trace,
    ) -> Step<Wire> {
        Err(Verdict::new(service::HTTP_TLS_NO_COMMON_CIPHER, reason))
    }
}

/// Notes what was negotiated; the application protocol that was agreed on.
fn note_session(stream: &TlsStream<Tcp>, offered: Alpn, trace: &mut Trace) -> Option<&'static str> {
    let (_, session) = stream.get_ref();
    let version = match session.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
        _ => "TLSv1.2",
    };
    let cipher = session.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str()).unwrap_or("unknown");
    let agreed = session.alpn_protocol();
    let agreed = agreed.and_then(|agreed| offered.protocols().iter().copied().find(|known| known.as_bytes() == agreed));
    trace.observed.tls = Some(TlsSession { version, cipher: cipher.into(), alpn: agreed, legacy: false });
    agreed
}

fn stalled(Passed(limit): Passed) -> Verdict {
    let detail = format!("the server took the connection and did not finish the TLS handshake within {limit}");
    Verdict::new(service::HTTP_CONNECT_TIMEOUT, detail)
}

fn distrusted(distrust: Distrust) -> Verdict {
    match distrust {
        Distrust::Invalid(detail) => Verdict::new(service::HTTP_CERTIFICATE_INVALID, detail),
        Distrust::Unknown(detail) => Verdict::new(service::HTTP_CERTIFICATE_UNTRUSTED, detail),
    }
}

fn unsecured(error: HandshakeError, address: SocketAddr) -> Verdict {
    match error {
        HandshakeError::Certificate(distrust) => distrusted(distrust),
        HandshakeError::Protocol(detail) => Verdict::new(service::HTTP_PROTOCOL_NOT_SUPPORTED, detail),
        HandshakeError::Incompatible(detail) => Verdict::new(service::HTTP_TLS_NO_COMMON_CIPHER, detail),
        HandshakeError::Failed(detail) => Verdict::new(service::HTTP_TLS_FAILED, detail),
        HandshakeError::Unreached => {
            let detail = format!("the connection was reset before the TLS handshake ({address})");
            Verdict::new(service::HTTP_CONNECT_FAILED, detail)
        }
    }
}

fn server_name(url: &Url) -> Step<ServerName<'static>> {
    let unusable = || Verdict::new(service::HTTP_CERTIFICATE_INVALID, "no certificate can name this host");
    match url.host() {
        Some(Host::Ipv4(address)) => Ok(ServerName::from(IpAddr::V4(address))),
        Some(Host::Ipv6(address)) => Ok(ServerName::from(IpAddr::V6(address))),
        Some(Host::Domain(name)) => {
            let name = DnsName::try_from(name.trim_end_matches('.').to_owned()).map_err(|_| unusable())?;
            Ok(ServerName::DnsName(name))
        }
        None => Err(unusable()),
    }
}
