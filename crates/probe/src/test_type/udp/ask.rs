//! Asks by datagram: from a fresh port for every address, one address after the other with a head start each.
//! The socket is connected, so that only the peer's own datagrams arrive, and what ICMP says of it.

use std::{
    fmt, io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use jiff::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::{
    io::Interest,
    net::UdpSocket,
    time::{Instant, sleep},
};
use watchkeep_model::{
    Span,
    udp::{Facts, Options, Request},
};

use super::payload::{Asking, Fault, Nonce, Times};
use crate::{
    answer::{Answer, Extent, expected, judge},
    net::{
        connect::{HEAD_START, MOST_TRIED},
        deadline::{Deadline, Passed},
    },
};

/// Room for any datagram.
const LARGEST_DATAGRAM: usize = 65_536;
/// Datagrams that are waited over because they have nothing to do with our request.
const MOST_STRAYS: usize = 100;
/// Seconds from 1900, where NTP begins to count, to 1970.
const SECONDS_BEFORE_1970: i64 = 2_208_988_800;

/// What is asked, and until when an answer is waited for.
pub(super) struct Question<'a> {
    options: &'a Options,
    nonce: Nonce,
    total: Deadline,
}

/// A datagram that came back, and what it is worth.
pub(super) struct Reply {
    pub(super) address: SocketAddr,
    pub(super) bytes: Vec<u8>,
    /// From the request to this datagram.
    pub(super) waited: Duration,
    pub(super) outcome: Result<Option<Facts>, Fault>,
}

/// Why no datagram came back from an address.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing came in time.
    Silent { address: SocketAddr, limit: Span },
    /// The host says that nobody listens on the port.
    Closed { address: SocketAddr },
    /// The datagram did not leave the robot.
    Local { address: SocketAddr, error: io::Error },
}

impl Failure {
    pub(super) fn address(&self) -> SocketAddr {
        match self {
            Self::Silent { address, .. } | Self::Closed { address } | Self::Local { address, .. } => *address,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // EMSGSIZE of Linux, which has no kind of its own.
        const TOO_LARGE: i32 = 90;
        match self {
            Self::Silent { address, limit } => write!(f, "no answer from {address} within {limit}"),
            Self::Closed { address } => write!(f, "the host says that the port is unreachable (ICMP, {address})"),
            Self::Local { address, error } => match error.kind() {
                io::ErrorKind::NetworkUnreachable => write!(f, "no route to the network ({address})"),
                io::ErrorKind::HostUnreachable => write!(f, "no route to the host ({address})"),
                io::ErrorKind::AddrNotAvailable if address.is_ipv6() => {
                    write!(f, "the robot has no address to send from ({address})")
                }
                _ if error.raw_os_error() == Some(TOO_LARGE) => {
                    write!(f, "the datagram is too large for the way to {address}")
                }
                _ => write!(f, "the robot itself cannot send a datagram: {error} ({address})"),
            },
        }
    }
}

impl<'a> Question<'a> {
    /// A question with numbers of its own.
    pub(super) fn new(options: &'a Options, total: Deadline) -> Result<Self, String> {
        let mut nonce = Nonce::default();
        if matches!(options.request, Request::Ready(_)) {
            let filled = SystemRandom::new().fill(&mut nonce);
            filled.map_err(|_| "the robot itself has no random numbers".to_owned())?;
        }
        Ok(Self { options, nonce, total })
    }

    /// The first answer from any of `addresses`. Another one is asked too when one fails, or has had its head start.
    pub(super) async fn ask(&self, addresses: &[SocketAddr]) -> Result<Reply, Vec<Failure>> {
        // The usual case, without anything gathered.
        if let [only] = *addresses {
            return self.ask_at(only).await.map_err(|failure| vec![failure]);
        }
        let mut waiting = addresses.iter().take(MOST_TRIED);
        let mut running = FuturesUnordered::new();
        let mut failures = Vec::new();
        loop {
            if let Some(&address) = waiting.next() {
                running.push(self.ask_at(address));
            }
            tokio::select! {
                finished = running.next() => match finished {
                    Some(Ok(reply)) => return Ok(reply),
                    Some(Err(failure)) => failures.push(failure),
                    None => return Err(failures),
                },
                () = sleep(HEAD_START), if waiting.len() > 0 => {}
            }
        }
    }

    async fn ask_at(&self, address: SocketAddr) -> Result<Reply, Failure> {
        let local = |error| Failure::Local { address, error };
        let socket = open(address).await.map_err(local)?;
        let own = socket.local_addr().map_err(local)?;
        let asking = match &self.options.request {
            Request::Own(..) => None,
            Request::Ready(ready) => {
                Some(Asking { ready: *ready, nonce: self.nonce, target: &self.options.endpoint, local: own })
            }
        };
        let sent_at = ntp_time(Timestamp::now());
        let start = Instant::now();
        let sent = match (&self.options.request, &asking) {
            (Request::Own(payload, _), _) => socket.send(payload.bytes()).await,
            (Request::Ready(_), asking) => {
                let request = asking.as_ref().map(Asking::request).unwrap_or_default();
                socket.send(&request).await
            }
        };
        sent.map_err(local)?;
        let mut stray = None;
        let listening = async {
            let mut left = MOST_STRAYS;
            loop {
                let bytes = receive(&socket).await?;
                let times = Times { sent: sent_at, received: ntp_time(Timestamp::now()) };
                let outcome = self.judge(asking.as_ref(), &bytes, times);
                let is_stray = outcome.as_ref().is_err_and(|fault| fault.is_stray);
                let reply = Reply { address, bytes, waited: start.elapsed(), outcome };
                if !is_stray || left == 0 {
                    return Ok::<_, io::Error>(reply);
                }
                left -= 1;
                // The first one tells most: what answers our request wrongly comes before what follows it.
                stray.get_or_insert(reply);
            }
        };
        let heard = self.total.bound(listening).await;
        match (heard, stray) {
            (Ok(Ok(reply)), _) | (Ok(Err(_)) | Err(_), Some(reply)) => Ok(reply),
            (Ok(Err(error)), None) if error.kind() == io::ErrorKind::ConnectionRefused => {
                Err(Failure::Closed { address })
            }
            (Ok(Err(error)), None) => Err(Failure::Local { address, error }),
            (Err(Passed(limit)), None) => Err(Failure::Silent { address, limit }),
        }
    }

