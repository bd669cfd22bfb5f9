//! When monitors are due: each has its own place in its interval, on a grid that never drifts.
//! Times are milliseconds on any scale that only moves forward; robots anchor theirs at the wall clock of their start.

use watchkeep_model::{MonitorId, Span};

/// The moments at which one monitor is due: `phase`, `phase + interval`, `phase + 2 * interval` …
///
/// The phase follows from the monitor's identifier, so any number of monitors is spread evenly over an interval, and a
/// robot that starts again keeps everybody's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    phase: u64,
    interval: u64,
}

impl Grid {
    /// The grid of a monitor.
    #[must_use]
    pub fn new(monitor: &MonitorId, interval: Span) -> Self {
        let interval = interval.as_milliseconds().max(1);
        // Scales a fraction of 2^64 to the interval; always less than the interval.
        let phase = (u128::from(hash(monitor)) * u128::from(interval)) >> 64;
        Self { phase: u64::try_from(phase).unwrap_or_default(), interval }
    }

    /// The first moment strictly after `time`. Moments that were missed are skipped, however many they are.
    #[must_use]
    pub fn next(&self, time: u64) -> u64 {
        if time < self.phase {
            return self.phase;
        }
        let passed = (time - self.phase) / self.interval;
        self.phase.saturating_add((passed + 1).saturating_mul(self.interval))
    }

    /// Time between two moments, in milliseconds.
    #[must_use]
    pub const fn interval(&self) -> u64 {
        self.interval
    }
}

/// FNV-1a over the identifier, finished with splitmix64: the same on every machine and in every version.
fn hash(monitor: &MonitorId) -> u64 {
    let sum = monitor
        .as_str()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let mixed = (sum ^ (sum >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "tests fail by panicking")]

    use super::*;

    fn monitors(count: u32) -> impl Iterator<Item = MonitorId> {
        (0..count).map(|n| MonitorId::from_random(u128::from(n).to_be_bytes()))
    }

    #[test]
    fn the_next_moment_is_always_later_and_at_most_one_interval_away() {
        for (n, id) in monitors(500).enumerate() {
            let grid = Grid::new(&id, Span::milliseconds(1 + 7 * n as u64));
            let mut time = 0;
            for _ in 0..50 {
                let next = grid.next(time);
                assert!(next > time && next - time <= grid.interval());
                time = next;
            }
        }
    }

    #[test]
    fn moments_do_not_drift_and_missed_ones_are_skipped() {
        let grid = Grid::new(&MonitorId::from_random([3; 16]), Span::seconds(10));
        let first = grid.next(1_000_000);
        // Tests that took any time, and an hour in which nothing ran.
        assert_eq!(grid.next(first + 9_999), first + 10_000);
        assert_eq!(grid.next(first + 3_600_000), first + 3_610_000);
    }

    #[test]
    fn a_robot_that_starts_again_keeps_the_places() {
        let id = MonitorId::from_random([9; 16]);
        let (before, after) = (Grid::new(&id, Span::seconds(60)), Grid::new(&id, Span::seconds(60)));
        assert_eq!((after.next(5_000_000) - before.next(1_000_000)) % 60_000, 0);
    }

    #[test]
    fn many_monitors_are_spread_evenly() {
        let mut per_second = [0_u32; 60];
        for id in monitors(60_000) {
            let due = Grid::new(&id, Span::seconds(60)).next(600_000) - 600_000;
            per_second[usize::try_from((due - 1) / 1_000).expect("below 60")] += 1;
        }
        // 1,000 are expected in each second; the standard deviation is about 31.
        assert!(per_second.iter().all(|count| (800..1_200).contains(count)), "{per_second:?}");
    }

    #[test]
    fn the_longest_interval_does_not_overflow() {
        let grid = Grid::new(&MonitorId::from_random([255; 16]), Span::milliseconds(u64::MAX));
        assert!(grid.next(u64::MAX / 2) > 0);
        assert_eq!(grid.next(u64::MAX), u64::MAX);
    }
}
