//! WebSocket servers: one through an independent implementation (tungstenite), in clear text and over TLS, and one that
//! plays a script after an opening handshake of the test's choice.

use std::{
    net::{Ipv4Addr, SocketAddr},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use futures_util::{SinkExt, StreamExt};
use openssl::ssl::Ssl;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_openssl::SslStream;
pub use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{
    accept_hdr_async,
    tungstenite::handshake::server::{Request, Response},
};

use crate::{
    ca::Identity,
    raw::{Act, play},
    tls::{Offer, context},
};

/// What a good server does with the connections that it takes.
#[derive(Clone, Debug, Default)]
pub struct Manners {
    /// The sub-protocol that it chooses, whatever was offered.
    pub subprotocol: Option<&'static str>,
    /// Messages that it sends before it listens.
    pub greeting: Vec<Message>,
}

/// A good server: it answers the path `/refused` with 403, and sends every message back.
pub struct Server {
    address: SocketAddr,
    closes: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts on a free port of 127.0.0.1, in clear text.
    pub async fn start(manners: Manners) -> Self {
        Self::launch(None, manners).await
    }

    /// Starts over TLS.
    pub async fn start_tls(identity: &Identity, offer: &Offer, manners: Manners) -> Self {
        Self::launch(Some(context(identity, offer)), manners).await
    }

    async fn launch(context: Option<openssl::ssl::SslContext>, manners: Manners) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let closes = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&closes);
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let (manners, count) = (manners.clone(), Arc::clone(&count));
                let ssl = context.as_ref().map(|context| Ssl::new(context).unwrap());
                tokio::spawn(async move {
                    let was_closed = match ssl {
                        None => serve(stream, manners).await,
                        Some(ssl) => {
                            let mut stream = SslStream::new(ssl, stream).unwrap();
                            match Pin::new(&mut stream).accept().await {
                                Ok(()) => serve(stream, manners).await,
                                Err(_) => None,
                            }
                        }
                    };
                    count.fetch_add(usize::from(was_closed.is_some()), SeqCst);
                });
            }
        });
        Self { address, closes, task }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections were closed by a close frame of the client, as they should be.
    #[must_use]
    pub fn closes(&self) -> usize {
        self.closes.load(SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves one connection; `Some` when the client closed it in good order.
async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, manners: Manners) -> Option<()> {
    #[expect(clippy::result_large_err, reason = "the library's own signature")]
    let answer = |request: &Request, mut response: Response| {
        if request.uri().path() == "/refused" {
            let mut refusal = http::Response::new(None);
            *refusal.status_mut() = http::StatusCode::FORBIDDEN;
            return Err(refusal);
        }
        if let Some(chosen) = manners.subprotocol {
            response.headers_mut().insert(http::header::SEC_WEBSOCKET_PROTOCOL, chosen.parse().unwrap());
        }
        Ok(response)
    };
    let mut socket = accept_hdr_async(stream, answer).await.ok()?;
    for message in manners.greeting {
        socket.send(message).await.ok()?;
    }
    loop {
        match socket.next().await?.ok()? {
            message @ (Message::Text(_) | Message::Binary(_)) => socket.send(message).await.ok()?,
            Message::Close(_) => {
                // The library has its answer ready; it goes out when the stream is driven to its end.
                while socket.next().await.is_some() {}
                return Some(());
            }
            _ => {}
        }
    }
}

/// The answer that opens a WebSocket; `{accept}` stands for the proof that the key was read.
pub const ACCEPTING: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                             Sec-WebSocket-Accept: {accept}\r\n\r\n";

/// A frame as a server sends it: the first byte, then the length in its shortest form, then the content.
#[must_use]
pub fn frame(first: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match content.len() {
        length @ 0..=125 => bytes.push(u8::try_from(length).unwrap()),
        length @ 126..=0xffff => {
            bytes.push(126);
            bytes.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
        length => {
            bytes.push(127);
            bytes.extend((length as u64).to_be_bytes());
        }
    }
    bytes.extend(content);
    bytes
}

/// Answers the opening handshake with a text of the test's choice, then plays a script.
pub struct Peer {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Peer {
    /// Starts on a free port of 127.0.0.1.
    pub async fn answering(answer: &str, script: Vec<Act>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = answer.to_owned();
        let task = tokio::spawn(async move {
            loop {
                if let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(open(stream, answer.clone(), script.clone()));
                }
            }
        });
        Self { address, task }
    }

    /// Accepts every WebSocket.
    pub async fn accepting(script: Vec<Act>) -> Self {
        Self::answering(ACCEPTING, script).await
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("ws://{}/", self.address)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn open(mut stream: TcpStream, answer: String, script: Vec<Act>) {
    let mut head = Vec::new();
    // Byte by byte, so that nothing of what follows is taken from the script.
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head);
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    let key = lines.find(|(name, _)| name.eq_ignore_ascii_case("Sec-WebSocket-Key")).map_or("", |(_, key)| key.trim());
    let proof = openssl::sha::sha1(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11").as_bytes());
    let answer = answer.replace("{accept}", &openssl::base64::encode_block(&proof));
    if stream.write_all(answer.as_bytes()).await.is_ok() {
        play(stream, script).await;
    }
}
