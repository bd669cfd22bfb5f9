//! Many monitors in real time: how soon a robot has them, and how much memory each takes while it waits.
//! The figures are bounds for any machine that builds this; `benches/robot.rs` measures.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::time::{Duration, Instant};

use support::{Stand, assignment};
use watchkeep_bus::Assignment;
use watchkeep_model::Span;

const MONITORS: u32 = 100_000;

/// The memory of this process that is in use, in bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1_024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_monitors_are_ready_soon_and_take_little_memory() {
    let stand = Stand::new();
    let before = resident();
    let mut spent = Duration::ZERO;
    for number in 0..MONITORS {
        // Made by whoever reads the store; the robot's own time is what counts.
        let assignment =
            Assignment { interval: Span::seconds(7 * 86_400), ..assignment(number, &format!("t{number}")) };
        let begun = Instant::now();
        stand.put(assignment);
        spent += begun.elapsed();
    }
    let told = Instant::now();
    let gauge = stand.robot.gauge();
    while gauge.read().monitors < u64::from(MONITORS) {
        assert!(told.elapsed() < Duration::from_secs(60), "not ready after a minute");
        tokio::task::yield_now().await;
    }
    spent += told.elapsed();
    let each = (resident() - before) / u64::from(MONITORS);
    assert!(each <= 4_096, "{each} bytes for each idle monitor");
    // An unoptimised build on a busy machine gets more time than the two seconds that are promised.
    let limit = if cfg!(debug_assertions) { 10 } else { 2 };
    assert!(spent < Duration::from_secs(limit), "ready after {spent:?}");
}
