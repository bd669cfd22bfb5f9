//! The robot's scale of time: milliseconds that only move forward, anchored at the wall clock of its start.
//! The wall clock may jump meanwhile; monitors keep their places all the same, also over restarts.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// Milliseconds of a tick of the wheel: how much later than due a test may begin at best.
pub(crate) const TICK: u64 = 5;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
    base: u64,
}

impl Clock {
    pub(crate) fn new(start: Instant, wall: Timestamp) -> Self {
        Self { start, base: u64::try_from(wall.as_millisecond()).unwrap_or_default() }
    }

    pub(crate) fn time(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.start).as_millis();
        self.base.saturating_add(u64::try_from(elapsed).unwrap_or(u64::MAX))
    }

    pub(crate) fn instant(&self, time: u64) -> Instant {
        let after = Duration::from_millis(time.saturating_sub(self.base));
        // Only a time centuries away does not fit; to sleep a day and look again is as good.
        self.start.checked_add(after).unwrap_or_else(|| self.start + Duration::from_secs(86_400))
    }

    /// The tick at which something is due; never before `time`.
    pub(crate) const fn tick_of_due(time: u64) -> u64 {
        time.div_ceil(TICK)
    }

    /// The tick that has been reached by `time`.
    pub(crate) const fn tick_reached(time: u64) -> u64 {
        time / TICK
    }
}
