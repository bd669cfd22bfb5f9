//! Raw results: kept as batches while they are young, sealed into one compressed block per monitor later.
//! `codec` turns entries into bytes and back, `head` holds what is not sealed yet.

pub(crate) mod codec;
pub(crate) mod head;

use std::sync::Arc;

/// The integer that stands for a monitor inside the database.
pub(crate) type MonitorKey = i64;

/// The words of a result; shared by all results that say the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Words {
    /// Position of the family in `Family::ALL`.
    pub(crate) family: u8,
    pub(crate) test_type: Arc<str>,
    pub(crate) target: Arc<str>,
    pub(crate) location: Arc<str>,
    pub(crate) detail: Option<Box<str>>,
    /// What was observed, as JSON.
    pub(crate) observed: Box<str>,
}

/// One raw result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// When the test began, microseconds since 1970.
    pub(crate) start: i64,
    /// Microseconds.
    pub(crate) duration: u64,
    /// Microseconds of each phase in the order in which they happen.
    pub(crate) phases: [Option<u32>; 5],
    pub(crate) code: i16,
    pub(crate) attempt: u16,
    pub(crate) words: Arc<Words>,
}
