//! The sockets that echoes leave by and replies come in by: raw ones, or datagram ones where raw ones are not permitted.
//! The system sorts out what cannot concern us, and stamps what comes with the time.

use std::{
    hash::{BuildHasher, RandomState},
    io::{self, ErrorKind, IoSliceMut},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::fd::AsRawFd,
    process,
};

use nix::{
    cmsg_space,
    errno::Errno,
    sys::{
        socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt},
        time::TimeSpec,
    },
};
use socket2::{Domain, Protocol, SockAddr, SockFilter, SockRef, Type};
use tokio::{io::Interest, net::UdpSocket};

use super::packet::{self, Fault, Message, Quoted, Version};

/// Bytes of the largest packet that is received whole: the largest payload with the longest headers.
const LARGEST_PACKET: usize = 9_216;
/// What may wait to be read while the robot is busy; the system takes as much of it as it allows.
const WAITING: usize = 4 << 20;
/// Bits of a raw socket's identifiers that belong to the number of an echo; the others tell the sockets apart.
const NUMBER_BITS: u32 = 4;
const NUMBER_MASK: u16 = (1 << NUMBER_BITS) - 1;

/// Why there is no socket.
#[derive(Debug)]
pub(crate) enum OpenError {
    /// Neither kind is permitted.
    NotPermitted,
    Failed(io::Error),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// All messages come in; identifiers are our own.
    Raw,
    /// The system gives the socket one identifier, and only what has it comes in.
    Datagram,
}

/// The system's socket stands in a `UdpSocket`, which is how tokio waits for any socket of datagrams that is owned.
pub(crate) struct Socket {
    inner: UdpSocket,
    version: Version,
    kind: Kind,
    identifier: u16,
}

/// Where received packets are put, one after another.
pub(crate) struct Inbox {
    packet: Vec<u8>,
    control: Vec<u8>,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self {
            packet: vec![0; LARGEST_PACKET],
            // An error comes with its cause and with the address of whoever sent it.
            control: cmsg_space!(TimeSpec, [u8; 64]),
        }
    }
}

/// A message as it came in.
#[derive(Debug)]
pub(crate) struct Received<'a> {
    pub(crate) from: IpAddr,
    pub(crate) message: Option<Message<'a>>,
    /// When the system got it, in nanoseconds since 1970.
    pub(crate) wall: Option<u64>,
}

impl Socket {
    /// A socket for one of the two protocols. Only within a tokio runtime.
    pub(crate) fn open(version: Version) -> Result<Self, OpenError> {
        match Self::open_raw(version) {
            Err(error) if is_refused(&error) => Self::open_datagram(version)
                .map_err(|error| if is_refused(&error) { OpenError::NotPermitted } else { OpenError::Failed(error) }),
            opened => opened.map_err(OpenError::Failed),
        }
    }

    fn open_raw(version: Version) -> io::Result<Self> {
        let (domain, protocol) = family(version);
        let inner = socket2::Socket::new(domain, Type::RAW, Some(protocol))?;
        // Two robots on one machine get different ones, as a rule; what nobody else can know stands in the payload.
        let identifier = random_identifier() & !NUMBER_MASK;
        inner.attach_filter(&filter(version, identifier))?;
        Ok(Self { inner: prepared(inner)?, version, kind: Kind::Raw, identifier })
    }

    fn open_datagram(version: Version) -> io::Result<Self> {
        let (domain, protocol) = family(version);
        let inner = socket2::Socket::new(domain, Type::DGRAM, Some(protocol))?;
        let any = match version {
            Version::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            Version::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        // The port that it is bound to is the identifier.
        inner.bind(&SocketAddr::new(any, 0).into())?;
        let identifier = inner.local_addr()?.as_socket().map(|address| address.port()).unwrap_or_default();
        match version {
            Version::V4 => setsockopt(&inner, sockopt::Ipv4RecvErr, &true)?,
            Version::V6 => setsockopt(&inner, sockopt::Ipv6RecvErr, &true)?,
        }
        Ok(Self { inner: prepared(inner)?, version, kind: Kind::Datagram, identifier })
    }

    /// Until something waits to be read.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.inner.ready(Interest::READABLE | Interest::ERROR).await.map(drop)
    }

    /// Does `read` where something may wait to be read; what it leaves is told by [`ErrorKind::WouldBlock`].
    pub(crate) fn try_read(&self, mut read: impl FnMut() -> io::Result<()>) -> io::Result<()> {
        // One after the other: tokio does not know the two together here.
        let messages = self.inner.try_io(Interest::READABLE, &mut read);
        let errors = self.inner.try_io(Interest::ERROR, read);
        messages.or(errors)
    }

