//! The moment by which something must be done, and the wait that ends there.
//! A deadline is for everything together, never for one read: a peer that drips bytes gains nothing.

use std::future::Future;

use futures_util::FutureExt;
use tokio::time::{Instant, timeout_at};
use watchkeep_model::Span;

/// A moment on the monotonic clock, with the limit that it came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    at: Instant,
    limit: Span,
}

/// The deadline passed; carries the limit for the detail.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passed(pub(crate) Span);

impl Deadline {
    /// The moment `limit` from now.
    pub(crate) fn after(limit: Span) -> Self {
        Self { at: Instant::now() + limit.duration(), limit }
    }

    /// Whichever comes first.
    pub(crate) fn earlier(self, other: Self) -> Self {
        if other.at < self.at { other } else { self }
    }

    /// The future's output, unless the deadline passes first. Not an `async fn`: one of those would hold the future
    /// twice, as its argument and as what it waits for.
    pub(crate) fn bound<F: Future>(self, future: F) -> impl Future<Output = Result<F::Output, Passed>> {
        timeout_at(self.at, future).map(move |done| done.map_err(|_| Passed(self.limit)))
    }
}
