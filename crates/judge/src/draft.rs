//! A decision in the making: the state so far, and how a change of status becomes an incident and events.
//! Each step raises the revision by one and gives its identifiers, so the same results give the same decision.

use jiff::Timestamp;
use watchkeep_catalogue::{Family, StatusCode};
use watchkeep_model::{
    About, Belief, Event, EventId, EventType, Happening, Incident, IncidentChange, IncidentEntry, IncidentEntryKind,
    IncidentId, Known, Lifecycle, LocationName, MonitorId, MonitorState, OrgId, Telling,
};

use crate::Decision;

/// Places of the events of one step, in the order in which they are told.
const STATUS_EVENT: u8 = 0;
const INCIDENT_EVENT: u8 = 1;
pub(crate) const CHANGED_EVENT: u8 = 2;
pub(crate) const EXPIRING_EVENT: u8 = 3;

/// Whose state is decided on.
#[derive(Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) id: &'a MonitorId,
    pub(crate) org: &'a OrgId,
    pub(crate) family: Family,
}

impl Subject<'_> {
    fn event(&self, revision: u64, ordinal: u8, kind: EventType, about: About, now: Timestamp) -> Event {
        let id = EventId::derived(self.id, revision, ordinal);
        Event { id, org: self.org.clone(), kind, created_at: now, about: Some(about) }
    }
}

/// The status that a step leads to.
pub(crate) struct Turn {
    pub(crate) lifecycle: Lifecycle,
    pub(crate) belief: Belief,
    pub(crate) code: StatusCode,
    pub(crate) detail: Option<String>,
    /// Since when, as far as the results know.
    pub(crate) since: Timestamp,
    pub(crate) witnesses: Vec<LocationName>,
    pub(crate) telling: Telling,
}

/// A decision in the making. Nothing is copied before something changes.
pub(crate) struct Draft<'a> {
    subject: Subject<'a>,
    before: &'a MonitorState,
    now: Timestamp,
    decision: Option<Decision>,
}

impl<'a> Draft<'a> {
    pub(crate) fn new(subject: Subject<'a>, before: &'a MonitorState, now: Timestamp) -> Self {
        Self { subject, before, now, decision: None }
    }

    /// The state after the steps so far.
    pub(crate) fn state(&self) -> &MonitorState {
        self.decision.as_ref().map_or(self.before, |decision| &decision.state)
    }

    /// The family of the monitor's codes.
    pub(crate) fn family(&self) -> Family {
        self.subject.family
    }

    /// What is remembered beside the status, to be changed within the step that was begun last.
    pub(crate) fn known(&mut self) -> &mut Known {
        self.decision().state.known.get_or_insert_default()
    }

    /// Begins a step: the state may be changed afterwards.
    pub(crate) fn step(&mut self) -> &mut MonitorState {
        let state = &mut self.decision().state;
        state.revision += 1;
        state
    }

    fn decision(&mut self) -> &mut Decision {
        let (subject, before) = (self.subject, self.before);
        self.decision.get_or_insert_with(|| Decision {
            monitor: subject.id.clone(),
            expected_revision: before.revision,
            state: before.clone(),
            incidents: Vec::new(),
            events: Vec::new(),
        })
    }

    /// Changes the status within the step that was begun last, with what follows for incident and events.
    pub(crate) fn turn(&mut self, turn: Turn) {
        let (subject, now) = (self.subject, self.now);
        let decision = self.decision();
        let state = &mut decision.state;
        let previous_code = state.status(subject.family).code;
        // Statuses follow one another without overlap, and none begins in the future.
        state.since = turn.since.max(state.since).min(now);
        state.lifecycle = turn.lifecycle;
        state.belief = turn.belief;
        state.code = turn.code;
        state.detail = turn.detail;
        let code = state.status(subject.family).code;
        let entry = |kind| IncidentEntry { at: state.since, kind, code, detail: state.detail.clone() };
        let active = state.lifecycle == Lifecycle::Active;
        let failing = active && state.belief.is_failure();
        let concerned = state.incident.clone();
        let (change, event_kind) = match concerned.clone() {
            None if failing => {
                let id = IncidentId::derived(subject.id, state.revision, 0);
                let incident = Incident {
                    id,
                    org: subject.org.clone(),
                    monitor: subject.id.clone(),
                    code,
                    opened_at: state.since,
                    resolved_at: None,
                    entries: vec![entry(IncidentEntryKind::Opened)],
                };
                (Some(IncidentChange::Open(incident)), Some(EventType::IncidentOpened))
            }
            None => (None, None),
            Some(id) if failing => {
                (Some(IncidentChange::Note { id, entry: entry(IncidentEntryKind::CodeChanged) }), None)
            }
            // Our own fault says nothing about the target: the incident waits.
            Some(_) if active && state.belief == Belief::Misconfigured => (None, None),
            Some(id) => {
                let change = IncidentChange::Resolve { id, entry: entry(IncidentEntryKind::Resolved) };
                (Some(change), Some(EventType::IncidentResolved))
            }
        };
        state.incident = match &change {
            Some(IncidentChange::Open(incident)) => Some(incident.id.clone()),
            Some(IncidentChange::Resolve { .. }) => None,
            _ => state.incident.take(),
        };
        let about = About {
            monitor: subject.id.clone(),
            code,
            locations: turn.witnesses,
            since: state.since,
            incident: state.incident.clone().or(concerned),
            what: Happening::StatusChanged { previous_code, detail: state.detail.clone() },
        };
        let revision = state.revision;
        let event = |ordinal, kind, about| subject.event(revision, ordinal, kind, about, now);
        let status_changed = event(STATUS_EVENT, EventType::status_changed(subject.family), about.clone());
        let incident_event = event_kind.map(|kind| event(INCIDENT_EVENT, kind, about));
        decision.events.push((status_changed, turn.telling));
        decision.events.extend(incident_event.map(|event| (event, turn.telling)));
        decision.incidents.extend(change);
    }

    /// Tells what happened beside the status, as `location` saw it, within the step that was begun last.
    pub(crate) fn tell(&mut self, ordinal: u8, kind: EventType, location: &LocationName, what: Happening) {
        let (subject, now) = (self.subject, self.now);
        let decision = self.decision();
        let state = &decision.state;
        let about = About {
            monitor: subject.id.clone(),
            code: state.status(subject.family).code,
            locations: vec![location.clone()],
            since: state.since,
            incident: state.incident.clone(),
            what,
        };
        let event = subject.event(state.revision, ordinal, kind, about, now);
        decision.events.push((event, Telling::Tell));
    }

    /// The decision; `None` when no step was made.
    pub(crate) fn finish(self) -> Option<Decision> {
        self.decision
    }
}
