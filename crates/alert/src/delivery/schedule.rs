//! When a delivery is tried again: pauses that grow from one second to half an hour, for 24 hours. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Given up this long after the event.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30 * 60);

/// The time of the next try after `attempts` earlier ones and the one that has just failed; `None` to give up.
/// `asked` is the pause that the receiver wants at least; `jitter` spreads receivers over a quarter of the pause.
pub(super) fn next_try(
    created_at: Timestamp,
    attempts: u32,
    asked: Option<Duration>,
    now: Timestamp,
    jitter: u8,
) -> Option<Timestamp> {
    let grown = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(attempts.min(20))).min(LONGEST_PAUSE);
    let spread = grown.mul_f64(f64::from(jitter) / 1024.0);
    let pause = (grown + spread).max(asked.unwrap_or_default());
    let next = now.checked_add(SignedDuration::try_from(pause).ok()?).ok()?;
    (next.duration_since(created_at) <= PATIENCE).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(attempts: u32, asked: Option<u64>) -> Option<i64> {
        let now = Timestamp::UNIX_EPOCH;
        next_try(now, attempts, asked.map(Duration::from_secs), now, 0).map(|next| next.duration_since(now).as_secs())
    }

    #[test]
    fn pauses_grow_to_half_an_hour() {
        let pauses: Vec<_> = (0..13).map(|attempts| seconds(attempts, None).unwrap_or_default()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1800, 1800]);
        assert_eq!(seconds(u32::MAX, None), Some(1800));
    }

    #[test]
    fn the_receivers_pause_is_kept() {
        assert_eq!(seconds(0, Some(90)), Some(90));
        assert_eq!(seconds(11, Some(90)), Some(1800));
    }

    #[test]
    fn patience_ends_after_a_day() {
        let created = Timestamp::UNIX_EPOCH;
        let mut now = created;
        let mut tries = 0;
        while let Some(next) = next_try(created, tries, None, now, 255) {
            assert!(next > now);
            now = next;
            tries += 1;
        }
        assert!(now.duration_since(created) > SignedDuration::from_hours(23), "{now}");
        assert!((45..80).contains(&tries), "{tries}");
    }
}
