//! Raw results: kept as batches while they are young, sealed into compressed blocks of one monitor later.
//! `codec` turns results into bytes and back, `head` decides what is sealed when. `docs/storage.md` explains both.

mod bytes;
pub(crate) mod codec;
pub(crate) mod head;
mod open;
mod pack;
mod words;

use std::sync::Arc;

pub(crate) use open::Open;
pub(crate) use words::{Reference, Vocabulary, Words};

/// The integer that stands for a monitor inside the database.
pub(crate) type MonitorKey = i64;

/// The numbers of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numbers {
    /// When the test began, microseconds since 1970.
    pub(crate) start: i64,
    /// Microseconds.
    pub(crate) duration: u64,
    /// Microseconds of each phase in the order in which they happen.
    pub(crate) phases: [Option<u32>; 5],
    pub(crate) code: i16,
    pub(crate) attempt: u16,
}

impl Numbers {
    fn at(start: i64) -> Self {
        Self { start, duration: 0, phases: [None; 5], code: 0, attempt: 0 }
    }

    /// A bit for each phase that there is.
    fn present(&self) -> i64 {
        (0..5).map(|phase| i64::from(self.phases[phase].is_some()) << phase).sum()
    }

    fn in_phases(&self) -> i64 {
        self.phases.iter().flatten().map(|phase| i64::from(*phase)).sum()
    }

    /// The part of the duration that is in no phase: little, which is why it is written in place of the whole.
    fn beside_phases(&self) -> i64 {
        (self.duration as i64).wrapping_sub(self.in_phases())
    }

    fn set_beside_phases(&mut self, beside: i64) {
        self.duration = self.in_phases().wrapping_add(beside) as u64;
    }
}

/// One raw result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) numbers: Numbers,
    pub(crate) words: Arc<Words>,
}
