//! What is known now of every monitor, in memory: lists and pages are answered from here.
//! The store stays the truth; the board is filled from it at start and after every commit.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use tokio::sync::broadcast;
use watchkeep_catalogue::{Entry as CatalogueEntry, Family, Severity, find};
use watchkeep_model::{
    Event, Invalid, Monitor, MonitorId, MonitorState, Name, Observed, OrgId, RecordedResult, StateChange, Status,
    TestResult,
};
use watchkeep_store::{Kept, Store, StoreError, TimeRange};

use crate::{Recent, Uptime};

/// Changes that a slow listener may be behind before it must look at everything again.
const BEHIND: usize = 4_096;

/// What a result saw: typed when it has just come, JSON when it was read from the store.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "after a monitor's first test it is the large one")]
pub enum Seen {
    /// From a test.
    Now(Observed),
    /// From the store.
    Past(Box<RawValue>),
}

impl Serialize for Seen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Now(observed) => observed.serialize(serializer),
            Self::Past(json) => json.serialize(serializer),
        }
    }
}

/// Everything known of one monitor.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its identifier.
    pub id: MonitorId,
    /// Its owner.
    pub org: OrgId,
    /// What people call it, readable even where the rest is not.
    pub name: Name,
    /// The family of its codes, readable even where the rest is not.
    pub family: Family,
    /// Counts the changes of the settings, readable or not.
    pub version: u64,
    /// The settings, or why this version cannot use what is stored.
    pub monitor: Result<Arc<Monitor>, Invalid>,
    /// What is believed and decided.
    pub state: MonitorState,
    /// The newest result.
    pub last: Option<Arc<TestResult<Seen>>>,
    /// Latencies of the last 24 hours.
    pub recent: Recent,
    /// Statuses of the last 24 hours.
    pub uptime: Uptime,
}

impl Entry {
    fn new(kept: Kept) -> Self {
        let mut uptime = Uptime::default();
        let monitor = kept.monitor.map(Arc::new);
        let status = kept.state.status(kept.family);
        uptime.change(status.since, status.code);
        Self {
            id: kept.id,
            org: kept.org,
            name: kept.name,
            family: kept.family,
            version: kept.version,
            monitor,
            state: kept.state,
            last: None,
            recent: Recent::default(),
            uptime,
        }
    }

    /// The status as users see it.
    #[must_use]
    pub fn status(&self) -> Status {
        self.state.status(self.family)
    }

    /// The catalogue's entry of the status; `None` for a code that only a newer version knows.
    #[must_use]
    pub fn catalogue(&self) -> Option<&'static CatalogueEntry> {
        find(self.family, self.status().code)
    }

    /// What is tested, empty where this version cannot read the settings.
    #[must_use]
    pub fn target(&self) -> &str {
        self.monitor.as_ref().map_or("", |monitor| &monitor.settings.test.subject.target)
    }

    /// The word for the type of test, empty where this version cannot read the settings.
    #[must_use]
    pub fn test_type(&self) -> &str {
        self.monitor.as_ref().map_or("", |monitor| &monitor.settings.test.subject.test_type)
    }

    /// Percentage of the last 24 hours in which it did its job.
    #[must_use]
    pub fn uptime_24h(&self, now: Timestamp) -> Option<f64> {
        self.uptime.percentage(self.family, now)
    }
}

/// Which monitors are asked for; the default asks for all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this family.
    pub family: Option<Family>,
    /// Of this type of test.
    pub test_type: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// Whose status has this word, `down` for instance; see [`Status::word`].
    pub status: Option<String>,
    /// Whose name or target contains this text, without regard to case.
    pub text: Option<String>,
}

