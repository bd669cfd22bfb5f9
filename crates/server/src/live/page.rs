//! `GET /live`: what open pages repaint. Changes of one monitor within a moment are told as one row.
//! The same limits hold as for programs: a page that falls behind loads itself again.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::HeaderMap,
    response::{
        IntoResponse, Response,
        sse::{Event, Sse},
    },
};
use futures_util::stream;
use jiff::Timestamp;
use serde_json::json;
use tokio::{sync::SemaphorePermit, time::Instant};
use watchkeep_model::{MonitorId, OrgId};

use super::{Listener, Next, PLACES, heartbeat};
use crate::{App, Change, api::Problem, auth::SignedIn, board::What, pages};

/// Results are gathered for this long, so that a busy installation does not flood a page.
const GATHER: Duration = Duration::from_millis(250);
/// A change of status is what people wait for: only what comes at the same moment is gathered with it.
const GATHER_URGENT: Duration = Duration::from_millis(20);

/// The stream of a signed-in page: `monitor` events with the row of a monitor as HTML and whether more than a
/// result came, `gone` with an id, `summary` with the top of the overview, `resync` when the page must load
/// itself again.
pub(crate) async fn stream(
    State(app): State<Arc<App>>,
    person: Option<SignedIn>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let person = person.ok_or_else(Problem::unauthenticated)?;
    let Ok(place) = PLACES.try_acquire() else {
        return Err(Problem::too_many("Too many pages are open; close one or try again later.", 10));
    };
    let listener = Listener::new(&app, headers);
    let state = Page { app, org: person.org, listener, waiting: Vec::new(), _place: place };
    let events = stream::unfold(state, |mut page| async move { Some((Ok::<_, Infallible>(page.next().await?), page)) });
    Ok(Sse::new(events).keep_alive(heartbeat()).into_response())
}

struct Page {
    app: Arc<App>,
    org: OrgId,
    listener: Listener,
    /// To be sent, last one first.
    waiting: Vec<Event>,
    _place: SemaphorePermit<'static>,
}

impl Page {
    async fn next(&mut self) -> Option<Event> {
        while self.waiting.is_empty() {
            self.gather().await?;
        }
        self.waiting.pop()
    }

    /// Waits for a change and for what follows it closely; `None` when the server closes.
    async fn gather(&mut self) -> Option<()> {
        let mut changed = BTreeMap::new();
        let mut deadline: Option<Instant> = None;
        loop {
            let next = match deadline {
                None => self.listener.next().await,
                Some(deadline) => match tokio::time::timeout_at(deadline, self.listener.next()).await {
                    Ok(next) => next,
                    Err(_) => break,
                },
            };
            match next {
                Next::Closing => return None,
                Next::Behind => {
                    self.waiting = vec![Event::default().event("resync").data("{}")];
                    return Some(());
                }
                Next::Change(change) if change.org == self.org => {
                    let is_urgent = is_urgent(&change);
                    *changed.entry(change.monitor.clone()).or_default() |= is_urgent;
                    let latest = Instant::now() + if is_urgent { GATHER_URGENT } else { GATHER };
                    deadline = Some(deadline.map_or(latest, |earlier| earlier.min(latest)));
                }
                Next::Change(_) => {}
            }
        }
        self.render(&changed);
        Some(())
    }

    fn render(&mut self, changed: &BTreeMap<MonitorId, bool>) {
        let now = Timestamp::now();
        let rows = changed.iter().map(|(id, is_urgent)| match self.app.board.get(&self.org, id) {
            Some(entry) => ("monitor", json!({"id": id, "html": pages::row(&entry, now), "changed": is_urgent})),
            None => ("gone", json!({"id": id})),
        });
        let summary = changed.values().any(|is_urgent| *is_urgent);
        let summary = summary.then(|| ("summary", json!({"html": pages::summary(&self.app, &self.org)})));
        let events = rows.chain(summary);
        self.waiting = events.filter_map(|(name, data)| Event::default().event(name).json_data(data).ok()).collect();
        self.waiting.reverse();
    }
}

fn is_urgent(change: &Change) -> bool {
    !matches!(change.what, What::Result(_))
}
