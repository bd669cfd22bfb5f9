//! Monitors and their states, as the API changes them and as the pipeline loads them.

use async_trait::async_trait;
use jiff::Timestamp;
use watchkeep_catalogue::Family;
use watchkeep_model::{Event, Invalid, Monitor, MonitorId, MonitorState, Name, OrgId};

use crate::StoreError;

/// A monitor with what is remembered of it.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its identifier.
    pub id: MonitorId,
    /// Its owner.
    pub org: OrgId,
    /// What people call it, readable even where the rest is not.
    pub name: Name,
    /// The family of its codes, readable even where the rest is not.
    pub family: Family,
    /// When it was made.
    pub created_at: Timestamp,
    /// Counts the changes of its settings.
    pub version: u64,
    /// The monitor, or why this version cannot use what is stored (a newer version's test type).
    pub monitor: Result<Monitor, Invalid>,
    /// What is believed and decided.
    pub state: MonitorState,
}

/// A monitor to be stored with its state.
#[derive(Clone, Debug)]
pub struct StoredMonitor {
    /// The settings.
    pub monitor: Monitor,
    /// The state, created or changed with them.
    pub state: MonitorState,
}

/// What became of a conditional write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// Written.
    Done,
    /// Somebody else was first: version or state revision differ from what was expected.
    Conflict,
    /// There is no such thing, or it belongs to another organisation.
    Missing,
}

/// Keeps monitors.
#[async_trait]
pub trait Monitors {
    /// Every monitor of every organisation: for the pipeline's start.
    async fn all_monitors(&self) -> Result<Vec<Kept>, StoreError>;

    /// One organisation's monitors, ordered by id, at most `limit`, after the given one.
    async fn monitors(&self, org: &OrgId, after: Option<&MonitorId>, limit: usize) -> Result<Vec<Kept>, StoreError>;

    /// One monitor.
    async fn monitor(&self, org: &OrgId, id: &MonitorId) -> Result<Option<Kept>, StoreError>;

    /// Stores a new monitor with its first state and history.
    async fn create_monitor(&self, new: StoredMonitor, events: Vec<Event>) -> Result<(), StoreError>;

    /// Stores changed settings together with the state; `expected_version` and `expected_revision` are those
    /// that the change was decided on. The events become history.
    async fn update_monitor(
        &self,
        changed: StoredMonitor,
        expected_version: u64,
        expected_revision: u64,
        events: Vec<Event>,
    ) -> Result<Put, StoreError>;

    /// Forgets a monitor with its results, incidents, events and deliveries.
    async fn delete_monitor(&self, org: &OrgId, id: &MonitorId) -> Result<Put, StoreError>;
}
