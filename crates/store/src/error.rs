//! Why the store could not do what was asked; one sentence each, fit for a log or a start-up message.

use std::path::PathBuf;

/// A fault of the store or its surroundings.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine failed: disk full, read-only, I/O error.
    #[error("the database could not {doing}: {reason}")]
    Engine {
        /// What was being done, as the end of the sentence.
        doing: &'static str,
        /// The engine's own words.
        reason: String,
    },
    /// What was read is not what was written.
    #[error("the database holds {what} that cannot be read: {reason}")]
    Corrupt {
        /// What was read.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A newer version of Watchkeep wrote this database.
    #[error("the database has schema {found}, and this version knows {known}; use a newer watchkeep")]
    NewerSchema {
        /// The schema found.
        found: u32,
        /// The newest schema known.
        known: u32,
    },
    /// The key that the secrets are encrypted with is not there, or is another one.
    #[error("the key file {} {problem}; put the watchkeep.key that belongs to this database, from beside its backup, in its place", file.display())]
    Key {
        /// Where it should be.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The store is shutting down.
    #[error("the database is closed")]
    Closed,
}
