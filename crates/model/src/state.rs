//! What is believed about a monitor, and what its owner decided: two axes that never share a type.
//! Judging happens elsewhere; these are the values that it works on.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use watchkeep_catalogue::{Family, Severity, StatusCode};

use crate::{IncidentId, Known, LocationName};

/// What the owner decided about a monitor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lifecycle {
    /// Never activated (-1).
    Created,
    /// Tested.
    Active,
    /// Paused (-2): history is kept, nothing is tested or told.
    Paused,
}

/// What is believed about the target of an active monitor, after confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Belief {
    /// No result yet (-3).
    Pending,
    /// Every condition is met.
    Operational,
    /// It answers, but not as it should.
    Degraded,
    /// It does not do its job.
    Down,
    /// The test itself cannot run, which says nothing about the target.
    Misconfigured,
}

impl Belief {
    /// What a confirmed result of this severity makes us believe.
    #[must_use]
    pub const fn from_severity(severity: Severity) -> Self {
        match severity {
            Severity::Operational => Self::Operational,
            Severity::Inactive | Severity::Pending => Self::Pending,
            Severity::Misconfigured => Self::Misconfigured,
            Severity::Degraded => Self::Degraded,
            Severity::Down => Self::Down,
        }
    }

    /// Whether an incident stands for this belief. A fault of ours is none of the target's.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Degraded | Self::Down)
    }
}

/// What one location has to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocationView {
    /// When its newest test began; older results change nothing any more. What is stored is the newest test that
    /// changed this view: good results alone cost no write.
    pub seen_at: Timestamp,
    /// The code that this location has confirmed by re-tests; -3 before the first.
    #[serde(with = "code_number")]
    pub code: StatusCode,
    /// The reason of `code`.
    pub detail: Option<String>,
    /// Since when it is operational, failing or misconfigured, whatever the codes meanwhile.
    pub since: Timestamp,
    /// Failures that are not confirmed yet.
    pub doubt: Option<Doubt>,
}

/// Failures in a row that are graver than what is believed, and still too few to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// When the first of them began.
    pub since: Timestamp,
    /// How many there are.
    pub failures: u16,
}

/// Everything that is remembered of a monitor between two results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonitorState {
    /// Counts the changes of this state; a commit names the revision that it was decided on.
    pub revision: u64,
    /// What the owner decided.
    pub lifecycle: Lifecycle,
    /// What is believed.
    pub belief: Belief,
    /// The code behind the belief; meaningful once the belief is no longer pending.
    #[serde(with = "code_number")]
    pub code: StatusCode,
    /// The reason of `code`.
    pub detail: Option<String>,
    /// Since when the shown status stands.
    pub since: Timestamp,
    /// The newest from each location.
    pub locations: BTreeMap<LocationName, LocationView>,
    /// The incident that is open.
    pub incident: Option<IncidentId>,
    /// What results have shown beside the status, where they show any such thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<Box<Known>>,
}

impl MonitorState {
    /// The state of a monitor that was just made.
    #[must_use]
    pub fn new(lifecycle: Lifecycle, now: Timestamp) -> Self {
        Self {
            revision: 0,
            lifecycle,
            belief: Belief::Pending,
            code: StatusCode::PENDING,
            detail: None,
            since: now,
            locations: BTreeMap::new(),
            incident: None,
            known: None,
        }
    }

    /// The status as users see it: policy first, then belief.
    #[must_use]
    pub fn status(&self, family: Family) -> Status {
        let code = match (self.lifecycle, self.belief) {
            (Lifecycle::Created, _) => StatusCode::CREATED,
            (Lifecycle::Paused, _) => StatusCode::PAUSED,
            (Lifecycle::Active, Belief::Pending) => StatusCode::PENDING,
            (Lifecycle::Active, _) => self.code,
        };
        Status { code, severity: code.severity(family), since: self.since }
    }
}

/// A status as users see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The code, -3 to 0 included.
    pub code: StatusCode,
    /// How much it matters.
    pub severity: Severity,
    /// Since when it stands.
    pub since: Timestamp,
}

impl Status {
    /// The word for states in lists and the API: the severity, with the two kinds of inactivity told apart.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.code {
            StatusCode::CREATED => "created",
            StatusCode::PAUSED => "paused",
            _ => self.severity.as_str(),
        }
    }
}

/// Writes a code as its number.
pub(crate) mod code_number {
    use serde::{Deserialize, Deserializer, Serializer};
    use watchkeep_catalogue::StatusCode;

    pub(crate) fn serialize<S: Serializer>(code: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i16(code.number())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StatusCode, D::Error> {
        i16::deserialize(deserializer).map(StatusCode::new)
    }
}
