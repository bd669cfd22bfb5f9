//! Peers that speak by datagrams: they answer by a function of the test's choice, or not at all.

use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket as StdSocket},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use tokio::{net::UdpSocket, task::JoinHandle};

/// One datagram of an answer.
#[derive(Clone, Debug)]
pub enum Datagram {
    /// From the port that was asked.
    Plain(Vec<u8>),
    /// From another port of the same host.
    FromElsewhere(Vec<u8>),
}

/// Answers every datagram.
pub struct Peer {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Peer {
    /// Starts on a free port of 127.0.0.1; what comes is answered with what `answer` makes of it.
    pub async fn start(answer: impl Fn(&[u8]) -> Vec<Datagram> + Send + 'static) -> Self {
        Self::on(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), answer).await.unwrap()
    }

    /// The same on an address of the test's choice. `None` where it is taken or this machine does not have it.
    pub async fn on(address: SocketAddr, answer: impl Fn(&[u8]) -> Vec<Datagram> + Send + 'static) -> Option<Self> {
        let socket = UdpSocket::bind(address).await.ok()?;
        let elsewhere = UdpSocket::bind((address.ip(), 0)).await.ok()?;
        let address = socket.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            let mut buffer = vec![0; 65_536];
            loop {
                // An error tells that somebody who was answered is gone.
                let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
                count.fetch_add(1, SeqCst);
                for datagram in answer(&buffer[..length]) {
                    let _ = match datagram {
                        Datagram::Plain(bytes) => socket.send_to(&bytes, from).await,
                        Datagram::FromElsewhere(bytes) => elsewhere.send_to(&bytes, from).await,
                    };
                }
            }
        });
        Some(Self { address, asked, task })
    }

    /// A peer that gives everybody the same answer.
    pub async fn replying(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(move |_| vec![Datagram::Plain(answer.clone())]).await
    }

    /// A peer that takes everything and says nothing.
    pub async fn silent() -> Self {
        Self::start(|_| Vec::new()).await
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many datagrams have come.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.asked.load(SeqCst)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A port that is answered with ICMP's word for closed, and that nobody else can take while this value lives.
pub struct ClosedPort {
    socket: StdSocket,
}

impl Default for ClosedPort {
    fn default() -> Self {
        Self::new()
    }
}

impl ClosedPort {
    /// Takes a port and talks to itself alone: for anybody else nobody listens there.
    #[must_use]
    pub fn new() -> Self {
        Self::on(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }

    /// The same on an address of the test's choice.
    #[must_use]
    pub fn on(address: SocketAddr) -> Self {
        let socket = StdSocket::bind(address).unwrap();
        socket.connect(socket.local_addr().unwrap()).unwrap();
        Self { socket }
    }

    /// The address that refuses.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }
}
