//! Figures computed from what is kept: uptime from status intervals, percentiles from latencies.
//! Pure, and shared by the API and the pages, so that both always say the same.

use jiff::{SignedDuration, Timestamp};
use watchkeep_catalogue::{Family, Severity, StatusCode};
use watchkeep_store::StatusInterval;

use crate::Entry;

/// The windows of uptime, by name and length in hours.
pub(crate) const WINDOWS: [(&str, i64); 4] = [("24h", 24), ("7d", 7 * 24), ("30d", 30 * 24), ("90d", 90 * 24)];

/// The beginning of a window that ends now.
pub(crate) fn window_start(now: Timestamp, hours: i64) -> Timestamp {
    now.saturating_sub(SignedDuration::from_hours(hours)).unwrap_or(now)
}

/// Uptime of the part of `intervals` that lies in the window.
pub(crate) fn window_uptime(entry: &Entry, intervals: &[StatusInterval], from: Timestamp) -> Option<f64> {
    let lengths = intervals
        .iter()
        .map(|interval| (interval.code, interval.until.as_millisecond() - interval.from.max(from).as_millisecond()));
    uptime(entry.family, lengths)
}

/// Percentage of the counted time that was not down, cut (never rounded up) to three decimals, so that 100
/// means no failure at all. Time without a test (pending, paused, misconfigured) does not count;
/// `None` when nothing counts. The lengths are milliseconds.
#[must_use]
pub(crate) fn uptime(family: Family, statuses: impl Iterator<Item = (StatusCode, i64)>) -> Option<f64> {
    let (mut up, mut counted) = (0_i64, 0_i64);
    for (code, length) in statuses.filter(|&(_, length)| length > 0) {
        match code.severity(family) {
            Severity::Operational | Severity::Degraded => {
                up += length;
                counted += length;
            }
            Severity::Down => counted += length,
            Severity::Inactive | Severity::Pending | Severity::Misconfigured => {}
        }
    }
    // Whole thousandths in integers: a float division could round a short failure away.
    let thousandths = i128::from(up) * 100_000 / i128::from((counted > 0).then_some(counted)?);
    let thousandths = i32::try_from(thousandths).unwrap_or(100_000);
    Some(f64::from(thousandths) / 1_000.0)
}

/// The smallest value that at least `percent` of 100 are not above (nearest rank).
pub(crate) fn percentile(sorted: &[f32], percent: usize) -> f32 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted[rank - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_failure_is_never_rounded_away() {
        let down = StatusCode::new(451);
        let statuses = [(StatusCode::OPERATIONAL, 86_399_999), (down, 1)];
        assert_eq!(uptime(Family::Service, statuses.into_iter()), Some(99.999));
        assert_eq!(uptime(Family::Service, [(down, 5)].into_iter()), Some(0.0));
    }
}
