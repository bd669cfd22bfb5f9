//! The moment by which something must be done, and the wait that ends there.
//! A deadline is for everything together, never for one read: a peer that drips bytes gains nothing.

use std::future::Future;

use tokio::time::Instant;
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

    /// The future's output, unless the deadline passes first.
    pub(crate) async fn bound<F: Future>(self, future: F) -> Result<F::Output, Passed> {
        tokio::time::timeout_at(self.at, future).await.map_err(|_| Passed(self.limit))
    }
}