    /// Until there is room to send; `send` is tried then.
    pub(crate) async fn when_writable<T>(&self, send: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        self.inner.async_io(Interest::WRITABLE, send).await
    }

    /// How many echoes can be told apart.
    pub(crate) const fn most_numbers(&self) -> usize {
        match self.kind {
            Kind::Raw => 1 << (16 + NUMBER_BITS),
            Kind::Datagram => 1 << 16,
        }
    }

    /// Identifier and sequence number of an echo with this number.
    const fn marks(&self, number: u32) -> (u16, u16) {
        match self.kind {
            // Numbers are below `most_numbers`, so nothing is cut off.
            Kind::Raw => (self.identifier | (number >> 16) as u16, number as u16),
            Kind::Datagram => (self.identifier, number as u16),
        }
    }

    /// The number that identifier and sequence number stand for, if they are of this socket.
    pub(crate) fn number(&self, id: u16, sequence: u16) -> Option<u32> {
        match self.kind {
            Kind::Raw if id & !NUMBER_MASK == self.identifier => {
                Some(u32::from(id & NUMBER_MASK) << 16 | u32::from(sequence))
            }
            Kind::Datagram if id == self.identifier => Some(sequence.into()),
            Kind::Raw | Kind::Datagram => None,
        }
    }

    /// Sends an echo; the payload stands in `packet`, and its header is written here.
    pub(crate) fn send(&self, packet: &mut [u8], number: u32, to: &SockAddr) -> io::Result<()> {
        let (id, sequence) = self.marks(number);
        packet::write_header(packet, self.version, id, sequence);
        let socket = SockRef::from(&self.inner);
        match socket.send_to(packet, to) {
            // Datagram sockets first tell of an earlier packet's error, which the error queue tells better.
            Err(error) if self.kind == Kind::Datagram && error.kind() != ErrorKind::WouldBlock => {
                socket.send_to(packet, to).map(drop)
            }
            sent => sent.map(drop),
        }
    }

    /// The next message that waits to be read.
    pub(crate) fn receive<'a>(&self, inbox: &'a mut Inbox) -> io::Result<Received<'a>> {
        let (length, from, wall, _) = self.read(inbox, MsgFlags::empty())?;
        let bytes = &inbox.packet[..length];
        let message = match (self.version, self.kind) {
            (Version::V4, Kind::Raw) => packet::parse_ipv4(bytes),
            (version, _) => packet::parse(bytes, version),
        };
        Ok(Received { from, message, wall })
    }

    /// The next error that waits to be read; only datagram sockets have a queue of those.
    pub(crate) fn receive_error<'a>(&self, inbox: &'a mut Inbox) -> io::Result<Received<'a>> {
        if self.kind == Kind::Raw {
            return Err(ErrorKind::WouldBlock.into());
        }
        let (length, target, wall, told) = self.read(inbox, MsgFlags::MSG_ERRQUEUE)?;
        let bytes = &inbox.packet[..length];
        let Some((fault, from)) = told else { return Ok(Received { from: target, message: None, wall }) };
        let quoted = packet::quoted_echo(bytes, self.version, target);
        // What is quoted has the identifier that the system had put in, or none yet.
        let quoted = quoted.map(|quoted| Quoted { id: self.identifier, ..quoted });
        let message = quoted.map(|quoted| Message::Error { fault, quoted });
        Ok(Received { from: from.unwrap_or(target), message, wall })
    }

    fn read(&self, inbox: &mut Inbox, flags: MsgFlags) -> nix::Result<Read> {
        let Inbox { packet, control } = inbox;
        let mut slices = [IoSliceMut::new(packet)];
        let read = recvmsg::<SockaddrStorage>(self.inner.as_raw_fd(), &mut slices, Some(control), flags)?;
        let address = read.address.as_ref();
        let v4 = address.and_then(SockaddrStorage::as_sockaddr_in).map(|address| IpAddr::V4(address.ip()));
        let v6 = address.and_then(SockaddrStorage::as_sockaddr_in6).map(|address| IpAddr::V6(address.ip()));
        let from = v4.or(v6).ok_or(Errno::EAFNOSUPPORT)?;
        let (mut wall, mut told) = (None, None);
        for message in read.cmsgs().into_iter().flatten() {
            match message {
                ControlMessageOwned::ScmTimestampns(time) => wall = nanoseconds(time),
                ControlMessageOwned::Ipv4RecvErr(error, by) => {
                    let by = by.map(|by| IpAddr::V4(Ipv4Addr::from(u32::from_be(by.sin_addr.s_addr))));
                    told = Some((self.fault(error.ee_type, error.ee_code, error.ee_info), by));
                }
                ControlMessageOwned::Ipv6RecvErr(error, by) => {
                    let by = by.map(|by| IpAddr::V6(Ipv6Addr::from(by.sin6_addr.s6_addr)));
                    told = Some((self.fault(error.ee_type, error.ee_code, error.ee_info), by));
                }
                _ => {}
            }
        }
        Ok((read.bytes.min(LARGEST_PACKET), from, wall, told))
    }

    fn fault(&self, kind: u8, code: u8, mtu: u32) -> Fault {
        let is_about_size = matches!((self.version, kind, code), (Version::V4, 3, 4) | (Version::V6, 2, _));
        Fault { version: self.version, kind, code, mtu: if is_about_size { mtu } else { 0 } }
    }
}

