//! Monitors and their states.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Row, Transaction, params};
use watchkeep_catalogue::Family;
use watchkeep_model::{Event, Exposure, Invalid, Monitor, MonitorId, MonitorSettings, Object, OrgId, Telling};

use super::{
    SqliteStore,
    columns::{count_at, execute, from_json, get, json, parsed, row, rows, signed, time_at},
    commit::{write_event, write_state},
};
use crate::{
    Kept, Monitors, Put, StoreError, StoredMonitor,
    series::MonitorKey,
    vault::{Place, Vault},
};

/// What every query of monitors selects, with the rest of the query to follow.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT m.id, m.org, m.name, m.family, m.settings, m.version, m.created_at, s.state FROM monitor m JOIN monitor_state s ON s.monitor = m.key ",
            $rest
        )
    };
}

pub(super) const BY_KEY: &str = select!("WHERE m.key = $1");

pub(super) fn kept(row: &Row<'_>, vault: &Vault) -> Result<Kept, StoreError> {
    let (id, org): (MonitorId, OrgId) = (parsed(row, "id")?, parsed(row, "org")?);
    let (created_at, version) = (time_at(row, "created_at")?, count_at(row, "version")?);
    // Settings of a newer version, or one damaged row, keep nobody from the others: the monitor is shown as what
    // it cannot run.
    let unreadable = |reason: String| Invalid::one("", format!("the stored settings cannot be read: {reason}"));
    let settings = vault
        .unlock(place(&id), &get::<Vec<u8>>(row, "settings")?)
        .map_err(|error| unreadable(error.to_string()))
        .and_then(|text| serde_json::from_str::<Object>(&text).map_err(|error| unreadable(error.to_string())))
        .and_then(MonitorSettings::parse);
    let monitor =
        settings.map(|(settings, _)| Monitor { id: id.clone(), org: org.clone(), settings, created_at, version });
    let (name, state) = (parsed(row, "name")?, from_json(row, "state")?);
    let family = match &monitor {
        Ok(monitor) => monitor.family(),
        // A family that only a newer version knows is shown as the commonest.
        Err(_) => Family::parse(&get::<String>(row, "family")?).unwrap_or(Family::Service),
    };
    Ok(Kept { id, org, name, family, created_at, version, monitor, state })
}

pub(super) fn place(id: &MonitorId) -> Place<'_> {
    Place { column: "monitor.settings", id: id.as_str() }
}

fn settings(vault: &Vault, monitor: &Monitor) -> Result<Vec<u8>, StoreError> {
    vault.lock(place(&monitor.id), &json(&monitor.settings.write(Exposure::Stored))?)
}

fn write_events(transaction: &Transaction<'_>, key: MonitorKey, events: &[Event]) -> Result<(), StoreError> {
    events.iter().try_for_each(|event| write_event(transaction, Some(key), event, Telling::Keep))
}

/// Key, version and revision of one organisation's monitor.
fn versions(
    transaction: &Transaction<'_>,
    org: &OrgId,
    id: &MonitorId,
) -> Result<Option<(MonitorKey, u64, u64)>, StoreError> {
    let sql = "SELECT m.key, m.version, s.revision FROM monitor m JOIN monitor_state s ON s.monitor = m.key WHERE m.org = $1 AND m.id = $2";
    row(transaction, sql, [org.as_str(), id.as_str()], |row| {
        Ok((get(row, "key")?, count_at(row, "version")?, count_at(row, "revision")?))
    })
}

#[async_trait]
impl Monitors for SqliteStore {
    async fn all_monitors(&self) -> Result<Vec<Kept>, StoreError> {
        let vault = Arc::clone(&self.vault);
        let read = move |row: &Row<'_>| kept(row, &vault);
        self.readers.read(|connection| rows(connection, select!("ORDER BY m.key"), [], read)).await
    }

