//! What is kept: one trait in terms of the model, split by noun, and the embedded engine behind it.
//! A commit of results, states, incidents and events is one transaction; after it returns, a crash loses nothing.

mod accounts;
mod commit;
mod contacts;
mod error;
mod history;
mod monitors;
mod outbox;
mod series;
mod sqlite;
mod vault;

pub use accounts::{Accounts, NewToken, SetupLink};
pub use commit::{Commit, CommitOutcome, Commits, IncidentChange, RobotMark, StateChange};
pub use contacts::Contacts;
pub use error::StoreError;
pub use history::{History, IncidentFilter, Page, PastResult, StatusInterval, TimeRange};
pub use monitors::{Kept, Monitors, Put, StoredMonitor};
pub use outbox::{Attempt, Delivery, DeliveryState, Outbox, PendingDelivery, PendingEvent};
pub use sqlite::SqliteStore;

/// Everything that is kept. Implemented once per engine; all other rooms see only this.
pub trait Store: Monitors + Commits + History + Contacts + Outbox + Accounts + Send + Sync + 'static {}

impl<T: Monitors + Commits + History + Contacts + Outbox + Accounts + Send + Sync + 'static> Store for T {}
