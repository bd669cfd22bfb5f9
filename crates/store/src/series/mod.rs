//! Raw results: kept as batches while they are young, sealed into compressed blocks of one monitor later.
//! `codec` turns results into bytes and back, `head` decides what is sealed when. `docs/storage.md` explains both.

mod bytes;
pub(crate) mod codec;
pub(crate) mod head;
mod open;
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

/// One raw result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) numbers: Numbers,
    pub(crate) words: Arc<Words>,
}
