//! Drops results that came before, by the numbers that robots give them. Pure.
//! A result is new when its robot was started later than the newest known start, or counted further since.

use std::collections::HashMap;

use watchkeep_model::{LocationName, RecordedResult, RobotSequence};

use crate::Batch;

/// How far each robot's results have come.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    marks: HashMap<LocationName, RobotSequence>,
}

impl Seen {
    /// Begins with what was kept earlier.
    #[must_use]
    pub fn new(marks: impl IntoIterator<Item = (LocationName, RobotSequence)>) -> Self {
        Self { marks: marks.into_iter().collect() }
    }

    /// How far one robot's results have come. A robot that starts must begin above it.
    #[must_use]
    pub fn mark(&self, robot: &LocationName) -> Option<RobotSequence> {
        self.marks.get(robot).copied()
    }

    /// The results of a batch that were not seen yet.
    #[must_use]
    pub fn unseen<'b>(&self, batch: &'b Batch) -> &'b [RecordedResult] {
        let all = batch.results.as_slice();
        match self.marks.get(&batch.robot) {
            Some(mark) if mark.epoch > batch.last.epoch => &[],
            Some(mark) if mark.epoch == batch.last.epoch => {
                let fresh = batch.last.number.saturating_sub(mark.number);
                let fresh = usize::try_from(fresh).unwrap_or(usize::MAX).min(all.len());
                &all[all.len() - fresh..]
            }
            _ => all,
        }
    }

    /// Remembers that everything up to `last` is kept.
    pub fn note(&mut self, robot: &LocationName, last: RobotSequence) {
        match self.marks.get_mut(robot) {
            Some(mark) => *mark = last.max(*mark),
            None => drop(self.marks.insert(robot.clone(), last)),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::{sync::Arc, time::Duration};

    use jiff::Timestamp;
    use watchkeep_catalogue::Family;
    use watchkeep_model::{MonitorId, Observed, Phases, TestResult, TestSubject, Verdict};

    use super::*;

    /// Results `first..=last` of the robot's life `epoch`; each carries its number in `attempt`.
    fn batch(epoch: u64, first: u16, last: u16) -> Batch {
        let subject =
            Arc::new(TestSubject { family: Family::Service, test_type: "http".into(), target: "http://a/".into() });
        let result = |number| RecordedResult {
            monitor: MonitorId::from_random([1; 16]),
            attempt: number,
            result: TestResult {
                subject: Arc::clone(&subject),
                location: LocationName::local(),
                started_at: Timestamp::UNIX_EPOCH,
                verdict: Verdict::OPERATIONAL,
                duration: Duration::ZERO,
                phases: Phases::default(),
                observed: Observed::Nothing,
                notable: None,
            },
        };
        Batch {
            robot: LocationName::local(),
            last: RobotSequence { epoch, number: u64::from(last) },
            results: (first..=last).map(result).collect(),
        }
    }

    fn numbers(seen: &Seen, batch: &Batch) -> Vec<u16> {
        seen.unseen(batch).iter().map(|result| result.attempt).collect()
    }

    #[test]
    fn an_unknown_robot_is_all_new() {
        assert_eq!(numbers(&Seen::default(), &batch(5, 1, 3)), [1, 2, 3]);
    }

    #[test]
    fn the_same_batch_twice_is_seen() {
        let mut seen = Seen::default();
        let batch = batch(5, 1, 3);
        seen.note(&batch.robot, batch.last);
        assert_eq!(numbers(&seen, &batch), [0; 0]);
    }

    #[test]
    fn of_an_overlap_only_the_new_part_counts() {
        let mut seen = Seen::default();
        let mark = |number| RobotSequence { epoch: 5, number };
        seen.note(&LocationName::local(), mark(4));
        assert_eq!(numbers(&seen, &batch(5, 3, 6)), [5, 6]);
        seen.note(&LocationName::local(), mark(2));
        assert_eq!(seen.mark(&LocationName::local()), Some(mark(4)), "a mark never goes back");
    }

    #[test]
    fn a_gap_loses_nothing() {
        let seen = Seen::new([(LocationName::local(), RobotSequence { epoch: 5, number: 4 })]);
        assert_eq!(numbers(&seen, &batch(5, 8, 9)), [8, 9]);
    }

    #[test]
    fn a_robot_that_started_again_is_new_and_its_earlier_life_is_seen() {
        let mut seen = Seen::default();
        seen.note(&LocationName::local(), RobotSequence { epoch: 5, number: 100 });
        assert_eq!(numbers(&seen, &batch(6, 1, 2)), [1, 2]);
        seen.note(&LocationName::local(), RobotSequence { epoch: 6, number: 2 });
        assert_eq!(numbers(&seen, &batch(5, 101, 102)), [0; 0]);
    }

    #[test]
    fn robots_do_not_disturb_each_other() {
        let mut seen = Seen::default();
        seen.note(&"elsewhere".parse().unwrap(), RobotSequence { epoch: 9, number: 9 });
        assert_eq!(numbers(&seen, &batch(5, 1, 1)), [1]);
    }
}
