//! Why a server ends: it was asked to, or a part of it broke off, which only a bug makes it do.
//! Signals are kept from the beginning, so that one that comes during the start is not lost.

use std::io;

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::JoinHandle,
};

/// The signals that ask a process to end.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on they do not end the process by themselves.
    ///
    /// # Errors
    /// When the system refuses.
    pub(super) fn keep() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Returns when one has come since the last time.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Why a server ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Somebody asked for it.
    Asked,
    /// This part broke off; without it the server would only seem to watch.
    Broken(&'static str),
}

/// Waits for the first reason to end.
pub(super) async fn first(
    asked: impl Future<Output = ()>,
    results: &mut JoinHandle<()>,
    alerts: impl Future<Output = ()>,
    requests: &mut JoinHandle<()>,
) -> Ending {
    tokio::select! {
        // What is asked for counts before what it brings about.
        biased;
        () = asked => Ending::Asked,
        // Robots are behind it: without the last of them no result comes any more.
        _ = results => Ending::Broken("what judges and keeps results"),
        () = alerts => Ending::Broken("what tells contacts"),
        _ = requests => Ending::Broken("what answers requests"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "a part breaks off by panicking")]

    use std::future::{pending, ready};

    use super::*;

    fn going_on() -> JoinHandle<()> {
        tokio::spawn(pending())
    }

    fn breaking() -> JoinHandle<()> {
        tokio::spawn(async { panic!("a bug") })
    }

    #[tokio::test]
    async fn a_part_that_breaks_off_ends_the_server_and_is_named() {
        let (mut well, mut broken) = (going_on(), breaking());
        let ending = first(pending(), &mut broken, pending(), &mut well).await;
        assert_eq!(ending, Ending::Broken("what judges and keeps results"));
        let (mut results, mut requests) = (going_on(), going_on());
        let ending = first(pending(), &mut results, ready(()), &mut requests).await;
        assert_eq!(ending, Ending::Broken("what tells contacts"));
        let mut broken = breaking();
        let ending = first(pending(), &mut results, pending(), &mut broken).await;
        assert_eq!(ending, Ending::Broken("what answers requests"));
    }

    #[tokio::test]
    async fn what_is_asked_for_comes_first() {
        let (mut results, mut requests) = (breaking(), breaking());
        while !results.is_finished() || !requests.is_finished() {
            tokio::task::yield_now().await;
        }
        assert_eq!(first(ready(()), &mut results, ready(()), &mut requests).await, Ending::Asked);
    }
}
