//! A host that answers echo requests as a script says: late, twice, from elsewhere, damaged, with errors, or not at all.
//! It lives on the loopback interface of a [`crate::namespace::Namespace`] whose system answers none itself.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use socket2::{Domain, Protocol, Socket, Type};

/// An echo request as it came in.
#[derive(Clone, Debug)]
pub struct Request {
    /// How many came before it.
    pub index: usize,
    /// Who asks.
    pub source: IpAddr,
    /// Who is asked.
    pub target: IpAddr,
    /// The ICMP message, header and payload.
    pub message: Vec<u8>,
}

/// A packet that goes to whoever asked.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Whom it claims to be from.
    pub from: IpAddr,
    /// The ICMP message. Its checksum is made right when it is sent, unless `damaged`.
    pub message: Vec<u8>,
    /// Whether its checksum is wrong.
    pub damaged: bool,
}

impl Request {
    /// The reply that is right.
    #[must_use]
    pub fn reply(&self) -> Answer {
        let mut message = self.message.clone();
        message[0] = if self.target.is_ipv4() { 0 } else { 129 };
        Answer { from: self.target, message, damaged: false }
    }

    /// The reply after something was done to its ICMP message.
    #[must_use]
    pub fn altered(&self, alter: impl FnOnce(&mut Vec<u8>)) -> Answer {
        let mut answer = self.reply();
        alter(&mut answer.message);
        answer
    }

    /// An ICMP error about the request, as a router sends it.
    #[must_use]
    pub fn error(&self, from: IpAddr, kind: u8, code: u8) -> Answer {
        let mut message = vec![kind, code, 0, 0, 0, 0, 0, 0];
        if (from.is_ipv4(), kind, code) == (true, 3, 4) || (from.is_ipv6(), kind) == (true, 2) {
            // The largest packet that can pass, which systems do not take for less than this.
            message[6..].copy_from_slice(&1_280_u16.to_be_bytes());
        }
        message.extend(packet(self.source, self.target, &self.message));
        Answer { from, message, damaged: false }
    }
}

/// A thread that answers.
pub struct Responder {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Responder {
    /// Answers what comes for `target`, an address of this machine.
    #[must_use]
    pub fn start(target: IpAddr, mut script: impl FnMut(&Request) -> Vec<Answer> + Send + 'static) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let (domain, protocol) = match target {
            IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
            IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
        };
        let listening = UdpSocket::from(Socket::new(domain, Type::RAW, Some(protocol)).unwrap());
        listening.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        // Of this protocol number the system takes packets with their headers, whoever they claim to be from.
        let sending = UdpSocket::from(Socket::new(domain, Type::RAW, Some(Protocol::from(255))).unwrap());
        let stop = Arc::clone(&ended);
        let answer_all = move || {
            let mut buffer = vec![0; 65_536];
            let mut index = 0;
            while !stop.load(Ordering::Relaxed) {
                let Ok((length, source)) = listening.recv_from(&mut buffer) else { continue };
                let Some(message) = asked(&buffer[..length], target) else { continue };
                let request = Request { index, source: source.ip(), target, message };
                index += 1;
                for answer in script(&request) {
                    let message = sealed(&answer, request.source);
                    let packet = packet(answer.from, request.source, &message);
                    sending.send_to(&packet, SocketAddr::new(request.source, 0)).unwrap();
                }
            }
        };
        Self { ended, thread: Some(thread::spawn(answer_all)) }
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !thread::panicking()
        {
            panic!("the script of the responder panicked");
        }
    }
}

/// The echo request for `target` in what a raw socket received.
fn asked(received: &[u8], target: IpAddr) -> Option<Vec<u8>> {
    let (message, request) = match target {
        IpAddr::V4(target) => {
            let is_for_us = received.get(16..20)? == target.octets();
            (received.get(usize::from(received[0] & 0x0f) * 4..).filter(|_| is_for_us)?, 8)
        }
        IpAddr::V6(_) => (received, 128),
    };
    (*message.first()? == request && message.len() >= 8).then(|| message.to_vec())
}

/// The message with its checksum.
fn sealed(answer: &Answer, to: IpAddr) -> Vec<u8> {
    let mut message = answer.message.clone();
    if message.len() < 4 {
        return message;
    }
    message[2..4].fill(0);
    let pseudo = match (answer.from, to) {
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let length = u32::try_from(message.len()).unwrap().to_be_bytes();
            [&from.octets()[..], &to.octets(), &length, &[0, 0, 0, 58]].concat()
        }
        _ => Vec::new(),
    };
    let sum = checksum(&[pseudo, message.clone()].concat()) ^ if answer.damaged { 0x5555 } else { 0 };
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    message
}

fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0)));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    !u16::try_from(sum).unwrap()
}

/// An IP packet; the system fills in the checksum of an IPv4 header.
fn packet(from: IpAddr, to: IpAddr, message: &[u8]) -> Vec<u8> {
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let length = u16::try_from(message.len() + 20).unwrap().to_be_bytes();
            let mut header = [0x45, 0, length[0], length[1], 0, 0, 0, 0, 64, 1, 0, 0].to_vec();
            header.extend(Ipv4Addr::octets(&from));
            header.extend(Ipv4Addr::octets(&to));
            [&header, message].concat()
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let length = u16::try_from(message.len()).unwrap().to_be_bytes();
            let mut header = [0x60, 0, 0, 0, length[0], length[1], 58, 64].to_vec();
            header.extend(Ipv6Addr::octets(&from));
            header.extend(Ipv6Addr::octets(&to));
            [&header, message].concat()
        }
        _ => panic!("{from} and {to} are not of the same version"),
    }
}
