//! Addresses already found, for as long as their time to live allows and no longer than a monitor should be blind.
//! Bounded by count; pure apart from its lock: the time comes in.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use watchkeep_model::IpVersion;

/// Answers are kept no longer than this, whatever their time to live: a monitor must notice changes.
const LONGEST_KEPT: Duration = Duration::from_secs(60);
/// Names kept at the same time.
const MOST_KEPT: usize = 20_000;
/// Answers kept for one name: by DNS server and version.
const MOST_OF_A_NAME: usize = 8;

/// What an answer depends on.
#[derive(Clone, Copy)]
pub(super) struct Key<'a> {
    pub(super) name: &'a str,
    pub(super) server: Option<SocketAddr>,
    pub(super) version: Option<IpVersion>,
}

struct Entry {
    server: Option<SocketAddr>,
    version: Option<IpVersion>,
    addresses: Arc<[IpAddr]>,
    until: Instant,
}

/// The answers kept.
pub(super) struct Cache {
    entries: Mutex<HashMap<Box<str>, Vec<Entry>>>,
}

impl Cache {
    pub(super) fn new() -> Self {
        Self { entries: Mutex::default() }
    }

    /// The answer kept, if it is still good.
    pub(super) fn find(&self, key: Key<'_>, now: Instant) -> Option<Arc<[IpAddr]>> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(key.name)?.iter().find(|entry| entry.is_for(key) && now < entry.until)?;
        Some(Arc::clone(&entry.addresses))
    }

    /// Keeps an answer for its `lifetime`; one without any is for its own question only (RFC 1035, 3.2.1).
    pub(super) fn keep(&self, key: Key<'_>, addresses: Arc<[IpAddr]>, lifetime: Duration, now: Instant) {
        if lifetime.is_zero() {
            return;
        }
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= MOST_KEPT && !entries.contains_key(key.name) {
            entries.retain(|_, of_name| of_name.iter().any(|entry| now < entry.until));
            if entries.len() >= MOST_KEPT {
                entries.clear();
            }
        }
        let of_name = entries.entry(key.name.into()).or_default();
        of_name.retain(|entry| now < entry.until && !entry.is_for(key));
        if of_name.len() >= MOST_OF_A_NAME {
            of_name.clear();
        }
        let until = now + lifetime.min(LONGEST_KEPT);
        of_name.push(Entry { server: key.server, version: key.version, addresses, until });
    }
}

impl Entry {
    fn is_for(&self, key: Key<'_>) -> bool {
        (self.server, self.version) == (key.server, key.version)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    const KEY: Key<'static> = Key { name: "a.example", server: None, version: None };
    const SECOND: Duration = Duration::from_secs(1);

    fn addresses(text: &str) -> Arc<[IpAddr]> {
        [text.parse().unwrap()].into()
    }

    #[test]
    fn answers_live_as_long_as_they_may() {
        let (cache, now) = (Cache::new(), Instant::now());
        assert_eq!(cache.find(KEY, now), None);
        cache.keep(KEY, addresses("192.0.2.1"), 5 * SECOND, now);
        assert_eq!(cache.find(KEY, now + 4 * SECOND), Some(addresses("192.0.2.1")));
        assert_eq!(cache.find(KEY, now + 5 * SECOND), None);
        cache.keep(KEY, addresses("192.0.2.2"), Duration::ZERO, now);
        assert_eq!(cache.find(KEY, now), Some(addresses("192.0.2.1")));
        cache.keep(KEY, addresses("192.0.2.3"), 100_000 * SECOND, now);
        assert_eq!(cache.find(KEY, now + LONGEST_KEPT), None);
    }

    #[test]
    fn answers_belong_to_their_question() {
        let (cache, now) = (Cache::new(), Instant::now());
        let by_server = Key { server: Some("192.0.2.53:53".parse().unwrap()), ..KEY };
        let by_version = Key { version: Some(IpVersion::V6), ..KEY };
        cache.keep(KEY, addresses("192.0.2.1"), SECOND, now);
        assert_eq!(cache.find(by_server, now), None);
        cache.keep(by_server, addresses("192.0.2.2"), SECOND, now);
        cache.keep(by_version, addresses("2001:db8::1"), SECOND, now);
        assert_eq!(cache.find(KEY, now), Some(addresses("192.0.2.1")));
        assert_eq!(cache.find(by_server, now), Some(addresses("192.0.2.2")));
        assert_eq!(cache.find(by_version, now), Some(addresses("2001:db8::1")));
    }

    #[test]
    fn names_without_end_do_not_fill_the_memory() {
        let (cache, now) = (Cache::new(), Instant::now());
        for number in 0..MOST_KEPT + 10 {
            let name = format!("{number}.example");
            cache.keep(Key { name: &name, ..KEY }, addresses("192.0.2.1"), SECOND, now);
        }
        assert!(cache.entries.lock().unwrap().len() <= MOST_KEPT);
        for port in 0..100 {
            let server = Some(SocketAddr::from(([192, 0, 2, 53], port)));
            cache.keep(Key { server, ..KEY }, addresses("192.0.2.1"), SECOND, now);
        }
        assert!(cache.entries.lock().unwrap()[KEY.name].len() <= MOST_OF_A_NAME);
    }
}
