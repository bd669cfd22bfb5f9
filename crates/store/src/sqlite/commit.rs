//! The one transaction: results, states, incidents, status intervals, events, and how far the robot has come.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Transaction, params};
use watchkeep_catalogue::Family;
use watchkeep_model::{Event, MonitorId, MonitorState, RobotSequence, StateChange, Telling};

use super::{
    SqliteStore,
    columns::{count_at, execute, from_json, get, json, parsed, row, rows, signed},
};
use crate::{
    Commit, CommitOutcome, Commits, IncidentChange, RobotMark, StoreError,
    series::{MonitorKey, head::Plan},
};

/// The integer key of a monitor.
pub(super) fn key(connection: &rusqlite::Connection, id: &MonitorId) -> Result<Option<MonitorKey>, StoreError> {
    row(connection, "SELECT key FROM monitor WHERE id = $1", [id.as_str()], |row| get(row, "key"))
}

#[async_trait]
impl Commits for SqliteStore {
    async fn commit(&self, commit: Commit) -> Result<CommitOutcome, StoreError> {
        let Commit { mark, results, states } = commit;
        let (kept, keeping) = (Arc::clone(&self.results), Arc::clone(&self.results));
        let write = move |transaction: &Transaction<'_>| {
            let conflicts = conflicts(transaction, &states)?;
            if !conflicts.is_empty() {
                return Ok(Err(conflicts));
            }
            let written = keeping.write(transaction, &results)?;
            for change in &states {
                write_change(transaction, change)?;
            }
            if let Some(mark) = mark {
                write_mark(transaction, &mark)?;
            }
            Ok(Ok(written))
        };
        let apply = move |written: Result<Plan, Vec<MonitorId>>| match written {
            Ok(written) => {
                kept.written(&written);
                CommitOutcome::Stored
            }
            Err(conflicts) => CommitOutcome::Conflict(conflicts),
        };
        self.writer.write_then("store results", write, apply).await
    }

    async fn robot_marks(&self) -> Result<Vec<RobotMark>, StoreError> {
        self.readers
            .read(|connection| {
                rows(connection, "SELECT robot, epoch, number FROM robot_mark", [], |row| {
                    let sequence = RobotSequence { epoch: count_at(row, "epoch")?, number: count_at(row, "number")? };
                    Ok(RobotMark { robot: parsed(row, "robot")?, sequence })
                })
            })
            .await
    }
}

fn conflicts(transaction: &Transaction<'_>, states: &[StateChange]) -> Result<Vec<MonitorId>, StoreError> {
    let mut found = Vec::new();
    for change in states {
        let sql = "SELECT s.revision FROM monitor_state s JOIN monitor m ON m.key = s.monitor WHERE m.id = $1";
        let revision = row(transaction, sql, [change.monitor.as_str()], |row| count_at(row, "revision"))?;
        if revision != Some(change.expected_revision) {
            found.push(change.monitor.clone());
        }
    }
    Ok(found)
}

fn write_change(transaction: &Transaction<'_>, change: &StateChange) -> Result<(), StoreError> {
    let Some(key) = key(transaction, &change.monitor)? else { return Ok(()) };
    write_state(transaction, key, &change.state)?;
    for incident in &change.incidents {
        write_incident(transaction, key, incident)?;
    }
    for (event, telling) in &change.events {
        write_event(transaction, Some(key), event, *telling)?;
    }
    Ok(())
}

