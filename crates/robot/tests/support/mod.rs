//! A robot with a tester that tests nothing, and a receiver that a test holds in its hands.
//! Meant for the paused clock of tokio: minutes pass in milliseconds, and nothing depends on luck.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};
use watchkeep_bus::{
    Assignment, Command, FirstTest,
    in_process::{self, BatchReceiver, CommandSender, Delivery},
};
use watchkeep_catalogue::StatusCode;
use watchkeep_model::{
    Confirm, LocationName, MonitorId, Observed, Phases, RecordedResult, RobotSequence, Span, Test, TestResult, Verdict,
};
use watchkeep_robot::{Robot, RobotOptions, Tester};

pub(crate) const REFUSED: i16 = 451;

/// How one target behaves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    /// The codes of its tests, one after the other; the last one stays.
    pub(crate) codes: Vec<i16>,
    /// How long each test takes.
    pub(crate) takes: Duration,
    /// Tests of it panic.
    pub(crate) panics: bool,
}

/// One test that was begun.
#[derive(Clone, Debug)]
pub(crate) struct Begun {
    pub(crate) target: String,
    pub(crate) at: Instant,
}

/// Behaves like the targets that it was given, and writes down what it did.
#[derive(Debug, Default)]
pub(crate) struct Fake {
    targets: Mutex<HashMap<String, Target>>,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    begun: Vec<Begun>,
    running: HashMap<String, usize>,
    most_running: usize,
}

struct Running<'a> {
    fake: &'a Fake,
    target: String,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.fake.log.lock().unwrap().running.remove(&self.target);
    }
}

impl Fake {
    pub(crate) fn set(&self, target: &str, behaviour: Target) {
        self.targets.lock().unwrap().insert(url(target), behaviour);
    }

    /// The target ends its tests in these codes, one after the other, at once.
    pub(crate) fn codes(&self, target: &str, codes: &[i16]) {
        self.set(target, Target { codes: codes.to_vec(), ..Target::default() });
    }

    pub(crate) fn begun(&self) -> Vec<Begun> {
        self.log.lock().unwrap().begun.clone()
    }

    /// When tests of one target began.
    pub(crate) fn begun_of(&self, target: &str) -> Vec<Instant> {
        let target = url(target);
        self.begun().into_iter().filter(|begun| begun.target == target).map(|begun| begun.at).collect()
    }

    pub(crate) fn most_running(&self) -> usize {
        self.log.lock().unwrap().most_running
    }

    fn begin(&self, target: &str) -> (Running<'_>, Target) {
        let mut log = self.log.lock().unwrap();
        log.begun.push(Begun { target: target.to_owned(), at: Instant::now() });
        let running = log.running.entry(target.to_owned()).or_default();
        *running += 1;
        assert_eq!(*running, 1, "two tests of {target} at the same time");
        log.most_running = log.most_running.max(log.running.len());
        drop(log);
        let mut targets = self.targets.lock().unwrap();
        let behaviour = targets.entry(target.to_owned()).or_default();
        let now = Target { codes: vec![behaviour.codes.first().copied().unwrap_or_default()], ..behaviour.clone() };
        if behaviour.codes.len() > 1 {
            behaviour.codes.remove(0);
        }
        (Running { fake: self, target: target.to_owned() }, now)
    }
}

impl Tester for Fake {
    async fn run(&self, test: &Test, location: &LocationName) -> TestResult {
        let (running, target) = self.begin(&test.subject.target);
        if !target.takes.is_zero() {
            sleep(target.takes).await;
        }
        drop(running);
        assert!(!target.panics, "this target makes its tests panic");
        let verdict = match target.codes[0] {
            0 => Verdict::OPERATIONAL,
            code => Verdict::new(StatusCode::new(code), "as told"),
        };
        TestResult {
            subject: Arc::clone(&test.subject),
            location: location.clone(),
            started_at: Timestamp::now(),
            verdict,
            duration: target.takes,
            phases: Phases::default(),
            observed: Observed::Nothing,
            notable: None,
        }
    }
}

pub(crate) fn url(target: &str) -> String {
    format!("http://{target}.example/")
}

pub(crate) fn id(number: u32) -> MonitorId {
    MonitorId::from_random(u128::from(number).to_be_bytes())
}

/// A monitor of `target`, tested every ten seconds and confirmed by one re-test after two.
pub(crate) fn assignment(number: u32, target: &str) -> Assignment {
    let serde_json::Value::Object(object) = json!({"type": "http", "target": url(target)}) else { unreachable!() };
    let test = Test::parse(object).unwrap();
    Assignment {
        monitor: id(number),
        subject: Arc::clone(&test.subject),
        test: Ok(Arc::new(test)),
        interval: Span::seconds(10),
        confirm: Confirm { retries: 1, delay: Span::seconds(2), locations: 1 },
        believed: None,
        first: FirstTest::WhenDue,
    }
}

/// A robot in a test's hands.
pub(crate) struct Stand {
    pub(crate) fake: Arc<Fake>,
    pub(crate) robot: Robot,
    pub(crate) commands: CommandSender,
    pub(crate) batches: BatchReceiver,
    pub(crate) start: Instant,
}

impl Stand {
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    pub(crate) fn with(adjust: impl FnOnce(&mut RobotOptions)) -> Self {
        let mut options = RobotOptions::new(LocationName::local(), Timestamp::from_second(1_800_000_000).unwrap());
        adjust(&mut options);
        let fake = Arc::new(Fake::default());
        let (commands, receiver) = in_process::commands();
        let (sender, batches) = in_process::batches(4);
        let start = Instant::now();
        let robot = Robot::start(options, Arc::clone(&fake), receiver, sender);
        Self { fake, robot, commands, batches, start }
    }

    pub(crate) fn put(&self, assignment: Assignment) {
        self.commands.send(Command::Put(Box::new(assignment)));
    }

    /// Puts a monitor that is tested at once.
    pub(crate) fn put_now(&self, assignment: Assignment) {
        self.put(Assignment { first: FirstTest::AtOnce, ..assignment });
    }

    /// The next batch, not acknowledged yet.
    pub(crate) async fn delivery(&mut self) -> Delivery {
        timeout(Duration::from_secs(3_600), self.batches.recv()).await.expect("a batch within an hour").unwrap()
    }

    /// The next batch, acknowledged.
    pub(crate) async fn batch(&mut self) -> (RobotSequence, Vec<RecordedResult>) {
        let delivery = self.delivery().await;
        delivery.acknowledgement.kept();
        (delivery.batch.last, delivery.batch.results.clone())
    }

    /// Code and attempt of the next so many results, with the time since the start at which each arrived.
    pub(crate) async fn results(&mut self, count: usize) -> Vec<(i16, u16, Duration)> {
        let mut results = Vec::new();
        while results.len() < count {
            let (_, batch) = self.batch().await;
            let after = self.start.elapsed();
            results.extend(batch.iter().map(|found| (found.result.verdict.code.number(), found.attempt, after)));
        }
        results
    }

    /// Acknowledges everything that arrives within a time.
    pub(crate) async fn run_for(&mut self, time: Duration) -> Vec<RecordedResult> {
        let end = Instant::now() + time;
        let mut results = Vec::new();
        while let Ok(Some(delivery)) = tokio::time::timeout_at(end, self.batches.recv()).await {
            delivery.acknowledgement.kept();
            results.extend(delivery.batch.results.iter().cloned());
        }
        results
    }
}
