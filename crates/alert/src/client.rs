//! The HTTP client of the channels: one request per connection, every address asked of the egress policy,
//! bounded in time and in what it reads, redirects not followed.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Version, header};
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore, client::Resumption};
use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use url::{Position, Url};
use watchkeep_model::EgressPolicy;

/// A receiver has this long to answer.
const LIMIT: Duration = Duration::from_secs(15);
/// Of it, the addresses of a receiver share this much for connecting.
const CONNECTING: Duration = Duration::from_secs(10);
const LARGEST_HEAD: usize = 16 * 1024;
const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("Watchkeep/", env!("CARGO_PKG_VERSION")));

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ClientError {
    #[error("the receiver did not answer within {} s", LIMIT.as_secs())]
    TimedOut,
    #[error("the name {0} has no address: {1}")]
    Name(String, std::io::Error),
    #[error("{0}")]
    Forbidden(watchkeep_model::Forbidden),
    #[error("no connection to {0}: {1}")]
    Connect(SocketAddr, std::io::Error),
    #[error("the TLS connection failed: {0}")]
    Tls(std::io::Error),
    #[error("the exchange failed: {0}")]
    Exchange(hyper::Error),
    #[error("the address cannot be used in a request")]
    Url,
}

/// Why the client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("TLS cannot be set up: {0}")]
pub struct TlsSetupError(rustls::Error);

/// Sends requests.
pub(crate) struct Client {
    egress: EgressPolicy,
    tls: TlsConnector,
}

impl Client {
    /// A client with the trust roots of the system, or Mozilla's where it has none.
    pub(crate) fn new(egress: EgressPolicy) -> Result<Self, TlsSetupError> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut configuration = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsSetupError)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        configuration.resumption = Resumption::disabled();
        Ok(Self { egress, tls: TlsConnector::from(Arc::new(configuration)) })
    }

    /// Posts a body; the status and headers of the answer.
    pub(crate) async fn post(
        &self,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<(StatusCode, HeaderMap), ClientError> {
        timeout(LIMIT, self.exchange(url, headers, body)).await.map_err(|_| ClientError::TimedOut)?
    }

    async fn exchange(
        &self,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<(StatusCode, HeaderMap), ClientError> {
        let stream = self.connect(url).await?;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_11;
        *request.uri_mut() = url[Position::BeforePath..Position::AfterQuery].parse().map_err(|_| ClientError::Url)?;
        *request.headers_mut() = headers;
        let authority =
            HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]).map_err(|_| ClientError::Url)?;
        request.headers_mut().insert(header::HOST, authority);
        request.headers_mut().insert(header::USER_AGENT, USER_AGENT);
        request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        if url.scheme() == "https" {
            let name = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
            let name = ServerName::try_from(name).map_err(|_| ClientError::Url)?;
            let stream = self.tls.connect(name, stream).await.map_err(ClientError::Tls)?;
            ask(stream, request).await
        } else {
            ask(stream, request).await
        }
    }

    /// Connects to the first permitted address that answers.
    async fn connect(&self, url: &Url) -> Result<TcpStream, ClientError> {
        let host = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let found =
            tokio::net::lookup_host((bare, port)).await.map_err(|error| ClientError::Name(host.to_owned(), error))?;
        let mut permitted = Vec::new();
        let mut failure = ClientError::Name(host.to_owned(), std::io::ErrorKind::NotFound.into());
        for address in found {
            match self.egress.permits(address.ip()) {
                Ok(()) => permitted.push(address),
                Err(reason) => failure = ClientError::Forbidden(reason),
            }
        }
        first_that_answers(&permitted).await.unwrap_or(Err(failure))
    }
}

/// Tries the addresses one after another; one that does not answer leaves time for those after it. `None` without any.
async fn first_that_answers(addresses: &[SocketAddr]) -> Option<Result<TcpStream, ClientError>> {
    let share = CONNECTING / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let mut failure = None;
    for &address in addresses {
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Some(Ok(stream)),
            Ok(Err(error)) => failure = Some(Err(ClientError::Connect(address, error))),
            Err(_) => failure = Some(Err(ClientError::Connect(address, std::io::ErrorKind::TimedOut.into()))),
        }
    }
    failure
}

async fn ask(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, HeaderMap), ClientError> {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(LARGEST_HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(ClientError::Exchange)?;
    // Ends with this function, and when the time is up: the connection is closed and the body never read. It says
    // nothing that we need.
    let mut connections = JoinSet::new();
    connections.spawn(connection);
    let (parts, _) = sender.send_request(request).await.map_err(ClientError::Exchange)?.into_parts();
    Ok((parts.status, parts.headers))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::{io::AsyncReadExt, net::TcpListener};
    use watchkeep_lab::raw::FullBacklog;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_silent_receiver_is_given_up_and_its_connection_closed() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url: Url = format!("http://{}/hook", listener.local_addr().unwrap()).parse().unwrap();
        let silent = tokio::spawn(async move {
            let mut seen = Vec::new();
            listener.accept().await.unwrap().0.read_to_end(&mut seen).await.unwrap();
            seen
        });
        let client = Client::new(EgressPolicy::OwnNetworks).unwrap();
        let begun = tokio::time::Instant::now();
        let reply = client.post(&url, HeaderMap::new(), Bytes::from_static(b"{}")).await;
        assert!(matches!(reply, Err(ClientError::TimedOut)), "{reply:?}");
        assert_eq!(begun.elapsed().as_secs(), LIMIT.as_secs());
        assert!(silent.await.unwrap().ends_with(b"{}"));
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_does_not_answer_leaves_time_for_the_next() {
        let full = FullBacklog::new();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let good = listener.local_addr().unwrap();
        let stream = first_that_answers(&[full.address(), good]).await.unwrap().unwrap();
        assert_eq!(stream.peer_addr().unwrap(), good);
        let failed = first_that_answers(&[full.address()]).await.unwrap();
        assert!(failed.is_err());
        assert!(first_that_answers(&[]).await.is_none());
    }
}