/// Length, sender, time, and the error that was told with its sender.
type Read = (usize, IpAddr, Option<u64>, Option<(Fault, Option<IpAddr>)>);

fn prepared(socket: socket2::Socket) -> io::Result<UdpSocket> {
    socket.set_nonblocking(true)?;
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
    // Beyond the system's own bound where that is permitted.
    if setsockopt(&socket, sockopt::RcvBufForce, &WAITING).is_err() {
        socket.set_recv_buffer_size(WAITING)?;
    }
    UdpSocket::from_std(socket.into())
}

fn is_refused(error: &io::Error) -> bool {
    error.kind() == ErrorKind::PermissionDenied
}

const fn family(version: Version) -> (Domain, Protocol) {
    match version {
        Version::V4 => (Domain::IPV4, Protocol::ICMPV4),
        Version::V6 => (Domain::IPV6, Protocol::ICMPV6),
    }
}

fn nanoseconds(time: TimeSpec) -> Option<u64> {
    let seconds = u64::try_from(time.tv_sec()).ok()?;
    seconds.checked_mul(1_000_000_000)?.checked_add(u64::try_from(time.tv_nsec()).ok()?)
}

fn random_identifier() -> u16 {
    // Cut on purpose.
    RandomState::new().hash_one(process::id()) as u16
}

/// Lets pass the replies with one of our identifiers, and errors about ICMP: what programs beside us do with pings costs
/// us nothing then. A message that is too short for a load is dropped by the system.
fn filter(version: Version, identifier: u16) -> Vec<SockFilter> {
    // Instructions of the classic packet filter (linux/filter.h). X is where the message begins; jumps tell how many
    // instructions are passed over.
    let load_byte = |offset| SockFilter::new(0x50, 0, 0, offset);
    let load_half = |offset| SockFilter::new(0x48, 0, 0, offset);
    let and = |mask: u16| SockFilter::new(0x54, 0, 0, mask.into());
    let if_equal = |value: u32, then, otherwise| SockFilter::new(0x15, then, otherwise, value);
    let if_at_least = |value: u32, then, otherwise| SockFilter::new(0x35, then, otherwise, value);
    let (pass, drop) = (SockFilter::new(0x06, 0, 0, u32::MAX), SockFilter::new(0x06, 0, 0, 0));
    let is_reply = version.echo_types().1.into();
    match version {
        Version::V4 => vec![
            // X is four times the lower half of the first byte: the length of the IPv4 header.
            SockFilter::new(0xb1, 0, 0, 0),
            load_byte(0),
            if_equal(is_reply, 0, 3),
            load_half(4),
            and(!NUMBER_MASK),
            if_equal(identifier.into(), 5, 6),
            if_equal(3, 2, 0),
            if_equal(11, 1, 0),
            if_equal(12, 0, 3),
            // The protocol in the quoted header.
            load_byte(8 + 9),
            if_equal(1, 0, 1),
            pass,
            drop,
        ],
        Version::V6 => vec![
            SockFilter::new(0x01, 0, 0, 0),
            load_byte(0),
            if_equal(is_reply, 0, 3),
            load_half(4),
            and(!NUMBER_MASK),
            if_equal(identifier.into(), 4, 5),
            if_at_least(5, 4, 0),
            load_byte(8 + 6),
            if_equal(58, 1, 0),
            if_equal(44, 0, 1),
            pass,
            drop,
        ],
    }
}
