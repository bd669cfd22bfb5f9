//! The API's documents: what a monitor, a result, an incident … look like in JSON.
//! Secrets never get here except where a document is made for their first and only showing.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use watchkeep_catalogue::{Entry as CatalogueEntry, find};
use watchkeep_model::{Channel, Contact, Difference, Event, Exposure, Happening, Incident, Lifecycle, Object, Token};
use watchkeep_store::{Delivery, DeliveryState, PastResult};

use crate::Entry;

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Listed<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Send it as `after` to get the next page; null at the end.
    pub next: Option<String>,
}

/// The catalogue's sentence for a code that only a newer version knows.
const UNKNOWN: &str = "A status that this version does not know.";

/// A monitor with its status; `windows` are its uptimes.
pub fn monitor(entry: &Entry, windows: Object) -> Object {
    let status = entry.status();
    let catalogue = entry.catalogue();
    let mut object = match &entry.monitor {
        Ok(monitor) => monitor.settings.write(Exposure::Shown),
        Err(invalid) => Object::from_iter([("problem".to_owned(), json!(invalid.to_string()))]),
    };
    let mut set = |name: &str, value: Value| object.insert(name.to_owned(), value);
    set("id", json!(entry.id));
    set("name", json!(entry.name));
    set("code", json!(status.code.number()));
    set("code_name", json!(catalogue.map_or("unknown", |known| known.name)));
    set("status", json!(status.word()));
    set("severity", json!(status.severity.as_str()));
    set("summary", json!(catalogue.map_or(UNKNOWN, |known| known.summary)));
    set("detail", json!(shown_detail(entry)));
    set("since", json!(status.since));
    set("active", json!(entry.state.lifecycle == Lifecycle::Active));
    set("incident", json!(entry.state.incident));
    set("last_result", json!(entry.last));
    set("uptime", Value::Object(windows));
    if let Ok(monitor) = &entry.monitor {
        set("created_at", json!(monitor.created_at));
        set("version", json!(monitor.version));
    }
    object
}

/// The reason of the shown status: one that policy hides says nothing of the target.
pub fn shown_detail(entry: &Entry) -> Option<&str> {
    let shown = entry.status().code == entry.state.code;
    entry.state.detail.as_deref().filter(|_| shown)
}

/// The uptime of the last 24 hours alone, from memory.
pub fn day(entry: &Entry, now: Timestamp) -> Object {
    Object::from_iter([("24h".to_owned(), json!(entry.uptime_24h(now)))])
}

/// A result from the store.
pub fn result(past: &PastResult) -> Value {
    let mut value = json!(past.result);
    if let Value::Object(object) = &mut value {
        object.insert("monitor".to_owned(), json!(past.monitor));
        object.insert("attempt".to_owned(), json!(past.attempt));
    }
    value
}

/// One entry of the catalogue of status codes.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct StatusCodeView {
    /// The family in which the code has this meaning.
    family: &'static str,
    /// The number.
    code: i16,
    /// A stable identifier.
    name: &'static str,
    /// How much it matters.
    severity: &'static str,
    /// One line.
    summary: &'static str,
    /// What was seen, and the likely causes.
    explanation: &'static str,
    /// What to do next.
    remedy: &'static str,
    /// The version that first reported it.
    since: &'static str,
    /// True for numbers that Watchkeep added to the original catalogue.
    extension: bool,
}

