//! A second handshake through OpenSSL, for servers that browsers still open and rustls refuses: TLS 1.2 with
//! ECDHE and CBC, or with RSA key exchange. The chain is judged by the same rules as any other.

use std::{pin::Pin, sync::OnceLock};

use openssl::{
    error::ErrorStack,
    pkey::PKey,
    ssl::{Ssl, SslContext, SslContextBuilder, SslMethod, SslOptions, SslVerifyMode, SslVersion},
    x509::X509,
};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio_openssl::SslStream;

use crate::net::{
    pem::Files,
    stream::Tcp,
    tls::{Alpn, TlsParameters},
};

/// What Chromium 156 accepts beyond rustls. It refuses DHE, CBC with SHA-256, and TLS below 1.2.
const CIPHERS: &str = "ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA:\
                       AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA:AES256-SHA";
/// Its curves and signature algorithms. None of SHA-1 is left.
const CURVES: &str = "X25519:P-256:P-384";
const SIGNATURES: &str = "ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256:ECDSA+SHA384:RSA-PSS+SHA384:RSA+SHA384:\
                          RSA-PSS+SHA512:RSA+SHA512";
/// `SSL_OP_LEGACY_SERVER_CONNECT`: servers without RFC 5746 are old, and browsers open them.
const WITHOUT_RENEGOTIATION_INFO: SslOptions = SslOptions::from_bits_retain(4);

/// Shared state of these handshakes; the common way never touches it.
#[derive(Default)]
pub(crate) struct LegacyTls {
    anonymous: OnceLock<Result<SslContext, ErrorStack>>,
    identified: OnceLock<Files<SslContext>>,
}

/// A connection through legacy TLS, its chain not yet judged.
pub(crate) struct LegacyConnection {
    pub(crate) stream: SslStream<Tcp>,
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) cipher: String,
    /// Whether the key exchange used the certificate's key to encrypt and not to sign.
    pub(crate) enciphers_with_key: bool,
}

impl LegacyTls {
    /// The handshake alone; the error says why.
    pub(crate) async fn shake(
        &self,
        stream: Tcp,
        name: &ServerName<'_>,
        parameters: &TlsParameters<'_>,
    ) -> Result<LegacyConnection, String> {
        let ssl = self.prepare(name, parameters)?;
        let mut stream = SslStream::new(ssl, stream).map_err(|error| error.to_string())?;
        Pin::new(&mut stream).connect().await.map_err(|error| error.to_string())?;
        let ssl = stream.ssl();
        let cipher = ssl.current_cipher().map(|cipher| cipher.name().to_owned()).unwrap_or_default();
        let sent = ssl.peer_cert_chain().into_iter().flatten();
        let chain: Result<_, ErrorStack> = sent.map(|sent| Ok(CertificateDer::from(sent.to_der()?))).collect();
        let chain = chain.map_err(|error| error.to_string())?;
        let enciphers_with_key = !cipher.starts_with("ECDHE");
        Ok(LegacyConnection { stream, chain, cipher, enciphers_with_key })
    }

    fn prepare(&self, name: &ServerName<'_>, parameters: &TlsParameters<'_>) -> Result<Ssl, String> {
        let context = match parameters.settings.client_cert.as_deref() {
            None => self.anonymous.get_or_init(|| Ok(builder()?.build())).clone().map_err(|error| error.to_string())?,
            Some(path) => {
                let files = self.identified.get_or_init(Files::new);
                let read = |content: &[u8]| identified(content).map_err(|error| format!("is unusable: {error}"));
                let context =
                    files.get(path, read).map_err(|reason| format!("the client certificate {path} {reason}"))?;
                SslContext::clone(&context)
            }
        };
        let mut ssl = Ssl::new(&context).map_err(|error| error.to_string())?;
        if let ServerName::DnsName(name) = name {
            ssl.set_hostname(name.as_ref()).map_err(|error| error.to_string())?;
        }
        // HTTP/2 forbids what is offered here.
        if parameters.alpn != Alpn::Nothing {
            ssl.set_alpn_protos(b"\x08http/1.1").map_err(|error| error.to_string())?;
        }
        Ok(ssl)
    }
}

fn builder() -> Result<SslContextBuilder, ErrorStack> {
    let mut context = SslContext::builder(SslMethod::tls_client())?;
    context.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    context.set_max_proto_version(Some(SslVersion::TLS1_2))?;
    // The lists say what is accepted; weak keys are found afterwards and told as such.
    context.set_security_level(0);
    context.set_cipher_list(CIPHERS)?;
    context.set_groups_list(CURVES)?;
    context.set_sigalgs_list(SIGNATURES)?;
    context.set_options(WITHOUT_RENEGOTIATION_INFO);
    // The chain is judged after the handshake, by the rules of every other test.
    context.set_verify(SslVerifyMode::NONE);
    Ok(context)
}

fn identified(content: &[u8]) -> Result<SslContext, ErrorStack> {
    let mut context = builder()?;
    let mut chain = X509::stack_from_pem(content)?.into_iter();
    if let Some(own) = chain.next() {
        context.set_certificate(&own)?;
    }
    for certificate in chain {
        context.add_extra_chain_cert(certificate)?;
    }
    context.set_private_key(PKey::private_key_from_pem(content)?.as_ref())?;
    Ok(context.build())
}
