//! What the tests of the store share: places with an engine behind them, and values to keep in them.
//! A new engine joins by its line in [`engines`].

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::{collections::BTreeMap, path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::json;
use watchkeep_catalogue::{Family, StatusCode};
use watchkeep_model::{
    About, Belief, Channel, ChannelId, ChannelTarget, Contact, ContactId, DeliveryId, Event, EventId, EventType,
    Happening, Lifecycle, LocationName, LocationView, Monitor, MonitorId, MonitorSettings, MonitorState, Observed,
    OrgId, Phases, RecordedResult, Secret, StateChange, Telling, TestResult, TestSubject, Verdict, WebhookSecret, http,
};
use watchkeep_store::{
    Commit, CommitOutcome, Delivery, DeliveryState, PastResult, SqliteStore, Store, StoreError, StoredMonitor,
};

/// Opens a store in a folder.
type Engine = fn(&Path) -> Result<Arc<dyn Store>, StoreError>;

/// Every engine, by its name.
fn engines() -> Vec<(&'static str, Engine)> {
    vec![("sqlite", |folder| Ok(Arc::new(SqliteStore::open(folder)?)))]
}

/// A store of its own for one test.
pub struct Place {
    engine: Engine,
    pub folder: tempfile::TempDir,
    store: Option<Arc<dyn Store>>,
    pub org: OrgId,
}

/// Runs a test on every engine.
pub async fn on_every_engine(test: impl AsyncFn(&mut Place)) {
    for (name, engine) in engines() {
        println!("on {name}");
        test(&mut Place::new(engine).await).await;
    }
}

impl Place {
    async fn new(engine: Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = engine(folder.path()).unwrap();
        let org = store.default_org().await.unwrap();
        Self { engine, folder, store: Some(store), org }
    }

    pub fn store(&self) -> Arc<dyn Store> {
        Arc::clone(self.store.as_ref().unwrap())
    }

    /// As after a restart.
    pub fn reopen(&mut self) {
        self.store = None;
        self.store = Some((self.engine)(self.folder.path()).unwrap());
    }

    /// A new active monitor; `number` makes its id.
    pub async fn monitor(&self, number: u8) -> StoredMonitor {
        let stored = active_monitor(&self.org, number);
        self.store().create_monitor(stored.clone(), Vec::new()).await.unwrap();
        stored
    }

    /// A new contact with this many webhook channels.
    pub async fn contact(&self, number: u8, channels: u8) -> Contact {
        let contact = contact(&self.org, number, channels);
        self.store().create_contact(contact.clone()).await.unwrap();
        contact
    }

    pub async fn commit(&self, results: Vec<RecordedResult>) {
        let commit = Commit { results, ..Commit::default() };
        assert_eq!(self.store().commit(commit).await.unwrap(), CommitOutcome::Stored);
    }

    pub async fn change(&self, changes: Vec<StateChange>) {
        let commit = Commit { states: changes, ..Commit::default() };
        assert_eq!(self.store().commit(commit).await.unwrap(), CommitOutcome::Stored);
    }

    /// All results of a monitor, page by page.
    pub async fn results(&self, monitor: &MonitorId, page: usize) -> Vec<PastResult> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let found = self.store().results(&self.org, monitor, after.as_deref(), page).await.unwrap();
            assert!(found.items.len() >= page || found.next.is_none(), "only the last page may be short");
            all.extend(found.items);
            after = found.next;
            if after.is_none() {
                return all;
            }
        }
    }
}

/// Seconds after a moment in 2026.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + seconds).unwrap()
}

pub fn monitor_id(number: u8) -> MonitorId {
    MonitorId::from_random([number; 16])
}

pub fn contact_id(number: u8) -> ContactId {
    ContactId::from_random([number; 16])
}

pub fn active_monitor(org: &OrgId, number: u8) -> StoredMonitor {
    let object = json!({
        "type": "http", "name": format!("shop {number}"), "target": format!("https://shop-{number}.example/"),
        "interval": "1m", "tags": ["prod"], "http": {"bearer": format!("bearer-secret-{number}")},
    });
    let (settings, lifecycle) = MonitorSettings::parse(object.as_object().unwrap().clone()).unwrap();
    let monitor = Monitor { id: monitor_id(number), org: org.clone(), settings, created_at: at(0), version: 1 };
    StoredMonitor { monitor, state: MonitorState::new(lifecycle, at(0)) }
}

