//! A store that fails on demand: everything goes to a real one, and commits fail or find themselves too late.
//! Only what a test asks for is different.

#![allow(unreachable_pub, clippy::unwrap_used, reason = "shared by test binaries; tests fail by panicking")]

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use jiff::Timestamp;
use watchkeep_catalogue::{Family, StatusCode};
use watchkeep_model::{
    Contact, ContactId, Event, EventId, Incident, IncidentId, Invalid, MonitorId, OrgId, Session, Token, TokenHash,
    TokenId, User,
};
use watchkeep_store::{
    Accounts, Attempt, Commit, CommitOutcome, Commits, Contacts, Delivery, History, IncidentFilter, Kept, Monitors,
    NewToken, Outbox, Page, PastResult, PendingDelivery, PendingEvent, Put, RobotMark, SetupLink, StatusInterval,
    Store, StoreError, StoredMonitor, TimeRange,
};

/// See the module.
pub struct FaultyStore {
    pub inner: Arc<dyn Store>,
    /// Commits that are still to fail.
    pub failures: AtomicUsize,
    /// Commits that were tried.
    pub tries: AtomicUsize,
    /// Whether the settings of monitors read as if a newer version had written them.
    pub unreadable: AtomicBool,
    /// Done once, before the next commit: somebody else is first.
    pub interference: Mutex<Option<Commit>>,
}

impl FaultyStore {
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            failures: AtomicUsize::new(0),
            tries: AtomicUsize::new(0),
            unreadable: AtomicBool::new(false),
            interference: Mutex::new(None),
        }
    }
}

#[async_trait]
impl Commits for FaultyStore {
    async fn commit(&self, commit: Commit) -> Result<CommitOutcome, StoreError> {
        self.tries.fetch_add(1, Ordering::SeqCst);
        let failing = self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if failing.is_ok() {
            return Err(StoreError::Engine { doing: "write", reason: "disk full".to_owned() });
        }
        let first = self.interference.lock().unwrap().take();
        if let Some(first) = first {
            assert_eq!(self.inner.commit(first).await?, CommitOutcome::Stored);
        }
        self.inner.commit(commit).await
    }

    async fn robot_marks(&self) -> Result<Vec<RobotMark>, StoreError> {
        self.inner.robot_marks().await
    }
}

#[async_trait]
impl Monitors for FaultyStore {
    async fn all_monitors(&self) -> Result<Vec<Kept>, StoreError> {
        self.inner.all_monitors().await
    }

    async fn monitors(&self, org: &OrgId, after: Option<&MonitorId>, limit: usize) -> Result<Vec<Kept>, StoreError> {
        self.inner.monitors(org, after, limit).await
    }

    async fn monitor(&self, org: &OrgId, id: &MonitorId) -> Result<Option<Kept>, StoreError> {
        let mut kept = self.inner.monitor(org, id).await?;
        if self.unreadable.load(Ordering::SeqCst) {
            kept.iter_mut().for_each(|kept| kept.monitor = Err(Invalid::one("type", "is of a newer version")));
        }
        Ok(kept)
    }

    async fn create_monitor(&self, new: StoredMonitor, events: Vec<Event>) -> Result<(), StoreError> {
        self.inner.create_monitor(new, events).await
    }

    async fn update_monitor(
        &self,
        changed: StoredMonitor,
        expected_version: u64,
        expected_revision: u64,
        events: Vec<Event>,
    ) -> Result<Put, StoreError> {
        self.inner.update_monitor(changed, expected_version, expected_revision, events).await
    }

    async fn delete_monitor(&self, org: &OrgId, id: &MonitorId) -> Result<Put, StoreError> {
        self.inner.delete_monitor(org, id).await
    }
}

/// Hands methods on to the inner store.
macro_rules! hand_on {
    ($($noun:ident { $(fn $name:ident(&self $(, $argument:ident: $kind:ty)*) -> $answer:ty;)* })*) => {$(
        #[async_trait]
        impl $noun for FaultyStore {
            $(async fn $name(&self $(, $argument: $kind)*) -> Result<$answer, StoreError> {
                self.inner.$name($($argument),*).await
            })*
        }
    )*};
}

hand_on! {
    History {
        fn results(&self, org: &OrgId, monitor: &MonitorId, after: Option<&str>, limit: usize) -> Page<PastResult>;
        fn last_results(&self, monitors: &[MonitorId]) -> Vec<PastResult>;
        fn latencies(&self, monitor: &MonitorId, range: TimeRange, points: usize) -> Vec<(Timestamp, f32, StatusCode)>;
        fn events(&self, org: &OrgId, monitor: Option<&MonitorId>, after: Option<&str>, limit: usize) -> Page<Event>;
        fn status_intervals(&self, monitor: &MonitorId, family: Family, range: TimeRange) -> Vec<StatusInterval>;
        fn incidents(&self, org: &OrgId, filter: IncidentFilter, after: Option<&str>, limit: usize) -> Page<Incident>;
        fn incident(&self, org: &OrgId, id: &IncidentId) -> Option<Incident>;
    }
    Contacts {
        fn contacts(&self, org: &OrgId) -> Vec<Contact>;
        fn contact(&self, org: &OrgId, id: &ContactId) -> Option<Contact>;
        fn create_contact(&self, contact: Contact) -> ();
        fn update_contact(&self, contact: Contact, expected_version: u64) -> Put;
        fn delete_contact(&self, org: &OrgId, id: &ContactId) -> Put;
    }
    Outbox {
        fn pending_events(&self, limit: usize) -> Vec<PendingEvent>;
        fn route(&self, routed: Vec<(EventId, Vec<Delivery>)>) -> ();
        fn due_deliveries(&self, now: Timestamp, per_channel: usize, limit: usize) -> Vec<PendingDelivery>;
        fn next_due(&self, now: Timestamp) -> Option<Timestamp>;
        fn record_attempts(&self, attempts: Vec<Attempt>) -> ();
        fn enqueue(&self, event: Event, deliveries: Vec<Delivery>) -> ();
        fn deliveries(&self, org: &OrgId, after: Option<&str>, limit: usize) -> Page<Delivery>;
    }
    Accounts {
        fn default_org(&self) -> OrgId;
        fn create_org(&self, id: &OrgId, now: Timestamp) -> ();
        fn is_unclaimed(&self) -> bool;
        fn has_users(&self) -> bool;
        fn put_setup_link(&self, link: SetupLink) -> ();
        fn claim(&self, link: TokenHash, user: User, now: Timestamp) -> bool;
        fn setup_link_works(&self, link: TokenHash, now: Timestamp) -> bool;
        fn user_by_name(&self, name: &str) -> Option<User>;
        fn create_session(&self, session: Session) -> ();
        fn session(&self, hash: TokenHash, now: Timestamp) -> Option<Session>;
        fn delete_session(&self, hash: TokenHash) -> ();
        fn create_token(&self, token: NewToken) -> ();
        fn bootstrap(&self, token: NewToken) -> bool;
        fn token(&self, hash: TokenHash, now: Timestamp) -> Option<Token>;
        fn tokens(&self, org: &OrgId) -> Vec<Token>;
        fn delete_token(&self, org: &OrgId, id: &TokenId) -> Put;
    }
}
