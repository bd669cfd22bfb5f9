//! The page of one monitor: what is wrong and what to do, then figures, incidents and the newest tests.
//! Buttons pause, activate, test and delete it; deleting asks first by naming it.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State as Shared},
    response::{IntoResponse, Redirect, Response},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use watchkeep_catalogue::{Severity, find};
use watchkeep_model::{Lifecycle, MonitorId};
use watchkeep_store::{IncidentFilter, PastResult, TimeRange};

use super::{
    chart::{DayChart, PhasePart, Slice, history, phase_parts},
    fault::Fault,
    frame::{Link, Section, page},
    incidents::IncidentRow,
    shown::{Moment, State, latency, length, percentage},
    timeline::{self, TimelineRow, timeline},
};
use crate::{
    App, Entry, Point,
    api::view::shown_detail,
    auth::SignedIn,
    figures::{WINDOWS, window_start, window_uptime},
    monitors as desk,
};

/// Tests that the page shows.
const NEWEST: usize = 30;
/// Incidents that the page shows.
const INCIDENTS: usize = 5;

/// One test in the list of the newest.
struct TestRow {
    state: State,
    at: Moment,
    duration: String,
    detail: String,
    attempt: u16,
    parts: Vec<PhasePart>,
}

/// A line of what the newest test saw.
struct Fact {
    label: String,
    value: String,
}

#[derive(Template)]
#[template(path = "monitor.html")]
struct MonitorPage<'a> {
    links: [Link; 5],
    id: &'a str,
    name: &'a str,
    target: &'a str,
    state: State,
    summary: &'static str,
    explanation: &'static str,
    remedy: &'static str,
    detail: &'a str,
    is_failure: bool,
    is_active: bool,
    /// Why this version cannot use the settings, if it cannot.
    unreadable: String,
    since: Moment,
    lasted: String,
    interval: String,
    tags: Vec<&'a str>,
    contacts: usize,
    windows: Vec<(&'static str, String)>,
    slices: Vec<Slice>,
    chart: Option<DayChart>,
    facts: Vec<Fact>,
    incidents: Vec<IncidentRow>,
    events: Vec<TimelineRow>,
    tests: Vec<TestRow>,
}

/// The monitor that a path names.
pub(super) fn entry(app: &App, person: &SignedIn, id: &str) -> Result<Arc<Entry>, Fault> {
    let id: Option<MonitorId> = id.parse().ok();
    id.and_then(|id| app.board.get(&person.org, &id)).ok_or_else(|| Fault::missing("monitor"))
}

pub(super) async fn show(
    Shared(app): Shared<Arc<App>>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let entry = entry(&app, &person, &id)?;
    let now = Timestamp::now();
    let family = entry.family;
    let range = TimeRange { from: window_start(now, WINDOWS[WINDOWS.len() - 1].1), until: now };
    let intervals = app.store.status_intervals(&entry.id, family, range).await?;
    let results = app.store.results(&person.org, &entry.id, None, NEWEST).await?.items;
    let filter = IncidentFilter { monitor: Some(entry.id.clone()), ..IncidentFilter::default() };
    let incidents = app.store.incidents(&person.org, filter, None, INCIDENTS).await?.items;
    let events = app.store.events(&person.org, Some(&entry.id), None, timeline::ASKED).await?.items;

    let status = entry.status();
    let state = State::now(&entry);
    let catalogue = find(family, status.code);
    let settings = entry.monitor.as_ref().map(|monitor| &monitor.settings);
    let points: Vec<Point> = entry.recent.points().collect();
    let windows = WINDOWS
        .iter()
        .map(|&(name, hours)| (name, percentage(window_uptime(&entry, &intervals, window_start(now, hours)))));
    Ok(page(&MonitorPage {
        links: Section::Overview.links(),
        id: entry.id.as_str(),
        name: entry.name.as_str(),
        target: entry.target(),
        summary: catalogue.map_or("", |known| known.summary),
        explanation: catalogue.map_or("", |known| known.explanation),
        remedy: catalogue.map_or("", |known| known.remedy),
        detail: shown_detail(&entry).unwrap_or_default(),
        is_failure: status.severity >= Severity::Misconfigured,
        is_active: entry.state.lifecycle == Lifecycle::Active,
        unreadable: entry.monitor.as_ref().err().map(ToString::to_string).unwrap_or_default(),
        state,
        since: Moment::new(status.since, now),
        lasted: length(now.duration_since(status.since)),
        interval: settings.map(|settings| settings.interval.to_string()).unwrap_or_default(),
        tags: settings.map(|settings| settings.tags.iter().map(|tag| tag.as_str()).collect()).unwrap_or_default(),
        contacts: settings.map_or(0, |settings| settings.contacts.len()),
        windows: windows.collect(),
        slices: history(&intervals, family, now),
        chart: DayChart::new(&points, &intervals, family, now),
        facts: facts(&entry),
        incidents: incidents.iter().map(|incident| IncidentRow::new(incident, &app, now)).collect(),
        events: timeline(&events, family, now),
        tests: tests(&results, now),
    }))
}

