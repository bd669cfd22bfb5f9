//! A store in a folder of its own, contacts and monitors in it, and the worker under test: what every file here needs.
//! Changes are committed as the pipeline commits them; nothing reaches the worker but through the store.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::Notify;
use watchkeep_alert::{AlertOptions, AlertWorker, Outgoing};
use watchkeep_catalogue::StatusCode;
use watchkeep_lab::http::Received;
use watchkeep_model::{
    About, Belief, Channel, ChannelTarget, Contact, EgressPolicy, Event, EventId, EventType, Happening, Id, IncidentId,
    Lifecycle, LocationName, Monitor, MonitorSettings, MonitorState, OrgId, Prefix, Secret, StateChange, Telling,
};
use watchkeep_store::{
    Accounts, Commit, CommitOutcome, Commits, Contacts, Delivery, DeliveryState, Monitors, Outbox, SqliteStore,
    StoredMonitor,
};

/// A guard against hanging; nothing here takes that long.
pub const SOON: Duration = Duration::from_secs(10);
/// The signing key of every channel, unless a test makes another.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// The token that the webhooks of every contact carry.
pub const TOKEN: &str = "0123456789abcdef0123456789ABCDEF";

/// A new identifier of any kind.
pub fn fresh<K: Prefix>() -> Id<K> {
    static LAST: AtomicU64 = AtomicU64::new(0);
    Id::from_random((u128::from(LAST.fetch_add(1, SeqCst)) * 7_919).to_be_bytes())
}

/// A store, and what wakes the worker.
pub struct House {
    pub store: Arc<SqliteStore>,
    pub org: OrgId,
    wake: Arc<Notify>,
    folder: tempfile::TempDir,
}

/// A monitor and the state that its next change is decided on.
pub struct Watched {
    pub monitor: Monitor,
    pub state: MonitorState,
}

impl House {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(folder.path()).unwrap());
        let org = store.default_org().await.unwrap();
        Self { store, org, wake: Arc::default(), folder }
    }

    /// The same folder, opened by a new process as it were.
    pub fn reopened(self) -> Self {
        let Self { store, org, folder, .. } = self;
        drop(Arc::into_inner(store).expect("the worker is gone"));
        let store = Arc::new(SqliteStore::open(folder.path()).unwrap());
        Self { store, org, wake: Arc::default(), folder }
    }

    /// A contact with a channel to each of these URLs.
    pub async fn contact(&self, urls: &[String]) -> Contact {
        let channel = |url: &String| Channel {
            id: fresh(),
            target: ChannelTarget::Webhook {
                url: url.parse().unwrap(),
                secret: SECRET.parse().unwrap(),
                older_secret: None,
            },
        };
        let contact = Contact {
            id: fresh(),
            org: self.org.clone(),
            name: "ops".parse().unwrap(),
            channels: urls.iter().map(channel).collect(),
            webhook_token: Secret::new(TOKEN),
            created_at: Timestamp::now(),
            version: 1,
        };
        self.store.create_contact(contact.clone()).await.unwrap();
        contact
    }

    /// An active monitor that tells this contact.
    pub async fn monitor(&self, contact: &Contact) -> Watched {
        let settings = json!({"type": "http", "name": "shop", "target": "https://shop.example/", "tags": ["prod"], "contacts": [contact.id]});
        let (settings, _) = MonitorSettings::parse(settings.as_object().unwrap().clone()).unwrap();
        let now = Timestamp::now();
        let monitor = Monitor { id: fresh(), org: self.org.clone(), settings, created_at: now, version: 1 };
        let state = MonitorState::new(Lifecycle::Active, now);
        let stored = StoredMonitor { monitor: monitor.clone(), state: state.clone() };
        self.store.create_monitor(stored, Vec::new()).await.unwrap();
        Watched { monitor, state }
    }

    /// Commits a change of the monitor's status, and wakes the worker; the event that tells it.
    pub async fn change(&self, watched: &mut Watched, code: i16) -> EventId {
        self.change_all([watched], code).await.remove(0)
    }

    /// The same for many monitors in one commit.
    pub async fn change_all<'w>(&self, all: impl IntoIterator<Item = &'w mut Watched>, code: i16) -> Vec<EventId> {
        let changes: Vec<_> = all.into_iter().map(|watched| watched.change(StatusCode::new(code))).collect();
        let events = changes.iter().map(|change| change.events[0].0.id.clone()).collect();
        let outcome = self.store.commit(Commit { states: changes, ..Commit::default() }).await.unwrap();
        assert_eq!(outcome, CommitOutcome::Stored);
        self.wake.notify_one();
        events
    }

    /// Starts a worker that may connect to this machine.
    pub fn worker(&self) -> AlertWorker {
        self.worker_with(Arc::clone(&self.store), EgressPolicy::OwnNetworks)
    }

    pub fn worker_with(&self, store: Arc<impl Outgoing>, egress: EgressPolicy) -> AlertWorker {
        let options = AlertOptions { public_url: "https://watch.example/".parse().unwrap(), egress };
        AlertWorker::start(store, options, Arc::clone(&self.wake)).unwrap()
    }

    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// All deliveries, oldest first.
    pub async fn deliveries(&self) -> Vec<Delivery> {
        let mut all = self.store.deliveries(&self.org, None, 10_000).await.unwrap().items;
        all.reverse();
        all
    }

    /// The deliveries as soon as they are as wanted.
    pub async fn deliveries_when(&self, are_wanted: impl Fn(&[Delivery]) -> bool) -> Vec<Delivery> {
        let wait = async {
            loop {
                let all = self.deliveries().await;
                if are_wanted(&all) {
                    return all;
                }
                tokio::task::yield_now().await;
            }
        };
        let Ok(all) = tokio::time::timeout(SOON, wait).await else {
            panic!("the deliveries did not come so far: {:#?}", self.deliveries().await)
        };
        all
    }
}

