//! The last 24 hours of one monitor in a few hundred bytes: latencies for a spark line, statuses for uptime.
//! Pure: time comes in as an argument.

use std::collections::VecDeque;

use jiff::Timestamp;
use watchkeep_catalogue::{Family, Severity, StatusCode};

use crate::figures::uptime;

/// How far back a spark line and the uptime of a list look, in seconds.
const DAY: i64 = 86_400;
/// Most points of a spark line.
const MOST_POINTS: usize = 48;
/// The widest point, in seconds: 48 of them are a day.
const WIDEST: u32 = 1_800;
/// Most changes of status that are remembered; with more than that in a day, the oldest are forgotten.
const MOST_CHANGES: usize = 500;

/// Latencies of the last 24 hours, thinned to 48 points. A young monitor has fine points; they grow
/// together as the day fills up.
#[derive(Clone, Debug)]
pub struct Recent {
    width: u32,
    points: Vec<Slot>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    index: i64,
    mean_ms: f32,
    count: u16,
    worst: Severity,
}

/// One point of a spark line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The beginning of the time that it stands for, seconds since 1970.
    pub at: i64,
    /// Mean duration of the tests in it, in milliseconds.
    pub mean_ms: f32,
    /// The worst severity in it.
    pub worst: Severity,
}

impl Default for Recent {
    fn default() -> Self {
        Self { width: 1, points: Vec::new() }
    }
}

impl Recent {
    /// Adds one result. One that is older than the newest point is left out: a spark line has no past to mend.
    pub fn push(&mut self, at: Timestamp, mean_ms: f32, severity: Severity) {
        let index = at.as_second().div_euclid(i64::from(self.width));
        match self.points.last_mut() {
            Some(last) if index < last.index => return,
            Some(last) if index == last.index => last.absorb(mean_ms, 1, severity),
            _ => self.points.push(Slot { index, mean_ms, count: 1, worst: severity }),
        }
        let oldest = index - DAY / i64::from(self.width);
        self.points.retain(|slot| slot.index > oldest);
        while self.points.len() > MOST_POINTS {
            if self.width < WIDEST {
                self.coarsen();
            } else {
                self.points.remove(0);
            }
        }
    }

    /// The points, oldest first.
    pub fn points(&self) -> impl ExactSizeIterator<Item = Point> + '_ {
        let width = i64::from(self.width);
        self.points.iter().map(move |slot| Point { at: slot.index * width, mean_ms: slot.mean_ms, worst: slot.worst })
    }

    fn coarsen(&mut self) {
        let wider = if self.width == 1 { 8 } else { (self.width * 2).min(WIDEST) };
        let (old, new) = (i64::from(self.width), i64::from(wider));
        self.width = wider;
        let mut merged: Vec<Slot> = Vec::with_capacity(MOST_POINTS + 1);
        for slot in self.points.drain(..) {
            let index = (slot.index * old).div_euclid(new);
            match merged.last_mut() {
                Some(last) if last.index == index => last.absorb(slot.mean_ms, slot.count, slot.worst),
                _ => merged.push(Slot { index, ..slot }),
            }
        }
        self.points = merged;
    }
}

impl Slot {
    fn absorb(&mut self, mean_ms: f32, count: u16, worst: Severity) {
        let total = self.count.saturating_add(count);
        self.mean_ms += (mean_ms - self.mean_ms) * f32::from(count) / f32::from(total);
        self.count = total;
        self.worst = self.worst.max(worst);
    }
}

/// The statuses of the last 24 hours, as changes.
#[derive(Clone, Debug, Default)]
pub struct Uptime {
    changes: VecDeque<(i64, StatusCode)>,
}

impl Uptime {
    /// The status is `code` from `at` on. A change before the newest one replaces what it overlaps.
    pub fn change(&mut self, at: Timestamp, code: StatusCode) {
        let at = at.as_millisecond();
        while self.changes.back().is_some_and(|&(last, _)| last >= at) {
            self.changes.pop_back();
        }
        if self.changes.back().is_none_or(|&(_, last)| last != code) {
            self.changes.push_back((at, code));
        }
        let begin = at - DAY * 1_000;
        while self.changes.len() > MOST_CHANGES || self.changes.get(1).is_some_and(|&(next, _)| next <= begin) {
            self.changes.pop_front();
        }
    }

    /// Percentage of the last 24 hours in which it did its job; see [`uptime`].
    #[must_use]
    pub fn percentage(&self, family: Family, now: Timestamp) -> Option<f64> {
        let now = now.as_millisecond();
        let begin = now - DAY * 1_000;
        let ends = self.changes.iter().skip(1).map(|&(next, _)| next).chain([now]);
        uptime(
            family,
            self.changes.iter().zip(ends).map(|(&(from, code), until)| (code, until.min(now) - from.max(begin))),
        )
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    fn second(n: i64) -> Timestamp {
        Timestamp::from_second(n).unwrap()
    }

    #[test]
    fn a_spark_line_keeps_to_its_bound_and_its_day() {
        let mut recent = Recent::default();
        for n in 0..200_000 {
            recent.push(second(1_000_000 + n), 10.0, Severity::Operational);
            assert!(recent.points.len() <= MOST_POINTS);
        }
        let points: Vec<_> = recent.points().collect();
        assert!(points.len() > 40);
        assert!(points.iter().all(|point| point.mean_ms == 10.0 && point.at > 1_200_000 - DAY - i64::from(WIDEST)));
    }

    #[test]
    fn points_have_the_mean_and_the_worst() {
        let mut recent = Recent::default();
        for n in 0..64 {
            let severity = if n == 3 { Severity::Down } else { Severity::Operational };
            recent.push(second(800_000 + n), if n % 2 == 0 { 1.0 } else { 3.0 }, severity);
        }
        let points: Vec<_> = recent.points().collect();
        assert_eq!(points.len(), 8);
        assert!(points.iter().all(|point| (point.mean_ms - 2.0).abs() < 0.01));
        assert_eq!(points[0].worst, Severity::Down);
        assert_eq!(points[1].worst, Severity::Operational);
    }

    #[test]
    fn uptime_counts_only_what_was_tested() {
        let mut day = Uptime::default();
        let begin = 10_000_000;
        day.change(second(begin), StatusCode::PENDING);
        assert_eq!(day.percentage(Family::Service, second(begin + 10)), None);
        day.change(second(begin + 10), StatusCode::OPERATIONAL);
        day.change(second(begin + 70), StatusCode::PAUSED);
        assert_eq!(day.percentage(Family::Service, second(begin + 100)), Some(100.0));
    }

    #[test]
    fn flapping_does_not_grow_without_bound() {
        let mut day = Uptime::default();
        for n in 0..10_000 {
            day.change(second(n), if n % 2 == 0 { StatusCode::OPERATIONAL } else { StatusCode::new(451) });
        }
        assert!(day.changes.len() <= MOST_CHANGES);
    }
}
