//! CPU per echo of pings by the probe alone, beside fping in the same run.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark prints its figures and fails by panicking"
)]

use std::{
    process::{Command, Stdio},
    sync::Arc,
};

use serde_json::json;
use tokio::task::JoinSet;
use watchkeep_lab::measure::{Processor, microseconds_each};
use watchkeep_model::{LocationName, Test};
use watchkeep_probe::{Prober, ProberOptions};

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Hosts that are pinged at the same time, each an address of the loopback network.
const HOSTS: u8 = 200;
/// Echoes to each host, in each round.
const ECHOES: u8 = 100;
/// Milliseconds between two echoes to the same host.
const APART: u8 = 20;
/// Rounds that are measured, after one that is not.
const ROUNDS: u64 = 3;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let prober = Arc::new(Prober::new(ProberOptions::default()).unwrap());
    let tests: Vec<_> = hosts().map(|host| Arc::new(parse(&host))).collect();
    let round = || runtime.block_on(ping_all(&prober, &tests));
    round();
    let before = Processor::now();
    for _ in 0..ROUNDS {
        round();
    }
    let echoes = u64::from(HOSTS) * u64::from(ECHOES);
    let mine = microseconds_each(Processor::now().own - before.own, echoes * ROUNDS);
    println!("{:34}{:>12}{:>12}{:>9}{:>9}", "CPU per echo", "probe", "fping", "ratio", "target");
    match fping() {
        Some(theirs) => println!("{:34}{mine:>9.1} µs{theirs:>9.1} µs{:>9.2}{:>6.0} µs", "ICMP", mine / theirs, 12.0),
        None => println!("{:34}{mine:>9.1} µs{:>12}{:>9}{:>6.0} µs", "ICMP", "missing", "–", 12.0),
    }
}

fn hosts() -> impl Iterator<Item = String> {
    (1..=HOSTS).map(|last| format!("127.0.0.{last}"))
}

fn parse(host: &str) -> Test {
    let options = json!({"count": ECHOES, "interval": format!("{APART}ms")});
    let object = json!({"type": "icmp", "target": host, "timeout": "60s", "icmp": options});
    Test::parse(object.as_object().unwrap().clone()).unwrap_or_else(|invalid| panic!("{host}: {invalid}"))
}

async fn ping_all(prober: &Arc<Prober>, tests: &[Arc<Test>]) {
    let mut running = JoinSet::new();
    for test in tests {
        let (prober, test) = (Arc::clone(prober), Arc::clone(test));
        running.spawn(async move {
            let result = prober.run(&test, &LocationName::local()).await;
            assert!(result.verdict.code.is_operational(), "{:?}", result.verdict);
        });
    }
    running.join_all().await;
}

/// Microseconds of fping for each echo of the same round; `None` where it is not installed.
fn fping() -> Option<f64> {
    let before = Processor::now();
    let (count, apart) = (ECHOES.to_string(), APART.to_string());
    let status = Command::new("fping")
        // Without its pause between two hosts, which would spread the round over a longer time.
        .args(["-q", "-C", &count, "-p", &apart, "-i", "0"])
        .args(hosts())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .ok()?;
    assert!(status.success(), "fping lost echoes: {status}");
    Some(microseconds_each(Processor::now().children - before.children, u64::from(HOSTS) * u64::from(ECHOES)))
}
