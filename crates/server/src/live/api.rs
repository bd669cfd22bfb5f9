//! `GET /api/v1/events`: status changes, incidents and results as they happen, as server-sent events.
//! There is no replay: whoever comes back with `Last-Event-ID` is told to look at the lists again.

use std::{convert::Infallible, sync::Arc};

use axum::{
    extract::State,
    http::HeaderMap,
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use futures_util::stream;
use serde_json::json;
use watchkeep_catalogue::Family;
use watchkeep_model::{MonitorId, OrgId};

use super::{Listener, Next, PLACES, heartbeat};
use crate::{
    App, Change,
    api::{Problem, Query, view},
    auth::CanRead,
    board::What,
};

/// Live events
///
/// Server-sent events: `result` for every result, the event's own type (`service.status_changed`,
/// `incident.opened`, `certificate.expiring` …) for what happens, `monitor.changed` and `monitor.deleted` for
/// settings, and `resync` when some were missed: look at the lists again.
#[utoipa::path(
    get, path = "/events", tag = "status codes",
    params(
        ("monitor" = Option<String>, Query, description = "Only this monitor's."),
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was seen."),
    ),
    responses((status = 200, description = "The stream; it ends when the server closes.", content_type = "text/event-stream", body = String)),
)]
pub(crate) async fn events(
    State(app): State<Arc<App>>,
    CanRead(caller): CanRead,
    headers: HeaderMap,
    mut query: Query,
) -> Result<Response, Problem> {
    let monitor = query.take::<MonitorId>("monitor");
    query.finish()?;
    if let Some(id) = monitor.as_ref().filter(|id| app.board.get(&caller.org, id).is_none()) {
        tracing::debug!(%id, "events of a monitor that is not there");
        return Err(Problem::missing("monitor"));
    }
    let Ok(place) = PLACES.try_acquire() else {
        return Err(Problem::too_many("Too many streams are open; close one or try again later.", 10));
    };
    let missed = headers.contains_key("last-event-id");
    let listener = Listener::new(&app, headers);
    let state = Stream { app, org: caller.org, monitor, listener, missed, _place: place };
    let events =
        stream::unfold(state, |mut stream| async move { Some((Ok::<_, Infallible>(stream.next().await?), stream)) });
    Ok(Sse::new(events).keep_alive(heartbeat()).into_response())
}

struct Stream {
    app: Arc<App>,
    org: OrgId,
    monitor: Option<MonitorId>,
    listener: Listener,
    missed: bool,
    _place: tokio::sync::SemaphorePermit<'static>,
}

impl Stream {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if std::mem::take(&mut self.missed) {
                return Some(Event::default().event("resync").data("{}"));
            }
            match self.listener.next().await {
                Next::Closing => return None,
                Next::Behind => self.missed = true,
                Next::Change(change) => {
                    let wanted = change.org == self.org && self.monitor.as_ref().is_none_or(|id| *id == change.monitor);
                    if let Some(event) = wanted.then(|| told(&self.app, &change)).flatten() {
                        return Some(event);
                    }
                }
            }
        }
    }
}

fn told(app: &App, change: &Change) -> Option<Event> {
    let family = || app.board.find(&change.monitor).map_or(Family::Service, |entry| entry.family);
    let (name, data) = match &change.what {
        What::Result(result) => {
            let mut data = json!(result);
            data["monitor"] = json!(change.monitor);
            ("result", data)
        }
        What::Event(event) => (event.kind.as_str(), json!(view::event(event, family()))),
        What::Settings => ("monitor.changed", json!({"monitor": change.monitor})),
        What::Gone => ("monitor.deleted", json!({"monitor": change.monitor})),
    };
    Event::default().id(change.number.to_string()).event(name).json_data(data).ok()
}
