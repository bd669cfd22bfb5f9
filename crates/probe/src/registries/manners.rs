//! How often a server of a registry may be asked, over all monitors: a pause between questions, and a longer one when
//! the server says that it is asked too often. Time is an argument.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

/// The pause between two questions to one server.
const PAUSE: Duration = Duration::from_millis(500);
/// The first pause after a server said that it is asked too often, and the longest; each doubles the one before.
const FIRST_BACK_OFF: Duration = Duration::from_secs(60);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(3_600);
/// What a server itself may ask for at the most.
const LONGEST_ASKED_FOR: Duration = Duration::from_secs(86_400);
/// Servers that are remembered before those that matter no longer are forgotten.
const MANY: usize = 256;

/// When a server may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// At this moment, which is taken.
    At(Instant),
    /// It wanted to be left alone, for so long from now.
    BackedOff(Duration),
    /// Too many others wait for it.
    Crowded,
}

/// What is remembered of every server.
#[derive(Debug, Default)]
pub(crate) struct Manners {
    servers: HashMap<String, Server>,
}

#[derive(Debug)]
struct Server {
    /// The next free moment.
    free_at: Instant,
    /// Nobody asks before.
    left_alone_until: Instant,
    /// The pause that it was given last.
    pause: Duration,
}

impl Manners {
    /// The next turn at a server, no later than `patience` from now.
    pub(crate) fn turn(&mut self, server: &str, now: Instant, patience: Duration) -> Turn {
        if self.servers.len() >= MANY {
            self.servers.retain(|_, known| known.free_at.max(known.left_alone_until + LONGEST_BACK_OFF) > now);
        }
        let fresh = Server { free_at: now, left_alone_until: now, pause: Duration::ZERO };
        let known = self.servers.entry(server.to_owned()).or_insert(fresh);
        if known.left_alone_until > now {
            return Turn::BackedOff(known.left_alone_until - now);
        }
        let at = known.free_at.max(now);
        if at > now + patience {
            return Turn::Crowded;
        }
        known.free_at = at + PAUSE;
        Turn::At(at)
    }

    /// The server said that it is asked too often; it may say for how long it wants to be left alone.
    pub(crate) fn limited(&mut self, server: &str, now: Instant, asked_for: Option<Duration>) {
        let Some(known) = self.servers.get_mut(server) else { return };
        known.pause = (known.pause * 2).clamp(FIRST_BACK_OFF, LONGEST_BACK_OFF);
        let pause = asked_for.map_or(known.pause, |asked_for| asked_for.clamp(PAUSE, LONGEST_ASKED_FOR));
        known.left_alone_until = known.left_alone_until.max(now + pause);
    }

    /// The server answered.
    pub(crate) fn answered(&mut self, server: &str) {
        if let Some(known) = self.servers.get_mut(server) {
            known.pause = Duration::ZERO;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(1);

    #[test]
    fn questions_to_one_server_keep_their_distance() {
        let (mut manners, now) = (Manners::default(), Instant::now());
        assert_eq!(manners.turn("a", now, PATIENCE), Turn::At(now));
        assert_eq!(manners.turn("b", now, PATIENCE), Turn::At(now));
        assert_eq!(manners.turn("a", now, PATIENCE), Turn::At(now + PAUSE));
        assert_eq!(manners.turn("a", now, PATIENCE), Turn::At(now + 2 * PAUSE));
        assert_eq!(manners.turn("a", now, PATIENCE), Turn::Crowded);
        assert_eq!(manners.turn("a", now + PATIENCE, PATIENCE), Turn::At(now + 3 * PAUSE));
    }

    #[test]
    fn a_server_that_has_enough_is_left_alone() {
        let (mut manners, now) = (Manners::default(), Instant::now());
        manners.turn("a", now, PATIENCE);
        manners.limited("a", now, None);
        assert_eq!(manners.turn("a", now, PATIENCE), Turn::BackedOff(FIRST_BACK_OFF));
        let later = now + FIRST_BACK_OFF;
        assert_eq!(manners.turn("a", later, PATIENCE), Turn::At(later));
        manners.limited("a", later, None);
        assert_eq!(manners.turn("a", later, PATIENCE), Turn::BackedOff(2 * FIRST_BACK_OFF));
        let (long, end) = (Duration::from_secs(1 << 30), later + 2 * FIRST_BACK_OFF);
        manners.turn("a", end, PATIENCE);
        manners.answered("a");
        manners.limited("a", end, Some(long));
        assert_eq!(manners.turn("a", end, PATIENCE), Turn::BackedOff(LONGEST_ASKED_FOR));
    }

    #[test]
    fn what_matters_no_longer_is_forgotten() {
        let (mut manners, now) = (Manners::default(), Instant::now());
        for number in 0..10 * MANY {
            manners.turn(
                &number.to_string(),
                now + 2 * LONGEST_BACK_OFF * u32::try_from(number).unwrap_or(0),
                PATIENCE,
            );
        }
        assert!(manners.servers.len() <= MANY);
    }
}
