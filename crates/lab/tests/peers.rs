//! The lab's own tests: each peer does what its page says, seen with plain sockets and OpenSSL.
//! What the peers do to a test of Watchkeep is told by the tests of `probe`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    pin::Pin,
    time::Duration,
};

use hickory_proto::{
    op::{Message, MessageType, OpCode, Query, ResponseCode},
    rr::{Name, RecordType},
};
use openssl::ssl::{Ssl, SslConnector, SslMethod, SslVersion};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::timeout,
};
use tokio_openssl::SslStream;
use watchkeep_lab::{
    ca::{Authority, Identity, KeyKind, Profile, self_signed},
    chromium::Chromium,
    dns::{self, Answer},
    http::{Server, ok},
    nginx::{Nginx, PAGE_SIZE},
    raw::{Act, ClosedPort, FullBacklog, Peer},
    receiver::{Mood, Receiver, arrival},
    relay::Relay,
    tls::{self, Offer},
};

const SOON: Duration = Duration::from_secs(20);

/// Everything that a peer says to one request.
async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> io::Result<String> {
    stream.write_all(request.as_bytes()).await?;
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await?;
    Ok(String::from_utf8_lossy(&reply).into_owned())
}

async fn fetch(address: SocketAddr) -> io::Result<String> {
    let stream = TcpStream::connect(address).await?;
    ask(stream, "GET / HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n").await
}

/// A verified handshake by OpenSSL; the error says why not.
async fn handshake(address: SocketAddr, authority: &Authority, edit: impl FnOnce(&mut Ssl)) -> Result<String, String> {
    let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
    connector.set_ca_file(authority.file()).unwrap();
    connector.set_min_proto_version(Some(SslVersion::TLS1)).unwrap();
    connector.set_cipher_list("ALL:@SECLEVEL=0").unwrap();
    let mut ssl = connector.build().configure().unwrap().into_ssl("localhost").unwrap();
    edit(&mut ssl);
    let stream = TcpStream::connect(address).await.unwrap();
    let mut stream = SslStream::new(ssl, stream).unwrap();
    let shaken = Pin::new(&mut stream).connect().await;
    shaken.map_err(|error| format!("{error} ({})", stream.ssl().verify_result().error_string()))?;
    Ok(format!("{} {}", stream.ssl().version_str(), stream.ssl().current_cipher().unwrap().name()))
}

