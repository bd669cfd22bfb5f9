//! Clients that disturb, by mistake or on purpose: each is refused or let go, `/healthz` answers, and monitors are
//! tested as if nothing were. What the fields of requests may hold is tested beside the API.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::{net::SocketAddr, process::Command};

use serde_json::{Value, json};
use support::{PATIENCE, Serving, TOKEN, until};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use watchkeep_lab::http::Server;

/// A server that tests a good website every second.
struct Watch {
    server: Serving,
    monitor: String,
    website: Server,
    _folder: TempDir,
}

impl Watch {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    async fn start_with(change: impl FnOnce(&mut Command)) -> Self {
        let website = Server::page("fine").await;
        let folder = tempfile::tempdir().unwrap();
        let server = Serving::start_with(folder.path(), change).await;
        let body = json!({"type": "http", "name": "shop", "target": website.url("/"), "interval": "1s", "confirm": {"retries": 0}});
        let monitor = server.client().post("/monitors", body).await.success()["id"].as_str().unwrap().to_owned();
        Self { server, monitor, website, _folder: folder }
    }

    async fn results(&self) -> Vec<Value> {
        self.server.client().get(&format!("/monitors/{}/results?limit=1000", self.monitor)).await.items()
    }

    /// Tests go on from here, and none has found anything but a good website.
    async fn assert_undisturbed(&self) {
        let before = self.results().await.len();
        let results = until("more results", async || {
            let results = self.results().await;
            (results.len() >= before + 2).then_some(results)
        })
        .await;
        assert!(results.iter().all(|result| result["code"] == 0), "{results:#?}");
        let client = self.server.client();
        for path in ["/healthz", "/readyz"] {
            let answer = client.fetch(path).await;
            assert_eq!(answer.status.as_u16(), 200, "{path}: {}", answer.text());
        }
        assert_eq!(client.get("/incidents").await.items(), [] as [Value; 0]);
        assert_eq!(client.get("/monitors").await.items().len(), 1, "nothing was made");
        assert!(!self.server.log().contains("panicked"), "{}", self.server.log());
    }
}

/// What a server answers to these bytes until it closes or has answered once.
async fn answer(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server that has seen enough closes before everything is sent.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let read = async {
        let mut buffer = [0; 16 * 1024];
        while !is_whole(&answer) {
            match stream.read(&mut buffer).await {
                Ok(count @ 1..) => answer.extend_from_slice(&buffer[..count]),
                _ => break,
            }
        }
    };
    timeout(PATIENCE, read).await.expect("an answer or an end");
    String::from_utf8_lossy(&answer).into_owned()
}

fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.is_some_and(|length| body.len() >= length.parse().unwrap())
}

/// The status of an answer; `None` where there is only an end.
fn status(answer: &str) -> Option<u16> {
    let line = answer.strip_prefix("HTTP/1.1 ")?;
    Some(line[..3].parse().unwrap())
}

/// A request to make a monitor, up to its last headers.
fn post(rest: &str) -> Vec<u8> {
    format!(
        "POST /api/v1/monitors HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n{rest}"
    )
    .into_bytes()
}

fn get(path: &str, headers: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\n{headers}\r\n").into_bytes()
}

