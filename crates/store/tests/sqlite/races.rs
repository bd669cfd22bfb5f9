//! Readers beside the writer: whatever is sealed meanwhile, an acknowledged result is seen once by everybody.
//! The interleaving is left to the threads; the checks hold for every one of them.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
};

use tokio::task::JoinSet;
use watchkeep_model::{MonitorId, OrgId};
use watchkeep_store::{Accounts, Commit, CommitOutcome, Commits, History, Monitors, SqliteStore, TimeRange};

use crate::support::{active_monitor, at, numbers, result};

/// Results of one commit: a block is sealed every few commits.
const AT_ONCE: u32 = 60;
const ALL: u32 = 18_000;

struct Scene {
    store: SqliteStore,
    org: OrgId,
    monitor: MonitorId,
    acknowledged: AtomicU32,
    _folder: tempfile::TempDir,
}

async fn scene() -> Arc<Scene> {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    let org = store.default_org().await.unwrap();
    let stored = active_monitor(&org, 1);
    let monitor = stored.monitor.id.clone();
    store.create_monitor(stored, Vec::new()).await.unwrap();
    Arc::new(Scene { store, org, monitor, acknowledged: AtomicU32::new(0), _folder: folder })
}

impl Scene {
    fn is_written(&self) -> bool {
        self.acknowledged.load(SeqCst) == ALL
    }

    async fn write(self: Arc<Self>) {
        for first in (1..=ALL).step_by(AT_ONCE as usize) {
            let results = (first..first + AT_ONCE).map(|number| result(&self.monitor, number.into(), number));
            let commit = Commit { results: results.collect(), ..Commit::default() };
            assert_eq!(self.store.commit(commit).await.unwrap(), CommitOutcome::Stored);
            self.acknowledged.store(first + AT_ONCE - 1, SeqCst);
        }
    }

    /// The newest results, by number.
    async fn newest(&self, most: usize) -> Vec<u32> {
        numbers(&self.store.results(&self.org, &self.monitor, None, most).await.unwrap().items)
    }

    async fn read_all(self: Arc<Self>) {
        while !self.is_written() {
            let acknowledged = self.acknowledged.load(SeqCst);
            check(&self.newest(usize::MAX).await, acknowledged, 1);
        }
    }

    async fn read_newest(self: Arc<Self>) {
        while !self.is_written() {
            let acknowledged = self.acknowledged.load(SeqCst);
            let found = self.newest(500).await;
            let newest = found.first().copied().unwrap_or_default();
            check(&found, acknowledged, newest.saturating_sub(499).max(1));
            let last = self.store.last_results(std::slice::from_ref(&self.monitor)).await.unwrap();
            assert!(numbers(&last).first().copied().unwrap_or_default() >= newest);
        }
    }

    async fn read_pages(self: Arc<Self>) {
        while !self.is_written() {
            let acknowledged = self.acknowledged.load(SeqCst);
            let (mut all, mut after) = (Vec::new(), None);
            loop {
                let page = self.store.results(&self.org, &self.monitor, after.as_deref(), 700).await.unwrap();
                all.extend(numbers(&page.items));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            check(&all, acknowledged, 1);
        }
    }

    async fn read_latencies(self: Arc<Self>) {
        let range = TimeRange { from: at(0), until: at(1_000_000) };
        while !self.is_written() {
            let acknowledged = self.acknowledged.load(SeqCst);
            let found = self.store.latencies(&self.monitor, range, usize::MAX).await.unwrap();
            assert!(found.len() >= acknowledged as usize);
            let expected = (1_i64..).map(at).take(found.len());
            assert!(found.iter().map(|(start, ..)| *start).eq(expected), "{} results", found.len());
        }
    }
}

/// Checks that `found` begins with what was acknowledged or newer and goes down to `oldest` without gaps.
fn check(found: &[u32], acknowledged: u32, oldest: u32) {
    let newest = found.first().copied().unwrap_or_default();
    assert!(newest >= acknowledged, "{newest} is the newest, {acknowledged} were acknowledged");
    assert!(found.iter().copied().eq((oldest..=newest).rev()), "{} results from {newest} down", found.len());
}

/// Waits for all; one that fails does not wait for the others.
async fn finish(mut tasks: JoinSet<()>) {
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_see_every_acknowledged_result_once_while_blocks_are_sealed() {
    let scene = scene().await;
    let mut tasks = JoinSet::new();
    tasks.spawn(Arc::clone(&scene).write());
    tasks.spawn(Arc::clone(&scene).read_all());
    tasks.spawn(Arc::clone(&scene).read_newest());
    tasks.spawn(Arc::clone(&scene).read_pages());
    tasks.spawn(scene.read_latencies());
    finish(tasks).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_monitor_may_be_deleted_while_its_results_arrive_and_are_read() {
    let scene = scene().await;
    let mut tasks = JoinSet::new();
    tasks.spawn(Arc::clone(&scene).write());
    let deleting = Arc::clone(&scene);
    tasks.spawn(async move {
        while !deleting.is_written() {
            let found = deleting.newest(usize::MAX).await;
            assert_eq!(found.iter().collect::<HashSet<_>>().len(), found.len(), "a result was seen twice");
            if found.len() > 2_000 {
                deleting.store.delete_monitor(&deleting.org, &deleting.monitor).await.unwrap();
            }
        }
    });
    finish(tasks).await;
    assert!(scene.newest(10).await.is_empty());
}
