//! A reply that grows piece by piece, and when it is looked at: at once, until a peer makes that expensive.
//! Time and bytes come as arguments.

use std::time::Duration;

use bytes::{BufMut, buf::Limit};
use tokio::time::Instant;
use watchkeep_model::Exchange;

use crate::answer::{Answer, Extent, judge};

/// The most bytes of a reply.
pub(super) const MOST: usize = 64 * 1024;
/// Room for the usual reply.
const FIRST_ROOM: usize = 1_024;
/// Bytes that are searched without any pause, over all looks together: sixteen times the longest reply.
const FREE_WORK: usize = 16 * MOST;
/// The pause between two looks after that. Who sends one byte at a time pays with it, and nobody else.
const PAUSE: Duration = Duration::from_millis(50);

/// What came so far.
pub(super) struct Reply<'a> {
    exchange: &'a Exchange,
    bytes: Vec<u8>,
    /// Bytes that were searched, over all looks.
    work: usize,
    last_look: Option<Instant>,
    /// Whether something came after the last look.
    has_news: bool,
}

impl<'a> Reply<'a> {
    /// Nothing yet.
    pub(super) fn new(exchange: &'a Exchange) -> Self {
        Self { exchange, bytes: Vec::new(), work: 0, last_look: None, has_news: false }
    }

    /// What came.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where more is to be written, one byte over the bound at the most. Tell [`Self::grown`] afterwards.
    pub(super) fn room(&mut self) -> Limit<&mut Vec<u8>> {
        let left = MOST + 1 - self.bytes.len();
        self.bytes.reserve(FIRST_ROOM.min(left));
        (&mut self.bytes).limit(left)
    }

    /// Something was written into the room.
    pub(super) fn grown(&mut self) {
        self.has_news = true;
    }

    /// Whether more came than a reply may have.
    pub(super) fn is_too_long(&self) -> bool {
        self.bytes.len() > MOST
    }

    /// When the next look is due; never while there is nothing new.
    pub(super) fn due(&self) -> Option<Instant> {
        let last = self.last_look.filter(|_| self.has_news)?;
        Some(if self.work <= FREE_WORK { last } else { last + PAUSE })
    }

    /// Whether a look is due.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.has_news && self.due().is_none_or(|due| due <= now)
    }

    /// Looks at what came; what is still wrong may become right.
    pub(super) fn look(&mut self, now: Instant) -> Answer {
        self.has_news = false;
        self.last_look = Some(now);
        self.work = self.work.saturating_add(self.bytes.len());
        self.judge(Extent::Begun)
    }

    /// Looks for the last time.
    pub(super) fn end(&self) -> Answer {
        self.judge(Extent::Ended)
    }

    fn judge(&self, extent: Extent) -> Answer {
        judge(&self.bytes, extent, self.exchange.encoding, self.exchange.expect.as_ref())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use watchkeep_model::Expectation;

    use super::*;

    fn expecting(pattern: &str) -> Exchange {
        Exchange { expect: Some(Expectation::Text(pattern.parse().unwrap())), ..Exchange::default() }
    }

    fn add(reply: &mut Reply<'_>, bytes: &[u8]) {
        let mut room = reply.room();
        let fitting = bytes.len().min(room.remaining_mut());
        room.put_slice(&bytes[..fitting]);
        reply.grown();
    }

    #[test]
    fn a_reply_is_looked_at_when_something_came() {
        let exchange = expecting("/^220 /");
        let mut reply = Reply::new(&exchange);
        let now = Instant::now();
        assert!(!reply.is_due(now));
        for (piece, answer) in [("2", Answer::Wrong), ("20", Answer::Wrong), (" ", Answer::Right)] {
            add(&mut reply, piece.as_bytes());
            assert!(reply.is_due(now));
            assert_eq!(reply.look(now), answer);
            assert!(!reply.is_due(now) && reply.due().is_none());
        }
    }

    /// One byte at a time is quadratic if each is followed by a look; the work must stay in proportion.
    #[test]
    fn a_peer_that_drips_pays_with_a_pause() {
        let exchange = expecting("never");
        let mut reply = Reply::new(&exchange);
        let start = Instant::now();
        let mut looks = 0;
        // A byte per millisecond until no more is taken.
        for elapsed in 0.. {
            let now = start + Duration::from_millis(elapsed);
            if reply.is_too_long() {
                break;
            }
            add(&mut reply, b"x");
            if reply.is_due(now) {
                assert_eq!(reply.look(now), Answer::Wrong);
                looks += 1;
            } else {
                assert!(reply.due().unwrap() <= now + PAUSE);
            }
        }
        assert_eq!(reply.bytes().len(), MOST + 1);
        let paused = MOST / 50;
        assert!(looks < 1_500 + paused + 1, "{looks} looks");
        assert!(reply.work <= FREE_WORK + MOST * (paused + 2), "{} bytes of work", reply.work);
    }

    #[test]
    fn a_reply_in_usual_pieces_never_waits() {
        let exchange = expecting("never");
        let mut reply = Reply::new(&exchange);
        let now = Instant::now();
        while reply.bytes().len() < MOST {
            add(&mut reply, &[b'x'; 2_048]);
            assert!(reply.is_due(now), "at {} bytes", reply.bytes().len());
            assert_eq!(reply.look(now), Answer::Wrong);
        }
        assert!(!reply.is_too_long());
        add(&mut reply, &[b'x'; 2_048]);
        assert!(reply.is_too_long());
        assert_eq!(reply.bytes().len(), MOST + 1);
    }
}