/// Requests that end in a problem document of the API, by name.
fn refused() -> Vec<(&'static str, Vec<u8>, u16)> {
    let deep = format!("{{\"http\":{}", "[".repeat(10_000));
    let large = format!("{{\"name\":\"{}\"}}", "x".repeat(2_000_000));
    let whole = |body: &str| post(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    let chunked =
        |body: &str| post(&format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len()));
    let text = String::from_utf8(whole("{}")).unwrap().replace("application/json", "text/plain").into_bytes();
    let nobody = String::from_utf8(whole("{}")).unwrap().replace(TOKEN, "nobody").into_bytes();
    vec![
        ("large body", whole(&large), 413),
        ("large body in chunks", chunked(&large), 413),
        ("large body that is only announced", post("Content-Length: 2000000\r\n\r\n{"), 413),
        ("body of more than all bytes there are", post("Content-Length: 9223372036854775807\r\n\r\n{"), 413),
        ("deep JSON", whole(&deep), 400),
        ("deep JSON in chunks", chunked(&deep), 400),
        ("unknown fields", whole("{\"colour\":\"red\"}"), 422),
        ("another kind of content", text, 415),
        ("unknown token", nobody, 401),
        ("a chunk of no size", post("Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"), 400),
        ("a chunk of too many digits", post("Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}\r\n"), 400),
        ("endless chunk extension", post(&format!("Transfer-Encoding: chunked\r\n\r\n1;{}", "a".repeat(100_000))), 400),
        ("percent without digits", get("/api/v1/monitors/%zz", ""), 404),
        ("percent of no text", get("/api/v1/monitors/%ff", ""), 400),
        ("NUL in the path", get("/api/v1/monitors/%00", ""), 404),
        ("path upwards", get("/api/v1/../../etc/passwd", ""), 404),
        ("wrong percent in a query", get("/api/v1/monitors?limit=%zz", ""), 400),
        ("two hosts", get("/healthz", "Host: b\r\n"), 400),
        ("a tunnel", b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(), 404),
    ]
}

#[tokio::test]
async fn what_the_api_cannot_take_is_answered_with_a_problem() {
    let watch = Watch::start().await;
    for (name, bytes, expected) in refused() {
        let answer = answer(watch.server.address(), &bytes).await;
        // A body that is not read to its end may reset the connection before the answer is read.
        if answer.is_empty() && bytes.len() > 1_000_000 {
            continue;
        }
        assert_eq!(status(&answer), Some(expected), "{name}: {answer}");
        assert!(answer.contains("content-type: application/problem+json\r\n"), "{name}: {answer}");
    }
    watch.assert_undisturbed().await;
}

