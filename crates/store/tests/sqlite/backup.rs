//! Copies of a folder, made as the documentation says: while the store runs, and after it was stopped.
//! A copy without its key is refused elsewhere, in `secrets`.

use std::{fs, path::Path};

use watchkeep_store::{Accounts, Commit, Commits, Contacts, History, Monitors, SqliteStore};

use crate::support::{active_monitor, contact, contact_id, monitor_id, numbers, result};

async fn fill(store: &SqliteStore, first: u32) {
    for first in (first..first + 900).step_by(90) {
        let results = (first..first + 90).map(|number| result(&monitor_id(1), number.into(), number));
        store.commit(Commit { results: results.collect(), ..Commit::default() }).await.unwrap();
    }
}

/// Everything that was kept is in the copy, its secrets among it.
async fn check(copy: &Path, results: u32) {
    let store = SqliteStore::open(copy).unwrap();
    let org = store.default_org().await.unwrap();
    let found = store.results(&org, &monitor_id(1), None, usize::MAX).await.unwrap();
    assert_eq!(numbers(&found.items), (0..results).rev().collect::<Vec<_>>());
    let kept = store.monitor(&org, &monitor_id(1)).await.unwrap().unwrap();
    assert_eq!(kept.monitor.unwrap(), active_monitor(&org, 1).monitor);
    assert_eq!(store.contact(&org, &contact_id(1)).await.unwrap(), Some(contact(&org, 1, 1)));
    // It is a store like any other.
    fill(&store, results).await;
}

#[tokio::test]
async fn a_copy_made_while_the_store_runs_or_after_it_was_stopped_opens_with_its_key() {
    let (folder, copies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (running, stopped) = (copies.path().join("running"), copies.path().join("stopped"));
    fs::create_dir(&running).unwrap();
    fs::create_dir(&stopped).unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    let org = store.default_org().await.unwrap();
    store.create_monitor(active_monitor(&org, 1), Vec::new()).await.unwrap();
    store.create_contact(contact(&org, 1, 1)).await.unwrap();
    fill(&store, 0).await;

    let raw = rusqlite::Connection::open(folder.path().join("watchkeep.db")).unwrap();
    raw.execute("VACUUM INTO ?1", [running.join("watchkeep.db").to_str().unwrap()]).unwrap();
    fs::copy(folder.path().join("watchkeep.key"), running.join("watchkeep.key")).unwrap();
    drop(raw);
    fill(&store, 900).await;
    check(&running, 900).await;

    drop(store);
    assert!(!folder.path().join("watchkeep.db-wal").exists(), "after a stop the database is one file");
    for file in ["watchkeep.db", "watchkeep.key"] {
        fs::copy(folder.path().join(file), stopped.join(file)).unwrap();
    }
    check(&stopped, 1_800).await;
}
