//! What the worker makes of a store that fails, and of deliveries that nobody can be told any more.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use async_trait::async_trait;
use jiff::Timestamp;
use support::{House, SOON, is_failed, is_sent, told};
use watchkeep_lab::receiver::{Mood, Receiver};
use watchkeep_model::{Contact, ContactId, EgressPolicy, Event, EventId, OrgId};
use watchkeep_store::{
    Attempt, Contacts, Delivery, Outbox, Page, PendingDelivery, PendingEvent, Put, SqliteStore, StoreError,
};

/// Fails a number of times at each step, then does what the store does.
struct Failing {
    inner: Arc<SqliteStore>,
    routes: AtomicUsize,
    looks: AtomicUsize,
    records: AtomicUsize,
}

impl Failing {
    fn fail(left: &AtomicUsize) -> Result<(), StoreError> {
        match left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)) {
            Ok(_) => Err(StoreError::Engine { doing: "write", reason: "disk full".to_owned() }),
            Err(_) => Ok(()),
        }
    }
}

#[async_trait]
impl Outbox for Failing {
    async fn pending_events(&self, limit: usize) -> Result<Vec<PendingEvent>, StoreError> {
        self.inner.pending_events(limit).await
    }

    async fn route(&self, routed: Vec<(EventId, Vec<Delivery>)>) -> Result<(), StoreError> {
        Self::fail(&self.routes)?;
        self.inner.route(routed).await
    }

    async fn due_deliveries(
        &self,
        now: Timestamp,
        per_channel: usize,
        limit: usize,
    ) -> Result<Vec<PendingDelivery>, StoreError> {
        Self::fail(&self.looks)?;
        self.inner.due_deliveries(now, per_channel, limit).await
    }

    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.inner.next_due(now).await
    }

    async fn record_attempts(&self, attempts: Vec<Attempt>) -> Result<(), StoreError> {
        Self::fail(&self.records)?;
        self.inner.record_attempts(attempts).await
    }

    async fn enqueue(&self, event: Event, deliveries: Vec<Delivery>) -> Result<(), StoreError> {
        self.inner.enqueue(event, deliveries).await
    }

    async fn deliveries(&self, org: &OrgId, after: Option<&str>, limit: usize) -> Result<Page<Delivery>, StoreError> {
        self.inner.deliveries(org, after, limit).await
    }
}

#[async_trait]
impl Contacts for Failing {
    async fn contacts(&self, org: &OrgId) -> Result<Vec<Contact>, StoreError> {
        self.inner.contacts(org).await
    }

    async fn contact(&self, org: &OrgId, id: &ContactId) -> Result<Option<Contact>, StoreError> {
        self.inner.contact(org, id).await
    }

    async fn create_contact(&self, contact: Contact) -> Result<(), StoreError> {
        self.inner.create_contact(contact).await
    }

    async fn update_contact(&self, contact: Contact, expected_version: u64) -> Result<Put, StoreError> {
        self.inner.update_contact(contact, expected_version).await
    }

    async fn delete_contact(&self, org: &OrgId, id: &ContactId) -> Result<Put, StoreError> {
        self.inner.delete_contact(org, id).await
    }
}

#[tokio::test]
async fn a_store_that_fails_delays_messages_and_doubles_none() {
    let receiver = Receiver::start().await;
    let house = House::new().await;
    let contact = house.contact(&[receiver.url()]).await;
    let mut shop = house.monitor(&contact).await;
    let failing = Arc::new(Failing {
        inner: Arc::clone(&house.store),
        routes: AtomicUsize::new(1),
        looks: AtomicUsize::new(1),
        records: AtomicUsize::new(2),
    });
    let first = house.change(&mut shop, 451).await;
    let worker = house.worker_with(Arc::clone(&failing), EgressPolicy::OwnNetworks);
    receiver.wait_for_number(SOON, 1).await;
    // Its outcome is not written down yet: it counts as sent all the same, and what follows it waits.
    let second = house.change(&mut shop, 0).await;
    receiver.wait_for_number(SOON, 2).await;
    worker.stop(SOON).await;
    let requests = receiver.requests();
    assert_eq!(requests.iter().map(told).collect::<Vec<_>>(), [first.as_str(), second.as_str()]);
    let deliveries = house.deliveries().await;
    assert!(deliveries.iter().all(|delivery| is_sent(delivery) && delivery.attempts == 1), "{deliveries:?}");
    for left in [&failing.routes, &failing.looks, &failing.records] {
        assert_eq!(left.load(SeqCst), 0, "every step failed as often as it was to");
    }
}

#[tokio::test]
async fn a_removed_channel_ends_its_deliveries_and_holds_up_nobody() {
    let (old, kept) = (Receiver::start().await, Receiver::start().await);
    old.set_mood(Mood::Header(503, "retry-after", "1"));
    let house = House::new().await;
    let mut contact = house.contact(&[old.url(), kept.url()]).await;
    let mut shop = house.monitor(&contact).await;
    house.change(&mut shop, 451).await;
    let second = house.change(&mut shop, 0).await;
    let worker = house.worker();
    old.wait_for_number(SOON, 1).await;
    kept.wait_for(SOON, |request| told(request) == second.as_str()).await;
    worker.stop(SOON).await;

    contact.channels.remove(0);
    contact.version = 2;
    assert_eq!(house.store.update_contact(contact, 1).await.unwrap(), Put::Done);
    let worker = house.worker();
    let deliveries = house.deliveries_when(|all| all.iter().all(|it| is_failed(it) || is_sent(it))).await;
    worker.stop(SOON).await;
    let failed: Vec<_> = deliveries.iter().filter(|delivery| is_failed(delivery)).collect();
    assert_eq!(failed.len(), 2, "{deliveries:#?}");
    for delivery in failed {
        assert_eq!(delivery.last_outcome.as_deref(), Some("the channel was removed from its contact"));
    }
    assert_eq!(old.requests().len(), 1, "nothing is sent where nothing may be sent any more");
}