fn tests(results: &[PastResult], now: Timestamp) -> Vec<TestRow> {
    let longest = results.iter().map(|past| past.result.duration.as_secs_f64()).fold(0.0, f64::max);
    let row = |past: &PastResult| TestRow {
        state: State::of(past.result.subject.family, past.result.verdict.code),
        at: Moment::new(past.result.started_at, now),
        duration: latency(past.result.duration.as_secs_f64() * 1_000.0),
        detail: past.result.verdict.detail.as_deref().unwrap_or_default().to_owned(),
        attempt: past.attempt,
        parts: phase_parts(&past.result.phases, longest),
    };
    results.iter().map(row).collect()
}

/// What the newest test saw, whatever its type: each value with its path as label.
fn facts(entry: &Entry) -> Vec<Fact> {
    let Some(last) = &entry.last else { return Vec::new() };
    let mut facts = Vec::new();
    if let Ok(observed) = serde_json::to_value(&last.observed) {
        collect_facts(String::new(), &observed, &mut facts);
    }
    facts
}

fn collect_facts(label: String, value: &Value, facts: &mut Vec<Fact>) {
    match value {
        Value::Null | Value::Bool(false) => {}
        Value::Object(fields) => {
            for (name, inner) in fields {
                let name = name.replace('_', " ");
                let path = if label.is_empty() { name } else { format!("{label}: {name}") };
                collect_facts(path, inner, facts);
            }
        }
        Value::Array(values) => {
            let texts: Vec<String> = values.iter().map(plain).collect();
            if !texts.is_empty() {
                facts.push(Fact { label, value: texts.join(", ") });
            }
        }
        _ => facts.push(Fact { label, value: plain(value) }),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(fields) => fields.values().map(plain).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

fn back_to(id: &MonitorId) -> Response {
    Redirect::to(&format!("/monitors/{id}")).into_response()
}

pub(super) async fn activate(
    Shared(app): Shared<Arc<App>>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let entry = entry(&app, &person, &id)?;
    desk::activate(&app, &person.org, &entry.id, Timestamp::now()).await?;
    Ok(back_to(&entry.id))
}

pub(super) async fn pause(
    Shared(app): Shared<Arc<App>>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let entry = entry(&app, &person, &id)?;
    desk::pause(&app, &person.org, &entry.id, Timestamp::now()).await?;
    Ok(back_to(&entry.id))
}

pub(super) async fn test(
    Shared(app): Shared<Arc<App>>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let entry = entry(&app, &person, &id)?;
    desk::test_now(&app, &person.org, &entry.id)?;
    Ok(back_to(&entry.id))
}

#[derive(Template)]
#[template(path = "monitor_delete.html")]
struct AskToDelete<'a> {
    links: [Link; 5],
    id: &'a str,
    name: &'a str,
    age: String,
}

pub(super) async fn ask_to_delete(
    Shared(app): Shared<Arc<App>>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let entry = entry(&app, &person, &id)?;
    let age = entry
        .monitor
        .as_ref()
        .map_or(SignedDuration::ZERO, |monitor| Timestamp::now().duration_since(monitor.created_at));
    Ok(page(&AskToDelete {
        links: Section::Overview.links(),
        id: entry.id.as_str(),
        name: entry.name.as_str(),
        age: length(age),
    }))
}

pub(super) async fn delete(
    Shared(app): Shared<Arc<App>>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let entry = entry(&app, &person, &id)?;
    desk::delete(&app, &person.org, &entry.id, None).await?;
    Ok(Redirect::to("/").into_response())
}

#[cfg(test)]
mod tests_of_facts {
    use serde_json::json;

    use super::*;

    #[test]
    fn facts_are_flat_and_leave_out_what_was_not_seen() {
        let observed = json!({"ip": "127.0.0.1", "http_status": 200, "redirects": [], "certificate": null,
            "tls": {"version": "TLSv1.3", "legacy": false}, "names": ["a", "b"]});
        let mut facts = Vec::new();
        collect_facts(String::new(), &observed, &mut facts);
        let mut lines: Vec<_> = facts.iter().map(|fact| format!("{} = {}", fact.label, fact.value)).collect();
        lines.sort();
        assert_eq!(lines, ["http status = 200", "ip = 127.0.0.1", "names = a, b", "tls: version = TLSv1.3"]);
    }
}
