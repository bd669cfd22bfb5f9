//! The task that sends results: one batch at a time, numbered, kept and sent again until it is acknowledged.
//! What is found meanwhile gathers for the next.

use std::{
    pin::Pin,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until},
};
use watchkeep_bus::{
    Batch,
    in_process::{BatchSender, SendError},
};
use watchkeep_model::{LocationName, RobotSequence};

use crate::{
    gather::{Found, Gathered, MOST},
    stats::Counters,
};

/// The first pause before a batch is sent again.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest; each pause is twice the one before.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

type Sending = Pin<Box<dyn Future<Output = Result<(), SendError>> + Send>>;

pub(crate) struct Sender {
    robot: LocationName,
    batches: BatchSender,
    gathered: Gathered,
    /// The number of the newest result that was put into a batch.
    last: RobotSequence,
    counters: Arc<Counters>,
}

impl Sender {
    pub(crate) fn new(
        robot: LocationName,
        batches: BatchSender,
        limit: usize,
        epoch: u64,
        counters: Arc<Counters>,
    ) -> Self {
        let last = RobotSequence { epoch, number: 0 };
        Self { robot, batches, gathered: Gathered::new(limit), last, counters }
    }

    /// Sends until the robot has stopped and everything is acknowledged, or until nobody receives any more.
    pub(crate) async fn run(mut self, mut results: mpsc::UnboundedReceiver<Found>) {
        let mut incoming = Vec::new();
        let mut stopped = false;
        let mut sending: Option<(usize, Sending)> = None;
        loop {
            let due = self.gathered.due();
            if sending.is_none() && due.is_some_and(|due| stopped || due <= Instant::now()) {
                sending = Some(self.next_batch());
            }
            if stopped && sending.is_none() {
                return;
            }
            let idle = sending.is_none();
            tokio::select! {
                count = results.recv_many(&mut incoming, MOST), if !stopped => {
                    stopped = count == 0;
                    self.gather(&mut incoming);
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if idle && due.is_some() => {}
                outcome = outcome(&mut sending), if !idle => {
                    let (count, sent) = outcome;
                    sending = None;
                    if let Err(error) = sent {
                        tracing::debug!(%error, "the robot stops sending");
                        return;
                    }
                    self.counters.unacknowledged.fetch_sub(count as u64, Relaxed);
                }
            }
        }
    }

    fn gather(&mut self, incoming: &mut Vec<Found>) {
        let now = Instant::now();
        let added = incoming.len() as u64;
        let dropped: usize = incoming.drain(..).map(|found| self.gathered.push(found, now)).sum();
        let dropped = dropped as u64;
        self.counters.unacknowledged.fetch_add(added, Relaxed);
        if dropped > 0 {
            self.counters.unacknowledged.fetch_sub(dropped, Relaxed);
            self.counters.dropped.fetch_add(dropped, Relaxed);
            tracing::warn!(dropped, "results without news were dropped, because nobody has taken any for a while");
        }
    }

    fn next_batch(&mut self) -> (usize, Sending) {
        let results = self.gathered.take();
        let count = results.len();
        self.last.number += count as u64;
        let batch = Arc::new(Batch { robot: self.robot.clone(), last: self.last, results });
        (count, Box::pin(deliver(self.batches.clone(), batch)))
    }
}

/// The outcome of the batch that is being sent; never, when none is.
async fn outcome(sending: &mut Option<(usize, Sending)>) -> (usize, Result<(), SendError>) {
    match sending {
        Some((count, sending)) => (*count, sending.await),
        None => std::future::pending().await,
    }
}

/// Sends a batch until it is acknowledged. An error means that nobody receives any more.
async fn deliver(batches: BatchSender, batch: Arc<Batch>) -> Result<(), SendError> {
    let mut pause = FIRST_PAUSE;
    loop {
        match batches.send(Arc::clone(&batch)).await {
            Err(SendError::NotKept) => {
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            done => return done,
        }
    }
}
