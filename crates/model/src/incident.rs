//! An incident: a confirmed stretch of failure of one monitor, with its time line.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use watchkeep_catalogue::StatusCode;

use crate::{IncidentId, MonitorId, OrgId, state::code_number};

/// A confirmed stretch of failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Its identifier.
    pub id: IncidentId,
    /// Its owner.
    pub org: OrgId,
    /// Whose failure it is.
    pub monitor: MonitorId,
    /// The newest failing code.
    pub code: StatusCode,
    /// When the failure was first seen.
    pub opened_at: Timestamp,
    /// When it was over.
    pub resolved_at: Option<Timestamp>,
    /// What happened, oldest first.
    pub entries: Vec<IncidentEntry>,
}

/// One step of an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentEntry {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(rename = "type")]
    pub kind: IncidentEntryKind,
    /// The code at that moment.
    #[serde(with = "code_number")]
    pub code: StatusCode,
    /// The reason.
    pub detail: Option<String>,
}

/// The kinds of steps of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentEntryKind {
    /// The failure was confirmed.
    Opened,
    /// It goes on under another code.
    CodeChanged,
    /// It is over.
    Resolved,
}
