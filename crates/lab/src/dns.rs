//! A DNS server with scripted answers, over UDP and TCP on the same port.
//! Names stand in a table; what is not in it does not exist.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use hickory_proto::{
    op::{Message, MessageType, OpCode, ResponseCode},
    rr::{Name, RData, Record, RecordType, rdata},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UdpSocket},
    task::JoinHandle,
};

/// What is answered for a name.
#[derive(Clone, Debug)]
pub enum Answer {
    /// These addresses, with this TTL in seconds.
    Addresses(Vec<IpAddr>, u32),
    /// An alias.
    Alias(&'static str),
    /// This response code.
    Code(ResponseCode),
    /// Nothing at all.
    Silence,
    /// The right answer under another query's number.
    WrongNumber(IpAddr),
    /// These addresses over TCP; over UDP only the word that the answer is too long.
    OverTcp(Vec<IpAddr>),
    /// The word that the answer is too long over UDP, and a closed connection over TCP.
    TooLong,
    /// These addresses, but queries for this type are never answered.
    SilentFor(RecordType, Vec<IpAddr>),
    /// An alias to the next of a chain without end: `1.` below the name, then `2.`, and so on.
    AliasForEver,
    /// Bytes that are no DNS message.
    Garbage,
}

/// By which transport a query came.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Transport {
    Udp,
    Tcp,
}

type Zone = HashMap<String, Answer>;

/// Answers from a table; names that are not in it do not exist.
pub struct Server {
    address: SocketAddr,
    queries: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts on a free port of 127.0.0.1.
    pub async fn start(zone: impl IntoIterator<Item = (&'static str, Answer)>) -> Self {
        let zone: Zone = zone.into_iter().map(|(name, answer)| (format!("{name}."), answer)).collect();
        let (udp, tcp) = sockets().await;
        let address = udp.local_addr().unwrap();
        let queries = Arc::new(AtomicUsize::new(0));
        let (zone, count) = (Arc::new(zone), Arc::clone(&queries));
        let task = tokio::spawn(async move {
            tokio::join!(
                serve_udp(udp, Arc::clone(&zone), Arc::clone(&count)),
                serve_tcp(tcp, Arc::clone(&zone), Arc::clone(&count))
            );
        });
        Self { address, queries, task }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many queries have come.
    #[must_use]
    pub fn queries(&self) -> usize {
        self.queries.load(SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Both transports on the same port. The system chooses it for one, so the other may find it taken.
async fn sockets() -> (UdpSocket, TcpListener) {
    for _ in 0..100 {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
            return (udp, tcp);
        }
    }
    panic!("no port is free for both UDP and TCP");
}

async fn serve_udp(socket: UdpSocket, zone: Arc<Zone>, count: Arc<AtomicUsize>) {
    let mut buffer = [0; 4096];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else { continue };
        count.fetch_add(1, SeqCst);
        if let Some(reply) = respond(&zone, &buffer[..length], Transport::Udp) {
            let _ = socket.send_to(&reply, from).await;
        }
    }
}

async fn serve_tcp(listener: TcpListener, zone: Arc<Zone>, count: Arc<AtomicUsize>) {
    loop {
        let Ok((mut stream, _)) = listener.accept().await else { continue };
        let (zone, count) = (Arc::clone(&zone), Arc::clone(&count));
        tokio::spawn(async move {
            // Each message has its length in front (RFC 1035, 4.2.2).
            while let Ok(length) = stream.read_u16().await {
                let mut query = vec![0; length.into()];
                if stream.read_exact(&mut query).await.is_err() {
                    return;
                }
                count.fetch_add(1, SeqCst);
                let Some(reply) = respond(&zone, &query, Transport::Tcp) else { return };
                let length = u16::try_from(reply.len()).unwrap().to_be_bytes();
                if stream.write_all(&[&length, reply.as_slice()].concat()).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// The answer to a query, if it is to have one.
fn respond(zone: &Zone, query: &[u8], transport: Transport) -> Option<Vec<u8>> {
    let query = Message::from_vec(query).ok()?;
    let question = query.queries.first()?.clone();
    let name = question.name().clone();
    let mut reply = Message::new(query.metadata.id, MessageType::Response, OpCode::Query);
    reply.metadata.recursion_available = true;
    reply.add_query(question.clone());
    let alias = |target: &str| {
        let target = Name::from_utf8(target).unwrap();
        Record::from_rdata(name.clone(), 60, RData::CNAME(rdata::CNAME(target)))
    };
    let records = |addresses: &[IpAddr], ttl: u32| {
        let data = addresses.iter().filter_map(|address| match (address, question.query_type()) {
            (IpAddr::V4(v4), RecordType::A) => Some(RData::A(rdata::A(*v4))),
            (IpAddr::V6(v6), RecordType::AAAA) => Some(RData::AAAA(rdata::AAAA(*v6))),
            _ => None,
        });
        data.map(|data| Record::from_rdata(name.clone(), ttl, data)).collect::<Vec<_>>()
    };
    let asked = name.to_lowercase().to_ascii();
    match find(zone, &asked) {
        Some(Answer::Addresses(addresses, ttl)) => reply.answers = records(addresses, *ttl),
        Some(Answer::Alias(target)) => reply.answers = vec![alias(&format!("{target}."))],
        Some(Answer::AliasForEver) => {
            let (number, chain) = asked
                .split_once('.')
                .and_then(|(first, rest)| Some((first.parse::<u32>().ok()?, rest)))
                .unwrap_or((0, &*asked));
            reply.answers = vec![alias(&format!("{}.{chain}", number + 1))];
        }
        Some(Answer::Code(code)) => reply.metadata.response_code = *code,
        Some(Answer::Silence) => return None,
        Some(Answer::SilentFor(kind, _)) if *kind == question.query_type() => return None,
        Some(Answer::SilentFor(_, addresses)) => reply.answers = records(addresses, 60),
        Some(Answer::WrongNumber(address)) => {
            reply.answers = records(&[*address], 60);
            reply.metadata.id = query.metadata.id.wrapping_add(1);
        }
        Some(Answer::OverTcp(_) | Answer::TooLong) if transport == Transport::Udp => reply.metadata.truncation = true,
        Some(Answer::OverTcp(addresses)) => reply.answers = records(addresses, 60),
        Some(Answer::TooLong) => return None,
        Some(Answer::Garbage) => return Some(b"this is not a DNS message".to_vec()),
        None => reply.metadata.response_code = ResponseCode::NXDomain,
    }
    Some(reply.to_vec().unwrap())
}

/// The answer for a name; a numbered name belongs to the endless chain above it.
fn find<'z>(zone: &'z Zone, name: &str) -> Option<&'z Answer> {
    zone.get(name).or_else(|| {
        let (number, above) = name.split_once('.')?;
        number.parse::<u32>().ok()?;
        zone.get(above).filter(|answer| matches!(answer, Answer::AliasForEver))
    })
}