    /// What a datagram is worth.
    fn judge(&self, asking: Option<&Asking<'_>>, bytes: &[u8], times: Times) -> Result<Option<Facts>, Fault> {
        let facts = asking.map(|asking| asking.read(bytes, times)).transpose()?;
        let encoding = match self.options.request {
            Request::Own(_, encoding) => encoding,
            Request::Ready(_) => None,
        };
        let expectation = self.options.expect.as_ref();
        match judge(bytes, Extent::Message, encoding, expectation) {
            Answer::Right => Ok(facts),
            Answer::Wrong => {
                let wanted = expectation.map(expected).unwrap_or_default();
                Err(Fault::unexpected(format!("the reply does not match {wanted}")))
            }
            Answer::Undecodable(reason) => Err(Fault::invalid(format!("the reply cannot be decoded, {reason}"))),
        }
    }
}

/// A socket on a port that the system chooses, for this peer alone.
async fn open(peer: SocketAddr) -> io::Result<UdpSocket> {
    let any = match peer {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(peer).await?;
    Ok(socket)
}

/// The next datagram. Room for it is made when it has come, so that a test that waits holds none.
async fn receive(socket: &UdpSocket) -> io::Result<Vec<u8>> {
    loop {
        let ready = socket.ready(Interest::READABLE | Interest::ERROR).await?;
        let mut bytes = Vec::with_capacity(if ready.is_readable() { LARGEST_DATAGRAM } else { 0 });
        let received = match socket.try_recv_buf(&mut bytes) {
            // The word of ICMP alone makes nothing readable. It is taken here, and told once.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let told = || socket.take_error()?.map_or(Err(io::ErrorKind::WouldBlock.into()), Err);
                match socket.try_io(Interest::ERROR, told) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                    told => told,
                }
            }
            // The system tells of ICMP before it hands out a datagram that came earlier.
            Err(error) => socket.try_recv_buf(&mut bytes).map_err(|_| error),
            received => received,
        };
        return received.map(|_| {
            bytes.shrink_to_fit();
            bytes
        });
    }
}

/// A time as NTP writes it: seconds since 1900 in the upper half, parts of them in the lower one.
fn ntp_time(at: Timestamp) -> u64 {
    let seconds = at.as_second().wrapping_add(SECONDS_BEFORE_1970).cast_unsigned();
    let parts = (u64::from(at.subsec_nanosecond().unsigned_abs()) << 32) / 1_000_000_000;
    (seconds << 32) | parts
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    #[test]
    fn times_are_written_as_ntp_does() {
        for (time, seconds, parts) in [
            ("1970-01-01T00:00:00Z", 2_208_988_800, 0),
            ("2026-11-24T10:00:00.5Z", 1_795_514_400 + 2_208_988_800, 1_u64 << 31),
            // The second era began.
            ("2036-02-07T06:28:16Z", 0, 0),
        ] {
            assert_eq!(ntp_time(time.parse().unwrap()), (seconds << 32) | parts, "{time}");
        }
    }

    /// An answer and then the word that the port is closed: the answer counts.
    #[tokio::test]
    async fn an_answer_counts_although_icmp_followed() {
        let peer = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let socket = open(peer.local_addr().unwrap()).await.unwrap();
        socket.send(b"first").await.unwrap();
        let mut buffer = [0; 16];
        let (_, from) = peer.recv_from(&mut buffer).unwrap();
        peer.send_to(b"answer", from).unwrap();
        drop(peer);
        // On loopback the ICMP message is here when this returns.
        socket.send(b"second").await.unwrap();
        assert_eq!(receive(&socket).await.unwrap(), b"answer");
        let fresh = open(socket.peer_addr().unwrap()).await.unwrap();
        for socket in [socket, fresh] {
            socket.send(b"third").await.unwrap();
            assert_eq!(receive(&socket).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        }
    }

    #[test]
    fn failures_are_told_apart() {
        let address: SocketAddr = "192.0.2.1:53".parse().unwrap();
        // ENETUNREACH, EHOSTUNREACH, EMSGSIZE, EMFILE of Linux.
        for (code, words) in [
            (101, "no route to the network (192.0.2.1:53)"),
            (113, "no route to the host (192.0.2.1:53)"),
            (90, "too large for the way to 192.0.2.1:53"),
            (24, "the robot itself cannot send a datagram"),
        ] {
            let failure = Failure::Local { address, error: io::Error::from_raw_os_error(code) };
            assert!(failure.to_string().contains(words), "{failure}");
        }
    }
}
