//! What a result means: confirmation, quorum over locations, state changes, incidents, ends and changes, events; when
//! to test next.
//! Pure: no clock, no I/O. Facts and time come in as arguments, decisions go out as values.

mod confirm;
mod decide;
mod draft;
mod notice;
mod owner;
mod quorum;
pub mod schedule;

pub use confirm::{Next, after_result};
pub use decide::{Snapshot, TOLERATED_SKEW, decide, mark_seen};
pub use owner::{activate, pause, settings_changed, unreadable};

/// What a commit stores for one monitor: the new state, its incidents, its events.
pub type Decision = watchkeep_model::StateChange;
