//! The worker of the outbox: routes waiting events, sends what is due, writes down every outcome.
//! It keeps nothing that matters in memory, so that it may be killed at any moment.

mod schedule;

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    sync::{Notify, oneshot},
    task::{Id, JoinError, JoinHandle, JoinSet},
};
use url::Url;
use watchkeep_model::{Channel, ChannelId, Contact, DeliveryId, EgressPolicy};
use watchkeep_store::{Attempt, Contacts, Delivery, DeliveryState, Outbox, PendingDelivery, StoreError};

use crate::{
    channels::{Message, SendError, send},
    client::{Client, TlsSetupError},
    routing,
};

/// Events that are taken from the store at once.
const BATCH: usize = 500;
/// Messages under way at the same time.
const MOST_UNDER_WAY: usize = 200;
/// Messages under way to one channel at the same time, so that a slow receiver leaves room for the others.
const MOST_TO_ONE_CHANNEL: usize = 4;
/// Due deliveries that are taken from the store at once: with all that are under way, enough to fill every place.
const MOST_DUE: usize = 2 * MOST_UNDER_WAY;
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

/// What the worker knows of the store.
pub trait Outgoing: Outbox + Contacts + Send + Sync + 'static {}

impl<T: Outbox + Contacts + Send + Sync + 'static + ?Sized> Outgoing for T {}

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
    pub fn start(
        store: Arc<impl Outgoing + ?Sized>,
        options: AlertOptions,
        wake: Arc<Notify>,
    ) -> Result<Self, TlsSetupError> {
        let client = Arc::new(Client::new(options.egress)?);
        let (stop, stopped) = oneshot::channel();
        let worker = Worker {
            store,
            client,
            public_url: options.public_url,
            wake,
            sends: JoinSet::new(),
            under_way: HashMap::new(),
            unwritten: Vec::new(),
            is_failing: false,
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
    pub async fn stop(mut self, limit: Duration) {
        let _ = self.stop.send(());
        if tokio::time::timeout(limit, &mut self.task).await.is_err() {
            self.task.abort();
            // The store is let go of before this returns.
            let _ = self.task.await;
        }
    }
}

/// A delivery that is being sent.
struct UnderWay {
    delivery: DeliveryId,
    channel: ChannelId,
    created_at: Timestamp,
    attempts: u32,
}

struct Worker<S: ?Sized> {
    store: Arc<S>,
    client: Arc<Client>,
    public_url: Url,
    wake: Arc<Notify>,
    sends: JoinSet<Result<String, SendError>>,
    under_way: HashMap<Id, UnderWay>,
    /// Outcomes that the store has not taken yet: it still calls these deliveries due, and they are not sent again.
    unwritten: Vec<Attempt>,
    is_failing: bool,
}

impl<S: Outgoing + ?Sized> Worker<S> {
    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        loop {
            let pause = self.round().await;
            let pause = self.noted(pause);
            let wake = Arc::clone(&self.wake);
            tokio::select! {
                () = wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
                Some(done) = self.sends.join_next_with_id() => self.finished(done),
                _ = &mut stopped => break,
            }
            while let Some(done) = self.sends.try_join_next_with_id() {
                self.finished(done);
            }
        }
        loop {
            if let Err(error) = self.write_outcomes().await {
                tracing::error!(%error, "the outcome of a delivery could not be written down; it will be made again");
            }
            let Some(done) = self.sends.join_next_with_id().await else { break };
            self.finished(done);
        }
    }

    /// The pause until the next round; says once when the store begins to fail, and once when it is over.
    fn noted(&mut self, pause: Result<Duration, StoreError>) -> Duration {
        match &pause {
            Err(error) if !self.is_failing => tracing::error!(%error, "alerts wait for the store"),
            Ok(_) if self.is_failing => tracing::info!("alerts go on"),
            _ => {}
        }
        self.is_failing = pause.is_err();
        pause.unwrap_or(AFTER_FAILURE)
    }

    /// Writes down what ended, routes, sends what is due, and tells how long to sleep. What the store refuses
    /// keeps nothing else from being done.
    async fn round(&mut self) -> Result<Duration, StoreError> {
        let written = self.write_outcomes().await;
        let routed = self.route().await;
        let pause = self.send_due().await?;
        let more_waits = written.and(routed)?;
        Ok(if more_waits { Duration::ZERO } else { pause })
    }

    async fn write_outcomes(&mut self) -> Result<(), StoreError> {
        if !self.unwritten.is_empty() {
            self.store.record_attempts(self.unwritten.clone()).await?;
            self.unwritten.clear();
        }
        Ok(())
    }

    /// Routes the oldest events that wait; whether more may wait.
    async fn route(&self) -> Result<bool, StoreError> {
        let waiting = self.store.pending_events(BATCH).await?;
        if waiting.is_empty() {
            return Ok(false);
        }
        let mut contacts = HashMap::new();
        let mut routed = Vec::with_capacity(waiting.len());
        for pending in &waiting {
            let contacts = match contacts.entry(&pending.event.org) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(self.store.contacts(&pending.event.org).await?),
            };
            let deliveries = routing::deliveries(pending, contacts, &self.public_url, fresh);
            routed.push((pending.event.id.clone(), deliveries));
        }
        self.store.route(routed).await?;
        Ok(waiting.len() == BATCH)
    }

    /// Begins to send what is due, as far as there are places; how long until more may be due.
    async fn send_due(&mut self) -> Result<Duration, StoreError> {
        let now = Timestamp::now();
        for pending in self.store.due_deliveries(now, MOST_TO_ONE_CHANNEL, MOST_DUE).await? {
            if self.is_in_hand(&pending.delivery.id) {
                continue;
            }
            let PendingDelivery { delivery, contact, channel } = pending;
            match channel {
                None => self.unwritten.push(unreachable(delivery, now)),
                Some(channel) if self.has_place(&channel.id) => self.start(delivery, &contact, channel),
                Some(_) => {}
            }
        }
        if !self.unwritten.is_empty() {
            // What stood behind a delivery that was given up may be due now.
            return Ok(Duration::ZERO);
        }
        // What is due and not started waits for a place; the end of a message under way wakes the worker.
        let next = self.store.next_due(now).await?;
        let until = next.map(|due| Duration::try_from(due.duration_since(Timestamp::now())).unwrap_or_default());
        Ok(until.unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP))
    }

    fn is_in_hand(&self, id: &DeliveryId) -> bool {
        self.under_way.values().any(|sent| sent.delivery == *id)
            || self.unwritten.iter().any(|attempt| attempt.id == *id)
    }

    fn has_place(&self, channel: &ChannelId) -> bool {
        let busy = self.under_way.values().filter(|sent| sent.channel == *channel).count();
        self.under_way.len() < MOST_UNDER_WAY && busy < MOST_TO_ONE_CHANNEL
    }

    fn start(&mut self, delivery: Delivery, contact: &Contact, channel: Channel) {
        let Delivery { id, event, body, created_at, attempts, .. } = delivery;
        let message = Message { event, body, token: contact.webhook_token.clone() };
        let client = Arc::clone(&self.client);
        let sending = self.sends.spawn(async move { send(&client, &channel.target, message, Timestamp::now()).await });
        self.under_way.insert(sending.id(), UnderWay { delivery: id, channel: channel.id, created_at, attempts });
    }

    fn finished(&mut self, done: Result<(Id, Result<String, SendError>), JoinError>) {
        // A try that broke off through a fault of ours is made again like any other, not at once and for ever.
        let (id, outcome) = done.unwrap_or_else(|error| {
            (error.id(), Err(SendError::Transient("the attempt broke off through a fault of Watchkeep".into(), None)))
        });
        if let Some(sent) = self.under_way.remove(&id) {
            self.unwritten.push(judge(sent, outcome, Timestamp::now()));
        }
    }
}

/// What becomes of a delivery after a try.
fn judge(sent: UnderWay, outcome: Result<String, SendError>, now: Timestamp) -> Attempt {
    let id = sent.delivery;
    match outcome {
        Ok(outcome) => Attempt { id, state: DeliveryState::Sent { at: now }, outcome },
        Err(SendError::Permanent(outcome)) => Attempt { id, state: DeliveryState::Failed { at: now }, outcome },
        Err(SendError::Transient(outcome, pause)) => {
            let next = schedule::next_try(sent.created_at, sent.attempts, pause, now, jitter());
            let state = next.map_or(DeliveryState::Failed { at: now }, |due| DeliveryState::Waiting { due });
            Attempt { id, state, outcome }
        }
    }
}

/// The end of a delivery whose channel was removed.
fn unreachable(delivery: Delivery, now: Timestamp) -> Attempt {
    let outcome = "the channel was removed from its contact".to_owned();
    Attempt { id: delivery.id, state: DeliveryState::Failed { at: now }, outcome }
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
