//! A well-behaved HTTP server with a handler of the test's choice, and a plain proxy.
//! Both answer what they are asked and count it; whatever is broken lives in `raw`.

use std::{
    future::Future,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A complete request.
pub type Received = Request<Bytes>;
/// A reply whose body is at hand.
pub type Reply = Response<Full<Bytes>>;
type Answer = Pin<Box<dyn Future<Output = Reply> + Send>>;
/// Answers requests.
pub(crate) type Handler = Arc<dyn Fn(Received) -> Answer + Send + Sync>;

/// A reply of status 200 with this body.
#[must_use]
pub fn ok(body: impl Into<Bytes>) -> Reply {
    Response::new(Full::new(body.into()))
}

/// A reply of this status with one header and a body.
#[must_use]
pub fn reply(status: u16, header: (&str, &str), body: impl Into<Bytes>) -> Reply {
    Response::builder().status(status).header(header.0, header.1).body(Full::new(body.into())).unwrap()
}

/// An HTTP server in clear text, HTTP/1 and HTTP/2.
pub struct Server {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts on a free port of 127.0.0.1.
    pub async fn start<F: Future<Output = Reply> + Send + 'static>(
        handler: impl Fn(Received) -> F + Send + Sync + 'static,
    ) -> Self {
        Self::start_on(Ipv4Addr::LOCALHOST.into(), 0, handler).await
    }

    /// Starts on a given address; port 0 is any free one.
    pub async fn start_on<F: Future<Output = Reply> + Send + 'static>(
        ip: IpAddr,
        port: u16,
        handler: impl Fn(Received) -> F + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind((ip, port)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        let handler: Handler = Arc::new(move |request| {
            count.fetch_add(1, SeqCst);
            Box::pin(handler(request))
        });
        let task = tokio::spawn(async move {
            loop {
                if let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, Arc::clone(&handler)));
                }
            }
        });
        Self { address, requests, task }
    }

    /// Always the same page.
    pub async fn page(body: &'static str) -> Self {
        Self::start(move |_| async move { ok(body) }).await
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL with this path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// How many requests have come.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.requests.load(SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves one connection of any kind.
pub(crate) async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, handler: Handler) {
    let service = service_fn(move |request: Request<Incoming>| {
        let handler = Arc::clone(&handler);
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok::<_, hyper::Error>(handler(Request::from_parts(parts, body)).await)
        }
    });
    // A client that leaves early is its own affair.
    let _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await;
}

/// An HTTP proxy: absolute URLs are answered with the given page, CONNECT is tunnelled.
pub struct Proxy {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts on a free port. With `refusal` every CONNECT is answered with that status.
    pub async fn start(refusal: Option<u16>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let count = Arc::clone(&count);
                let service = service_fn(move |request: Request<Incoming>| {
                    count.fetch_add(1, SeqCst);
                    async move { Ok::<_, hyper::Error>(relay(request, refusal)) }
                });
                tokio::spawn(async move {
                    let connection =
                        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                    let _ = connection.with_upgrades().await;
                });
            }
        });
        Self { address, requests, task }
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many requests have come.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.requests.load(SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn relay(request: Request<Incoming>, refusal: Option<u16>) -> Reply {
    if request.method() != Method::CONNECT {
        return ok(format!("proxied {}", request.uri()));
    }
    if let Some(status) = refusal {
        return reply(status, ("content-length", "0"), "");
    }
    let target = request.uri().authority().map(ToString::to_string).unwrap_or_default();
    tokio::spawn(async move {
        let Ok(upgraded) = hyper::upgrade::on(request).await else { return };
        let Ok(mut onward) = TcpStream::connect(target).await else { return };
        let _ = copy_bidirectional(&mut TokioIo::new(upgraded), &mut onward).await;
    });
    let mut established = Response::new(Full::default());
    *established.status_mut() = StatusCode::OK;
    established
}