pub fn contact(org: &OrgId, number: u8, channels: u8) -> Contact {
    let channel = |index: u8| Channel {
        id: ChannelId::from_random([number, index, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        target: ChannelTarget::Webhook {
            url: format!("http://127.0.0.1:9000/{index}").parse().unwrap(),
            secret: WebhookSecret::from_random([number.wrapping_add(index); 32]),
            older_secret: (index % 2 == 1).then(|| WebhookSecret::from_random([index; 32])),
        },
    };
    Contact {
        id: contact_id(number),
        org: org.clone(),
        name: format!("ops {number}").parse().unwrap(),
        channels: (0..channels).map(channel).collect(),
        webhook_token: Secret::new(&format!("webhook-token-{number}-0123456789")),
        created_at: at(0),
        version: 1,
    }
}

/// A good result that begins `seconds` after the moment of [`at`] and takes `number` microseconds. Its phases vary
/// like those of real ones.
pub fn result(monitor: &MonitorId, seconds: i64, number: u32) -> RecordedResult {
    let target = format!("https://{monitor}.example/");
    let subject = TestSubject { family: Family::Service, test_type: "http".into(), target: target.into() };
    let noise = |shift: u32| Some(Duration::from_micros((number.wrapping_mul(2_654_435_761) >> shift).into()));
    RecordedResult {
        monitor: monitor.clone(),
        attempt: 0,
        result: TestResult {
            subject: Arc::new(subject),
            location: LocationName::local(),
            started_at: at(seconds),
            verdict: Verdict::OPERATIONAL,
            duration: Duration::from_micros(number.into()),
            phases: Phases { dns: noise(20), connect: noise(16), first_byte: noise(12), ..Phases::default() },
            observed: Observed::Http(http::Observed { http_status: Some(200), ..http::Observed::default() }),
            notable: None,
        },
    }
}

/// What tells results made by [`result`] apart.
pub fn numbers(results: &[PastResult]) -> Vec<u32> {
    results.iter().map(|past| u32::try_from(past.result.duration.as_micros()).unwrap()).collect()
}

/// The state after its next step, in which the monitor is seen as `code` since `seconds`.
pub fn stepped(before: &MonitorState, code: StatusCode, seconds: i64) -> MonitorState {
    let view =
        LocationView { seen_at: at(seconds), code, detail: Some("why".to_owned()), since: at(seconds), doubt: None };
    MonitorState {
        revision: before.revision + 1,
        lifecycle: Lifecycle::Active,
        belief: Belief::from_severity(code.severity(Family::Service)),
        code,
        detail: Some("why".to_owned()),
        since: at(seconds),
        locations: BTreeMap::from([(LocationName::local(), view)]),
        incident: before.incident.clone(),
        known: before.known.clone(),
    }
}

/// The event of a step to `state`; the `ordinal` tells events of one step apart.
pub fn event(org: &OrgId, monitor: &MonitorId, state: &MonitorState, ordinal: u8) -> Event {
    Event {
        id: EventId::derived(monitor, state.revision, ordinal),
        org: org.clone(),
        kind: EventType::ServiceStatusChanged,
        created_at: state.since,
        about: Some(About {
            monitor: monitor.clone(),
            code: state.code,
            locations: vec![LocationName::local()],
            since: state.since,
            incident: state.incident.clone(),
            what: Happening::StatusChanged { previous_code: StatusCode::OPERATIONAL, detail: state.detail.clone() },
        }),
    }
}

/// A step from `before` to `code`, which is told.
pub fn change(org: &OrgId, monitor: &MonitorId, before: &MonitorState, code: StatusCode, seconds: i64) -> StateChange {
    let state = stepped(before, code, seconds);
    let event = event(org, monitor, &state, 0);
    StateChange {
        monitor: monitor.clone(),
        expected_revision: before.revision,
        state,
        incidents: Vec::new(),
        events: vec![(event, Telling::Tell)],
    }
}

/// A delivery that is due `seconds` after the moment of [`at`].
pub fn delivery(number: u8, event: &Event, contact: &Contact, channel: usize, seconds: i64) -> Delivery {
    Delivery {
        id: DeliveryId::from_random([number; 16]),
        org: event.org.clone(),
        event: event.id.clone(),
        contact: contact.id.clone(),
        channel: contact.channels[channel].id.clone(),
        monitor: event.about.as_ref().map(|about| about.monitor.clone()),
        body: format!("{{\"id\":\"{}\"}}", event.id),
        created_at: event.created_at,
        state: DeliveryState::Waiting { due: at(seconds) },
        attempts: 0,
        last_outcome: None,
    }
}
