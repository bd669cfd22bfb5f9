//! Server-sent events: every change as it happens for programs, and rows to repaint for open pages.
//! A listener that is too slow is told to look again (`resync`); nothing is queued for it without bound.

mod api;
mod page;

pub(crate) use api::events;
// The macro that collects routes looks for this beside the handler.
pub(crate) use api::__path_events;
pub(crate) use page::stream as page_stream;

use std::{sync::Arc, time::Duration};

use axum::{http::HeaderMap, response::sse::KeepAlive};
use tokio::{
    sync::{Semaphore, broadcast, watch},
    time::{Instant, Interval, interval_at},
};

use crate::{App, Change, auth::has_ended};

/// Streams that may be open at the same time; each holds a connection.
const MOST_STREAMS: usize = 10_000;
/// Places for streams.
static PLACES: Semaphore = Semaphore::const_new(MOST_STREAMS);

/// A comment now and then, so that proxies keep the connection and dead clients are noticed.
fn heartbeat() -> KeepAlive {
    KeepAlive::new().interval(Duration::from_secs(15)).text("still here")
}

/// What a listener gets next.
enum Next {
    /// A change.
    Change(Arc<Change>),
    /// It fell behind: some changes are lost.
    Behind,
    /// The server is closing.
    Closing,
}

/// Whether a listener is still let in is asked again after this time.
const ASK_AGAIN: Duration = Duration::from_secs(10);

/// A place in the broadcast, until the server closes or whoever listens is signed out or revoked.
struct Listener {
    app: Arc<App>,
    headers: HeaderMap,
    changes: broadcast::Receiver<Arc<Change>>,
    closing: watch::Receiver<bool>,
    ask_again: Interval,
}

impl Listener {
    fn new(app: &Arc<App>, headers: HeaderMap) -> Self {
        let (changes, closing) = (app.board.subscribe(), app.closing.clone());
        let ask_again = interval_at(Instant::now() + ASK_AGAIN, ASK_AGAIN);
        Self { app: Arc::clone(app), headers, changes, closing, ask_again }
    }

    async fn next(&mut self) -> Next {
        loop {
            let received = tokio::select! {
                received = self.changes.recv() => Some(received),
                // An error means that nobody is left who could say it.
                _ = self.closing.wait_for(|closing| *closing) => return Next::Closing,
                _ = self.ask_again.tick() => None,
            };
            match received {
                Some(Ok(change)) => return Next::Change(change),
                Some(Err(broadcast::error::RecvError::Lagged(_))) => return Next::Behind,
                Some(Err(broadcast::error::RecvError::Closed)) => return Next::Closing,
                None if has_ended(&self.headers, &self.app).await => return Next::Closing,
                None => {}
            }
        }
    }
}
