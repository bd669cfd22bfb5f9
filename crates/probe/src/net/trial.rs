//! Handshakes that try one thing: whether a server accepts a version of TLS, or suites without a certificate.
//! Made through OpenSSL, which still speaks what nobody should; nothing is sent over them.

use std::pin::Pin;

use openssl::{
    error::ErrorStack,
    ssl::{Ssl, SslContext, SslMethod, SslVerifyMode, SslVersion},
};
use rustls_pki_types::ServerName;
use tokio_openssl::SslStream;

use crate::net::stream::Tcp;

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trial {
    /// TLS 1.0 alone.
    Tls10,
    /// TLS 1.1 alone.
    Tls11,
    /// TLS 1.2 alone.
    Tls12,
    /// TLS 1.3 alone.
    Tls13,
    /// Suites in which no certificate is shown, which TLS has up to 1.2.
    Anonymous,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The server accepts it, with this cipher suite.
    Accepted(String),
    /// The server does not.
    Refused,
    /// Nothing was learnt.
    Unknown,
}

impl Trial {
    /// Tries it on a connection that is ready for a handshake.
    pub(crate) async fn attempt(self, stream: Tcp, name: &ServerName<'_>) -> Outcome {
        let Ok(ssl) = self.prepare(name) else { return Outcome::Unknown };
        let Ok(mut stream) = SslStream::new(ssl, stream) else { return Outcome::Unknown };
        if Pin::new(&mut stream).connect().await.is_err() {
            return Outcome::Refused;
        }
        let cipher = stream.ssl().current_cipher();
        let name = cipher.map(|cipher| cipher.standard_name().unwrap_or_else(|| cipher.name()).to_owned());
        Outcome::Accepted(name.unwrap_or_default())
    }

    fn prepare(self, name: &ServerName<'_>) -> Result<Ssl, ErrorStack> {
        let (oldest, newest) = match self {
            Self::Tls10 => (SslVersion::TLS1, SslVersion::TLS1),
            Self::Tls11 => (SslVersion::TLS1_1, SslVersion::TLS1_1),
            Self::Tls12 => (SslVersion::TLS1_2, SslVersion::TLS1_2),
            Self::Tls13 => (SslVersion::TLS1_3, SslVersion::TLS1_3),
            Self::Anonymous => (SslVersion::TLS1, SslVersion::TLS1_2),
        };
        let suites = if self == Self::Anonymous { "aNULL:@SECLEVEL=0" } else { "ALL:!aNULL:@SECLEVEL=0" };
        let mut context = SslContext::builder(SslMethod::tls_client())?;
        context.set_min_proto_version(Some(oldest))?;
        context.set_max_proto_version(Some(newest))?;
        context.set_cipher_list(suites)?;
        // Whose certificate it is, is not the question here.
        context.set_verify(SslVerifyMode::NONE);
        let mut ssl = Ssl::new(&context.build())?;
        if let ServerName::DnsName(name) = name {
            ssl.set_hostname(name.as_ref())?;
        }
        Ok(ssl)
    }
}
