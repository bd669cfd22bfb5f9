//! The worker of the outbox: routes waiting events, sends what is due, writes down every outcome.
//! It keeps nothing that matters in memory, so that it may be killed at any moment.

mod schedule;

use std::{collections::HashSet, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{
    sync::{Notify, oneshot},
    task::{JoinHandle, JoinSet},
};
use url::Url;
use watchkeep_model::{ChannelId, DeliveryId, EgressPolicy};
use watchkeep_store::{Attempt, DeliveryState, PendingDelivery, Store, StoreError};

use crate::{
    channels::{SendError, send},
    client::{Client, TlsSetupError},
    routing,
};

/// Events and deliveries that are taken from the store at once.
const BATCH: usize = 500;
/// Messages under way at the same time.
const MOST_UNDER_WAY: usize = 200;
/// Messages under way to one channel at the same time, so that a slow receiver leaves room for the others.
const MOST_TO_ONE_CHANNEL: usize = 4;
/// The store is asked again after this, whatever happens.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// The pause after the store failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// What the worker is told.
#[derive(Clone, Debug)]
pub struct AlertOptions {
    /// Where people reach this installation, for links in messages.
    pub public_url: Url,
    /// Which addresses may be connected to.
    pub egress: EgressPolicy,
}

/// A running worker.
pub struct AlertWorker {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl AlertWorker {
    /// Starts; `wake` is notified when something to tell was stored.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn start(store: Arc<dyn Store>, options: AlertOptions, wake: Arc<Notify>) -> Result<Self, TlsSetupError> {
        let client = Arc::new(Client::new(options.egress)?);
        let (stop, stopped) = oneshot::channel();
        let worker = Worker {
            store,
            client,
            public_url: options.public_url,
            wake,
            under_way: HashSet::new(),
            channels: Vec::new(),
            sends: JoinSet::new(),
        };
        let task = tokio::spawn(worker.run(stopped));
        Ok(Self { stop, task })
    }

    /// Returns when the worker has broken off. It never ends by itself, so only a bug makes it do so.
    pub async fn broken_off(&mut self) {
        // The worker holds the other end for as long as it lives.
        self.stop.closed().await;
    }

    /// Takes nothing new, and waits for the messages under way. What is cut off is sent again by the next worker.
    pub async fn stop(self, limit: Duration) {
        let _ = self.stop.send(());
        let abort = self.task.abort_handle();
        if tokio::time::timeout(limit, self.task).await.is_err() {
            abort.abort();
        }
    }
}

struct Worker {
    store: Arc<dyn Store>,
    client: Arc<Client>,
    public_url: Url,
    wake: Arc<Notify>,
    under_way: HashSet<DeliveryId>,
    channels: Vec<ChannelId>,
    sends: JoinSet<(DeliveryId, ChannelId)>,
}

impl Worker {
    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        loop {
            let pause = match self.round().await {
                Ok(pause) => pause,
                Err(error) => {
                    tracing::error!(%error, "alerts wait for the store");
                    AFTER_FAILURE
                }
            };
            let wake = Arc::clone(&self.wake);
            tokio::select! {
                () = wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
                Some(done) = self.sends.join_next(), if !self.sends.is_empty() => self.finished(done),
                _ = &mut stopped => break,
            }
        }
        while let Some(done) = self.sends.join_next().await {
            self.finished(done);
        }
    }

    fn finished(&mut self, done: Result<(DeliveryId, ChannelId), tokio::task::JoinError>) {
        if let Ok((delivery, channel)) = done {
            self.under_way.remove(&delivery);
            if let Some(place) = self.channels.iter().position(|busy| *busy == channel) {
                self.channels.swap_remove(place);
            }
        }
    }

    /// Routes, sends what is due, and tells how long to sleep.
    async fn round(&mut self) -> Result<Duration, StoreError> {
        while self.route().await? == BATCH {}
        let now = Timestamp::now();
        let due = self.store.due_deliveries(now, BATCH).await?;
        for pending in due {
            let busy = self.channels.iter().filter(|channel| **channel == pending.channel.id).count();
            let is_full = self.sends.len() >= MOST_UNDER_WAY || busy >= MOST_TO_ONE_CHANNEL;
            if is_full || self.under_way.contains(&pending.delivery.id) {
                continue;
            }
            self.start(pending);
        }
        let next = self.store.next_due().await?;
        // What is due and not started waits for a place; the end of a message under way wakes the worker.
        let until = next.map(|due| Duration::try_from(due.duration_since(Timestamp::now())).unwrap_or(AFTER_FAILURE));
        Ok(until.map_or(LONGEST_SLEEP, |until| until.max(Duration::from_millis(1)).min(LONGEST_SLEEP)))
    }

    async fn route(&self) -> Result<usize, StoreError> {
        let waiting = self.store.pending_events(BATCH).await?;
        for pending in &waiting {
            let contacts = self.store.contacts(&pending.event.org).await?;
            let deliveries = routing::deliveries(pending, &contacts, &self.public_url, fresh);
            self.store.route(&pending.event.id, deliveries).await?;
        }
        Ok(waiting.len())
    }

    fn start(&mut self, pending: PendingDelivery) {
        self.under_way.insert(pending.delivery.id.clone());
        self.channels.push(pending.channel.id.clone());
        let (store, client, wake) = (Arc::clone(&self.store), Arc::clone(&self.client), Arc::clone(&self.wake));
        self.sends.spawn(async move {
            let outcome = send(&client, &pending, Timestamp::now()).await;
            let attempt = judge(&pending, outcome, Timestamp::now());
            if let Err(error) = store.record_attempt(attempt).await {
                tracing::error!(%error, "the outcome of a delivery could not be written down; it will be made again");
            }
            // The next message of the same queue may be due now.
            wake.notify_one();
            (pending.delivery.id, pending.channel.id)
        });
    }
}

/// What becomes of a delivery after a try.
fn judge(pending: &PendingDelivery, outcome: Result<String, SendError>, now: Timestamp) -> Attempt {
    let id = pending.delivery.id.clone();
    match outcome {
        Ok(outcome) => Attempt { id, state: DeliveryState::Sent { at: now }, outcome },
        Err(SendError::Permanent(outcome)) => Attempt { id, state: DeliveryState::Failed { at: now }, outcome },
        Err(SendError::Transient(outcome, pause)) => {
            let next = schedule::next_try(pending.delivery.created_at, pending.delivery.attempts, pause, now, jitter());
            let state = next.map_or(DeliveryState::Failed { at: now }, |due| DeliveryState::Waiting { due });
            Attempt { id, state, outcome }
        }
    }
}

fn fresh() -> DeliveryId {
    let mut bytes = [0; 16];
    // Without randomness the numbers repeat, and the store refuses the second: the event stays waiting.
    let _ = getrandom::fill(&mut bytes);
    DeliveryId::from_random(bytes)
}

/// A number from 0 to 255.
fn jitter() -> u8 {
    let mut byte = [0; 1];
    let _ = getrandom::fill(&mut byte);
    byte[0]
}