/// Stores a state and, where it changes what users see, the beginning of a status interval.
pub(super) fn write_state(
    transaction: &Transaction<'_>,
    key: MonitorKey,
    state: &MonitorState,
) -> Result<(), StoreError> {
    let doing = "store a state";
    let sql = "INSERT INTO monitor_state (monitor, revision, state) VALUES ($1, $2, $3)
               ON CONFLICT (monitor) DO UPDATE SET revision = excluded.revision, state = excluded.state";
    execute(transaction, doing, sql, params![key, signed(state.revision), json(state)?])?;
    // The code users see does not depend on the family.
    let shown = state.status(Family::Service).code.number();
    let sql = "SELECT since, code FROM status_interval WHERE monitor = $1 ORDER BY since DESC LIMIT 1";
    let newest = row(transaction, sql, [key], |row| Ok((get::<i64>(row, "since")?, get::<i16>(row, "code")?)))?;
    if newest.is_none_or(|(_, code)| code != shown) {
        // A failure is true from its first failing test on, but never before the status that it ends.
        let since = state.since.as_microsecond().max(newest.map_or(i64::MIN, |(since, _)| since));
        let sql = "INSERT INTO status_interval (monitor, since, code) VALUES ($1, $2, $3)
                   ON CONFLICT (monitor, since) DO UPDATE SET code = excluded.code";
        execute(transaction, doing, sql, params![key, since, shown])?;
    }
    Ok(())
}

pub(super) fn write_incident(
    transaction: &Transaction<'_>,
    key: MonitorKey,
    change: &IncidentChange,
) -> Result<(), StoreError> {
    let doing = "store an incident";
    match change {
        IncidentChange::Open(incident) => {
            let sql = "INSERT INTO incident (id, org, monitor, code, opened_at, resolved_at, entries) VALUES ($1, $2, $3, $4, $5, $6, $7)";
            let (opened, resolved) =
                (incident.opened_at.as_microsecond(), incident.resolved_at.map(Timestamp::as_microsecond));
            let code = incident.code.number();
            execute(
                transaction,
                doing,
                sql,
                params![
                    incident.id.as_str(),
                    incident.org.as_str(),
                    key,
                    code,
                    opened,
                    resolved,
                    json(&incident.entries)?
                ],
            )?;
        }
        IncidentChange::Note { id, entry } | IncidentChange::Resolve { id, entry } => {
            let sql = "SELECT entries FROM incident WHERE id = $1";
            let kept: Option<Vec<watchkeep_model::IncidentEntry>> =
                row(transaction, sql, [id.as_str()], |row| from_json(row, "entries"))?;
            let mut entries = kept.unwrap_or_default();
            entries.push(entry.clone());
            if matches!(change, IncidentChange::Note { .. }) {
                let sql = "UPDATE incident SET entries = $1, code = $2 WHERE id = $3";
                execute(transaction, doing, sql, params![json(&entries)?, entry.code.number(), id.as_str()])?;
            } else {
                let sql = "UPDATE incident SET entries = $1, resolved_at = $2 WHERE id = $3";
                execute(transaction, doing, sql, params![json(&entries)?, entry.at.as_microsecond(), id.as_str()])?;
            }
        }
    }
    Ok(())
}

pub(super) fn write_event(
    transaction: &Transaction<'_>,
    key: Option<MonitorKey>,
    event: &Event,
    telling: Telling,
) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO event (id, org, monitor, kind, created_at, about, waiting) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let about = event.about.as_ref().map(json).transpose()?;
    let waiting = i64::from(telling == Telling::Tell);
    let created = event.created_at.as_microsecond();
    execute(
        transaction,
        "store an event",
        sql,
        params![event.id.as_str(), event.org.as_str(), key, event.kind.as_str(), created, about, waiting],
    )?;
    Ok(())
}

fn write_mark(transaction: &Transaction<'_>, mark: &RobotMark) -> Result<(), StoreError> {
    let sql = "INSERT INTO robot_mark (robot, epoch, number) VALUES ($1, $2, $3)
               ON CONFLICT (robot) DO UPDATE SET epoch = excluded.epoch, number = excluded.number";
    execute(
        transaction,
        "store a robot's mark",
        sql,
        params![mark.robot.as_str(), signed(mark.sequence.epoch), signed(mark.sequence.number)],
    )?;
    Ok(())
}