    async fn monitors(&self, org: &OrgId, after: Option<&MonitorId>, limit: usize) -> Result<Vec<Kept>, StoreError> {
        let (org, after) = (org.clone(), after.map(|id| id.as_str().to_owned()).unwrap_or_default());
        let vault = Arc::clone(&self.vault);
        self.readers
            .read(move |connection| {
                rows(
                    connection,
                    select!("WHERE m.org = $1 AND m.id > $2 ORDER BY m.id LIMIT $3"),
                    params![org.as_str(), after, signed(limit as u64)],
                    |row| kept(row, &vault),
                )
            })
            .await
    }

    async fn monitor(&self, org: &OrgId, id: &MonitorId) -> Result<Option<Kept>, StoreError> {
        let (org, id, vault) = (org.clone(), id.clone(), Arc::clone(&self.vault));
        self.readers
            .read(move |connection| {
                let read = |row: &Row<'_>| kept(row, &vault);
                row(connection, select!("WHERE m.org = $1 AND m.id = $2"), [org.as_str(), id.as_str()], read)
            })
            .await
    }

    async fn create_monitor(&self, new: StoredMonitor, events: Vec<Event>) -> Result<(), StoreError> {
        let (results, id, vault) = (Arc::clone(&self.results), new.monitor.id.clone(), Arc::clone(&self.vault));
        let create = move |transaction: &Transaction<'_>| {
            let StoredMonitor { monitor, state } = &new;
            let sql = "INSERT INTO monitor (id, org, name, family, settings, version, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
            let (name, created) = (monitor.settings.name.as_str(), monitor.created_at.as_microsecond());
            let family = monitor.family().as_str();
            let (id, org, version) = (monitor.id.as_str(), monitor.org.as_str(), signed(monitor.version));
            let settings = settings(&vault, monitor)?;
            execute(transaction, "store a monitor", sql, params![id, org, name, family, settings, version, created])?;
            let key = transaction.last_insert_rowid();
            write_state(transaction, key, state)?;
            write_events(transaction, key, &events)?;
            Ok(key)
        };
        self.writer.write_then("store a monitor", create, move |key| results.created(id, key)).await
    }

    async fn update_monitor(
        &self,
        changed: StoredMonitor,
        expected_version: u64,
        expected_revision: u64,
        events: Vec<Event>,
    ) -> Result<Put, StoreError> {
        let vault = Arc::clone(&self.vault);
        self.writer
            .write("store a monitor", move |transaction| {
                let StoredMonitor { monitor, state } = &changed;
                let Some((key, version, revision)) = versions(transaction, &monitor.org, &monitor.id)? else {
                    return Ok(Put::Missing);
                };
                if (version, revision) != (expected_version, expected_revision) {
                    return Ok(Put::Conflict);
                }
                let sql = "UPDATE monitor SET name = $1, family = $2, settings = $3, version = $4 WHERE key = $5";
                let (name, settings) = (monitor.settings.name.as_str(), settings(&vault, monitor)?);
                let values = params![name, monitor.family().as_str(), settings, signed(monitor.version), key];
                execute(transaction, "store a monitor", sql, values)?;
                write_state(transaction, key, state)?;
                write_events(transaction, key, &events)?;
                Ok(Put::Done)
            })
            .await
    }

    async fn delete_monitor(&self, org: &OrgId, id: &MonitorId) -> Result<Put, StoreError> {
        let (org, id) = (org.clone(), id.clone());
        let (results, monitor) = (Arc::clone(&self.results), id.clone());
        let delete = move |transaction: &Transaction<'_>| {
            let Some((key, ..)) = versions(transaction, &org, &id)? else { return Ok(None) };
            for sql in ["DELETE FROM block WHERE monitor = $1", "DELETE FROM monitor WHERE key = $1"] {
                execute(transaction, "delete a monitor", sql, [key])?;
            }
            execute(transaction, "delete a monitor", "DELETE FROM delivery WHERE monitor = $1", [id.as_str()])?;
            Ok(Some(key))
        };
        let forget = move |deleted: Option<MonitorKey>| match deleted {
            None => Put::Missing,
            Some(key) => {
                results.deleted(&monitor, key);
                Put::Done
            }
        };
        self.writer.write_then("delete a monitor", delete, forget).await
    }
}
