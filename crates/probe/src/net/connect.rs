//! TCP connections: one address after the other with a head start (RFC 8305), each asked of the egress policy.
//! Every failed attempt is kept, so that the detail can tell of the one that says most.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::{net::TcpStream, time::sleep};
use watchkeep_model::{EgressPolicy, Forbidden};

use crate::net::stream::{Metered, Tcp};

/// The head start of one address before the next is tried too (RFC 8305, section 5).
pub(crate) const HEAD_START: Duration = Duration::from_millis(250);
/// Addresses that are tried at the most.
pub(crate) const MOST_TRIED: usize = 8;

/// One attempt that came to nothing.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) address: SocketAddr,
    pub(crate) error: io::Error,
}

/// The attempts of one connection, told while they are made: a deadline may end the waiting at any moment.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    pub(crate) begun: Vec<SocketAddr>,
    pub(crate) failed: Vec<Failure>,
}

impl Attempts {
    /// The failure that tells most about the server.
    pub(crate) fn most_telling(&self) -> Option<&Failure> {
        self.failed.iter().max_by_key(|failure| telling(failure))
    }

    /// The addresses from which nothing has come at all.
    pub(crate) fn silent(&self) -> impl Iterator<Item = &SocketAddr> {
        self.begun.iter().filter(|address| !self.failed.iter().any(|failure| failure.address == **address))
    }
}

/// An answer of the server's own tells more than one of the network, and that more than one of the robot.
fn telling(failure: &Failure) -> u8 {
    match failure.error.kind() {
        _ if failure.is_of_the_robot() => 0,
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::AddrNotAvailable => 1,
        io::ErrorKind::HostUnreachable => 2,
        io::ErrorKind::ConnectionReset => 4,
        io::ErrorKind::ConnectionRefused => 5,
        _ => 3,
    }
}

impl Failure {
    /// Whether the robot's own machine could not even try: no descriptors, ports or memory left.
    pub(crate) fn is_of_the_robot(&self) -> bool {
        // ENOMEM, ENFILE, EMFILE, ENOBUFS of Linux; most have no kind of their own.
        const EXHAUSTED: [i32; 4] = [12, 23, 24, 105];
        let is_exhausted = self.error.raw_os_error().is_some_and(|code| EXHAUSTED.contains(&code));
        // For an IPv6 address this says that the robot has no IPv6; for an IPv4 one that no port is left.
        let has_no_port = self.error.kind() == io::ErrorKind::AddrNotAvailable && self.address.is_ipv4();
        is_exhausted || has_no_port
    }
}

/// Why no connection stands.
#[derive(Debug)]
pub(crate) enum ConnectError {
    /// The policy forbids every address.
    Forbidden(Forbidden),
    /// Every attempt failed; see [`Attempts`].
    Failed,
}

/// Connects to the first of `addresses` that answers; IPv6 has the head start where both versions exist.
pub(crate) async fn connect(
    addresses: &[IpAddr],
    port: u16,
    egress: EgressPolicy,
    attempts: &mut Attempts,
) -> Result<(Tcp, SocketAddr), ConnectError> {
    // The usual case, without anything gathered.
    if let [only] = *addresses {
        egress.permits(only).map_err(ConnectError::Forbidden)?;
        let address = SocketAddr::new(only, port);
        attempts.begun.push(address);
        return attempt(address).await.map_err(|failure| {
            attempts.failed.push(failure);
            ConnectError::Failed
        });
    }
    let permitted = permitted(addresses, port, egress).map_err(ConnectError::Forbidden)?;
    Box::pin(race(permitted, attempts)).await
}

/// The addresses that the policy permits, in the order in which they are to be tried.
///
/// # Errors
/// When there are addresses and none of them is permitted.
pub(crate) fn permitted(addresses: &[IpAddr], port: u16, egress: EgressPolicy) -> Result<Vec<SocketAddr>, Forbidden> {
    let mut permitted = Vec::with_capacity(addresses.len());
    let mut forbidden = None;
    for &address in addresses {
        match egress.permits(address) {
            Ok(()) => permitted.push(SocketAddr::new(address, port)),
            Err(reason) => forbidden = Some(reason),
        }
    }
    match forbidden {
        Some(reason) if permitted.is_empty() => Err(reason),
        _ => Ok(interleaved(&permitted)),
    }
}

async fn attempt(address: SocketAddr) -> Result<(Tcp, SocketAddr), Failure> {
    match TcpStream::connect(address).await {
        Ok(stream) => Ok((Metered::new(stream), address)),
        Err(error) => Err(Failure { address, error }),
    }
}

/// Each attempt starts when the one before failed or had its head start; the first that stands wins.
async fn race(addresses: Vec<SocketAddr>, attempts: &mut Attempts) -> Result<(Tcp, SocketAddr), ConnectError> {
    let mut waiting = addresses.into_iter().take(MOST_TRIED);
    let mut running = FuturesUnordered::new();
    loop {
        if let Some(address) = waiting.next() {
            attempts.begun.push(address);
            running.push(attempt(address));
        }
        tokio::select! {
            finished = running.next() => match finished {
                Some(Ok(connected)) => return Ok(connected),
                Some(Err(failure)) => attempts.failed.push(failure),
                None => return Err(ConnectError::Failed),
            },
            () = sleep(HEAD_START), if waiting.len() > 0 => {}
        }
    }
}

/// IPv6 and IPv4 in turn, each in the order given (RFC 8305, section 4).
fn interleaved(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let mut six = addresses.iter().filter(|address| address.is_ipv6());
    let mut four = addresses.iter().filter(|address| address.is_ipv4());
    let mut mixed = Vec::with_capacity(addresses.len());
    loop {
        let pair = (six.next(), four.next());
        mixed.extend(pair.0);
        mixed.extend(pair.1);
        if pair == (None, None) {
            return mixed;
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn versions_take_turns() {
        let parse = |texts: &[&str]| texts.iter().map(|text| address(text)).collect::<Vec<_>>();
        let given = parse(&["1.1.1.1:1", "2.2.2.2:1", "3.3.3.3:1", "[::1]:1"]);
        assert_eq!(interleaved(&given), parse(&["[::1]:1", "1.1.1.1:1", "2.2.2.2:1", "3.3.3.3:1"]));
    }

    #[test]
    fn the_servers_own_answer_tells_most() {
        let failed = |at: &str, code: i32| Failure { address: address(at), error: io::Error::from_raw_os_error(code) };
        // ENETUNREACH, ECONNREFUSED, EMFILE, EADDRNOTAVAIL
        let (unreachable, refused, exhausted, no_address) = (101, 111, 24, 99);
        let attempts = Attempts {
            begun: vec![address("[::1]:1"), address("1.1.1.1:1"), address("2.2.2.2:1")],
            failed: vec![failed("[::1]:1", unreachable), failed("1.1.1.1:1", refused)],
        };
        assert_eq!(attempts.most_telling().unwrap().address, address("1.1.1.1:1"));
        assert_eq!(attempts.silent().collect::<Vec<_>>(), [&address("2.2.2.2:1")]);
        assert!(failed("1.1.1.1:1", exhausted).is_of_the_robot());
        assert!(failed("1.1.1.1:1", no_address).is_of_the_robot());
        assert!(!failed("[::1]:1", no_address).is_of_the_robot());
    }
}
