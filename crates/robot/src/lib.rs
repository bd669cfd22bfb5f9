//! A place that tests: it knows its monitors, when each is due, and sends what it finds until that is kept.
//! `wheel` holds the timers, `scheduler` starts tests, `gather` and `sender` bring results away.

mod clock;
mod gather;
mod roster;
mod scheduler;
mod sender;
mod stats;
pub mod wheel;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{Instant, timeout},
};
use watchkeep_bus::in_process::{BatchSender, CommandReceiver};
use watchkeep_model::{LocationName, RobotSequence, Test, TestResult};
use watchkeep_probe::Prober;

pub use stats::{Gauge, Lateness, Stats};

use crate::{clock::Clock, scheduler::Scheduler, sender::Sender, stats::Counters};

/// Runs one test. A failing target is a result, never an error.
pub trait Tester: Send + Sync + 'static {
    /// Runs a test within its own limits.
    fn run(&self, test: &Test, location: &LocationName) -> impl Future<Output = TestResult> + Send;
}

impl Tester for Prober {
    fn run(&self, test: &Test, location: &LocationName) -> impl Future<Output = TestResult> + Send {
        Self::run(self, test, location)
    }
}

/// What a robot must be told at its start.
#[derive(Clone, Debug)]
pub struct RobotOptions {
    /// Where it stands; its identity.
    pub location: LocationName,
    /// The time by the wall clock. It anchors the places of monitors in their intervals.
    pub now: Timestamp,
    /// How far the results of this location had come before; new ones are numbered above it.
    pub previous: Option<RobotSequence>,
    /// Most tests under way at the same time; further ones wait and are counted as late.
    pub most_in_flight: usize,
    /// Most results that are kept while nobody acknowledges any. Those without news are dropped first, and those that
    /// are changes never.
    pub most_unacknowledged: usize,
}

impl RobotOptions {
    /// Tests under way at the same time, unless told otherwise: room for 10,000 targets that do not answer.
    pub const MOST_IN_FLIGHT: usize = 16_384;
    /// Results kept, unless told otherwise: some tens of megabytes.
    pub const MOST_UNACKNOWLEDGED: usize = 100_000;

    /// The usual limits.
    #[must_use]
    pub fn new(location: LocationName, now: Timestamp) -> Self {
        Self {
            location,
            now,
            previous: None,
            most_in_flight: Self::MOST_IN_FLIGHT,
            most_unacknowledged: Self::MOST_UNACKNOWLEDGED,
        }
    }

    /// The number of this life of the robot: its start in milliseconds, and above every earlier one even where the
    /// clock was put back.
    fn epoch(&self) -> u64 {
        let now = u64::try_from(self.now.as_millisecond()).unwrap_or_default();
        self.previous.map_or(now, |previous| now.max(previous.epoch.saturating_add(1)))
    }
}

/// A running robot. Stop it with [`Robot::stop`]; one that is dropped breaks off its tests.
#[derive(Debug)]
pub struct Robot {
    gauge: Gauge,
    stop: oneshot::Sender<Duration>,
    scheduler: JoinHandle<()>,
    sender: JoinHandle<()>,
}

/// What a robot could not finish when it was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leftover {
    /// Tests that were broken off.
    pub tests: u64,
    /// Results that nobody acknowledged.
    pub results: u64,
}

impl Robot {
    /// How long a robot that stops waits for its last results to be acknowledged.
    const LAST_ACKNOWLEDGEMENT: Duration = Duration::from_secs(5);

    /// Starts a robot on the present runtime. It has no monitors until commands name some.
    #[must_use]
    pub fn start<T: Tester>(
        options: RobotOptions,
        tester: Arc<T>,
        commands: CommandReceiver,
        batches: BatchSender,
    ) -> Self {
        let counters = Counters::new();
        let clock = Clock::new(Instant::now(), options.now);
        let epoch = options.epoch();
        let (results, found) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel();
        let (scheduler, reports) = Scheduler::new(
            options.location.clone(),
            tester,
            clock,
            options.most_in_flight,
            results,
            Arc::clone(&counters),
        );
        let sender = Sender::new(options.location, batches, options.most_unacknowledged, epoch, Arc::clone(&counters));
        Self {
            gauge: Gauge::new(counters),
            stop,
            scheduler: tokio::spawn(scheduler.run(commands, reports, stopped)),
            sender: tokio::spawn(sender.run(found)),
        }
    }

    /// Reads this robot's counters, also from elsewhere.
    #[must_use]
    pub fn gauge(&self) -> Gauge {
        self.gauge.clone()
    }

    /// Stops: no further test begins, those under way get so much time, and what they find is sent.
    pub async fn stop(self, patience: Duration) -> Leftover {
        let Self { gauge, stop, scheduler, mut sender } = self;
        // Both fail only when the scheduler has ended, by a panic: then there is nothing to wait for.
        let _ = stop.send(patience);
        let _ = scheduler.await;
        if timeout(Self::LAST_ACKNOWLEDGEMENT, &mut sender).await.is_err() {
            sender.abort();
        }
        let stats = gauge.read();
        Leftover { tests: stats.in_flight, results: stats.unacknowledged }
    }
}
