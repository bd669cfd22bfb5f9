//! `kill -9` in the middle of commits: what was acknowledged is there once, and of the commit on its way all or nothing.
//! The same folder is used again and again, so that later rounds begin with what earlier ones left behind.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    path::Path,
};

use watchkeep_model::{MonitorId, RobotSequence};
use watchkeep_store::{Accounts, Commit, CommitOutcome, Commits, History, Monitors, RobotMark, SqliteStore};

use crate::{
    child::{self, Task},
    support::{active_monitor, monitor_id, numbers, result},
};

const MONITORS: u8 = 3;
/// Results of one commit: enough that every few commits a block is sealed.
const AT_ONCE: u32 = 90;
const ROUNDS: usize = 6;

fn mark(number: u32) -> RobotMark {
    RobotMark { robot: "local".parse().unwrap(), sequence: RobotSequence { epoch: 1, number: number.into() } }
}

async fn newest(store: &SqliteStore) -> u32 {
    let marks = store.robot_marks().await.unwrap();
    marks.first().map_or(0, |mark| u32::try_from(mark.sequence.number).unwrap())
}

/// The child: results are numbered without gaps, and one is told only when it is acknowledged.
pub fn commit_without_end(folder: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(folder).unwrap();
        let mut last = newest(&store).await;
        loop {
            let fresh = last + 1..=last + AT_ONCE;
            last += AT_ONCE;
            let of = |number: u32| monitor_id(1 + u8::try_from(number % u32::from(MONITORS)).unwrap());
            let results = fresh.map(|number| result(&of(number), number.into(), number)).collect();
            let commit = Commit { mark: Some(mark(last)), results, states: Vec::new() };
            assert_eq!(store.commit(commit).await.unwrap(), CommitOutcome::Stored);
            println!("\nacknowledged {last}");
        }
    });
}

/// Every result, by number; each must be there once.
async fn found(store: &SqliteStore, monitors: &[MonitorId]) -> BTreeSet<u32> {
    let org = store.default_org().await.unwrap();
    let mut found = BTreeSet::new();
    for monitor in monitors {
        for number in numbers(&store.results(&org, monitor, None, usize::MAX).await.unwrap().items) {
            assert!(found.insert(number), "result {number} is there twice");
        }
    }
    found
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_or_doubled_by_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let monitors: Vec<_> = (1..=MONITORS).map(monitor_id).collect();
    {
        let store = SqliteStore::open(folder.path()).unwrap();
        let org = store.default_org().await.unwrap();
        for number in 1..=MONITORS {
            store.create_monitor(active_monitor(&org, number), Vec::new()).await.unwrap();
        }
    }
    let mut before = 0;
    for round in 0..ROUNDS {
        let mut child = child::start(Task::Commit, folder.path());
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let mut acknowledged = lines.filter_map(|line| line.strip_prefix("acknowledged ")?.parse::<u32>().ok());
        // Another moment each time, relative to what is sealed.
        let some = acknowledged.nth(5 + round * 7).unwrap();
        child.kill().unwrap();
        // It went on until it was killed.
        let last = acknowledged.last().unwrap_or(some);
        child.wait().unwrap();
        assert!(last > before);

        let store = SqliteStore::open(folder.path()).unwrap();
        let found = found(&store, &monitors).await;
        let kept = newest(&store).await;
        assert!(kept == last || kept == last + AT_ONCE, "{kept} are marked, {last} were acknowledged");
        assert!(found.iter().copied().eq(1..=kept), "{} results of {kept}", found.len());
        before = kept;
    }
}
