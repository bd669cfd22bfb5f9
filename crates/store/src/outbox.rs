//! What must be told: events wait here until they are routed to channels, deliveries until they are made.

use async_trait::async_trait;
use jiff::Timestamp;
use watchkeep_model::{Channel, ChannelId, Contact, ContactId, DeliveryId, Event, EventId, MonitorId, OrgId};

use crate::{Kept, Page, StoreError};

/// An event that nobody has routed yet.
#[derive(Clone, Debug)]
pub struct PendingEvent {
    /// The event.
    pub event: Event,
    /// The monitor that it concerns, as it is now; none when it was deleted meanwhile.
    pub monitor: Option<Kept>,
}

/// One event on its way to one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its identifier.
    pub id: DeliveryId,
    /// Its owner.
    pub org: OrgId,
    /// The event that it tells; receivers know it by this id.
    pub event: EventId,
    /// Who is told.
    pub contact: ContactId,
    /// By which way.
    pub channel: ChannelId,
    /// Deliveries of one monitor to one channel are made in order.
    pub monitor: Option<MonitorId>,
    /// The rendered message: fixed at routing, so that every try sends the same.
    pub body: String,
    /// When the event happened.
    pub created_at: Timestamp,
    /// How far it has come.
    pub state: DeliveryState,
    /// How many tries were made.
    pub attempts: u32,
    /// What the last try ended in.
    pub last_outcome: Option<String>,
}

/// How far a delivery has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// To be tried at this time.
    Waiting {
        /// The time of the next try.
        due: Timestamp,
    },
    /// The receiver took it.
    Sent {
        /// When.
        at: Timestamp,
    },
    /// Given up: refused for good, or tried for too long.
    Failed {
        /// When.
        at: Timestamp,
    },
}

/// A delivery that is due, with where it goes.
#[derive(Clone, Debug)]
pub struct PendingDelivery {
    /// The delivery.
    pub delivery: Delivery,
    /// Who is told.
    pub contact: Contact,
    /// By which way; none when the contact lost this channel meanwhile, so that nobody can be told any more.
    pub channel: Option<Channel>,
}

/// The outcome of one try, to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Which delivery.
    pub id: DeliveryId,
    /// How far it has come with this try.
    pub state: DeliveryState,
    /// What the try ended in, one sentence.
    pub outcome: String,
}

/// Keeps what must be told.
#[async_trait]
pub trait Outbox {
    /// Events that wait to be routed, oldest first.
    async fn pending_events(&self, limit: usize) -> Result<Vec<PendingEvent>, StoreError>;

    /// Writes the deliveries of these events and takes them off the list, in one transaction.
    async fn route(&self, routed: Vec<(EventId, Vec<Delivery>)>) -> Result<(), StoreError>;

    /// Deliveries that are due: of each channel and monitor only the oldest waiting one, of each channel at most
    /// `per_channel`. Every channel's first comes before any channel's second, so that `limit` leaves none out for long.
    async fn due_deliveries(
        &self,
        now: Timestamp,
        per_channel: usize,
        limit: usize,
    ) -> Result<Vec<PendingDelivery>, StoreError>;

    /// When a delivery that is not due at `now` will be, if any waits for its time and for no earlier one.
    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError>;

    /// Writes down what tries ended in, in one transaction. Of a delivery that waits no longer, nothing is written.
    async fn record_attempts(&self, attempts: Vec<Attempt>) -> Result<(), StoreError>;

    /// Stores an event that is told at once and belongs to no monitor: a channel's trial.
    async fn enqueue(&self, event: Event, deliveries: Vec<Delivery>) -> Result<(), StoreError>;

    /// Deliveries of one organisation, newest first.
    async fn deliveries(&self, org: &OrgId, after: Option<&str>, limit: usize) -> Result<Page<Delivery>, StoreError>;
}
