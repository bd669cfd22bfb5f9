//! CPU per HTTP and HTTPS check of the probe alone, beside wrk in the same run, against nginx in another process;
//! and the memory that a test takes while its target keeps it waiting. Prints ratios: absolute times drift.
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
    net::{Ipv4Addr, TcpListener},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use serde_json::{Value, json};
use tokio::runtime::Runtime;
use watchkeep_lab::{
    ca::{Authority, Profile},
    measure::{asked_of_a_copy, by_a_copy, cpu_each, memory_each, wrk},
    nginx::Nginx,
    raw::Act,
    tls::{Offer, Server},
};
use watchkeep_model::{LocationName, Test};
use watchkeep_probe::{Prober, ProberOptions};

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long each figure is measured.
const MEASURED: Duration = Duration::from_secs(4);
/// Checks on the way at the same time, for the probe and for wrk.
const AT_ONCE: usize = 16;
/// Stalled tests whose memory is measured.
const STALLED: usize = 2_000;
/// The first argument of the copy of this program that serves stalled TLS connections.
const STALL: &str = "--serve-stalled-tls";
/// The first argument of the copy whose stalled tests are measured; URL and options as JSON follow.
const STALLED_TESTS: &str = "--memory-of-stalled-tests";
/// Authorities of a Debian system; verification against them costs what it costs in real life.
const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

fn main() {
    if env::args().any(|argument| argument == STALL) {
        return serve_stalled();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if let Some(case) = asked_of_a_copy(STALLED_TESTS) {
        let (url, options): (String, Value) = serde_json::from_str(&case).unwrap();
        return println!("{}", memory_of_stalled(&runtime, &parse(&url, &options)));
    }
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let trusted = folder.path().join("trusted.pem");
    let bundle = [fs::read(BUNDLE).unwrap_or_default(), fs::read(authority.file()).unwrap()].concat();
    fs::write(&trusted, bundle).unwrap();
    let (Some(clear), Some(secure)) = (Nginx::start(), Nginx::start_tls(&authority.issue(&Profile::good()))) else {
        println!("nginx is missing: nothing is measured");
        return;
    };
    println!("{:34}{:>12}{:>12}{:>9}{:>9}", "CPU per check", "probe", "wrk", "ratio", "target");
    for (name, url, target) in [("HTTP", clear.url(), 40.0), ("HTTPS, TLS 1.3, verified", secure.url(), 200.0)] {
        let test = parse(&url, &json!({"ca_file": trusted}));
        let mine = cpu_of_checks(&runtime, &test);
        let yardstick = wrk(&url, AT_ONCE, MEASURED);
        let ratio = mine / yardstick;
        println!("{name:34}{mine:>9.1} µs{yardstick:>9.1} µs{ratio:>9.2}{target:>6.0} µs");
    }
    println!("\n{:34}{:>12}{:>21}", "memory per stalled test", "", "target");
    let unanswered = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket2::SockRef::from(&unanswered).listen(4_096).unwrap();
    let clear = format!("{}", unanswered.local_addr().unwrap());
    let mut child = Stalling::start();
    for (name, url, options, target) in [
        ("no answer", format!("http://{clear}/"), json!({}), 21.0),
        ("no handshake", format!("https://{clear}/"), json!({}), 28.0),
        ("no answer after the handshake", child.url.clone(), json!({"ca_file": child.ca_file}), 28.0),
    ] {
        let kibibytes: f64 = by_a_copy(STALLED_TESTS, &json!([url, options]).to_string()).trim().parse().unwrap();
        println!("{name:34}{kibibytes:>8.1} KiB{target:>17.0} KiB");
    }
    child.process.kill().unwrap();
    child.process.wait().unwrap();
}

fn parse(url: &str, options: &Value) -> Test {
    let object = json!({"type": "http", "target": url, "timeout": "60s", "connect_timeout": "60s", "http": options});
    Test::parse(object.as_object().unwrap().clone()).unwrap_or_else(|invalid| panic!("{url}: {invalid}"))
}

/// Microseconds of user and system time of this process for each check.
fn cpu_of_checks(runtime: &Runtime, test: &Test) -> f64 {
    let (prober, test) = (Arc::new(Prober::new(ProberOptions::default()).unwrap()), Arc::new(test.clone()));
    let check = move || {
        let (prober, test) = (Arc::clone(&prober), Arc::clone(&test));
        async move {
            let result = prober.run(&test, &LocationName::local()).await;
            assert!(result.verdict.code.is_operational(), "{:?}", result.verdict);
        }
    };
    cpu_each(runtime, AT_ONCE, MEASURED, check)
}

/// KiB of this process for each of many tests that wait.
fn memory_of_stalled(runtime: &Runtime, test: &Test) -> f64 {
    let prober = Arc::new(Prober::new(ProberOptions::default()).unwrap());
    let test = Arc::new(test.clone());
    memory_each(runtime, STALLED, || {
        let (prober, test) = (Arc::clone(&prober), Arc::clone(&test));
        async move {
            let result = prober.run(&test, &LocationName::local()).await;
            panic!("the target did not stall: {:?}", result.verdict);
        }
    })
}

/// A copy of this program that makes handshakes and never answers a request: its memory must not count.
struct Stalling {
    process: Child,
    url: String,
    ca_file: String,
}

impl Stalling {
    fn start() -> Self {
        let mut process = Command::new(env::current_exe().unwrap()).arg(STALL).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut line = || lines.next().unwrap().unwrap();
        Self { url: line(), ca_file: line(), process }
    }
}

fn serve_stalled() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let authority = Authority::new();
        let identity = authority.issue(&Profile::good());
        let server = Server::scripted(&identity, Offer::default(), vec![Act::ReadHead, Act::Hang]).await;
        println!("{}\n{}", server.url(), authority.file().display());
        std::io::stdout().flush().unwrap();
        std::future::pending::<()>().await;
    });
}
