//! Blocklists that were tried with a name that is never listed, so that each is tried once in a while and not by
//! every test. Time is an argument.

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use tokio::time::Instant;
use watchkeep_model::HostName;

/// How long it is remembered whether a list has every name.
const REMEMBERED: Duration = Duration::from_secs(3_600);
/// Lists that are remembered.
const MANY: usize = 256;

/// Which lists have every name, as far as that was looked at.
#[derive(Debug, Default)]
pub(crate) struct Tried {
    lists: HashMap<(HostName, Option<SocketAddr>), (bool, Instant)>,
}

impl Tried {
    pub(crate) fn find(&self, list: &HostName, server: Option<SocketAddr>, now: Instant) -> Option<bool> {
        let (has_all, at) = self.lists.get(&(list.clone(), server))?;
        (now.duration_since(*at) < REMEMBERED).then_some(*has_all)
    }

    pub(crate) fn keep(&mut self, list: &HostName, server: Option<SocketAddr>, has_all: bool, now: Instant) {
        if self.lists.len() >= MANY {
            self.lists.retain(|_, (_, at)| now.duration_since(*at) < REMEMBERED);
        }
        if self.lists.len() < MANY {
            self.lists.insert((list.clone(), server), (has_all, now));
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn what_was_tried_is_remembered_for_a_while() {
        let (mut tried, now) = (Tried::default(), Instant::now());
        let list: HostName = "dbl.example".parse().unwrap();
        tried.keep(&list, None, true, now);
        assert_eq!(tried.find(&list, None, now), Some(true));
        assert_eq!(tried.find(&list, Some("192.0.2.53:53".parse().unwrap()), now), None);
        assert_eq!(tried.find(&list, None, now + REMEMBERED), None);
    }
}