impl Filter {
    fn takes(&self, entry: &Entry, lower_text: Option<&str>) -> bool {
        let tagged = |tag: &str| {
            let tags = entry.monitor.as_ref().map_or(&[][..], |monitor| &monitor.settings.tags);
            tags.iter().any(|known| known.as_str() == tag)
        };
        self.family.is_none_or(|family| entry.family == family)
            && self.test_type.as_deref().is_none_or(|word| entry.test_type() == word)
            && self.tag.as_deref().is_none_or(tagged)
            && self.status.as_deref().is_none_or(|word| entry.status().word() == word)
            && lower_text.is_none_or(|text| {
                entry.name.as_str().to_lowercase().contains(text) || entry.target().to_lowercase().contains(text)
            })
    }
}

/// How many monitors have which severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub all: usize,
    /// Operational.
    pub operational: usize,
    /// Degraded.
    pub degraded: usize,
    /// Down.
    pub down: usize,
    /// Misconfigured.
    pub misconfigured: usize,
    /// Waiting for the first result.
    pub pending: usize,
    /// Paused or never activated.
    pub inactive: usize,
}

/// Something that changed, as live listeners are told.
#[derive(Clone, Debug)]
pub struct Change {
    /// Grows by one with every change since the start.
    pub number: u64,
    /// The owner of the monitor.
    pub org: OrgId,
    /// Whose change.
    pub monitor: MonitorId,
    /// What changed.
    pub what: What,
}

/// What changed.
#[derive(Clone, Debug)]
pub enum What {
    /// A result came.
    Result(Arc<TestResult<Seen>>),
    /// Something happened: the status changed, an incident opened or ended, an end came nearer, attributes changed.
    Event(Arc<Event>),
    /// The settings or the owner's decision changed, or the monitor is new.
    Settings,
    /// It was deleted.
    Gone,
}

/// See the module.
pub struct Board {
    monitors: RwLock<Monitors>,
    changes: broadcast::Sender<Arc<Change>>,
    number: AtomicU64,
}

#[derive(Default)]
struct Monitors {
    by_id: HashMap<MonitorId, Arc<Entry>>,
    by_org: HashMap<OrgId, BTreeSet<MonitorId>>,
}

impl Default for Board {
    fn default() -> Self {
        Self { monitors: RwLock::default(), changes: broadcast::channel(BEHIND).0, number: AtomicU64::new(0) }
    }
}

impl Board {
    /// A board with every monitor of the store, their states and newest results. Spark lines and the uptime
    /// of the past come later, by [`Board::recall`], so that tests need not wait for them.
    ///
    /// # Errors
    /// The store's.
    pub async fn load(store: &dyn Store) -> Result<Self, StoreError> {
        let board = Self::default();
        let kept = store.all_monitors().await?;
        let ids: Vec<MonitorId> = kept.iter().map(|kept| kept.id.clone()).collect();
        let last = store.last_results(&ids).await?;
        let mut monitors = board.write();
        for kept in kept {
            monitors.insert(Entry::new(kept));
        }
        for past in last {
            if let Some(entry) = monitors.by_id.get_mut(&past.monitor) {
                Arc::make_mut(entry).last = Some(Arc::new(remembered(past.result)));
            }
        }
        drop(monitors);
        Ok(board)
    }

    /// Fills the last 24 hours of every monitor from the store, one after the other, beside whatever
    /// arrives meanwhile.
    ///
    /// # Errors
    /// The store's.
    pub async fn recall(&self, store: &dyn Store, now: Timestamp) -> Result<(), StoreError> {
        let range = TimeRange { from: now.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(now), until: now };
        let all: Vec<(MonitorId, Family)> =
            self.read().by_id.values().map(|entry| (entry.id.clone(), entry.family)).collect();
        for (id, family) in all {
            let latencies = store.latencies(&id, range, 96).await?;
            let intervals = store.status_intervals(&id, family, range).await?;
            let mut recent = Recent::default();
            for (at, mean_ms, code) in latencies {
                recent.push(at, mean_ms, code.severity(family));
            }
            let mut uptime = Uptime::default();
            for interval in intervals {
                uptime.change(interval.from, interval.code);
            }
            let mut monitors = self.write();
            let Some(entry) = monitors.by_id.get_mut(&id) else { continue };
            let entry = Arc::make_mut(entry);
            for point in entry.recent.points() {
                if let Ok(at) = Timestamp::from_second(point.at) {
                    recent.push(at, point.mean_ms, point.worst);
                }
            }
            let status = entry.state.status(family);
            uptime.change(status.since, status.code);
            entry.recent = recent;
            entry.uptime = uptime;
        }
        Ok(())
    }

