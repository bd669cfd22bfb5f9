//! `/monitors`: what is watched, with its status.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use watchkeep_model::{MonitorId, Object};

use super::{
    JsonObject, Problem, Query,
    body::NoFields,
    catalogue::FamilyWord,
    id_in_path,
    query::Cursor,
    schema::{MonitorChange, MonitorInput, MonitorOutput},
    version::{IfMatch, etag},
    view::{self, Listed},
};
use crate::{
    App, Entry, Filter,
    auth::{Caller, CanRead, CanWrite},
    figures::{WINDOWS, window_start, window_uptime},
    monitors::{self as desk, Edit},
};
use watchkeep_store::TimeRange;

/// List monitors
///
/// The monitors that match every filter.
#[utoipa::path(
    get, path = "/monitors", tag = "monitors",
    params(
        ("family" = Option<String>, Query, description = "Only this family: service, server, certificate or domain."),
        ("type" = Option<String>, Query, description = "Only this type of test, http for instance."),
        ("tag" = Option<String>, Query, description = "Only those with this tag."),
        ("status" = Option<String>, Query, description = "Only those with this status: operational, degraded, down, misconfigured, pending, paused or created."),
        ("q" = Option<String>, Query, description = "Only those whose name or target contains this text."),
        ("sort" = Option<String>, Query, description = "name (the default), -name, since or -since."),
        ("limit" = Option<u32>, Query, description = "Entries per page, 1 to 1000; 100 when absent."),
        ("after" = Option<String>, Query, description = "The next of an earlier page."),
    ),
    responses((status = 200, description = "A page of monitors.", body = Listed<MonitorOutput>)),
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    CanRead(caller): CanRead,
    mut query: Query,
) -> Result<Json<Listed<Object>>, Problem> {
    let filter = Filter {
        family: query.take::<FamilyWord>("family").map(|word| word.0),
        test_type: query.take("type"),
        tag: query.take("tag"),
        status: query.take::<StatusWord>("status").map(|word| word.0.to_owned()),
        text: query.take("q"),
    };
    let order = query.take::<Order>("sort").unwrap_or(Order::Name);
    let limit = query.limit();
    let list = format!("monitors {}", order.as_str());
    let after = query.after(&list);
    query.finish()?;

    let mut entries = app.board.list(&caller.org, &filter);
    if order != Order::Name {
        entries.sort_by_cached_key(|entry| order.key(entry));
    }
    if matches!(order, Order::NameDown | Order::SinceDown) {
        entries.reverse();
    }
    let begin = after.map_or(0, |place| {
        entries.partition_point(|entry| match order {
            Order::Name | Order::Since => order.key(entry) <= place,
            Order::NameDown | Order::SinceDown => order.key(entry) >= place,
        })
    });
    let page = entries.iter().skip(begin).take(limit);
    let last = page.clone().next_back().filter(|_| begin + limit < entries.len());
    let next = last.map(|entry| Cursor { list, place: order.key(entry) }.write());
    let now = Timestamp::now();
    let items = page.map(|entry| view::monitor(entry, view::day(entry, now))).collect();
    Ok(Json(Listed { items, next }))
}

/// The orders of the list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Name,
    NameDown,
    Since,
    SinceDown,
}

impl Order {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::NameDown => "-name",
            Self::Since => "since",
            Self::SinceDown => "-since",
        }
    }

    /// What the list is ordered by, unique by its identifier.
    fn key(self, entry: &Entry) -> String {
        match self {
            Self::Name | Self::NameDown => format!("{}\u{0}{}", entry.name.as_str().to_lowercase(), entry.id),
            Self::Since | Self::SinceDown => format!("{:030}\u{0}{}", entry.status().since.as_nanosecond(), entry.id),
        }
    }
}

impl std::str::FromStr for Order {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Name, Self::NameDown, Self::Since, Self::SinceDown]
            .into_iter()
            .find(|order| order.as_str() == text)
            .ok_or("must be name, -name, since or -since")
    }
}

struct StatusWord(&'static str);

impl std::str::FromStr for StatusWord {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        ["operational", "degraded", "down", "misconfigured", "pending", "paused", "created"]
            .into_iter()
            .find(|word| *word == text)
            .map(Self)
            .ok_or("must be operational, degraded, down, misconfigured, pending, paused or created")
    }
}

/// Create a monitor
///
/// It is tested at once, unless `active` is false. `Idempotency-Key` makes a repeated request safe.
#[utoipa::path(
    post, path = "/monitors", tag = "monitors",
    params(("Idempotency-Key" = Option<String>, Header, description = "A text of your choice: the same request with the same key creates nothing twice.")),
    request_body = MonitorInput,
    responses((status = 201, description = "The new monitor.", body = MonitorOutput)),
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    CanWrite(caller): CanWrite,
    JsonObject(body): JsonObject,
) -> Result<Response, Problem> {
    let now = Timestamp::now();
    let entry = desk::create(&app, &caller.org, body, now).await?;
    let location =
        HeaderValue::from_str(&format!("/api/v1/monitors/{}", entry.id)).unwrap_or(HeaderValue::from_static("/"));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], shown(&entry, view::day(&entry, now))).into_response())
}

/// Show a monitor
///
/// Its settings, its status, its newest result, and its uptime in four windows.
#[utoipa::path(
    get, path = "/monitors/{id}", tag = "monitors",
    params(("id" = String, Path, description = "The monitor's id.")),
    responses((status = 200, description = "The monitor.", body = MonitorOutput)),
)]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    CanRead(caller): CanRead,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let entry = entry_in_path(&app, &caller, &id)?;
    let now = Timestamp::now();
    let range = TimeRange { from: window_start(now, WINDOWS[WINDOWS.len() - 1].1), until: now };
    let intervals = app.store.status_intervals(&entry.id, entry.family, range).await?;
    let windows = WINDOWS
        .iter()
        .map(|&(name, hours)| (name.to_owned(), json!(window_uptime(&entry, &intervals, window_start(now, hours)))));
    Ok(shown(&entry, windows.collect()))
}

