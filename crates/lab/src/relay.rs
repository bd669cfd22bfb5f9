//! A relay in front of another peer: passes everything on, and cuts, stalls or slows what comes back.
//! It puts a fault at any byte of a real exchange, TLS handshakes and HTTP/2 included.

use std::{
    future::pending,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::sleep,
};

use crate::raw::{Act, play};

/// What happens to the bytes on their way back.
#[derive(Clone, Debug)]
enum Way {
    /// So many pass; then the script is played towards the client.
    Until(usize, Vec<Act>),
    /// One at a time, with a pause after each.
    Drip(Duration),
}

/// A running relay.
pub struct Relay {
    address: SocketAddr,
    passed: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Passes everything on, and counts.
    pub async fn open(target: SocketAddr) -> Self {
        Self::start(target, Way::Until(usize::MAX, Vec::new())).await
    }

    /// Passes `bytes` of what the target says, then plays `script`; an empty one closes the connection.
    pub async fn until(target: SocketAddr, bytes: usize, script: Vec<Act>) -> Self {
        Self::start(target, Way::Until(bytes, script)).await
    }

    /// Passes one byte of what the target says after the other, with a pause after each.
    pub async fn drip(target: SocketAddr, pause: Duration) -> Self {
        Self::start(target, Way::Drip(pause)).await
    }

    async fn start(target: SocketAddr, way: Way) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let passed = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&passed);
        let task = tokio::spawn(async move {
            loop {
                if let Ok((client, _)) = listener.accept().await {
                    tokio::spawn(pass(client, target, way.clone(), Arc::clone(&count)));
                }
            }
        });
        Self { address, passed, task }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its URL by the name `localhost`, with the given scheme.
    #[must_use]
    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://localhost:{}/", self.address.port())
    }

    /// How many bytes have come back through it, over all connections.
    #[must_use]
    pub fn passed(&self) -> usize {
        self.passed.load(SeqCst)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(mut client: TcpStream, target: SocketAddr, way: Way, count: Arc<AtomicUsize>) {
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    let (most, script, pause) = match way {
        Way::Until(bytes, script) => (bytes, script, None),
        Way::Drip(pause) => (usize::MAX, Vec::new(), Some(pause)),
    };
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let up = async {
        let _ = copy(&mut from_client, &mut to_server).await;
        let _ = to_server.shutdown().await;
        pending::<()>().await;
    };
    let down = async {
        let mut left = most;
        let mut buffer = [0; 4096];
        let piece = if pause.is_some() { 1 } else { buffer.len() };
        while left > 0 {
            let Ok(length @ 1..) = from_server.read(&mut buffer[..piece.min(left)]).await else { break };
            if to_client.write_all(&buffer[..length]).await.is_err() {
                break;
            }
            count.fetch_add(length, SeqCst);
            left -= length;
            if let Some(pause) = pause {
                sleep(pause).await;
            }
        }
        left == 0
    };
    let is_cut = tokio::select! {
        () = up => false,
        is_cut = down => is_cut,
    };
    play(client, if is_cut { script } else { Vec::new() }).await;
}