    /// One monitor of an organisation.
    #[must_use]
    pub fn get(&self, org: &OrgId, id: &MonitorId) -> Option<Arc<Entry>> {
        self.find(id).filter(|entry| entry.org == *org)
    }

    /// One monitor, whoever owns it: for the pipeline.
    pub(crate) fn find(&self, id: &MonitorId) -> Option<Arc<Entry>> {
        self.read().by_id.get(id).cloned()
    }

    /// Each result with its monitor as it is now; those of monitors that are gone are left out.
    pub(crate) fn entries_of<'r>(&self, results: &[&'r RecordedResult]) -> Vec<(Arc<Entry>, &'r RecordedResult)> {
        let monitors = self.read();
        let known = |result: &&'r RecordedResult| Some((Arc::clone(monitors.by_id.get(&result.monitor)?), *result));
        results.iter().filter_map(known).collect()
    }

    /// The monitors of an organisation that the filter takes, by name without regard to case, then by id.
    #[must_use]
    pub fn list(&self, org: &OrgId, filter: &Filter) -> Vec<Arc<Entry>> {
        let text = filter.text.as_deref().map(str::to_lowercase);
        let monitors = self.read();
        let ids = monitors.by_org.get(org).into_iter().flatten();
        let entries = ids.filter_map(|id| monitors.by_id.get(id)).filter(|entry| filter.takes(entry, text.as_deref()));
        let mut entries: Vec<_> = entries.cloned().collect();
        drop(monitors);
        entries.sort_by_cached_key(|entry| (entry.name.as_str().to_lowercase(), entry.id.clone()));
        entries
    }

    /// Every monitor of every organisation, in no order: for the start of robots.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Entry>> {
        self.read().by_id.values().cloned().collect()
    }

    /// How many monitors of an organisation have which severity.
    #[must_use]
    pub fn counts(&self, org: &OrgId) -> Counts {
        let monitors = self.read();
        let mut counts = Counts::default();
        for entry in monitors.by_org.get(org).into_iter().flatten().filter_map(|id| monitors.by_id.get(id)) {
            counts.all += 1;
            *match entry.status().severity {
                Severity::Operational => &mut counts.operational,
                Severity::Degraded => &mut counts.degraded,
                Severity::Down => &mut counts.down,
                Severity::Misconfigured => &mut counts.misconfigured,
                Severity::Pending => &mut counts.pending,
                Severity::Inactive => &mut counts.inactive,
            } += 1;
        }
        counts
    }

    /// Changes from now on. A listener that falls behind loses the oldest ones and is told so.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Change>> {
        self.changes.subscribe()
    }

    /// Takes over what a commit stored: results, then states.
    pub(crate) fn publish(&self, results: &[&RecordedResult], states: Vec<StateChange>) {
        let now = Timestamp::now();
        let mut monitors = self.write();
        for recorded in results {
            let RecordedResult { monitor, result, .. } = recorded;
            let Some(entry) = monitors.by_id.get_mut(monitor) else { continue };
            if !entry.is_about(result) {
                continue;
            }
            let entry = Arc::make_mut(entry);
            // A result that changes nothing still makes older ones late.
            watchkeep_judge::mark_seen(&mut entry.state, recorded, now);
            let severity = result.verdict.code.severity(entry.family);
            entry.recent.push(result.started_at, result.duration.as_secs_f32() * 1_000.0, severity);
            if entry.last.as_ref().is_some_and(|last| last.started_at > result.started_at) {
                continue;
            }
            let result = Arc::new(seen(result));
            entry.last = Some(Arc::clone(&result));
            self.tell(entry, What::Result(result));
        }
        for change in states {
            let Some(entry) = monitors.by_id.get_mut(&change.monitor) else { continue };
            let entry = Arc::make_mut(entry);
            // Two commits may come here in another order than they were stored in.
            if change.state.revision > entry.state.revision {
                entry.take_state(change.state);
            }
            for (event, _) in change.events {
                self.tell(entry, What::Event(Arc::new(event)));
            }
        }
    }

    /// Takes over a monitor as it is stored now: new, changed, or read again after somebody else changed it.
    /// The events are those that were stored with it.
    pub(crate) fn put(&self, kept: Kept, events: Vec<Event>) -> Arc<Entry> {
        let mut monitors = self.write();
        let id = kept.id.clone();
        match monitors.by_id.get_mut(&id) {
            Some(entry) => Arc::make_mut(entry).take_settings(kept),
            None => monitors.insert(Entry::new(kept)),
        }
        let entry = Arc::clone(&monitors.by_id[&id]);
        self.tell(&entry, What::Settings);
        for event in events {
            self.tell(&entry, What::Event(Arc::new(event)));
        }
        entry
    }

    /// Forgets a monitor.
    pub(crate) fn remove(&self, id: &MonitorId) {
        let mut monitors = self.write();
        let Some(entry) = monitors.by_id.remove(id) else { return };
        if let Some(ids) = monitors.by_org.get_mut(&entry.org) {
            ids.remove(id);
        }
        self.tell(&entry, What::Gone);
    }

    fn tell(&self, entry: &Entry, what: What) {
        if self.changes.receiver_count() == 0 {
            return;
        }
        let number = self.number.fetch_add(1, Ordering::Relaxed) + 1;
        // Fails only when the last listener left meanwhile.
        let _ = self.changes.send(Arc::new(Change { number, org: entry.org.clone(), monitor: entry.id.clone(), what }));
    }

    // A panic while the lock was held leaves whole values behind: each update is a plain assignment.
    fn read(&self) -> RwLockReadGuard<'_, Monitors> {
        self.monitors.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Monitors> {
        self.monitors.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// Whether a result is of what is tested now, and not of what was before the settings changed.
    fn is_about(&self, result: &TestResult) -> bool {
        self.monitor.as_ref().is_ok_and(|monitor| monitor.settings.test.subject == result.subject)
    }

    fn take_settings(&mut self, kept: Kept) {
        // Two changes may come here in another order than they were stored in.
        if kept.version < self.version {
            return;
        }
        let newer = kept.state.revision >= self.state.revision;
        self.name = kept.name;
        self.family = kept.family;
        self.version = kept.version;
        self.monitor = kept.monitor.map(Arc::new);
        if newer {
            self.take_state(kept.state);
        }
    }

    fn take_state(&mut self, mut state: MonitorState) {
        let status = state.status(self.family);
        self.uptime.change(status.since, status.code);
        // What was seen stays seen: a state is stored with changes only.
        for (location, view) in &mut state.locations {
            let before = self.state.locations.get(location);
            view.seen_at = before.map_or(view.seen_at, |before| before.seen_at.max(view.seen_at));
        }
        self.state = state;
    }
}

impl Monitors {
    fn insert(&mut self, entry: Entry) {
        self.by_org.entry(entry.org.clone()).or_default().insert(entry.id.clone());
        self.by_id.insert(entry.id.clone(), Arc::new(entry));
    }
}

fn seen(result: &TestResult) -> TestResult<Seen> {
    // What is notable was judged, and nobody asks for it any more.
    TestResult { notable: None, ..result.clone().map(Seen::Now) }
}

fn remembered(result: TestResult<Box<RawValue>>) -> TestResult<Seen> {
    result.map(Seen::Past)
}
