//! What happened to a monitor lately, in words: status changes, ends that come nearer, attributes that changed.
//! Incidents have their own list; that one begins or ends shows here as the change of status that it is.

use jiff::Timestamp;
use watchkeep_catalogue::Family;
use watchkeep_model::{Event, EventType, Happening};

use super::shown::{Moment, State, summary};

/// Events that are asked for. Those of incidents are among them and are not shown.
pub(super) const ASKED: usize = 30;
/// Events that are shown.
const SHOWN: usize = 10;

/// One thing that happened.
pub(super) struct TimelineRow {
    pub(super) at: Moment,
    /// In the user's terms.
    pub(super) what: String,
    /// The status that it led to, where it changed.
    pub(super) state: Option<State>,
    /// What exactly happened, a line each.
    pub(super) lines: Vec<String>,
}

/// The rows for these events of a monitor in `family`, newest first.
pub(super) fn timeline(events: &[Event], family: Family, now: Timestamp) -> Vec<TimelineRow> {
    events.iter().filter_map(|event| row(event, family, now)).take(SHOWN).collect()
}

fn row(event: &Event, family: Family, now: Timestamp) -> Option<TimelineRow> {
    let about = event.about.as_ref()?;
    let at = Moment::new(event.created_at, now);
    let detail = about.detail(family).unwrap_or_default();
    match &about.what {
        // The event of an incident carries the same change.
        Happening::StatusChanged { .. } if event.kind != EventType::status_changed(family) => None,
        Happening::StatusChanged { .. } => {
            let lines = if detail.is_empty() { Vec::new() } else { vec![detail.into_owned()] };
            let state = Some(State::of(family, about.code));
            Some(TimelineRow { at, what: summary(family, about.code).to_owned(), state, lines })
        }
        Happening::Changed { differences } if differences.len() > 1 => {
            let lines = differences.iter().map(ToString::to_string).collect();
            Some(TimelineRow { at, what: capital(&format!("{family} changed")), state: None, lines })
        }
        Happening::Changed { .. } | Happening::Expiring { .. } => {
            Some(TimelineRow { at, what: capital(&detail), state: None, lines: Vec::new() })
        }
    }
}

/// The same with a capital letter.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use watchkeep_catalogue::StatusCode;
    use watchkeep_model::{About, Difference, EventId, LocationName, MonitorId, OrgId};

    use super::*;

    fn event(kind: EventType, code: i16, what: Happening) -> Event {
        let at = "2026-11-25T08:00:00Z".parse().unwrap();
        let about = About {
            monitor: MonitorId::from_random([1; 16]),
            code: StatusCode::new(code),
            locations: vec![LocationName::local()],
            since: at,
            incident: None,
            what,
        };
        Event {
            id: EventId::from_random([2; 16]),
            org: OrgId::from_random([3; 16]),
            kind,
            created_at: at,
            about: Some(about),
        }
    }

    fn shown(events: &[Event]) -> Vec<(String, Option<&'static str>, Vec<String>)> {
        let now = "2026-11-25T09:00:00Z".parse().unwrap();
        let rows = timeline(events, Family::Domain, now);
        rows.into_iter().map(|row| (row.what, row.state.map(|state| state.word), row.lines)).collect()
    }

    #[test]
    fn what_happened_is_said_in_words() {
        let difference = |attribute: &str, before: &str, after: &str| Difference {
            attribute: attribute.to_owned(),
            before: before.to_owned(),
            after: after.to_owned(),
        };
        let changed = |differences| event(EventType::DomainChanged, 0, Happening::Changed { differences });
        let moved = difference("name_servers", "ns1.example", "ns2.example");
        let failed = |detail: &str| Happening::StatusChanged {
            previous_code: StatusCode::OPERATIONAL,
            detail: Some(detail.to_owned()),
        };
        let expires_at = "2026-12-02T12:00:00Z".parse().unwrap();
        let events = [
            event(EventType::DomainExpiring, 0, Happening::Expiring { expires_at, days_left: 7, threshold: 7 }),
            changed(vec![moved.clone()]),
            changed(vec![moved, difference("registrar", "One", "Two")]),
            event(EventType::IncidentOpened, 510, failed("expired yesterday")),
            event(EventType::DomainStatusChanged, 510, failed("expired yesterday")),
        ];
        let name_servers = "ame servers changed: ns1.example → ns2.example";
        let expected = [
            ("Domain expires in 7 days (2026-12-02)".to_owned(), None, vec![]),
            (format!("N{name_servers}"), None, vec![]),
            (
                "Domain changed".to_owned(),
                None,
                vec![format!("n{name_servers}"), "registrar changed: One → Two".to_owned()],
            ),
            (
                summary(Family::Domain, StatusCode::new(510)).to_owned(),
                Some("Down"),
                vec!["expired yesterday".to_owned()],
            ),
        ];
        assert_eq!(shown(&events), expected);
    }
}
