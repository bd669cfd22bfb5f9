//! A small HTTP client: one connection per request, whole answers, and streams of server-sent events.
//! It does what it is told and judges nothing.

use std::{net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};

use super::PATIENCE;

/// Speaks to one server, with a token or without.
#[derive(Clone, Debug)]
pub struct Client {
    address: SocketAddr,
    token: Option<String>,
}

impl Client {
    pub fn new(address: SocketAddr, token: Option<&str>) -> Self {
        Self { address, token: token.map(str::to_owned) }
    }

    /// A path of the API, such as `/monitors`.
    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let request = self.request(method, &format!("/api/v1{path}"));
        let request = match body {
            None => request.body(Full::default()),
            Some(body) => {
                request.header(header::CONTENT_TYPE, "application/json").body(Full::new(body.to_string().into()))
            }
        };
        self.send(request.unwrap()).await
    }

    /// A whole path, such as `/healthz`.
    pub async fn fetch(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path).body(Full::default()).unwrap()).await
    }

    /// A request with the headers that each one needs.
    pub fn request(&self, method: Method, path: &str) -> http::request::Builder {
        let request = Request::builder().method(method).uri(path).header(header::HOST, self.address.to_string());
        match &self.token {
            Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }

    /// Sends a request and takes the whole answer.
    ///
    /// # Panics
    /// When there is no answer within [`PATIENCE`].
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        self.try_send(request).await.unwrap_or_else(|error| panic!("no answer: {error}"))
    }

    /// The same for a server that may be dying: an error when it does.
    pub async fn try_send(&self, request: Request<Full<Bytes>>) -> Result<Answer, String> {
        let exchange = async {
            let response = self.open(request).await?;
            let (parts, body) = response.into_parts();
            let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
            Ok(Answer { status: parts.status, headers: parts.headers, body })
        };
        timeout(PATIENCE, exchange).await.unwrap_or_else(|_| Err(format!("nothing for {PATIENCE:?}")))
    }

    /// Opens a stream of server-sent events at a path of the API.
    pub async fn stream(&self, path: &str) -> Stream {
        let request = self.request(Method::GET, &format!("/api/v1{path}")).body(Full::default()).unwrap();
        let response = timeout(PATIENCE, self.open(request)).await.unwrap().unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Stream { body: response.into_body(), text: String::new() }
    }

    async fn open(&self, request: Request<Full<Bytes>>) -> Result<http::Response<Incoming>, String> {
        let stream = TcpStream::connect(self.address).await.map_err(|error| error.to_string())?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
        tokio::spawn(connection);
        sender.send_request(request).await.map_err(|error| error.to_string())
    }
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text()))
    }

    /// The document of a 2xx answer.
    #[track_caller]
    pub fn success(&self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.text());
        self.json()
    }

    /// The entries of a list.
    #[track_caller]
    pub fn items(&self) -> Vec<Value> {
        self.success()["items"].as_array().unwrap().clone()
    }
}

/// An open stream of server-sent events.
pub struct Stream {
    body: Incoming,
    text: String,
}

impl Stream {
    /// Reads until `part` has come.
    ///
    /// # Panics
    /// When the stream ends before, or nothing comes for [`PATIENCE`].
    pub async fn read_until(&mut self, part: &str) {
        while !self.text.contains(part) {
            assert!(self.more(PATIENCE).await, "the stream ended without {part:?}: {}", self.text);
        }
    }

    /// Reads to the end and gives everything that came.
    pub async fn read_to_end(mut self) -> String {
        while self.more(PATIENCE).await {}
        self.text
    }

    /// Takes what comes next; false at the end.
    async fn more(&mut self, limit: Duration) -> bool {
        let next = timeout(limit, self.body.frame()).await;
        match next.unwrap_or_else(|_| panic!("the stream is silent; so far: {}", self.text)) {
            None => false,
            Some(frame) => {
                let data = frame.expect("the stream ends in order").into_data().unwrap_or_default();
                self.text.push_str(std::str::from_utf8(&data).unwrap());
                true
            }
        }
    }
}
