//! How many TLS handshakes compute at the same time: more than the cores can serve only makes each slower,
//! and the phases that are measured would tell of the robot instead of the server.

use std::{future::Future, num::NonZero, pin::Pin, thread::available_parallelism, time::Duration};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{sleep, timeout},
};

/// Handshakes at the same time for each core: about five milliseconds of work.
const PER_CORE: usize = 32;
/// A handshake that has lasted this long waits for the network and not for a core; its place is given on.
const LONGEST_HELD: Duration = Duration::from_millis(10);
/// Nobody waits longer than this: a test that starts late is worse than a phase that is a little too long.
const LONGEST_WAIT: Duration = Duration::from_millis(250);

/// The places.
pub(crate) struct Admission {
    places: Semaphore,
}

/// A place, or the right to go on without one.
pub(crate) struct Place<'a>(Option<SemaphorePermit<'a>>);

impl Admission {
    /// As many places as this machine's cores can serve.
    pub(crate) fn new() -> Self {
        let cores = available_parallelism().map_or(1, NonZero::get);
        Self { places: Semaphore::new(cores.saturating_mul(PER_CORE)) }
    }

    /// Waits for a place, though not for long.
    pub(crate) async fn place(&self) -> Place<'_> {
        if let Ok(free) = self.places.try_acquire() {
            return Place(Some(free));
        }
        Place(timeout(LONGEST_WAIT, self.places.acquire()).await.ok().and_then(Result::ok))
    }
}

impl Place<'_> {
    /// Runs a handshake in this place, which is free again at its end, or earlier where it waits for the peer.
    pub(crate) async fn hold<F: Future>(self, mut handshake: Pin<&mut F>) -> F::Output {
        let Some(permit) = self.0 else { return handshake.await };
        tokio::select! {
            biased;
            output = &mut handshake => return output,
            () = sleep(LONGEST_HELD) => drop(permit),
        }
        handshake.await
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, pin::pin};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn stalled_handshakes_give_their_place_on() {
        let admission = Admission { places: Semaphore::new(1) };
        let stalled = async { admission.place().await.hold(pin!(pending::<()>())).await };
        let next = async {
            tokio::task::yield_now().await;
            admission.place().await.0.is_some()
        };
        tokio::select! {
            () = stalled => unreachable!("it never ends"),
            had_place = next => assert!(had_place),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_long() {
        let admission = Admission { places: Semaphore::new(0) };
        assert!(admission.place().await.0.is_none());
        assert_eq!(admission.place().await.hold(pin!(async { 7 })).await, 7);
    }
}
