//! Peers that speak bytes by a script, and ports that do not speak at all.
//! A script is a list of [`Act`]s, played anew on every connection.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream as StdStream},
    time::Duration,
};

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::sleep,
};

/// One step of a script.
#[derive(Clone, Debug)]
pub enum Act {
    /// Read until an empty line has come (the end of an HTTP request's head).
    ReadHead,
    /// Read until anything has come.
    ReadSome,
    /// Read exactly these bytes; who sends others is left.
    ReadExactly(Vec<u8>),
    /// Send these bytes.
    Send(Vec<u8>),
    /// Send these bytes one at a time, with a pause after each.
    Drip(Vec<u8>, Duration),
    /// Send these bytes again and again until the other side has enough.
    Flood(Vec<u8>),
    /// Do nothing until the other side goes away.
    Hang,
    /// Reset the connection (RST).
    Reset,
}

impl Act {
    /// Send a text.
    #[must_use]
    pub fn send(text: impl Into<Vec<u8>>) -> Self {
        Self::Send(text.into())
    }
}

/// Plays a script on every connection, then closes it.
pub struct Peer {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Peer {
    /// Starts on a free port of 127.0.0.1.
    pub async fn start(script: Vec<Act>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            loop {
                if let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(play(stream, script.clone()));
                }
            }
        });
        Self { address, task }
    }

    /// A peer that reads a request and then sends this reply.
    pub async fn replying(reply: impl Into<Vec<u8>>) -> Self {
        Self::start(vec![Act::ReadHead, Act::send(reply)]).await
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL with the given scheme.
    #[must_use]
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://{}/", self.address)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a script is played on: TCP itself, or a layer above it.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin {
    /// The connection at the bottom.
    fn tcp(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

/// The other side may leave at any step; that ends the script.
pub(crate) async fn play(mut stream: impl Wire, script: Vec<Act>) {
    if !perform(&mut stream, script).await {
        return;
    }
    // An orderly end: say so, and wait for the other side, so that no unread byte turns it into a reset.
    let mut buffer = vec![0; 16 * 1024];
    let _ = stream.shutdown().await;
    while stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
}

/// The script alone; whether the connection may be used on.
pub(crate) async fn perform(stream: &mut impl Wire, script: Vec<Act>) -> bool {
    let mut buffer = vec![0; 16 * 1024];
    for act in script {
        let done = match act {
            Act::ReadHead => {
                read_until(stream, &mut buffer, |seen| seen.windows(4).any(|four| four == b"\r\n\r\n")).await
            }
            Act::ReadSome => read_until(stream, &mut buffer, |seen| !seen.is_empty()).await,
            Act::ReadExactly(bytes) => {
                let mut read = vec![0; bytes.len()];
                stream.read_exact(&mut read).await.is_ok() && read == bytes
            }
            Act::Send(bytes) => stream.write_all(&bytes).await.is_ok() && stream.flush().await.is_ok(),
            Act::Drip(bytes, pause) => drip(stream, &bytes, pause).await,
            Act::Flood(bytes) => {
                while stream.write_all(&bytes).await.is_ok() {}
                false
            }
            Act::Hang => {
                while stream.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
                false
            }
            Act::Reset => {
                // Zero linger turns the close into a reset.
                drop(socket2::SockRef::from(stream.tcp()).set_linger(Some(Duration::ZERO)));
                false
            }
        };
        if !done {
            return false;
        }
    }
    true
}

async fn read_until(stream: &mut impl Wire, buffer: &mut [u8], is_enough: impl Fn(&[u8]) -> bool) -> bool {
    let mut seen = Vec::new();
    while !is_enough(&seen) {
        match stream.read(buffer).await {
            Ok(0) | Err(_) => return false,
            Ok(count) => seen.extend_from_slice(&buffer[..count]),
        }
    }
    true
}

async fn drip(stream: &mut impl Wire, bytes: &[u8], pause: Duration) -> bool {
    for byte in bytes {
        if stream.write_all(&[*byte]).await.is_err() || stream.flush().await.is_err() {
            return false;
        }
        sleep(pause).await;
    }
    true
}

/// A port that refuses connections and that nobody else can take while this value lives.
pub struct ClosedPort {
    _socket: Socket,
    address: SocketAddr,
}

impl Default for ClosedPort {
    fn default() -> Self {
        Self::new()
    }
}

impl ClosedPort {
    /// Binds a port and never listens on it.
    #[must_use]
    pub fn new() -> Self {
        let (socket, address) = bound();
        Self { _socket: socket, address }
    }

    /// The address that refuses.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A port whose queue of connections is full: a further one is never answered.
pub struct FullBacklog {
    _socket: Socket,
    _waiting: Vec<StdStream>,
    address: SocketAddr,
}

impl Default for FullBacklog {
    fn default() -> Self {
        Self::new()
    }
}

impl FullBacklog {
    /// Listens with the shortest queue, fills it and never accepts.
    #[must_use]
    pub fn new() -> Self {
        Self::on(bound())
    }

    /// The same on the IPv6 loopback address and a given port, as if IPv6 led nowhere. `None` when it is taken.
    #[must_use]
    pub fn on_ipv6(port: u16) -> Option<Self> {
        let socket = Socket::new(Domain::IPV6, Type::STREAM, None).unwrap();
        socket.set_only_v6(true).unwrap();
        let address = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
        socket.bind(&SockAddr::from(address)).ok()?;
        Some(Self::on((socket, address)))
    }

    fn on((socket, address): (Socket, SocketAddr)) -> Self {
        socket.listen(0).unwrap();
        let mut waiting = Vec::new();
        while let Ok(stream) = StdStream::connect_timeout(&address, Duration::from_millis(200)) {
            waiting.push(stream);
        }
        Self { _socket: socket, _waiting: waiting, address }
    }

    /// The address that never answers.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

fn bound() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SockAddr::from(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (socket, address)
}
