//! A private dnsmasq as a real DNS server: own port, no upstream servers, no files of the system.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::program;

/// A running dnsmasq.
pub struct Dnsmasq {
    address: SocketAddr,
    child: Child,
}

impl Dnsmasq {
    /// Starts on a free port of 127.0.0.1. `None` when dnsmasq is known to be missing.
    #[must_use]
    pub fn start() -> Option<Self> {
        let program = program::find("dnsmasq", "dnsmasq")?;
        // It listens on the same port over TCP, which tells when it is ready.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
        let child = Command::new(program)
            .args(["--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--no-resolv", "--no-hosts"])
            .args(["--bind-interfaces", "--listen-address=127.0.0.1", &format!("--port={}", address.port())])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let give_up = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < give_up, "dnsmasq does not listen on {address}");
            std::thread::yield_now();
        }
        Some(Self { address, child })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Dnsmasq {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
