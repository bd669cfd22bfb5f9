//! A monitor with results that are easily made, for tests of the judge.
//! Times are seconds after a fixed moment.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use watchkeep_catalogue::{Family, StatusCode};
use watchkeep_judge::{Decision, Snapshot, decide, mark_seen};
use watchkeep_model::{
    Event, Happening, Incident, IncidentChange, Lifecycle, LocationName, Monitor, MonitorId, MonitorSettings,
    MonitorState, Observed, OrgId, Phases, RecordedResult, Telling, TestResult, TestSubject, Verdict,
};

pub(crate) const SLOW: i16 = 102;
pub(crate) const BROKEN: i16 = 454;
pub(crate) const STATUS: i16 = 414;
pub(crate) const REFUSED: i16 = 451;

/// So many seconds after the beginning.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

pub(crate) fn location(name: &str) -> LocationName {
    name.parse().unwrap()
}

pub(crate) fn monitor(locations: &[&str], retries: u16, needed: u16) -> Monitor {
    let settings = json!({
        "name": "shop", "type": "http", "target": "https://shop.example/", "interval": "10s", "locations": locations,
        "confirm": {"retries": retries, "delay": "2s", "locations": needed},
    });
    let serde_json::Value::Object(object) = settings else { unreachable!() };
    let (settings, _) = MonitorSettings::parse(object).unwrap();
    let (id, org) = (MonitorId::from_random([1; 16]), OrgId::from_random([2; 16]));
    Monitor { id, org, settings, created_at: at(0), version: 1 }
}

/// A monitor of a certificate, whose failures count after one re-test.
pub(crate) fn certificate(locations: &[&str]) -> Monitor {
    let mut monitor = monitor(locations, 1, 1);
    let (test_type, target) = ("certificate".into(), "shop.example:443".into());
    let subject = TestSubject { family: Family::Certificate, test_type, target };
    Arc::make_mut(&mut monitor.settings.test).subject = Arc::new(subject);
    monitor
}

pub(crate) fn result_at(
    monitor: &Monitor,
    place: &str,
    started_at: Timestamp,
    code: i16,
    attempt: u16,
) -> RecordedResult {
    let verdict = match code {
        0 => Verdict::OPERATIONAL,
        code => Verdict::new(StatusCode::new(code), format!("detail of {code}")),
    };
    RecordedResult {
        monitor: monitor.id.clone(),
        attempt,
        result: TestResult {
            subject: monitor.settings.test.subject.clone(),
            location: location(place),
            started_at,
            verdict,
            duration: Duration::from_millis(5),
            phases: Phases::default(),
            observed: Observed::Nothing,
            notable: None,
        },
    }
}

/// The code before a change of status.
pub(crate) fn previous_code(event: &Event) -> i16 {
    match &event.about.as_ref().unwrap().what {
        Happening::StatusChanged { previous_code, .. } => previous_code.number(),
        other => panic!("{other:?} is no change of status"),
    }
}

/// Keeps what decisions say, as a store would, and checks that they fit what was before.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    pub(crate) monitor: Monitor,
    pub(crate) state: MonitorState,
    pub(crate) incidents: Vec<Incident>,
    pub(crate) events: Vec<(Event, Telling)>,
}

impl Desk {
    pub(crate) fn new(monitor: Monitor, lifecycle: Lifecycle) -> Self {
        Self { monitor, state: MonitorState::new(lifecycle, at(0)), incidents: Vec::new(), events: Vec::new() }
    }

    /// One location called `local`, confirmed by so many re-tests.
    pub(crate) fn active(retries: u16) -> Self {
        Self::new(monitor(&["local"], retries, 1), Lifecycle::Active)
    }

    /// Three locations `a`, `b` and `c` of which so many must fail, without re-tests.
    pub(crate) fn of_three(needed: u16) -> Self {
        Self::new(monitor(&["a", "b", "c"], 0, needed), Lifecycle::Active)
    }

    pub(crate) fn snapshot(&self) -> Snapshot<'_> {
        Snapshot { monitor: &self.monitor, state: &self.state }
    }

    /// A result from `local` at a second, judged half a second later. True when something changed.
    pub(crate) fn sees(&mut self, second: i64, code: i16, attempt: u16) -> bool {
        self.sees_from("local", second, code, attempt)
    }

    pub(crate) fn sees_from(&mut self, place: &str, second: i64, code: i16, attempt: u16) -> bool {
        let result = result_at(&self.monitor, place, at(second), code, attempt);
        self.judge(&[result], at(second) + SignedDuration::from_millis(500))
    }

    pub(crate) fn judge(&mut self, results: &[RecordedResult], now: Timestamp) -> bool {
        let decision = decide(&self.snapshot(), &results.iter().collect::<Vec<_>>(), now);
        let changed = self.keep(decision);
        results.iter().for_each(|result| mark_seen(&mut self.state, result, now));
        changed
    }

    pub(crate) fn keep(&mut self, decision: Option<Decision>) -> bool {
        let Some(decision) = decision else { return false };
        assert_eq!(decision.monitor, self.monitor.id);
        assert_eq!(decision.expected_revision, self.state.revision);
        assert!(decision.state.revision > self.state.revision, "the revision grows with every change");
        for change in decision.incidents {
            match change {
                IncidentChange::Open(incident) => {
                    assert!(self.open_incident().is_none(), "two incidents are open");
                    assert!(self.incidents.iter().all(|known| known.id != incident.id), "an incident's id came twice");
                    self.incidents.push(incident);
                }
                IncidentChange::Note { id, entry } => {
                    let open = self.incidents.iter_mut().find(|known| known.id == id).unwrap();
                    assert!(open.resolved_at.is_none());
                    open.code = entry.code;
                    open.entries.push(entry);
                }
                IncidentChange::Resolve { id, entry } => {
                    let open = self.incidents.iter_mut().find(|known| known.id == id).unwrap();
                    assert!(open.resolved_at.is_none(), "an incident was resolved twice");
                    assert!(entry.at >= open.opened_at);
                    open.resolved_at = Some(entry.at);
                    open.entries.push(entry);
                }
            }
        }
        self.state = decision.state;
        assert_eq!(self.state.incident, self.open_incident().map(|incident| incident.id.clone()));
        self.events.extend(decision.events);
        true
    }

    pub(crate) fn open_incident(&self) -> Option<&Incident> {
        self.incidents.iter().find(|incident| incident.resolved_at.is_none())
    }

    pub(crate) fn code(&self) -> i16 {
        self.state.status(self.monitor.family()).code.number()
    }

    /// Events since the last call: name, code before, code after.
    pub(crate) fn told(&mut self) -> Vec<(&'static str, i16, i16)> {
        let events = std::mem::take(&mut self.events);
        let line = |(event, _): &(Event, Telling)| {
            (event.kind.as_str(), previous_code(event), event.about.as_ref().unwrap().code.number())
        };
        events.iter().map(line).collect()
    }
}
