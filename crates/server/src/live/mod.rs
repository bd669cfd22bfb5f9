//! Server-sent events: every change as it happens for programs, and rows to repaint for open pages.
//! A listener that is too slow is told to look again (`resync`); nothing is queued for it without bound.

mod api;
mod page;

pub(crate) use api::events;
// The macro that collects routes looks for this beside the handler.
pub(crate) use api::__path_events;
pub(crate) use page::stream as page_stream;

use std::{sync::Arc, time::Duration};

use axum::response::sse::KeepAlive;
use tokio::sync::{Semaphore, broadcast, watch};

use crate::Change;

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

/// A place in the broadcast, until the server closes.
struct Listener {
    changes: broadcast::Receiver<Arc<Change>>,
    closing: watch::Receiver<bool>,
}

impl Listener {
    async fn next(&mut self) -> Next {
        let received = tokio::select! {
            received = self.changes.recv() => received,
            // An error means that nobody is left who could say it.
            _ = self.closing.wait_for(|closing| *closing) => return Next::Closing,
        };
        match received {
            Ok(change) => Next::Change(change),
            Err(broadcast::error::RecvError::Lagged(_)) => Next::Behind,
            Err(broadcast::error::RecvError::Closed) => Next::Closing,
        }
    }
}