#[tokio::test]
async fn nginx_serves_dies_and_returns() {
    let Some(mut nginx) = Nginx::start() else { return };
    let reply = fetch(nginx.address()).await.unwrap();
    assert!(reply.starts_with("HTTP/1.1 200 OK"), "{reply}");
    assert_eq!(reply.split_once("\r\n\r\n").unwrap().1.len(), PAGE_SIZE);
    nginx.kill();
    assert_eq!(nginx.pid(), None);
    assert_eq!(fetch(nginx.address()).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    nginx.restart();
    assert!(fetch(nginx.address()).await.is_ok());
}

#[tokio::test]
async fn chromedriver_opens_a_session() {
    let Some(chromium) = Chromium::start() else { return };
    let address = chromium.url().trim_start_matches("http://").parse().unwrap();
    let flags = chromium.arguments().into_iter().map(|flag| format!("\"{flag}\"")).collect::<Vec<_>>().join(",");
    let body = format!(r#"{{"capabilities":{{"alwaysMatch":{{"goog:chromeOptions":{{"args":[{flags}]}}}}}}}}"#);
    let request = format!(
        "POST /session HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut stream: TcpStream = TcpStream::connect::<SocketAddr>(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    // chromedriver keeps the connection open, whatever it was asked.
    while !reply.windows(11).any(|text| text == b"\"sessionId\"") {
        let read = timeout(Duration::from_secs(60), stream.read_buf(&mut reply)).await;
        assert!(read.is_ok_and(|read| read.is_ok_and(|bytes| bytes > 0)), "{}", String::from_utf8_lossy(&reply));
    }
}

#[tokio::test]
async fn peers_play_their_scripts() {
    let cut = Peer::replying("HTTP/1.1 200 OK\r\n").await;
    assert_eq!(fetch(cut.address()).await.unwrap(), "HTTP/1.1 200 OK\r\n");
    let reset = Peer::start(vec![Act::ReadHead, Act::send("HTTP"), Act::Reset]).await;
    assert_eq!(fetch(reset.address()).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    let silent = Peer::start(vec![Act::Hang]).await;
    assert!(timeout(Duration::from_millis(100), fetch(silent.address())).await.is_err());
    let endless = Peer::start(vec![Act::Flood(vec![b'x'; 1000])]).await;
    let mut stream = TcpStream::connect(endless.address()).await.unwrap();
    stream.read_exact(&mut vec![0; 1_000_000]).await.unwrap();
}

#[tokio::test]
async fn ports_refuse_or_never_answer() {
    let closed = ClosedPort::new();
    let error = TcpStream::connect(closed.address()).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    let full = FullBacklog::new();
    assert!(timeout(Duration::from_millis(300), TcpStream::connect(full.address())).await.is_err());
    let server = Server::page("four").await;
    let six = FullBacklog::on_ipv6(server.address().port()).unwrap();
    assert!(timeout(Duration::from_millis(300), TcpStream::connect(six.address())).await.is_err());
    assert!(fetch(server.address()).await.unwrap().ends_with("four"));
}

#[tokio::test]
async fn relays_cut_where_they_are_told() {
    let server = Server::start(|request| async move { ok(request.uri().to_string()) }).await;
    let open = Relay::open(server.address()).await;
    let whole = fetch(open.address()).await.unwrap();
    assert_eq!(open.passed(), whole.len());
    for bytes in [0, 1, whole.len() - 1] {
        let cut = Relay::until(server.address(), bytes, Vec::new()).await;
        assert_eq!(fetch(cut.address()).await.unwrap().len(), bytes);
        let reset = Relay::until(server.address(), bytes, vec![Act::Reset]).await;
        assert_eq!(fetch(reset.address()).await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }
    let slow = Relay::drip(server.address(), Duration::from_micros(1)).await;
    assert_eq!(fetch(slow.address()).await.unwrap().len(), whole.len());
}

#[tokio::test]
async fn receivers_follow_their_script() {
    let receiver = Receiver::start().await;
    receiver.set_script([Mood::Status(500), Mood::Status(429)], Mood::Status(204));
    for (number, status) in [(1, "500"), (2, "429"), (3, "204"), (4, "204")] {
        let reply = fetch(receiver.address()).await.unwrap();
        assert!(reply.starts_with(&format!("HTTP/1.1 {status}")), "{reply}");
        receiver.wait_for_number(SOON, number).await;
    }
    let times: Vec<_> = receiver.requests().iter().map(arrival).collect();
    assert!(times.is_sorted());
    receiver.set_mood(Mood::Header(503, "retry-after", "7"));
    let reply = fetch(receiver.address()).await.unwrap();
    assert!(reply.starts_with("HTTP/1.1 503") && reply.contains("retry-after: 7\r\n"), "{reply}");
    receiver.set_mood(Mood::Silent);
    let unanswered = tokio::spawn(fetch(receiver.address()));
    assert_eq!(receiver.wait_for_number(SOON, 6).await.headers()["host"], "lab");
    unanswered.abort();
}

#[tokio::test]
async fn certificates_say_what_their_profile_says() {
    let authority = Authority::new();
    let good = authority.issue_through_intermediate(&Profile::good());
    let expired = authority.issue(&Profile { ends: -1, ..Profile::good() });
    let cut = Identity { chain: good.chain[..1].to_vec(), ..good.clone() };
    for (identity, words) in [
        (good.clone(), ""),
        (authority.issue(&Profile { key: KeyKind::LargeRsa, ..Profile::good() }), ""),
        (expired, "certificate has expired"),
        (self_signed(&Profile::good()), "self-signed certificate"),
        (cut, "unable to get local issuer certificate"),
        (good.with_broken_signature(), "certificate signature failure"),
    ] {
        let server = tls::Server::start(&identity, Offer::default()).await;
        let shaken = handshake(server.address(), &authority, |_| {}).await;
        match words {
            "" => assert!(shaken.is_ok(), "{shaken:?}"),
            _ => assert!(shaken.as_ref().is_err_and(|error| error.contains(words)), "{words}: {shaken:?}"),
        }
    }
}

#[tokio::test]
async fn servers_keep_to_their_offer() {
    let authority = Authority::new();
    let identity = authority.issue(&Profile { key: KeyKind::Rsa(2048), ..Profile::good() });
    let (tls10, tls11, tls12) = (SslVersion::TLS1, SslVersion::TLS1_1, SslVersion::TLS1_2);
    for (version, suite, agreed) in [
        (tls10, "AES128-SHA:@SECLEVEL=0", "TLSv1 AES128-SHA"),
        (tls11, "AES128-SHA:@SECLEVEL=0", "TLSv1.1 AES128-SHA"),
        (tls12, "ECDHE-RSA-AES128-SHA", "TLSv1.2 ECDHE-RSA-AES128-SHA"),
        (tls12, "AES128-SHA", "TLSv1.2 AES128-SHA"),
        (tls12, "AES128-GCM-SHA256", "TLSv1.2 AES128-GCM-SHA256"),
        (tls12, "DHE-RSA-AES128-GCM-SHA256", "TLSv1.2 DHE-RSA-AES128-GCM-SHA256"),
        (tls12, "AES128-SHA256", "TLSv1.2 AES128-SHA256"),
        (tls12, "ECDHE-RSA-AES128-SHA256", "TLSv1.2 ECDHE-RSA-AES128-SHA256"),
        (tls12, "ECDHE-RSA-AES128-GCM-SHA256", "TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256"),
    ] {
        let offer = Offer { versions: (version, version), ciphers: Some(suite), ..Offer::default() };
        let server = tls::Server::start(&identity, offer).await;
        assert_eq!(handshake(server.address(), &authority, |_| {}).await.as_deref(), Ok(agreed), "{suite}");
    }
}

/// The answer over UDP and over TCP, as code, truncation and number of records.
async fn look_up(server: SocketAddr, name: &str, kind: RecordType) -> (Option<Message>, Option<Message>) {
    let mut query = Message::new(7, MessageType::Query, OpCode::Query);
    query.add_query(Query::query(Name::from_utf8(name).unwrap(), kind));
    let query = query.to_vec().unwrap();
    let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    udp.send_to(&query, server).await.unwrap();
    let mut buffer = [0; 4096];
    let came = timeout(Duration::from_millis(200), udp.recv(&mut buffer)).await;
    let over_udp = came.ok().and_then(|length| Message::from_vec(&buffer[..length.unwrap()]).ok());
    let mut tcp = TcpStream::connect(server).await.unwrap();
    tcp.write_u16(u16::try_from(query.len()).unwrap()).await.unwrap();
    tcp.write_all(&query).await.unwrap();
    let over_tcp = match tcp.read_u16().await {
        Err(_) => None,
        Ok(length) => {
            tcp.read_exact(&mut buffer[..length.into()]).await.unwrap();
            Message::from_vec(&buffer[..length.into()]).ok()
        }
    };
    (over_udp, over_tcp)
}

#[tokio::test]
async fn names_are_answered_from_the_table() {
    let here: IpAddr = Ipv4Addr::LOCALHOST.into();
    let server = dns::Server::start([
        ("good.example", Answer::Addresses(vec![here], 300)),
        ("refused.example", Answer::Code(ResponseCode::Refused)),
        ("silent.example", Answer::Silence),
        ("long.example", Answer::OverTcp(vec![here])),
        ("longer.example", Answer::TooLong),
        ("four.example", Answer::SilentFor(RecordType::AAAA, vec![here])),
        ("chain.example", Answer::AliasForEver),
        ("garbage.example", Answer::Garbage),
    ])
    .await;
    let ask = |name, kind| look_up(server.address(), name, kind);
    let records = |message: &Option<Message>| message.as_ref().map(|message| message.answers.len());
    let code = |message: Option<Message>| message.map(|message| message.metadata.response_code);
    let (udp, tcp) = ask("good.example.", RecordType::A).await;
    assert_eq!(udp.as_ref().unwrap().answers[0].ttl, 300);
    assert_eq!((records(&udp), records(&tcp)), (Some(1), Some(1)));
    assert_eq!(records(&ask("good.example.", RecordType::AAAA).await.0), Some(0));
    assert_eq!(code(ask("absent.example.", RecordType::A).await.0), Some(ResponseCode::NXDomain));
    assert_eq!(code(ask("refused.example.", RecordType::A).await.1), Some(ResponseCode::Refused));
    assert_eq!(ask("silent.example.", RecordType::A).await, (None, None));
    let (udp, tcp) = ask("long.example.", RecordType::A).await;
    assert!(udp.as_ref().unwrap().metadata.truncation);
    assert_eq!((records(&udp), records(&tcp)), (Some(0), Some(1)));
    let (udp, tcp) = ask("longer.example.", RecordType::A).await;
    assert!(udp.unwrap().metadata.truncation && tcp.is_none());
    assert_eq!(records(&ask("four.example.", RecordType::A).await.0), Some(1));
    assert_eq!(ask("four.example.", RecordType::AAAA).await.0, None);
    for (name, next) in [("chain.example.", "1.chain.example."), ("41.chain.example.", "42.chain.example.")] {
        let (udp, _) = ask(name, RecordType::A).await;
        assert!(udp.unwrap().answers[0].to_string().contains(next));
    }
    assert_eq!(ask("garbage.example.", RecordType::A).await.0, None);
    assert!(server.queries() > 10);
}
