//! A TLS server that proves a key and shows bytes of the test's choice in place of a certificate.
//! OpenSSL refuses to send what it cannot parse; rustls sends whatever it is given.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use openssl::pkey::{PKey, Private};
use rustls::{
    ServerConfig,
    crypto::ring,
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_rustls::TlsAcceptor;

/// A running server; its handshake is all that it does.
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

impl Server {
    /// Starts on a free port of 127.0.0.1, with these "certificates", leaf first, and a key to sign with.
    pub async fn start(certificates: Vec<Vec<u8>>, key: &PKey<Private>) -> Self {
        let der = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.private_key_to_pkcs8().unwrap()));
        let key = ring::sign::any_supported_type(&der).unwrap();
        let chain = certificates.into_iter().map(CertificateDer::from).collect();
        let configuration = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Always(Arc::new(CertifiedKey::new(chain, key)))));
        let acceptor = TlsAcceptor::from(Arc::new(configuration));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let shaken = acceptor.accept(stream);
                tokio::spawn(async move { drop(shaken.await) });
            }
        });
        Self { address, task }
    }

    /// Its URL by the name `localhost`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://localhost:{}/", self.address.port())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}
