//! What was found out about blocklists apart from any name, so that each is tried once in a while and not by every
//! test. Time is an argument.

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use tokio::time::Instant;
use watchkeep_model::HostName;

/// How long it is remembered what a list is like.
const REMEMBERED: Duration = Duration::from_secs(3_600);
/// Lists that are remembered.
const MANY: usize = 256;

/// What a list is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It has the name that every list has.
    Alive,
    /// It does not: it is gone, or tells this robot nothing. A few lists were never made to have it.
    Empty,
    /// It has the name that no list may have.
    Full,
}

/// The lists that were tried, each as one DNS server tells of it.
#[derive(Debug, Default)]
pub(crate) struct Tried {
    lists: HashMap<(HostName, Option<SocketAddr>), (Kind, Instant)>,
}

impl Tried {
    pub(crate) fn find(&self, list: &HostName, server: Option<SocketAddr>, now: Instant) -> Option<Kind> {
        let (kind, at) = self.lists.get(&(list.clone(), server))?;
        (now.duration_since(*at) < REMEMBERED).then_some(*kind)
    }

    pub(crate) fn keep(&mut self, list: &HostName, server: Option<SocketAddr>, kind: Kind, now: Instant) {
        if self.lists.len() >= MANY {
            self.lists.retain(|_, (_, at)| now.duration_since(*at) < REMEMBERED);
        }
        if self.lists.len() < MANY {
            self.lists.insert((list.clone(), server), (kind, now));
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
        tried.keep(&list, None, Kind::Full, now);
        assert_eq!(tried.find(&list, None, now), Some(Kind::Full));
        assert_eq!(tried.find(&list, Some("192.0.2.53:53".parse().unwrap()), now), None);
        assert_eq!(tried.find(&list, None, now + REMEMBERED), None);
    }
}