impl From<&CatalogueEntry> for StatusCodeView {
    fn from(entry: &CatalogueEntry) -> Self {
        Self {
            family: entry.family.as_str(),
            code: entry.code.number(),
            name: entry.name,
            severity: entry.severity.as_str(),
            summary: entry.summary,
            explanation: entry.explanation,
            remedy: entry.remedy,
            since: entry.since,
            extension: entry.is_extension(),
        }
    }
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventView {
    /// Its identifier; a webhook carries it as `webhook-id`.
    id: String,
    /// Its kind, `service.status_changed` for instance.
    #[serde(rename = "type")]
    kind: &'static str,
    /// When it happened.
    created_at: String,
    /// Whom it concerns.
    monitor: Option<String>,
    /// The code now.
    code: Option<i16>,
    /// The code before, where the status changed.
    previous_code: Option<i16>,
    /// The stable name of the code.
    name: Option<&'static str>,
    /// How much the code matters.
    severity: Option<&'static str>,
    /// The code in one line.
    summary: Option<&'static str>,
    /// What exactly happened.
    detail: Option<String>,
    /// The locations that see it.
    locations: Vec<String>,
    /// Since when the status stands.
    since: Option<String>,
    /// The incident that it belongs to, or that is open meanwhile.
    incident: Option<String>,
    /// When the certificate or domain ends, where that comes nearer.
    expires_at: Option<String>,
    /// Whole days until then.
    days_left: Option<i64>,
    /// Which attributes changed and how, where some did.
    changes: Option<Vec<DifferenceView>>,
}

/// An attribute that changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct DifferenceView {
    /// Its name, as in `observed`.
    attribute: String,
    /// What it was.
    before: String,
    /// What it is.
    after: String,
}

/// An event, of a monitor in `family`.
pub fn event(event: &Event, family: watchkeep_catalogue::Family) -> EventView {
    let about = event.about.as_ref();
    let entry = about.and_then(|about| find(family, about.code));
    let (mut previous_code, mut end, mut changes) = (None, None, None);
    match about.map(|about| &about.what) {
        Some(Happening::StatusChanged { previous_code: code, .. }) => previous_code = Some(code.number()),
        Some(Happening::Expiring { expires_at, days_left, .. }) => end = Some((expires_at.to_string(), *days_left)),
        Some(Happening::Changed { differences }) => changes = Some(differences.iter().map(difference).collect()),
        None => {}
    }
    let (expires_at, days_left) = end.unzip();
    EventView {
        id: event.id.to_string(),
        kind: event.kind.as_str(),
        created_at: event.created_at.to_string(),
        monitor: about.map(|about| about.monitor.to_string()),
        code: about.map(|about| about.code.number()),
        previous_code,
        name: entry.map(|entry| entry.name),
        severity: about.map(|about| about.code.severity(family).as_str()),
        summary: entry.map(|entry| entry.summary),
        detail: about.and_then(|about| about.detail(family)).map(Cow::into_owned),
        locations: about.map(|about| about.locations.iter().map(ToString::to_string).collect()).unwrap_or_default(),
        since: about.map(|about| about.since.to_string()),
        incident: about.and_then(|about| about.incident.as_ref()).map(ToString::to_string),
        expires_at,
        days_left,
        changes,
    }
}

fn difference(difference: &Difference) -> DifferenceView {
    let Difference { attribute, before, after } = difference.clone();
    DifferenceView { attribute, before, after }
}

/// A confirmed stretch of failure.
#[derive(Debug, Serialize, ToSchema)]
pub struct IncidentView {
    /// Its identifier.
    id: String,
    /// Whose failure it is.
    monitor: String,
    /// `open` or `resolved`.
    state: &'static str,
    /// The newest failing code.
    code: i16,
    /// The stable name of the code.
    name: &'static str,
    /// How much the code matters.
    severity: &'static str,
    /// The code in one line.
    summary: &'static str,
    /// When the failure was first seen.
    opened_at: String,
    /// When it was over.
    resolved_at: Option<String>,
    /// Who took it on.
    acknowledged_by: Option<String>,
    /// What happened, oldest first.
    #[schema(value_type = Vec<Object>)]
    events: Vec<watchkeep_model::IncidentEntry>,
}

