//! Events: what happened to a monitor, kept as its history and told to contacts.

use std::{borrow::Cow, fmt};

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
    /// A certificate ends soon.
    #[serde(rename = "certificate.expiring")]
    CertificateExpiring,
    /// A domain ends soon.
    #[serde(rename = "domain.expiring")]
    DomainExpiring,
    /// A certificate is not what it was.
    #[serde(rename = "certificate.changed")]
    CertificateChanged,
    /// A domain's registration is not what it was.
    #[serde(rename = "domain.changed")]
    DomainChanged,
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
    pub const ALL: [Self; 11] = [
        Self::ServiceStatusChanged,
        Self::ServerStatusChanged,
        Self::CertificateStatusChanged,
        Self::DomainStatusChanged,
        Self::CertificateExpiring,
        Self::DomainExpiring,
        Self::CertificateChanged,
        Self::DomainChanged,
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
            Self::CertificateExpiring => "certificate.expiring",
            Self::DomainExpiring => "domain.expiring",
            Self::CertificateChanged => "certificate.changed",
            Self::DomainChanged => "domain.changed",
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

    /// The event of an end that comes nearer in `family`; none where nothing ends.
    #[must_use]
    pub const fn expiring(family: Family) -> Option<Self> {
        match family {
            Family::Service | Family::Server => None,
            Family::Certificate => Some(Self::CertificateExpiring),
            Family::Domain => Some(Self::DomainExpiring),
        }
    }

    /// The event of attributes that changed in `family`; none where nothing has any.
    #[must_use]
    pub const fn changed(family: Family) -> Option<Self> {
        match family {
            Family::Service | Family::Server => None,
            Family::Certificate => Some(Self::CertificateChanged),
            Family::Domain => Some(Self::DomainChanged),
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
    /// Whom it concerns, and how; none for a channel's trial.
    pub about: Option<About>,
}

/// What an event tells of a monitor: its status at that moment, and what happened. The monitor's name, target and tags
/// are added when it is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// Whom it concerns.
    pub monitor: MonitorId,
    /// The code now.
    #[serde(with = "code_number")]
    pub code: StatusCode,
    /// The locations that see it.
    pub locations: Vec<LocationName>,
    /// Since when the status stands.
    pub since: Timestamp,
    /// The incident that it belongs to, or that is open meanwhile.
    pub incident: Option<IncidentId>,
    /// What happened.
    pub what: Happening,
}

/// What happened to a monitor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    /// Its status changed; an incident may begin or end with that.
    StatusChanged {
        /// The code before.
        #[serde(with = "code_number")]
        previous_code: StatusCode,
        /// The reason of the code now.
        detail: Option<String>,
    },
    /// Its end came nearer.
    Expiring {
        /// When it ends.
        expires_at: Timestamp,
        /// Whole days until then, from the test that saw it.
        days_left: i64,
        /// The threshold that these days have reached.
        threshold: u16,
    },
    /// Some of its attributes changed.
    Changed {
        /// Which, and how; at least one.
        differences: Vec<Difference>,
    },
}

/// An attribute that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// Its name, as in `observed`.
    pub attribute: String,
    /// What it was.
    pub before: String,
    /// What it is.
    pub after: String,
}

impl About {
    /// What exactly happened to a monitor in `family`, in one sentence without a full stop; absent when the code says
    /// it all.
    #[must_use]
    pub fn detail(&self, family: Family) -> Option<Cow<'_, str>> {
        match &self.what {
            Happening::StatusChanged { detail, .. } => detail.as_deref().map(Cow::Borrowed),
            Happening::Expiring { expires_at, days_left, .. } => {
                let left = match days_left {
                    ..=0 => "within 24 hours".to_owned(),
                    1 => "in 1 day".to_owned(),
                    days => format!("in {days} days"),
                };
                Some(format!("{family} expires {left} ({})", expires_at.strftime("%Y-%m-%d")).into())
            }
            Happening::Changed { differences } => {
                let lines: Vec<String> = differences.iter().map(ToString::to_string).collect();
                Some(lines.join("; ").into())
            }
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.attribute.replace('_', " ");
        write!(f, "{name} changed: {} → {}", shortened(&self.before), shortened(&self.after))
    }
}

/// A value for a sentence: the beginning of a long one, which no sentence could hold.
fn shortened(value: &str) -> Cow<'_, str> {
    const MOST: usize = 200;
    match value.char_indices().nth(MOST) {
        _ if value.is_empty() => "none".into(),
        Some((end, _)) => format!("{}…", &value[..end]).into(),
        None => value.into(),
    }
}

/// Whether contacts are told of an event, or it is only kept as history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// Contacts are told.
    Tell,
    /// A user's own doing: kept as history.
    Keep,
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    fn about(what: Happening) -> About {
        About {
            monitor: MonitorId::from_random([1; 16]),
            code: StatusCode::OPERATIONAL,
            locations: vec![LocationName::local()],
            since: Timestamp::UNIX_EPOCH,
            incident: None,
            what,
        }
    }

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        for kind in EventType::ALL {
            assert_eq!(EventType::parse(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        for family in Family::ALL {
            let named = |kind: EventType, what| assert_eq!(kind.as_str(), format!("{family}.{what}"));
            named(EventType::status_changed(family), "status_changed");
            EventType::expiring(family).into_iter().for_each(|kind| named(kind, "expiring"));
            EventType::changed(family).into_iter().for_each(|kind| named(kind, "changed"));
        }
    }

    #[test]
    fn what_happened_is_one_sentence() {
        let expires_at = "2026-12-02T08:00:00Z".parse().unwrap();
        let expiring = |days_left| about(Happening::Expiring { expires_at, days_left, threshold: 7 });
        for (days_left, line) in [
            (7, "certificate expires in 7 days (2026-12-02)"),
            (1, "certificate expires in 1 day (2026-12-02)"),
            (0, "certificate expires within 24 hours (2026-12-02)"),
        ] {
            assert_eq!(expiring(days_left).detail(Family::Certificate).unwrap(), line);
        }
        let difference = |attribute: &str, before: &str, after: &str| Difference {
            attribute: attribute.to_owned(),
            before: before.to_owned(),
            after: after.to_owned(),
        };
        let differences = vec![
            difference("name_servers", "ns1.example", "ns2.example"),
            difference("statuses", "", &"é".repeat(201)),
        ];
        let expected =
            format!("name servers changed: ns1.example → ns2.example; statuses changed: none → {}…", "é".repeat(200));
        let changed = about(Happening::Changed { differences });
        assert_eq!(changed.detail(Family::Domain).unwrap(), expected);
        let status = |detail: Option<&str>| {
            about(Happening::StatusChanged { previous_code: StatusCode::PENDING, detail: detail.map(str::to_owned) })
        };
        assert_eq!(status(Some("refused")).detail(Family::Service).unwrap(), "refused");
        assert_eq!(status(None).detail(Family::Service), None);
    }
}
