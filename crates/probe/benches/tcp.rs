//! CPU per TCP test of the probe alone, beside bare connections of the same runtime in the same run, and beside
//! blackbox_exporter where it is installed; and the memory of a test whose target keeps it waiting.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark prints its figures and fails by panicking"
)]

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream as StdStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Runtime,
};
use watchkeep_lab::measure::{Processor, asked_of_a_copy, by_a_copy, cpu_each, memory_each, microseconds_each, repeat};
use watchkeep_model::{LocationName, Test};
use watchkeep_probe::{Prober, ProberOptions};

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long each figure is measured.
const MEASURED: Duration = Duration::from_secs(4);
/// Tests on the way at the same time.
const AT_ONCE: usize = 16;
/// Stalled tests whose memory is measured.
const STALLED: usize = 2_000;
/// The first argument of the copy of this program that greets whoever connects.
const GREET: &str = "--greet";
/// The first argument of the copy whose stalled tests are measured.
const STALLED_TESTS: &str = "--memory-of-stalled-tests";
/// What the greeting peer says.
const GREETING: &[u8] = b"220 mail.example ESMTP\r\n";
/// Where Debian installs the exporter.
const EXPORTER: &str = "/usr/bin/prometheus-blackbox-exporter";

fn main() {
    if env::args().any(|argument| argument == GREET) {
        return greet();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if asked_of_a_copy(STALLED_TESTS).is_some() {
        return println!("{}", memory_of_stalled(&runtime));
    }
    let mut peer = Peer::start(&env::current_exe().unwrap(), &[GREET]);
    let address: SocketAddr = peer.line().parse().unwrap();
    println!("{:34}{:>12}{:>12}{:>9}{:>9}", "CPU per test", "probe", "bare", "ratio", "target");
    for (name, options, is_read) in
        [("TCP, connected", json!({}), false), ("TCP, greeting expected", json!({"expect": "/^220 /"}), true)]
    {
        let mine = cpu_of_tests(&runtime, &parse(&address.to_string(), &options));
        let bare = cpu_of_bare(&runtime, address, is_read);
        println!("{name:34}{mine:>9.1} µs{bare:>9.1} µs{:>9.2}{:>6.0} µs", mine / bare, 45.0);
    }
    match blackbox(&runtime, address) {
        Some(theirs) => println!("{:34}{theirs:>9.1} µs", "blackbox_exporter, connected"),
        None => println!("blackbox_exporter is not installed: no figure of its own"),
    }
    let kibibytes: f64 = by_a_copy(STALLED_TESTS, "greeting").trim().parse().unwrap();
    println!("\n{:34}{kibibytes:>8.1} KiB{:>17.0} KiB", "memory per stalled test", 21.0);
}

fn parse(target: &str, options: &Value) -> Test {
    let object = json!({"type": "tcp", "target": target, "timeout": "60s", "connect_timeout": "60s", "tcp": options});
    Test::parse(object.as_object().unwrap().clone()).unwrap_or_else(|invalid| panic!("{target}: {invalid}"))
}

/// Microseconds of user and system time of this process for each test.
fn cpu_of_tests(runtime: &Runtime, test: &Test) -> f64 {
    let (prober, test) = (Arc::new(Prober::new(ProberOptions::default()).unwrap()), Arc::new(test.clone()));
    cpu_each(runtime, AT_ONCE, MEASURED, move || {
        let (prober, test) = (Arc::clone(&prober), Arc::clone(&test));
        async move {
            let result = prober.run(&test, &LocationName::local()).await;
            assert!(result.verdict.code.is_operational(), "{:?}", result.verdict);
        }
    })
}

/// The same for connections without a test around them: the floor.
fn cpu_of_bare(runtime: &Runtime, address: SocketAddr, is_read: bool) -> f64 {
    cpu_each(runtime, AT_ONCE, MEASURED, move || async move {
        let mut stream = TcpStream::connect(address).await.unwrap();
        if is_read {
            assert_eq!(stream.read(&mut [0; 64]).await.unwrap(), GREETING.len());
        }
    })
}

/// KiB of this process for each of many tests that wait for a greeting.
fn memory_of_stalled(runtime: &Runtime) -> f64 {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket2::SockRef::from(&silent).listen(4_096).unwrap();
    let test = Arc::new(parse(&silent.local_addr().unwrap().to_string(), &json!({"expect": "/^220 /"})));
    let prober = Arc::new(Prober::new(ProberOptions::default()).unwrap());
    memory_each(runtime, STALLED, || {
        let (prober, test) = (Arc::clone(&prober), Arc::clone(&test));
        async move {
            let result = prober.run(&test, &LocationName::local()).await;
            panic!("the target did not stall: {:?}", result.verdict);
        }
    })
}

/// Microseconds of processor time that blackbox_exporter takes for each connection, its start included; `None` where
/// it is not installed.
fn blackbox(runtime: &Runtime, target: SocketAddr) -> Option<f64> {
    if !Path::new(EXPORTER).is_file() {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let configuration = folder.path().join("blackbox.yml");
    fs::write(&configuration, "modules:\n  tcp:\n    prober: tcp\n").unwrap();
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let listen = format!("--web.listen-address=127.0.0.1:{port}");
    let file = format!("--config.file={}", configuration.display());
    let before = Processor::now();
    let exporter = Peer::start(Path::new(EXPORTER), &[&listen, &file, "--log.level=error"]);
    let give_up = Instant::now() + Duration::from_secs(10);
    while StdStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        assert!(Instant::now() < give_up, "blackbox_exporter does not answer");
        std::thread::yield_now();
    }
    let request: Arc<str> =
        format!("GET /probe?module=tcp&target={target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").into();
    let ask = move || {
        let request = Arc::clone(&request);
        async move {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut reply = String::new();
            stream.read_to_string(&mut reply).await.unwrap();
            assert!(reply.contains("probe_success 1"), "{reply}");
        }
    };
    let count = runtime.block_on(repeat(AT_ONCE, MEASURED, ask));
    // Only a child that has ended is counted.
    drop(exporter);
    Some(microseconds_each(Processor::now().children - before.children, count))
}

/// Another process, ended with this value: its processor time must not count as ours.
struct Peer(Child);

impl Peer {
    fn start(program: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    /// The next line that it prints.
    fn line(&mut self) -> String {
        let mut line = String::new();
        BufReader::new(self.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        line.trim().to_owned()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Greets everybody who connects, and closes.
fn greet() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket2::SockRef::from(&listener).listen(4_096).unwrap();
    println!("{}", listener.local_addr().unwrap());
    for stream in listener.incoming() {
        // Whoever came may be gone already.
        let _ = stream.and_then(|mut stream| stream.write_all(GREETING));
    }
}
