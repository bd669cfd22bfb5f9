//! Slows down whoever guesses passwords: per name and address, and more generously per name.
//! Kept in memory, bounded; time comes in as an argument.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

/// Failures are forgotten after this time without another one.
const FORGET: SignedDuration = SignedDuration::from_mins(15);
/// Failures of one name from one address before it must wait.
const FREE_FROM_ONE_ADDRESS: u32 = 5;
/// Failures of one name from everywhere before it must wait.
const FREE_FROM_EVERYWHERE: u32 = 100;
/// Most keys that are remembered.
const MOST_KEYS: usize = 20_000;

#[derive(Default)]
pub(super) struct Throttle {
    failures: Mutex<HashMap<Key, Failures>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    name: String,
    address: Option<IpAddr>,
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Timestamp,
}

impl Failures {
    /// The pause after the newest failure: doubles with every failure beyond the free ones.
    fn pause(self, free: u32) -> SignedDuration {
        match self.count.checked_sub(free) {
            None => SignedDuration::ZERO,
            Some(beyond) => SignedDuration::from_secs(1_i64 << beyond.min(9)),
        }
    }
}

fn keys(name: &str, address: IpAddr) -> [(Key, u32); 2] {
    let name = name.to_lowercase();
    [
        (Key { name: name.clone(), address: Some(address) }, FREE_FROM_ONE_ADDRESS),
        (Key { name, address: None }, FREE_FROM_EVERYWHERE),
    ]
}

impl Throttle {
    /// Begins an attempt, which counts as a failure until it has succeeded: so many at once are no way around.
    ///
    /// # Errors
    /// How long this name must still wait from this address.
    pub(super) fn begin(&self, name: &str, address: IpAddr, now: Timestamp) -> Result<(), SignedDuration> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let left = keys(name, address).into_iter().filter_map(|(key, free)| {
            let found = failures.get(&key)?;
            let passed = now.duration_since(found.last);
            (passed < FORGET).then(|| found.pause(free) - passed)
        });
        let wait = left.max().unwrap_or_default();
        if wait > SignedDuration::ZERO {
            return Err(wait);
        }
        if failures.len() >= MOST_KEYS {
            failures.retain(|_, found| now.duration_since(found.last) < FORGET);
        }
        for (key, _) in keys(name, address) {
            // With the memory full of fresh guesses, the known keys still count.
            if failures.len() >= MOST_KEYS && !failures.contains_key(&key) {
                continue;
            }
            let found = failures.entry(key).or_insert(Failures { count: 0, last: now });
            let stale = now.duration_since(found.last) >= FORGET;
            *found = Failures { count: if stale { 1 } else { found.count.saturating_add(1) }, last: now };
        }
        Ok(())
    }

    /// The attempt was right: the failures of this name from this address are forgotten.
    pub(super) fn succeeded(&self, name: &str, address: IpAddr) {
        let [(from_here, _), (from_everywhere, _)] = keys(name, address);
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.remove(&from_here);
        if let Some(found) = failures.get_mut(&from_everywhere) {
            found.count = found.count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn guessing_gets_slower_and_is_forgotten() {
        let throttle = Throttle::default();
        let (here, there) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let mut now = Timestamp::from_second(1_000_000).unwrap();
        for _ in 0..FREE_FROM_ONE_ADDRESS {
            assert_eq!(throttle.begin("ada", here, now), Ok(()));
        }
        for expected in [1, 2, 4, 8, 16] {
            let pause = SignedDuration::from_secs(expected);
            assert_eq!(throttle.begin("Ada", here, now), Err(pause), "asking costs nothing more");
            assert_eq!(throttle.begin("ada", here, now), Err(pause));
            now += pause;
            assert_eq!(throttle.begin("ada", here, now), Ok(()));
        }
        assert_eq!(throttle.begin("ada", there, now), Ok(()), "another address is not held up");
        assert_eq!(throttle.begin("bob", here, now), Ok(()), "another name is not held up");
        assert_eq!(throttle.begin("ada", here, now + FORGET), Ok(()));
        throttle.succeeded("ada", here);
        assert_eq!(throttle.begin("ada", here, now + FORGET), Ok(()));
    }

    #[test]
    fn a_name_is_protected_from_many_addresses() {
        let throttle = Throttle::default();
        let now = Timestamp::from_second(1_000_000).unwrap();
        let taken = (0..150_u8).filter(|n| throttle.begin("ada", IpAddr::from([10, 0, 0, *n]), now).is_ok()).count();
        assert_eq!(taken, FREE_FROM_EVERYWHERE as usize);
        assert!(throttle.begin("ada", IpAddr::from([10, 9, 9, 9]), now).is_err());
    }
}