/// Change a monitor
///
/// A JSON merge patch (RFC 7396): fields that are absent stay, `null` puts a field back to its default.
#[utoipa::path(
    patch, path = "/monitors/{id}", tag = "monitors",
    params(
        ("id" = String, Path, description = "The monitor's id."),
        ("If-Match" = Option<String>, Header, description = "The ETag that the change is made on."),
    ),
    request_body = MonitorChange,
    responses((status = 200, description = "The changed monitor.", body = MonitorOutput)),
)]
pub(super) async fn change(
    State(app): State<Arc<App>>,
    CanWrite(caller): CanWrite,
    Path(id): Path<String>,
    if_match: IfMatch,
    JsonObject(body): JsonObject,
) -> Result<Response, Problem> {
    edit(&app, &caller, &id, &if_match, Edit::Merge(body)).await
}

/// Replace a monitor
///
/// Fields that are absent go back to their defaults; only `active` stays as it is when absent.
#[utoipa::path(
    put, path = "/monitors/{id}", tag = "monitors",
    params(
        ("id" = String, Path, description = "The monitor's id."),
        ("If-Match" = Option<String>, Header, description = "The ETag that the change is made on."),
    ),
    request_body = MonitorInput,
    responses((status = 200, description = "The changed monitor.", body = MonitorOutput)),
)]
pub(super) async fn replace(
    State(app): State<Arc<App>>,
    CanWrite(caller): CanWrite,
    Path(id): Path<String>,
    if_match: IfMatch,
    JsonObject(body): JsonObject,
) -> Result<Response, Problem> {
    edit(&app, &caller, &id, &if_match, Edit::Replace(body)).await
}

async fn edit(app: &Arc<App>, caller: &Caller, id: &str, if_match: &IfMatch, edit: Edit) -> Result<Response, Problem> {
    let id: MonitorId = id_in_path(id)?;
    let now = Timestamp::now();
    let entry = desk::change(app, &caller.org, &id, edit, if_match.versions(), now).await?;
    Ok(shown(&entry, view::day(&entry, now)))
}

/// Delete a monitor
///
/// Its results, events and incidents are deleted with it.
#[utoipa::path(
    delete, path = "/monitors/{id}", tag = "monitors",
    params(("id" = String, Path, description = "The monitor's id.")),
    responses((status = 204, description = "It is gone.")),
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    CanWrite(caller): CanWrite,
    Path(id): Path<String>,
    if_match: IfMatch,
) -> Result<StatusCode, Problem> {
    let id: MonitorId = id_in_path(&id)?;
    desk::delete(&app, &caller.org, &id, if_match.versions()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Activate a monitor
///
/// It is tested from now on. Nothing happens when it is active already.
#[utoipa::path(
    post, path = "/monitors/{id}/activate", tag = "monitors",
    params(("id" = String, Path, description = "The monitor's id.")),
    responses((status = 200, description = "The monitor.", body = MonitorOutput)),
)]
pub(super) async fn activate(
    State(app): State<Arc<App>>,
    CanWrite(caller): CanWrite,
    Path(id): Path<String>,
    _: NoFields,
) -> Result<Response, Problem> {
    let id: MonitorId = id_in_path(&id)?;
    let now = Timestamp::now();
    let entry = desk::activate(&app, &caller.org, &id, now).await?;
    Ok(shown(&entry, view::day(&entry, now)))
}

/// Pause a monitor
///
/// No tests and no alerts until it is activated again; its history stays.
#[utoipa::path(
    post, path = "/monitors/{id}/pause", tag = "monitors",
    params(("id" = String, Path, description = "The monitor's id.")),
    responses((status = 200, description = "The monitor.", body = MonitorOutput)),
)]
pub(super) async fn pause(
    State(app): State<Arc<App>>,
    CanWrite(caller): CanWrite,
    Path(id): Path<String>,
    _: NoFields,
) -> Result<Response, Problem> {
    let id: MonitorId = id_in_path(&id)?;
    let now = Timestamp::now();
    let entry = desk::pause(&app, &caller.org, &id, now).await?;
    Ok(shown(&entry, view::day(&entry, now)))
}

/// Test a monitor now
///
/// Its robots test it out of turn; the result counts like any other and arrives as one.
#[utoipa::path(
    post, path = "/monitors/{id}/test", tag = "monitors",
    params(("id" = String, Path, description = "The monitor's id.")),
    responses((status = 202, description = "The test is under way.")),
)]
pub(super) async fn test(
    State(app): State<Arc<App>>,
    CanWrite(caller): CanWrite,
    Path(id): Path<String>,
    _: NoFields,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let id: MonitorId = id_in_path(&id)?;
    desk::test_now(&app, &caller.org, &id)?;
    Ok((StatusCode::ACCEPTED, Json(json!({"monitor": id}))))
}

/// The monitor that a path names, if the caller may see it.
pub(super) fn entry_in_path(app: &App, caller: &Caller, id: &str) -> Result<Arc<Entry>, Problem> {
    let id: MonitorId = id_in_path(id)?;
    app.board.get(&caller.org, &id).ok_or_else(|| Problem::missing("monitor"))
}

fn shown(entry: &Entry, windows: Object) -> Response {
    (etag(entry.version), Json(view::monitor(entry, windows))).into_response()
}
