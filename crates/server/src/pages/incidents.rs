//! Incidents: the list, and the time line of one.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State as Shared},
    response::Response,
};
use jiff::Timestamp;
use watchkeep_catalogue::Family;
use watchkeep_model::{Incident, IncidentEntryKind, IncidentId};
use watchkeep_store::IncidentFilter;

use super::{
    fault::Fault,
    frame::{Link, Section, page},
    shown::{Moment, State, length, summary},
};
use crate::{App, api::Query, auth::SignedIn};

/// Incidents of one page of the list.
const PER_PAGE: usize = 50;

/// An incident in a list.
pub(super) struct IncidentRow {
    pub(super) id: String,
    pub(super) monitor: String,
    pub(super) monitor_id: String,
    pub(super) state: State,
    pub(super) summary: &'static str,
    pub(super) opened: Moment,
    pub(super) is_open: bool,
    /// How long it took, or takes already.
    pub(super) lasted: String,
}

impl IncidentRow {
    pub(super) fn new(incident: &Incident, app: &App, now: Timestamp) -> Self {
        let entry = app.board.find(&incident.monitor);
        let family = entry.as_ref().map_or(Family::Service, |entry| entry.family);
        let end = incident.resolved_at.unwrap_or(now);
        Self {
            id: incident.id.to_string(),
            monitor: entry.map_or_else(|| incident.monitor.to_string(), |entry| entry.name.to_string()),
            monitor_id: incident.monitor.to_string(),
            state: State::of(family, incident.code),
            summary: summary(family, incident.code),
            opened: Moment::new(incident.opened_at, now),
            is_open: incident.resolved_at.is_none(),
            lasted: length(end.duration_since(incident.opened_at)),
        }
    }
}

#[derive(Template)]
#[template(path = "incidents.html")]
struct IncidentsPage {
    links: [Link; 5],
    incidents: Vec<IncidentRow>,
    next: Option<String>,
}

pub(super) async fn list(Shared(app): Shared<Arc<App>>, person: SignedIn, mut query: Query) -> Result<Response, Fault> {
    let after: Option<String> = query.take("after");
    query.finish()?;
    let found = app.store.incidents(&person.org, IncidentFilter::default(), after.as_deref(), PER_PAGE).await?;
    let now = Timestamp::now();
    let incidents = found.items.iter().map(|incident| IncidentRow::new(incident, &app, now)).collect();
    Ok(page(&IncidentsPage { links: Section::Incidents.links(), incidents, next: found.next }))
}

/// One step of the time line.
struct Step {
    at: Moment,
    what: &'static str,
    state: State,
    summary: &'static str,
    detail: String,
}

#[derive(Template)]
#[template(path = "incident.html")]
struct IncidentPage {
    links: [Link; 5],
    row: IncidentRow,
    steps: Vec<Step>,
}

pub(super) async fn show(
    Shared(app): Shared<Arc<App>>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let id: IncidentId = id.parse().map_err(|_| Fault::missing("incident"))?;
    let incident = app.store.incident(&person.org, &id).await?.ok_or_else(|| Fault::missing("incident"))?;
    let now = Timestamp::now();
    let family = app.board.find(&incident.monitor).map_or(Family::Service, |entry| entry.family);
    let steps = incident.entries.iter().rev().map(|entry| Step {
        at: Moment::new(entry.at, now),
        what: match entry.kind {
            IncidentEntryKind::Opened => "It began",
            IncidentEntryKind::CodeChanged => "The cause changed",
            IncidentEntryKind::Resolved => "It is over",
        },
        state: State::of(family, entry.code),
        summary: summary(family, entry.code),
        detail: entry.detail.clone().unwrap_or_default(),
    });
    let steps = steps.collect();
    Ok(page(&IncidentPage { links: Section::Incidents.links(), row: IncidentRow::new(&incident, &app, now), steps }))
}
