//! Gathers results into batches: at once when there is news, otherwise when enough are there or time is up.
//! Pure. Bounded: while nobody takes results, the least telling ones are dropped first, changes never.

use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;
use watchkeep_model::RecordedResult;

/// So many results are sent without waiting for more.
const ENOUGH: usize = 1_000;
/// Most results of a batch: what gathered while nobody took any goes in pieces of this size.
pub(crate) const MOST: usize = 5_000;
/// The longest that a result without news waits for others.
const PATIENCE: Duration = Duration::from_millis(250);

/// How much a result tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// Operational like the one before.
    Routine,
    /// Failing like the one before.
    Repeated,
    /// Another code than the one before.
    News,
}

/// A result on its way out.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) recorded: RecordedResult,
    pub(crate) weight: Weight,
}

/// Results that were not sent yet.
#[derive(Debug)]
pub(crate) struct Gathered {
    queue: VecDeque<Found>,
    /// When the oldest must go.
    due: Option<Instant>,
    /// How many are kept, changes not counted.
    limit: usize,
    /// At which length the next look for something to drop is worth its time.
    look_at: usize,
}

impl Gathered {
    pub(crate) fn new(limit: usize) -> Self {
        Self { queue: VecDeque::new(), due: None, limit, look_at: limit }
    }

    /// When a batch is to be made of what is here; `None` when nothing is.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Adds a result; returns how many were dropped for it.
    pub(crate) fn push(&mut self, found: Found, now: Instant) -> usize {
        let urgent = found.weight != Weight::Routine || self.queue.len() + 1 >= ENOUGH;
        let latest = if urgent { now } else { now + PATIENCE };
        self.due = Some(self.due.map_or(latest, |due| due.min(latest)));
        self.queue.push_back(found);
        if self.queue.len() > self.look_at { self.shrink() } else { 0 }
    }

    /// Takes the oldest for a batch. What stays is due at once.
    pub(crate) fn take(&mut self) -> Vec<RecordedResult> {
        let count = self.queue.len().min(MOST);
        let batch = self.queue.drain(..count).map(|found| found.recorded).collect();
        if self.queue.is_empty() {
            self.due = None;
        }
        self.look_at = self.look_at.min(self.limit.max(self.queue.len()));
        batch
    }

    /// Drops an eighth of the limit at least, where it can: one pass over the queue serves many results.
    fn shrink(&mut self) -> usize {
        let before = self.queue.len();
        let mut surplus = before - (self.limit - self.limit / 8).min(before);
        for lightest in [Weight::Routine, Weight::Repeated] {
            self.queue.retain(|found| {
                let dropped = surplus > 0 && found.weight == lightest;
                surplus -= usize::from(dropped);
                !dropped
            });
        }
        // Where only changes are left, looking again at every result would take ever longer.
        self.look_at = self.limit.max(self.queue.len() + self.queue.len() / 8);
        before - self.queue.len()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::Timestamp;
    use watchkeep_catalogue::Family;
    use watchkeep_model::{LocationName, MonitorId, Observed, Phases, TestResult, TestSubject, Verdict};

    use super::*;

    fn found(weight: Weight, attempt: u16) -> Found {
        let subject =
            Arc::new(TestSubject { family: Family::Service, test_type: "http".into(), target: "http://a/".into() });
        let result = TestResult {
            subject,
            location: LocationName::local(),
            started_at: Timestamp::UNIX_EPOCH,
            verdict: Verdict::OPERATIONAL,
            duration: Duration::ZERO,
            phases: Phases::default(),
            observed: Observed::Nothing,
            notable: None,
        };
        Found { recorded: RecordedResult { monitor: MonitorId::from_random([1; 16]), attempt, result }, weight }
    }

    fn attempts(gathered: &mut Gathered) -> Vec<u16> {
        gathered.take().iter().map(|recorded| recorded.attempt).collect()
    }

    #[test]
    fn routine_waits_for_company_and_news_do_not() {
        let now = Instant::now();
        let mut gathered = Gathered::new(100);
        assert_eq!(gathered.due(), None);
        gathered.push(found(Weight::Routine, 1), now);
        gathered.push(found(Weight::Routine, 2), now + PATIENCE / 2);
        assert_eq!(gathered.due(), Some(now + PATIENCE));
        for weight in [Weight::News, Weight::Repeated] {
            let later = now + PATIENCE / 4;
            gathered.push(found(weight, 3), later);
            assert_eq!(gathered.due(), Some(later));
            assert_eq!(gathered.take().last().map(|recorded| recorded.attempt), Some(3));
            assert_eq!(gathered.due(), None);
        }
    }

    #[test]
    fn enough_results_wait_no_longer() {
        let now = Instant::now();
        let mut gathered = Gathered::new(10_000);
        for _ in 0..ENOUGH {
            gathered.push(found(Weight::Routine, 0), now);
        }
        assert_eq!(gathered.due(), Some(now));
    }

    #[test]
    fn a_long_queue_goes_in_pieces_without_waiting() {
        let now = Instant::now();
        let mut gathered = Gathered::new(20_000);
        for _ in 0..MOST + 1 {
            gathered.push(found(Weight::Routine, 0), now);
        }
        assert_eq!(gathered.take().len(), MOST);
        assert!(gathered.due().is_some_and(|due| due <= now));
        assert_eq!(gathered.take().len(), 1);
    }

    #[test]
    fn the_oldest_routine_goes_first_then_repetitions_and_changes_never() {
        let now = Instant::now();
        let mut gathered = Gathered::new(8);
        let weights = [Weight::Routine, Weight::News, Weight::Repeated, Weight::Routine];
        let mut dropped = 0;
        for attempt in 0..9 {
            dropped += gathered.push(found(weights[usize::from(attempt) % 4], attempt), now);
        }
        assert_eq!(dropped, 2);
        assert_eq!(attempts(&mut gathered), [1, 2, 4, 5, 6, 7, 8]);

        let mut gathered = Gathered::new(8);
        let dropped: usize = (0..8).map(|attempt| gathered.push(found(Weight::News, attempt), now)).sum();
        assert_eq!(dropped, 0);
        assert_eq!(gathered.push(found(Weight::Repeated, 8), now), 1);
        let dropped: usize = (9..200).map(|attempt| gathered.push(found(Weight::News, attempt), now)).sum();
        assert_eq!((dropped, gathered.queue.len()), (0, 199));
    }
}
