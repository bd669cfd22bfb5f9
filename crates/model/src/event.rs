//! Events: what happened to a monitor, kept as its history and told to contacts.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use watchkeep_catalogue::{Family, StatusCode};

use crate::{EventId, IncidentId, LocationName, MonitorId, OrgId, state::code_number};

/// The kinds of events, by the names that webhooks carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventType {
    /// A service's status changed.
    #[serde(rename = "service.status_changed")]
    ServiceStatusChanged,
    /// A server's status changed.
    #[serde(rename = "server.status_changed")]
    ServerStatusChanged,
    /// A certificate's status changed.
    #[serde(rename = "certificate.status_changed")]
    CertificateStatusChanged,
    /// A domain's status changed.
    #[serde(rename = "domain.status_changed")]
    DomainStatusChanged,
    /// An incident was opened.
    #[serde(rename = "incident.opened")]
    IncidentOpened,
    /// An incident is over.
    #[serde(rename = "incident.resolved")]
    IncidentResolved,
    /// Somebody tries a channel out.
    #[serde(rename = "test.ping")]
    TestPing,
}

impl EventType {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::ServiceStatusChanged,
        Self::ServerStatusChanged,
        Self::CertificateStatusChanged,
        Self::DomainStatusChanged,
        Self::IncidentOpened,
        Self::IncidentResolved,
        Self::TestPing,
    ];

    /// The name that webhooks carry.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ServiceStatusChanged => "service.status_changed",
            Self::ServerStatusChanged => "server.status_changed",
            Self::CertificateStatusChanged => "certificate.status_changed",
            Self::DomainStatusChanged => "domain.status_changed",
            Self::IncidentOpened => "incident.opened",
            Self::IncidentResolved => "incident.resolved",
            Self::TestPing => "test.ping",
        }
    }

    /// The kind that a name stands for, if any.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The event of a status change in `family`.
    #[must_use]
    pub const fn status_changed(family: Family) -> Self {
        match family {
            Family::Service => Self::ServiceStatusChanged,
            Family::Server => Self::ServerStatusChanged,
            Family::Certificate => Self::CertificateStatusChanged,
            Family::Domain => Self::DomainStatusChanged,
        }
    }
}

/// One thing that happened. Its identifier stays the same however often it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its identifier.
    pub id: EventId,
    /// Its owner.
    pub org: OrgId,
    /// Its kind.
    pub kind: EventType,
    /// When it happened.
    pub created_at: Timestamp,
    /// Whom it concerns; none for a channel's trial.
    pub change: Option<StatusChange>,
}

/// A change of status as an event carries it. The monitor's name, target and tags are added when it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusChange {
    /// Whose status changed.
    pub monitor: MonitorId,
    /// The code now.
    #[serde(with = "code_number")]
    pub code: StatusCode,
    /// The code before.
    #[serde(with = "code_number")]
    pub previous_code: StatusCode,
    /// The reason of `code`.
    pub detail: Option<String>,
    /// The locations that see it.
    pub locations: Vec<LocationName>,
    /// Since when the status stands.
    pub since: Timestamp,
    /// The incident that it belongs to.
    pub incident: Option<IncidentId>,
}

/// Whether contacts are told of an event, or it is only kept as history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// Contacts are told.
    Tell,
    /// A user's own doing: kept as history.
    Keep,
}
