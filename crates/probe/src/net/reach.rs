//! The way to a server: its name, then a connection to one of its addresses, each with its deadline.
//! What went wrong is told as a cause and a sentence; which code that is, each test type knows.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Instant,
};

use url::Host;
use watchkeep_model::{Endpoint, Network, Phases, Test};

use crate::{
    Prober,
    net::{
        connect::{Attempts, ConnectError, Failure, connect},
        deadline::{Deadline, Passed},
        stream::Tcp,
    },
};

/// Why a server is not reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Its name has no address, or no DNS server says so.
    Name,
    /// The egress policy forbids every address.
    Forbidden,
    /// It says no itself, or something on the way does in its name.
    Refused,
    /// There is no way to it.
    Unreachable,
    /// Nothing came in time.
    Silent,
    /// The robot's own machine cannot open a connection.
    Robot,
}

/// A server that is not reached.
#[derive(Clone, Debug)]
pub(crate) struct Unreached {
    pub(crate) cause: Cause,
    pub(crate) detail: String,
    /// The address that the detail speaks of first.
    pub(crate) ip: Option<IpAddr>,
}

impl Unreached {
    fn new(cause: Cause, detail: impl Into<String>) -> Self {
        Self { cause, detail: detail.into(), ip: None }
    }
}

/// A connection that stands.
pub(crate) struct Reached {
    pub(crate) stream: Tcp,
    pub(crate) address: SocketAddr,
    /// By when the TLS handshake must be done too.
    pub(crate) connect_deadline: Deadline,
}

impl Prober {
    /// The addresses of a host, at least one.
    pub(crate) async fn resolve(
        &self,
        host: Host<&str>,
        network: &Network,
        deadline: Deadline,
    ) -> Result<Arc<[IpAddr]>, Unreached> {
        match deadline.bound(self.names.resolve(host.clone(), network)).await {
            Ok(Ok(addresses)) => Ok(addresses),
            Ok(Err(error)) => Err(Unreached::new(Cause::Name, error.to_string())),
            Err(Passed(limit)) => {
                Err(Unreached::new(Cause::Name, format!("no DNS server answered for {host} within {limit}")))
            }
        }
    }

    /// A TCP connection to one of `addresses`.
    pub(crate) async fn dial(
        &self,
        addresses: &[IpAddr],
        port: u16,
        deadline: Deadline,
    ) -> Result<(Tcp, SocketAddr), Unreached> {
        let mut attempts = Attempts::default();
        match deadline.bound(connect(addresses, port, self.egress, &mut attempts)).await {
            Ok(Ok(connected)) => Ok(connected),
            Ok(Err(ConnectError::Forbidden(reason))) => Err(Unreached::new(Cause::Forbidden, reason.to_string())),
            Ok(Err(ConnectError::Failed)) => Err(unconnected(&attempts)),
            Err(passed) => Err(late(&attempts, passed)),
        }
    }

    /// Name and connection of a test's target, with their phases noted.
    pub(crate) async fn reach(
        &self,
        test: &Test,
        target: &Endpoint,
        total: Deadline,
        phases: &mut Phases,
    ) -> Result<Reached, Unreached> {
        let start = Instant::now();
        let resolved = self.resolve(target.host.as_host(), &test.network, total).await;
        phases.dns = Some(start.elapsed());
        let addresses = resolved?;
        let connect_deadline = Deadline::after(test.limits.connect).earlier(total);
        let start = Instant::now();
        let dialled = self.dial(&addresses, target.port, connect_deadline).await;
        phases.connect = Some(start.elapsed());
        let (stream, address) = dialled?;
        Ok(Reached { stream, address, connect_deadline })
    }
}

fn unconnected(attempts: &Attempts) -> Unreached {
    let Some(failure) = attempts.most_telling() else {
        return Unreached::new(Cause::Unreachable, "no address to connect to");
    };
    let mut detail = describe(failure);
    for other in attempts.failed.iter().filter(|other| other.address != failure.address) {
        detail.push_str("; ");
        detail.push_str(&describe(other));
    }
    let cause = match failure.error.kind() {
        // What the robot cannot do says nothing about the server.
        _ if failure.is_of_the_robot() => Cause::Robot,
        io::ErrorKind::TimedOut => Cause::Silent,
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => Cause::Refused,
        _ => Cause::Unreachable,
    };
    Unreached { cause, detail, ip: Some(failure.address.ip()) }
}

fn late(attempts: &Attempts, Passed(limit): Passed) -> Unreached {
    let silent: Vec<_> = attempts.silent().map(ToString::to_string).collect();
    let mut detail = format!("no answer from {} within {limit}", silent.join(", "));
    for failure in &attempts.failed {
        detail.push_str("; ");
        detail.push_str(&describe(failure));
    }
    Unreached { cause: Cause::Silent, detail, ip: attempts.silent().next().map(SocketAddr::ip) }
}

fn describe(failure: &Failure) -> String {
    let Failure { address, error } = failure;
    match error.kind() {
        _ if failure.is_of_the_robot() => format!("the robot itself cannot open a connection: {error}"),
        io::ErrorKind::ConnectionRefused => format!("connection refused ({address})"),
        io::ErrorKind::ConnectionReset => format!("connection reset ({address})"),
        io::ErrorKind::NetworkUnreachable => format!("no route to the network ({address})"),
        io::ErrorKind::HostUnreachable => format!("no route to the host ({address})"),
        io::ErrorKind::AddrNotAvailable => format!("the robot has no address to connect from ({address})"),
        io::ErrorKind::TimedOut => format!("the system gave up connecting ({address})"),
        _ => format!("{error} ({address})"),
    }
}
