//! The folder of the embedded engine: who may read it, who may use it, and what it refuses to open.
//! Each refusal is one sentence that says what to do.

use std::{io::Read, path::Path};

use watchkeep_store::{Accounts, Commit, Commits, History, Monitors, SqliteStore};

use crate::{
    child::{self, Task},
    support::{active_monitor, numbers, result},
};

fn refusal(folder: &Path) -> String {
    SqliteStore::open(folder).err().map(|error| error.to_string()).unwrap_or_default()
}

fn raw(folder: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(folder.join("watchkeep.db")).unwrap()
}

#[tokio::test]
async fn what_was_kept_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("made/on/the/way");
    let store = SqliteStore::open(&folder).unwrap();
    let org = store.default_org().await.unwrap();
    let stored = active_monitor(&org, 1);
    let id = stored.monitor.id.clone();
    store.create_monitor(stored, Vec::new()).await.unwrap();
    for part in 0..10_u32 {
        let results = (0..90).map(|index| part * 90 + index).map(|number| result(&id, number.into(), number)).collect();
        store.commit(Commit { results, ..Commit::default() }).await.unwrap();
    }
    drop(store);
    let store = SqliteStore::open(&folder).unwrap();
    let found = store.results(&org, &id, None, usize::MAX).await.unwrap();
    assert_eq!(numbers(&found.items), (0..900).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn rows_that_are_sealed_leave_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    let org = store.default_org().await.unwrap();
    let stored = active_monitor(&org, 1);
    let id = stored.monitor.id.clone();
    store.create_monitor(stored, Vec::new()).await.unwrap();
    for first in (0..2_700).step_by(90) {
        let results = (first..first + 90).map(|number| result(&id, number.into(), number)).collect();
        store.commit(Commit { results, ..Commit::default() }).await.unwrap();
    }
    let count = |sql: &str| raw(folder.path()).query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert!(count("SELECT count(*) FROM head") < 10);
    assert!(count("SELECT count(*) FROM block") >= 5);
    store.delete_monitor(&org, &id).await.unwrap();
    assert_eq!(count("SELECT count(*) FROM block"), 0);
    // Also when nobody else reported before the restart.
    drop(store);
    let store = SqliteStore::open(folder.path()).unwrap();
    store.commit(Commit::default()).await.unwrap();
    assert_eq!(count("SELECT count(*) FROM head"), 0);
}

#[cfg(unix)]
#[test]
fn files_are_for_nobody_elses_eyes_and_a_folder_that_exists_keeps_its_rights() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("made");
    let _store = SqliteStore::open(&made).unwrap();
    assert_eq!(mode(&made), 0o700);
    let names = ["watchkeep.db", "watchkeep.db-wal", "watchkeep.db-shm"];
    for name in names {
        assert_eq!(mode(&made.join(name)), 0o600, "{name}");
    }
    let given = folder.path().join("given");
    std::fs::create_dir(&given).unwrap();
    std::fs::set_permissions(&given, std::fs::Permissions::from_mode(0o750)).unwrap();
    let _store = SqliteStore::open(&given).unwrap();
    assert_eq!(mode(&given), 0o750);
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(SqliteStore::open(folder.path()).unwrap());
    raw(folder.path()).execute_batch("PRAGMA user_version = 7").unwrap();
    let sentence = refusal(folder.path());
    assert_eq!(sentence, "the database has schema 7, and this version knows 1; use a newer watchkeep");
    raw(folder.path()).execute_batch("PRAGMA user_version = 1").unwrap();
    SqliteStore::open(folder.path()).unwrap();
}

#[test]
fn a_second_process_is_refused_until_the_first_has_ended() {
    let folder = tempfile::tempdir().unwrap();
    let open_elsewhere = || {
        let mut child = child::start(Task::Open, folder.path());
        let mut said = String::new();
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        child.wait().unwrap();
        said
    };
    let store = SqliteStore::open(folder.path()).unwrap();
    let said = open_elsewhere();
    assert!(said.contains("another watchkeep uses") && said.contains("--data-dir"), "{said}");
    assert!(refusal(folder.path()).contains("another watchkeep uses"));
    drop(store);
    let said = open_elsewhere();
    assert!(said.contains("\nopened\n"), "{said}");
}

#[test]
fn a_folder_that_cannot_be_used_and_a_file_that_is_no_database_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a-file");
    std::fs::write(&file, "x").unwrap();
    let sentence = refusal(&file);
    assert!(sentence.contains("could not use its folder") && sentence.contains("a-file"), "{sentence}");

    let other = folder.path().join("other");
    std::fs::create_dir(&other).unwrap();
    let text = "this is no database, and it is long enough to be one. ".repeat(100);
    std::fs::write(other.join("watchkeep.db"), text).unwrap();
    let sentence = refusal(&other);
    assert!(sentence.contains("not a database"), "{sentence}");
}