/// An incident of a monitor in `family`.
pub fn incident(incident: Incident, family: watchkeep_catalogue::Family) -> IncidentView {
    let entry = find(family, incident.code);
    IncidentView {
        id: incident.id.to_string(),
        monitor: incident.monitor.to_string(),
        state: if incident.resolved_at.is_some() { "resolved" } else { "open" },
        code: incident.code.number(),
        name: entry.map_or("unknown", |entry| entry.name),
        severity: incident.code.severity(family).as_str(),
        summary: entry.map_or(UNKNOWN, |entry| entry.summary),
        opened_at: incident.opened_at.to_string(),
        resolved_at: incident.resolved_at.map(|at| at.to_string()),
        acknowledged_by: None,
        events: incident.entries,
    }
}

/// Who is told, as the API shows it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContactView {
    /// Its identifier.
    id: String,
    /// What people call it.
    name: String,
    /// The ways to reach it; secrets are masked except in the answer that made them.
    #[schema(value_type = Vec<Object>)]
    channels: Vec<Object>,
    /// The fixed token that webhooks carry in a header; masked except in the answer that made it.
    webhook_token: String,
    /// When it was made.
    created_at: String,
    /// Counts the changes; the ETag.
    version: u64,
}

/// A contact. With [`Exposure::Stored`] its secrets are shown: once, to whoever made them.
pub fn contact(contact: &Contact, exposure: Exposure) -> ContactView {
    ContactView {
        id: contact.id.to_string(),
        name: contact.name.to_string(),
        channels: contact.channels.iter().map(|channel: &Channel| channel.write(exposure)).collect(),
        webhook_token: exposure.of(&contact.webhook_token).to_owned(),
        created_at: contact.created_at.to_string(),
        version: contact.version,
    }
}

/// One event on its way to one channel.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryView {
    /// Its identifier.
    id: String,
    /// The event that is told.
    event: String,
    /// Who is told.
    contact: String,
    /// By which way.
    channel: String,
    /// Whom the event concerns.
    monitor: Option<String>,
    /// `waiting`, `sent` or `failed`.
    state: &'static str,
    /// When it is tried next, while it waits.
    due_at: Option<String>,
    /// When it was sent or given up.
    done_at: Option<String>,
    /// How many tries were made.
    attempts: u32,
    /// What the last try ended in.
    last_outcome: Option<String>,
    /// When the event happened.
    created_at: String,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        let (state, due_at, done_at) = match delivery.state {
            DeliveryState::Waiting { due } => ("waiting", Some(due), None),
            DeliveryState::Sent { at } => ("sent", None, Some(at)),
            DeliveryState::Failed { at } => ("failed", None, Some(at)),
        };
        Self {
            id: delivery.id.to_string(),
            event: delivery.event.to_string(),
            contact: delivery.contact.to_string(),
            channel: delivery.channel.to_string(),
            monitor: delivery.monitor.as_ref().map(ToString::to_string),
            state,
            due_at: due_at.map(|at| at.to_string()),
            done_at: done_at.map(|at| at.to_string()),
            attempts: delivery.attempts,
            last_outcome: delivery.last_outcome,
            created_at: delivery.created_at.to_string(),
        }
    }
}

/// An API token, without its secret except in the answer that made it.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenView {
    /// Its identifier (not the secret).
    id: String,
    /// What people call it.
    name: String,
    /// `read`, `write` or `admin`.
    scope: &'static str,
    /// When it was made.
    created_at: String,
    /// When it was last used, to the minute.
    last_used_at: Option<String>,
    /// The secret: shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

impl From<Token> for TokenView {
    fn from(token: Token) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name.to_string(),
            scope: token.scope.as_str(),
            created_at: token.created_at.to_string(),
            last_used_at: token.last_used_at.map(|at| at.to_string()),
            token: None,
        }
    }
}

impl TokenView {
    /// The same with its secret, for the answer that made it.
    #[must_use]
    pub fn with_secret(self, secret: &str) -> Self {
        Self { token: Some(secret.to_owned()), ..self }
    }
}
