//! `/monitors/{id}/results`, `/events` and `/uptime`: what was.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use watchkeep_store::{Page, TimeRange};

use super::{
    Problem, Query,
    monitors::entry_in_path,
    query::Cursor,
    schema::ResultOutput,
    view::{self, EventView, Listed},
};
use crate::{
    App,
    auth::CanRead,
    figures::{WINDOWS, window_start, window_uptime},
};

/// Raw results
///
/// The results of a monitor, newest first, re-tests included.
#[utoipa::path(
    get, path = "/monitors/{id}/results", tag = "history",
    params(
        ("id" = String, Path, description = "The monitor's id."),
        ("limit" = Option<u32>, Query, description = "Entries per page, 1 to 1000; 100 when absent."),
        ("after" = Option<String>, Query, description = "The next of an earlier page."),
    ),
    responses((status = 200, description = "A page of results.", body = Listed<ResultOutput>)),
)]
pub(super) async fn results(
    State(app): State<Arc<App>>,
    CanRead(caller): CanRead,
    Path(id): Path<String>,
    mut query: Query,
) -> Result<Json<Listed<Value>>, Problem> {
    let entry = entry_in_path(&app, &caller, &id)?;
    let limit = query.limit();
    let list = format!("results {}", entry.id);
    let after = query.after(&list);
    query.finish()?;
    let page = app.store.results(&caller.org, &entry.id, after.as_deref(), limit).await?;
    Ok(Json(listed(&list, page, |past| view::result(&past))))
}

/// Events
///
/// What happened to a monitor, newest first: its status changed, an incident opened or was resolved, a certificate or
/// domain ends soon or changed.
#[utoipa::path(
    get, path = "/monitors/{id}/events", tag = "history",
    params(
        ("id" = String, Path, description = "The monitor's id."),
        ("limit" = Option<u32>, Query, description = "Entries per page, 1 to 1000; 100 when absent."),
        ("after" = Option<String>, Query, description = "The next of an earlier page."),
    ),
    responses((status = 200, description = "A page of events.", body = Listed<EventView>)),
)]
pub(super) async fn events(
    State(app): State<Arc<App>>,
    CanRead(caller): CanRead,
    Path(id): Path<String>,
    mut query: Query,
) -> Result<Json<Listed<EventView>>, Problem> {
    let entry = entry_in_path(&app, &caller, &id)?;
    let limit = query.limit();
    let list = format!("events {}", entry.id);
    let after = query.after(&list);
    query.finish()?;
    let page = app.store.events(&caller.org, Some(&entry.id), after.as_deref(), limit).await?;
    Ok(Json(listed(&list, page, |event| view::event(&event, entry.family))))
}

/// A page from the store, with a cursor that knows its list.
pub(super) fn listed<T, V>(list: &str, page: Page<T>, view: impl FnMut(T) -> V) -> Listed<V> {
    let next = page.next.map(|place| Cursor { list: list.to_owned(), place }.write());
    Listed { items: page.items.into_iter().map(view).collect(), next }
}

/// Uptime in one window.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WindowView {
    /// `24h`, `7d`, `30d` or `90d`.
    window: &'static str,
    /// Its beginning.
    from: String,
    /// Its end.
    until: String,
    /// Percentage of the counted time that was not down, cut to three decimals; null when nothing was
    /// counted. Time under maintenance counts.
    uptime: Option<f64>,
    /// The same without the time under maintenance.
    uptime_without_maintenance: Option<f64>,
}

/// Uptime
///
/// Percentages of the last 24 hours, 7, 30 and 90 days, computed from the time under each status and not
/// from the number of tests.
#[utoipa::path(
    get, path = "/monitors/{id}/uptime", tag = "history",
    params(("id" = String, Path, description = "The monitor's id.")),
    responses((status = 200, description = "The windows.", body = Listed<WindowView>)),
)]
pub(super) async fn uptime(
    State(app): State<Arc<App>>,
    CanRead(caller): CanRead,
    Path(id): Path<String>,
) -> Result<Json<Listed<WindowView>>, Problem> {
    let entry = entry_in_path(&app, &caller, &id)?;
    let now = Timestamp::now();
    let range = TimeRange { from: window_start(now, WINDOWS[WINDOWS.len() - 1].1), until: now };
    let intervals = app.store.status_intervals(&entry.id, entry.family, range).await?;
    let windows = WINDOWS.iter().map(|&(window, hours)| {
        let from = window_start(now, hours);
        // Nothing can be under maintenance yet, so both are the same.
        let uptime = window_uptime(&entry, &intervals, from);
        WindowView {
            window,
            from: from.to_string(),
            until: now.to_string(),
            uptime,
            uptime_without_maintenance: uptime,
        }
    });
    Ok(Json(Listed { items: windows.collect(), next: None }))
}
