//! HTTPS servers through OpenSSL: any chain, any range of versions, any list of cipher suites.
//! After a good handshake they serve a page, play a script, or write what is no TLS.

use std::{
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
};

use bytes::Bytes;
use openssl::ssl::{
    AlpnError, Ssl, SslContext, SslContextBuilder, SslMethod, SslVerifyMode, SslVersion, select_next_proto,
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_openssl::SslStream;

use crate::{
    ca::Identity,
    http::{Handler, Received, Reply, ok, serve},
    raw::{Act, Wire, perform, play},
};

impl Wire for SslStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref()
    }
}

/// What a server does once the handshake is done.
#[derive(Clone)]
enum Then {
    Serve(Handler),
    Play(Vec<Act>),
    /// Writes below TLS.
    Garble(Vec<u8>),
}

/// What a server offers in the handshake.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The oldest and the newest version.
    pub versions: (SslVersion, SslVersion),
    /// OpenSSL's list of suites up to TLS 1.2, if not its default.
    pub ciphers: Option<&'static str>,
    /// Whether HTTP/2 is offered by ALPN.
    pub http2: bool,
    /// Whether a client certificate is demanded, and by which authority it must be issued.
    pub client_authority: Option<openssl::x509::X509>,
    /// An OCSP answer to bring along.
    pub staple: Option<Vec<u8>>,
    /// What is spoken in clear text before TLS.
    pub prologue: Vec<Act>,
    /// Whether the connection ends without TLS's own farewell.
    pub abrupt_end: bool,
}

impl Default for Offer {
    /// TLS 1.2 and 1.3 with OpenSSL's default suites, HTTP/1.1.
    fn default() -> Self {
        Self {
            versions: (SslVersion::TLS1_2, SslVersion::TLS1_3),
            ciphers: None,
            http2: false,
            client_authority: None,
            staple: None,
            prologue: Vec::new(),
            abrupt_end: false,
        }
    }
}

/// A running HTTPS server.
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts on a free port of 127.0.0.1 and answers every request with the same page.
    pub async fn start(identity: &Identity, offer: Offer) -> Self {
        Self::serving(identity, offer, |_| async { ok(Bytes::from_static(b"secure page")) }).await
    }

    /// Answers by a handler of the test's choice.
    pub async fn serving<F: Future<Output = Reply> + Send + 'static>(
        identity: &Identity,
        offer: Offer,
        handler: impl Fn(Received) -> F + Send + Sync + 'static,
    ) -> Self {
        let handler: Handler = Arc::new(move |request| Box::pin(handler(request)));
        Self::launch(identity, offer, Then::Serve(handler)).await
    }

    /// Plays a script inside of TLS.
    pub async fn scripted(identity: &Identity, offer: Offer, script: Vec<Act>) -> Self {
        Self::launch(identity, offer, Then::Play(script)).await
    }

    /// Writes bytes that are no TLS right after a good handshake.
    pub async fn garbling(identity: &Identity, offer: Offer, garbage: impl Into<Vec<u8>>) -> Self {
        Self::launch(identity, offer, Then::Garble(garbage.into())).await
    }

    /// Plays a script in clear text, then makes the handshake and plays another one inside of TLS.
    pub async fn upgrading(identity: &Identity, offer: Offer, before: Vec<Act>, script: Vec<Act>) -> Self {
        Self::launch(identity, Offer { prologue: before, ..offer }, Then::Play(script)).await
    }

    async fn launch(identity: &Identity, offer: Offer, then: Then) -> Self {
        let context = context(identity, &offer);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            loop {
                let Ok((mut stream, _)) = listener.accept().await else { continue };
                let ssl = Ssl::new(&context).unwrap();
                let (prologue, then) = (offer.prologue.clone(), then.clone());
                tokio::spawn(async move {
                    if !perform(&mut stream, prologue).await {
                        return;
                    }
                    let mut stream = SslStream::new(ssl, stream).unwrap();
                    if Pin::new(&mut stream).accept().await.is_err() {
                        return;
                    }
                    if offer.abrupt_end {
                        // The body has no length: only the end of the connection ends it.
                        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nsecure page").await;
                        let _ = stream.flush().await;
                        let _ = stream.get_mut().shutdown().await;
                        return;
                    }
                    match then {
                        Then::Serve(handler) => serve(stream, handler).await,
                        Then::Play(script) => play(stream, script).await,
                        Then::Garble(garbage) => {
                            let _ = stream.get_mut().write_all(&garbage).await;
                            play(stream, vec![Act::Hang]).await;
                        }
                    }
                });
            }
        });
        Self { address, task }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
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

pub(crate) fn context(identity: &Identity, offer: &Offer) -> SslContext {
    let mut context = SslContextBuilder::new(SslMethod::tls_server()).unwrap();
    // Old versions, weak keys and SHA-1 are the point of some tests.
    context.set_security_level(0);
    context.set_min_proto_version(Some(offer.versions.0)).unwrap();
    context.set_max_proto_version(Some(offer.versions.1)).unwrap();
    if let Some(ciphers) = offer.ciphers {
        context.set_cipher_list(ciphers).unwrap();
    }
    let dh = openssl::dh::Dh::get_2048_256().unwrap();
    context.set_tmp_dh(&dh).unwrap();
    context.set_certificate(&identity.chain[0]).unwrap();
    context.set_private_key(&identity.key).unwrap();
    for certificate in &identity.chain[1..] {
        context.add_extra_chain_cert(certificate.clone()).unwrap();
    }
    let protocols: &'static [u8] = if offer.http2 { b"\x02h2\x08http/1.1" } else { b"\x08http/1.1" };
    context.set_alpn_select_callback(move |_, offered| {
        select_next_proto(protocols, offered).ok_or(AlpnError::ALERT_FATAL)
    });
    if let Some(authority) = &offer.client_authority {
        context.cert_store_mut().add_cert(authority.clone()).unwrap();
        context.set_verify(SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT);
    }
    if let Some(staple) = offer.staple.clone() {
        context.set_status_callback(move |ssl| ssl.set_ocsp_status(&staple).map(|()| true)).unwrap();
    }
    context.build()
}
