//! How soon a robot is ready, what a waiting monitor costs, how late tests begin at 5,000 a second, what the wheel takes.
//! `cargo bench -p watchkeep-robot`. Targets: 2 s at 100,000 monitors, 4 KiB each, 50 ms at the 99th percentile.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints and may fail")]

use std::{
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde_json::json;
use watchkeep_bus::{
    Assignment, Command, FirstTest,
    in_process::{self, BatchReceiver},
};
use watchkeep_lab::measure::{Processor, resident};
use watchkeep_model::{Confirm, LocationName, MonitorId, Observed, Phases, Span, Test, TestResult, Verdict};
use watchkeep_robot::{Robot, RobotOptions, Tester, wheel::Wheel};

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A target that answers after 20 ms.
struct Instantly;

impl Tester for Instantly {
    async fn run(&self, test: &Test, location: &LocationName) -> TestResult {
        let started_at = Timestamp::now();
        let duration = Duration::from_millis(20);
        tokio::time::sleep(duration).await;
        TestResult {
            subject: Arc::clone(&test.subject),
            location: location.clone(),
            started_at,
            verdict: Verdict::OPERATIONAL,
            duration,
            phases: Phases::default(),
            observed: Observed::Nothing,
            notable: None,
        }
    }
}

fn assignment(number: u32, interval: Span) -> Box<Assignment> {
    let serde_json::Value::Object(object) = json!({"type": "http", "target": format!("http://t{number}.example/")})
    else {
        unreachable!()
    };
    let test = Test::parse(object).unwrap();
    Box::new(Assignment {
        monitor: MonitorId::from_random(u128::from(number).to_be_bytes()),
        subject: Arc::clone(&test.subject),
        test: Ok(Arc::new(test)),
        interval,
        confirm: Confirm::default(),
        believed: None,
        first: FirstTest::WhenDue,
    })
}

async fn acknowledge(mut batches: BatchReceiver) {
    while let Some(delivery) = batches.recv().await {
        delivery.acknowledgement.kept();
    }
}

async fn run(monitors: u32, interval: Span, time: Duration) {
    let assignments: Vec<_> = (0..monitors).map(|number| assignment(number, interval)).collect();
    let before = resident();
    let (commands, receiver) = in_process::commands();
    let (sender, batches) = in_process::batches(16);
    tokio::spawn(acknowledge(batches));
    let options = RobotOptions::new(LocationName::local(), Timestamp::now());
    let begun = Instant::now();
    let robot = Robot::start(options, Arc::new(Instantly), receiver, sender);
    for assignment in assignments {
        commands.send(Command::Put(assignment));
    }
    let gauge = robot.gauge();
    while gauge.read().monitors < u64::from(monitors) {
        tokio::task::yield_now().await;
    }
    println!(
        "{monitors} monitors: ready after {:?}, {} bytes each for the robot",
        begun.elapsed(),
        resident().saturating_sub(before) / u64::from(monitors)
    );
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (earlier, used) = (gauge.read(), Processor::now().own);
    tokio::time::sleep(time).await;
    let (later, used) = (gauge.read(), Processor::now().own - used);
    let (tests, lateness) = (later.started - earlier.started, later.lateness.since(&earlier.lateness));
    println!(
        "  {} tests/s; late by {:?} (p50), {:?} (p99), {:?} (all); {:?} of processor time for each",
        tests as f64 / time.as_secs_f64(),
        lateness.quantile(0.5),
        lateness.quantile(0.99),
        lateness.quantile(1.0),
        used.checked_div(u32::try_from(tests).unwrap()).unwrap_or_default(),
    );
    robot.stop(Duration::from_secs(1)).await;
}

fn wheel() {
    const TIMERS: u32 = 1_000_000;
    let mut wheel = Wheel::new(0);
    let due = |timer: u32| 1 + (u64::from(timer) * 7_919) % 120_000;
    let begun = Instant::now();
    (0..TIMERS).for_each(|timer| wheel.set(timer, due(timer)));
    let set = begun.elapsed() / TIMERS;
    let begun = Instant::now();
    (0..TIMERS).step_by(2).for_each(|timer| wheel.cancel(timer));
    let cancelled = begun.elapsed() / (TIMERS / 2);
    let (begun, mut fired) = (Instant::now(), Vec::new());
    (1..=120_000).for_each(|tick| wheel.advance(tick, &mut fired));
    assert_eq!(black_box(fired).len(), 500_000);
    println!(
        "wheel of {TIMERS}: set {set:?}, cancel {cancelled:?}, fire {:?} for each",
        begun.elapsed() / (TIMERS / 2)
    );
}

fn main() {
    wheel();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(run(100_000, Span::seconds(60), Duration::from_secs(5)));
    runtime.block_on(run(5_000, Span::seconds(1), Duration::from_secs(5)));
    runtime.block_on(run(12_000, Span::seconds(1), Duration::from_secs(5)));
}
