//! Secrets at rest: no file tells them, and the key that does is guarded by clear refusals.
//! What cannot be decrypted any more keeps nobody from the rest.

use std::{fs, path::Path};

use watchkeep_model::MonitorSettings;
use watchkeep_store::{Accounts, Commit, Commits, Contacts, Monitors, Put, SqliteStore, StoredMonitor};

use crate::support::{active_monitor, change, contact, monitor_id, result};

const KEY: &str = "watchkeep.key";

/// A monitor with every kind of secret that one may have.
fn secretive(org: &watchkeep_model::OrgId) -> StoredMonitor {
    let object = serde_json::json!({
        "type": "http", "name": "readable name", "target": "https://user:secret-of-the-url@shop.example/",
        "http": {
            "headers": {"X-Api-Key": "secret-of-the-header"}, "method": "POST", "body": "secret-of-the-body",
            "proxy": "http://proxy:secret-of-the-proxy@127.0.0.1:3128",
        },
    });
    let (settings, _) = MonitorSettings::parse(object.as_object().unwrap().clone()).unwrap();
    let mut stored = active_monitor(org, 1);
    stored.monitor.settings = settings;
    stored
}

fn has(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|file| {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

fn refusal(folder: &Path) -> String {
    SqliteStore::open(folder).err().map(|error| error.to_string()).unwrap_or_default()
}

#[tokio::test]
async fn no_file_tells_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = |folder: &Path| {
        for kind in ["url", "header", "body", "proxy"] {
            assert!(!has(folder, &format!("secret-of-the-{kind}")), "the {kind}'s secret is readable");
        }
        for secret in ["bearer-secret", "whsec_", "webhook-token", "127.0.0.1:9000"] {
            assert!(!has(folder, secret), "{secret} is readable");
        }
        assert!(has(folder, "readable name"), "this test looks at the right files");
    };
    let store = SqliteStore::open(folder.path()).unwrap();
    let org = store.default_org().await.unwrap();
    let stored = secretive(&org);
    store.create_monitor(stored.clone(), Vec::new()).await.unwrap();
    store.create_monitor(active_monitor(&org, 2), Vec::new()).await.unwrap();
    store.create_contact(contact(&org, 1, 2)).await.unwrap();
    // In the log, after changes, and after everything was written to its place.
    secrets(folder.path());
    let mut changed = stored.clone();
    changed.monitor.version = 2;
    assert_eq!(store.update_monitor(changed, 1, 0, Vec::new()).await.unwrap(), Put::Done);
    let mut renamed = contact(&org, 1, 1);
    renamed.version = 2;
    assert_eq!(store.update_contact(renamed, 1).await.unwrap(), Put::Done);
    let mut told = result(&stored.monitor.id, 1, 1);
    told.result.subject = stored.monitor.settings.test.subject.clone();
    let state = change(&org, &stored.monitor.id, &stored.state, watchkeep_catalogue::StatusCode::new(451), 5);
    store.commit(Commit { results: vec![told], states: vec![state], mark: None }).await.unwrap();
    secrets(folder.path());
    drop(store);
    secrets(folder.path());
    let store = SqliteStore::open(folder.path()).unwrap();
    let kept = store.monitor(&org, &stored.monitor.id).await.unwrap().unwrap();
    assert_eq!(kept.monitor.unwrap().settings, stored.monitor.settings);
}

#[test]
fn the_key_is_made_once_and_for_nobody_elses_eyes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(KEY);
    drop(SqliteStore::open(folder.path()).unwrap());
    let key = fs::read(&file).unwrap();
    assert_eq!(key.len(), 32);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    drop(SqliteStore::open(folder.path()).unwrap());
    assert_eq!(fs::read(&file).unwrap(), key);

    // A start that was cut off after the key was made.
    let other = tempfile::tempdir().unwrap();
    fs::copy(&file, other.path().join(KEY)).unwrap();
    drop(SqliteStore::open(other.path()).unwrap());
    assert_eq!(fs::read(other.path().join(KEY)).unwrap(), key);
    assert!(!folder.path().join("watchkeep.key.new").exists());
}

#[test]
fn a_key_that_is_missing_wrong_or_damaged_is_refused_until_the_right_one_is_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(KEY);
    drop(SqliteStore::open(folder.path()).unwrap());
    let key = fs::read(&file).unwrap();
    let advice = "; put the watchkeep.key that belongs to this database, from beside its backup, in its place";

    fs::remove_file(&file).unwrap();
    assert_eq!(refusal(folder.path()), format!("the key file {} is missing{advice}", file.display()));
    assert!(!file.exists(), "a new key would only hide what is wrong");

    fs::write(&file, [7; 32]).unwrap();
    assert_eq!(
        refusal(folder.path()),
        format!("the key file {} is the key of another database{advice}", file.display())
    );

    fs::write(&file, &key[..31]).unwrap();
    assert_eq!(refusal(folder.path()), format!("the key file {} has 31 bytes instead of 32{advice}", file.display()));

    fs::write(&file, &key).unwrap();
    SqliteStore::open(folder.path()).unwrap();
}

#[tokio::test]
async fn what_was_damaged_or_moved_is_named_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    let org = store.default_org().await.unwrap();
    for number in 1..=3 {
        store.create_monitor(active_monitor(&org, number), Vec::new()).await.unwrap();
    }
    store.create_contact(contact(&org, 1, 1)).await.unwrap();
    drop(store);
    let raw = rusqlite::Connection::open(folder.path().join("watchkeep.db")).unwrap();
    // The second monitor gets the first one's settings, as an intruder would try.
    let sql = "UPDATE monitor SET settings = (SELECT settings FROM monitor WHERE id = ?1) WHERE id = ?2";
    raw.execute(sql, [monitor_id(1).as_str(), monitor_id(2).as_str()]).unwrap();
    raw.execute("UPDATE contact SET channels = x'0102'", []).unwrap();
    drop(raw);

    let store = SqliteStore::open(folder.path()).unwrap();
    let kept = store.all_monitors().await.unwrap();
    let readable: Vec<_> = kept.iter().map(|kept| kept.monitor.is_ok()).collect();
    assert_eq!(readable, [true, false, true]);
    let reason = kept[1].monitor.as_ref().unwrap_err().to_string();
    assert!(reason.contains("cannot be decrypted"), "{reason}");
    let id = contact(&org, 1, 1).id;
    let error = store.contact(&org, &id).await.unwrap_err().to_string();
    assert!(error.contains("a contact that cannot be read") && error.contains(id.as_str()), "{error}");
    // Neither is in the way of getting rid of it.
    assert_eq!(store.delete_contact(&org, &id).await.unwrap(), Put::Done);
    assert_eq!(store.delete_monitor(&org, &monitor_id(2)).await.unwrap(), Put::Done);
}