impl Watched {
    fn change(&mut self, code: StatusCode) -> StateChange {
        let expected_revision = self.state.revision;
        let now = Timestamp::now();
        let about = About {
            monitor: self.monitor.id.clone(),
            code,
            locations: vec![LocationName::local()],
            since: now,
            incident: (!code.is_operational()).then(|| IncidentId::derived(&self.monitor.id, expected_revision, 0)),
            what: Happening::StatusChanged {
                previous_code: self.state.status(self.monitor.family()).code,
                detail: (!code.is_operational()).then(|| "connection refused (192.0.2.7:443)".to_owned()),
            },
        };
        self.state.revision += 1;
        self.state.belief = if code.is_operational() { Belief::Operational } else { Belief::Down };
        self.state.code = code;
        self.state.since = now;
        let event = Event {
            id: EventId::derived(&self.monitor.id, self.state.revision, 0),
            org: self.monitor.org.clone(),
            kind: EventType::ServiceStatusChanged,
            created_at: now,
            about: Some(about),
        };
        StateChange {
            monitor: self.monitor.id.clone(),
            expected_revision,
            state: self.state.clone(),
            incidents: Vec::new(),
            events: vec![(event, Telling::Tell)],
        }
    }
}

/// A header of a request; empty when it is missing.
pub fn header<'r>(request: &'r Received, name: &str) -> &'r str {
    request.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

/// The event that a request tells of.
pub fn told(request: &Received) -> &str {
    header(request, "webhook-id")
}

pub fn body(request: &Received) -> Value {
    serde_json::from_slice(request.body()).unwrap()
}

/// The signature that a request must have, made as the Standard Webhooks specification says and by nothing of ours.
pub fn signature(request: &Received, secret: &str) -> String {
    let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{}.{}.", told(request), header(request, "webhook-timestamp")).as_bytes());
    mac.update(request.body());
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

pub fn is_sent(delivery: &Delivery) -> bool {
    matches!(delivery.state, DeliveryState::Sent { .. })
}

pub fn is_failed(delivery: &Delivery) -> bool {
    matches!(delivery.state, DeliveryState::Failed { .. })
}

/// How long after now a delivery is tried again.
#[track_caller]
pub fn pause(delivery: &Delivery) -> Duration {
    match delivery.state {
        DeliveryState::Waiting { due } => due.duration_since(Timestamp::now()).try_into().unwrap_or_default(),
        other => panic!("it does not wait: {other:?}"),
    }
}
