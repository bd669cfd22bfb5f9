//! What was: raw results, status changes, incidents, and the intervals that uptime is computed from.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::value::RawValue;
use watchkeep_catalogue::{Family, StatusCode};
use watchkeep_model::{Event, Incident, IncidentId, MonitorId, OrgId, RecordedResult};

use crate::StoreError;

/// A result as it comes back from the store: what was observed is the JSON that was written.
pub type PastResult = RecordedResult<Box<RawValue>>;

/// A stretch of time, its end excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// The first moment.
    pub from: Timestamp,
    /// The first moment no longer in it.
    pub until: Timestamp,
}

/// A part of a list, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Where the next part begins; none at the end. Opaque to clients.
    pub next: Option<String>,
}

/// Which incidents are asked for.
#[derive(Clone, Debug, Default)]
pub struct IncidentFilter {
    /// Open ones, resolved ones, or both.
    pub open: Option<bool>,
    /// One monitor's only.
    pub monitor: Option<MonitorId>,
}

/// A stretch of time under one status: states are kept as intervals, so that uptime never depends on how
/// often was tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusInterval {
    /// Since when.
    pub from: Timestamp,
    /// Until when; the end of the range asked for where it still stands.
    pub until: Timestamp,
    /// The status as users saw it, -3 to 0 included.
    pub code: StatusCode,
}

/// Reads the past.
#[async_trait]
pub trait History {
    /// Raw results of one monitor, newest first; `after` is an earlier page's `next`.
    async fn results(
        &self,
        org: &OrgId,
        monitor: &MonitorId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<PastResult>, StoreError>;

    /// The newest result of each given monitor, where there is one.
    async fn last_results(&self, monitors: &[MonitorId]) -> Result<Vec<PastResult>, StoreError>;

    /// Total durations in milliseconds with their start and code, oldest first, thinned to at most `points`
    /// evenly spread results: what a spark line or a chart needs.
    async fn latencies(
        &self,
        monitor: &MonitorId,
        range: TimeRange,
        points: usize,
    ) -> Result<Vec<(Timestamp, f32, StatusCode)>, StoreError>;

    /// Events of one monitor (or of the whole organisation), newest first.
    async fn events(
        &self,
        org: &OrgId,
        monitor: Option<&MonitorId>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Event>, StoreError>;

    /// The statuses of one monitor over a range, oldest first, without gaps from its creation on.
    async fn status_intervals(
        &self,
        monitor: &MonitorId,
        family: Family,
        range: TimeRange,
    ) -> Result<Vec<StatusInterval>, StoreError>;

    /// Incidents, newest first.
    async fn incidents(
        &self,
        org: &OrgId,
        filter: IncidentFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Incident>, StoreError>;

    /// One incident.
    async fn incident(&self, org: &OrgId, id: &IncidentId) -> Result<Option<Incident>, StoreError>;
}