/// Bytes that are no request of HTTP, or one that can be read in two ways.
fn nonsense() -> Vec<(&'static str, Vec<u8>)> {
    let many: String = (0..1_000).map(|n| format!("X-{n}: a\r\n")).collect();
    vec![
        ("two lengths", post("Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}G")),
        ("two lengths in one line", post("Content-Length: 2, 3\r\n\r\n{}G")),
        ("signed length", post("Content-Length: +2\r\n\r\n{}")),
        ("negative length", post("Content-Length: -2\r\n\r\n{}")),
        ("length that overflows", post("Content-Length: 99999999999999999999999\r\n\r\n{}")),
        ("space before the colon", post("Content-Length : 2\r\n\r\n{}")),
        ("unknown transfer encoding", post("Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")),
        ("chunked is not the last", post("Transfer-Encoding: chunked, identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n")),
        ("two transfer encodings", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n")),
        ("folded header", get("/healthz", "X: a\r\n b\r\n")),
        ("NUL in a header", get("/healthz", "X: a\0b\r\n")),
        ("huge header", get("/healthz", &format!("X: {}\r\n", "a".repeat(2_000_000)))),
        ("a thousand headers", get("/healthz", &many)),
        ("long path", get(&format!("/{}", "a".repeat(100_000)), "")),
        ("bytes in the path", [b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n".as_slice()].concat()),
        ("NUL in the method", b"G\0T / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec()),
        ("HTTP/0.9", b"GET /healthz\r\n".to_vec()),
        ("HTTP/9.9", b"GET /healthz HTTP/9.9\r\nHost: a\r\n\r\n".to_vec()),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(50)),
        ("all bytes", (0..=255).cycle().take(10_000).collect()),
        ("HTTP/2 that goes wrong", [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &[0xff; 100]].concat()),
    ]
}

#[tokio::test]
async fn what_is_no_clear_request_is_refused_or_closed() {
    let watch = Watch::start().await;
    for (name, bytes) in nonsense() {
        let answer = answer(watch.server.address(), &bytes).await;
        let status = status(&answer);
        assert!(status.is_none_or(|status| (400..500).contains(&status)), "{name}: {answer}");
        assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{name}: {answer}");
    }
    watch.assert_undisturbed().await;
}

#[tokio::test]
async fn a_request_behind_another_in_disguise_is_not_answered() {
    let watch = Watch::start().await;
    // By its length the body holds the second request, by its encoding it ends before: a proxy in front may see one
    // request where there are two.
    let smuggled = "0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let bytes = post(&format!("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n{smuggled}", smuggled.len()));
    let mut stream = TcpStream::connect(watch.server.address()).await.unwrap();
    stream.write_all(&bytes).await.unwrap();
    let mut answer = Vec::new();
    // The end comes by a close, or by a reset because bytes were left unread.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the connection is closed");
    let answer = String::from_utf8_lossy(&answer);
    assert_eq!((status(&answer), answer.matches("HTTP/1.1 ").count()), (Some(400), 1), "{answer}");
    watch.assert_undisturbed().await;
}

#[tokio::test]
async fn slow_and_idle_clients_are_let_go_and_leave_nothing_behind() {
    let watch = Watch::start().await;
    let address = watch.server.address();
    watch.assert_undisturbed().await;
    let before = watch.server.descriptors();
    let test = format!(
        "POST /api/v1/tests HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{{"
    );
    let beginnings = [
        ("nothing at all", b"".to_vec()),
        ("half a line", b"GET /hea".to_vec()),
        ("half the headers", b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: ".to_vec()),
        ("half of HTTP/2's preface", b"PRI * HT".to_vec()),
        ("half a body", post("Content-Length: 100\r\n\r\n{")),
        ("half a body for what takes long", test.into_bytes()),
        ("nothing after an answer", get("/healthz", "")),
    ];
    let mut clients = Vec::new();
    for (name, bytes) in beginnings.iter().chain(std::iter::repeat_n(&beginnings[0], 200)) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        clients.push((name, stream));
    }
    watch.assert_undisturbed().await;
    for (name, mut stream) in clients {
        let mut answer = Vec::new();
        let end = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
        assert!(end.is_ok(), "{name}: still open; {}", String::from_utf8_lossy(&answer));
        let expected = match *name {
            "nothing after an answer" => Some(200),
            name if name.starts_with("half a body") => Some(408),
            _ => None,
        };
        assert_eq!(status(&String::from_utf8_lossy(&answer)), expected, "{name}");
    }
    until("all descriptors are given back", async || (watch.server.descriptors() <= before).then_some(())).await;
    watch.assert_undisturbed().await;
}

#[tokio::test]
async fn listeners_that_do_not_read_hold_nobody_up() {
    let watch = Watch::start().await;
    watch.assert_undisturbed().await;
    let before = watch.server.descriptors();
    let mut listeners = Vec::new();
    for _ in 0..200 {
        listeners.push(watch.server.client().stream("/events").await);
    }
    watch.assert_undisturbed().await;
    drop(listeners);
    until("all descriptors are given back", async || (watch.server.descriptors() <= before).then_some(())).await;
}

#[tokio::test]
async fn where_few_files_may_be_open_visitors_do_not_take_them_from_tests() {
    let watch = Watch::start_with(|command| {
        let mut limited = Command::new("/bin/sh");
        limited.args(["-c", "ulimit -n 128 && exec \"$0\" \"$@\""]).arg(command.get_program()).args(command.get_args());
        limited.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        *command = limited;
    })
    .await;
    assert!(watch.server.log().contains("few files may be open"), "{}", watch.server.log());
    let mut visitors = Vec::new();
    for _ in 0..100 {
        // Those that are not taken yet wait in the system's queue, which may be short.
        visitors.push(TcpStream::connect(watch.server.address()).await.unwrap());
    }
    until("visitors have all that they may", async || (watch.server.descriptors() >= 48).then_some(())).await;
    let tested = watch.website.requests();
    until("tests go on", async || (watch.website.requests() >= tested + 3).then_some(())).await;
    assert!(watch.server.descriptors() <= 100, "{}", watch.server.descriptors());
    drop(visitors);
    watch.assert_undisturbed().await;
}
