//! What a robot counts about itself: how much is under way, and how late tests begin.
//! Written without locks by the robot's tasks, read by whoever shows it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

/// Buckets of one millisecond each; longer ones follow.
const FINE: usize = 128;
/// Buckets after the fine ones, each twice as wide as all before it together.
const COARSE: usize = 16;

/// Reads a robot's counters.
#[derive(Clone, Debug)]
pub struct Gauge {
    counters: Arc<Counters>,
}

/// A robot's counters at one moment; totals count from its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Monitors that it tests.
    pub monitors: u64,
    /// Tests under way.
    pub in_flight: u64,
    /// Tests that are due and wait because too many are under way.
    pub waiting: u64,
    /// Tests begun.
    pub started: u64,
    /// Results found.
    pub found: u64,
    /// Tests that broke off without a result, which is a fault of ours.
    pub broken: u64,
    /// Tests that were put off because the whole robot stood still for a while.
    pub postponed: u64,
    /// Results that are not acknowledged yet.
    pub unacknowledged: u64,
    /// Results that were dropped because too many waited for acknowledgement; none of them was a change.
    pub dropped: u64,
    /// How late tests began.
    pub lateness: Lateness,
}

/// How late tests began, as counts per bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lateness {
    buckets: Vec<u64>,
}

impl Lateness {
    /// The lateness that this share of the tests did not exceed, 0.99 for instance; rounded up to a bucket's end.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Duration {
        let total: u64 = self.buckets.iter().sum();
        let wanted = (total as f64 * share.clamp(0.0, 1.0)).ceil() as u64;
        let mut counted = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            counted += count;
            if counted >= wanted.max(1) {
                return bucket_end(index);
            }
        }
        Duration::ZERO
    }

    /// What was added since an earlier reading of the same robot.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let pairs = self.buckets.iter().zip(&earlier.buckets);
        Self { buckets: pairs.map(|(now, then)| now.saturating_sub(*then)).collect() }
    }
}

fn bucket_of(late: Duration) -> usize {
    let late = usize::try_from(late.as_millis()).unwrap_or(usize::MAX);
    if late < FINE { late } else { (FINE + (late / FINE).ilog2() as usize).min(FINE + COARSE - 1) }
}

fn bucket_end(index: usize) -> Duration {
    let end = if index < FINE { index + 1 } else { FINE << (index - FINE + 1) };
    Duration::from_millis(end as u64)
}

#[derive(Debug)]
pub(crate) struct Counters {
    pub(crate) monitors: AtomicU64,
    pub(crate) in_flight: AtomicU64,
    pub(crate) waiting: AtomicU64,
    pub(crate) started: AtomicU64,
    pub(crate) found: AtomicU64,
    pub(crate) broken: AtomicU64,
    pub(crate) postponed: AtomicU64,
    pub(crate) unacknowledged: AtomicU64,
    pub(crate) dropped: AtomicU64,
    lateness: [AtomicU64; FINE + COARSE],
}

impl Counters {
    pub(crate) fn new() -> Arc<Self> {
        let zero = || AtomicU64::new(0);
        Arc::new(Self {
            monitors: zero(),
            in_flight: zero(),
            waiting: zero(),
            started: zero(),
            found: zero(),
            broken: zero(),
            postponed: zero(),
            unacknowledged: zero(),
            dropped: zero(),
            lateness: [const { AtomicU64::new(0) }; FINE + COARSE],
        })
    }

    /// A test began, so much later than it was due.
    pub(crate) fn began(&self, late: Duration) {
        self.started.fetch_add(1, Relaxed);
        self.lateness[bucket_of(late)].fetch_add(1, Relaxed);
    }
}

impl Gauge {
    pub(crate) fn new(counters: Arc<Counters>) -> Self {
        Self { counters }
    }

    /// The counters now.
    #[must_use]
    pub fn read(&self) -> Stats {
        let counters = &self.counters;
        Stats {
            monitors: counters.monitors.load(Relaxed),
            in_flight: counters.in_flight.load(Relaxed),
            waiting: counters.waiting.load(Relaxed),
            started: counters.started.load(Relaxed),
            found: counters.found.load(Relaxed),
            broken: counters.broken.load(Relaxed),
            postponed: counters.postponed.load(Relaxed),
            unacknowledged: counters.unacknowledged.load(Relaxed),
            dropped: counters.dropped.load(Relaxed),
            lateness: Lateness { buckets: counters.lateness.iter().map(|bucket| bucket.load(Relaxed)).collect() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_ends_after_what_falls_into_it() {
        for late in (0..20_000_000).step_by(997) {
            let late = Duration::from_millis(late);
            let bucket = bucket_of(late);
            assert!(late < bucket_end(bucket) || bucket == FINE + COARSE - 1, "{late:?} in {bucket}");
            assert!(bucket == 0 || late >= bucket_end(bucket - 1), "{late:?} in {bucket}");
        }
    }

    #[test]
    fn quantiles_come_of_the_counts() {
        let counters = Counters::new();
        for late in 0..100 {
            counters.began(Duration::from_millis(late));
        }
        let stats = Gauge::new(Arc::clone(&counters)).read();
        assert_eq!(stats.lateness.quantile(0.5), Duration::from_millis(50));
        assert_eq!(stats.lateness.quantile(0.99), Duration::from_millis(99));
        assert_eq!(stats.lateness.since(&stats.lateness).quantile(0.99), Duration::ZERO);
    }
}
