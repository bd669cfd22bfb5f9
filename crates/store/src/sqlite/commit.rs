//! The one transaction: results, states, incidents, status intervals, events, and how far the robot has come.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Transaction, params};
use watchkeep_catalogue::Family;
use watchkeep_model::{Event, MonitorId, MonitorState, Observed, RecordedResult, RobotSequence, StateChange, Telling};

use super::{
    SqliteStore,
    columns::{count_at, execute, from_json, get, json, parsed, row, rows, signed},
};
use crate::{
    Commit, CommitOutcome, Commits, IncidentChange, RobotMark, StoreError,
    series::{
        Entry, MonitorKey, Words,
        codec::{self, Effort},
        head::{Head, Plan},
    },
};

/// The newest words of each monitor, so that results that say the same share them.
#[derive(Default)]
pub(super) struct KnownWords(Mutex<HashMap<MonitorId, (Observed, Arc<Words>)>>);

impl KnownWords {
    /// The words of a result. JSON is written only when they differ from the monitor's last.
    fn of(&self, recorded: &RecordedResult) -> Result<Arc<Words>, StoreError> {
        let result = &recorded.result;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((observed, words)) = known.get(&recorded.monitor)
            && *observed == result.observed
            && words.detail.as_deref() == result.verdict.detail.as_deref()
            && *words.target == *result.subject.target
            && *words.location == *result.location.as_str()
        {
            return Ok(Arc::clone(words));
        }
        let family = Family::ALL.iter().position(|family| *family == result.subject.family).unwrap_or_default();
        let words = Arc::new(Words {
            family: u8::try_from(family).unwrap_or_default(),
            test_type: Arc::clone(&result.subject.test_type),
            target: Arc::clone(&result.subject.target),
            location: result.location.as_str().into(),
            detail: result.verdict.detail.as_deref().map(Into::into),
            observed: json(&result.observed)?.into(),
        });
        known.insert(recorded.monitor.clone(), (result.observed.clone(), Arc::clone(&words)));
        Ok(words)
    }

    pub(super) fn forget(&self, monitor: &MonitorId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(monitor);
    }
}

fn entry(recorded: &RecordedResult, words: Arc<Words>) -> Entry {
    let result = &recorded.result;
    let microseconds = |duration: std::time::Duration| u32::try_from(duration.as_micros()).unwrap_or(u32::MAX - 1);
    Entry {
        start: result.started_at.as_microsecond(),
        duration: u64::try_from(result.duration.as_micros()).unwrap_or(u64::MAX),
        phases: result.phases.in_order().map(|(_, phase)| phase.map(microseconds)),
        code: result.verdict.code.number(),
        attempt: recorded.attempt,
        words,
    }
}

/// The integer key of a monitor.
pub(super) fn key(connection: &rusqlite::Connection, id: &MonitorId) -> Result<Option<MonitorKey>, StoreError> {
    row(connection, "SELECT key FROM monitor WHERE id = $1", [id.as_str()], |row| get(row, "key"))
}

#[async_trait]
impl Commits for SqliteStore {
    async fn commit(&self, commit: Commit) -> Result<CommitOutcome, StoreError> {
        let fresh: Vec<(MonitorId, Entry)> = commit
            .results
            .iter()
            .map(|recorded| Ok((recorded.monitor.clone(), entry(recorded, self.words.of(recorded)?))))
            .collect::<Result<_, StoreError>>()?;
        let Commit { mark, states, .. } = commit;
        let (planned, applied) = (Arc::clone(&self.head), Arc::clone(&self.head));
        let write = move |transaction: &Transaction<'_>| {
            let conflicts = conflicts(transaction, &states)?;
            if !conflicts.is_empty() {
                return Ok(Err(conflicts));
            }
            let written = write_results(transaction, &planned, fresh)?;
            for change in &states {
                write_change(transaction, change)?;
            }
            if let Some(mark) = mark {
                write_mark(transaction, &mark)?;
            }
            Ok(Ok(written))
        };
        // The head follows the table only once the table is durable.
        let apply = move |written: Result<Written, Vec<MonitorId>>| match written {
            Ok((plan, new)) => {
                applied.write().unwrap_or_else(PoisonError::into_inner).apply(&plan, new);
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

type Written = (Plan, Vec<(MonitorKey, Entry)>);

fn write_results(
    transaction: &Transaction<'_>,
    head: &RwLock<Head>,
    fresh: Vec<(MonitorId, Entry)>,
) -> Result<Written, StoreError> {
    let mut new = Vec::with_capacity(fresh.len());
    for (monitor, entry) in fresh {
        if let Some(key) = key(transaction, &monitor)? {
            new.push((key, entry));
        }
    }
    let plan = head.read().unwrap_or_else(PoisonError::into_inner).plan(&new);
    let encoded = |entries: &[(MonitorKey, Entry)], effort| {
        codec::encode(entries, effort)
            .map_err(|error| StoreError::Engine { doing: "encode results", reason: error.to_string() })
    };
    let is_sealed = |key: &MonitorKey| plan.seal.iter().any(|(sealed, _)| sealed == key);
    let open: Vec<_> = new.iter().filter(|(key, _)| !is_sealed(key)).cloned().collect();
    if !open.is_empty() {
        let data = encoded(&open, Effort::Head)?;
        execute(
            transaction,
            "store results",
            "INSERT INTO head (seq, data) VALUES ($1, $2)",
            params![signed(plan.row), data],
        )?;
    }
    for (key, entries) in &plan.seal {
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else { continue };
        let (first, last) = (first.start, last.start);
        let keyed: Vec<_> = entries.iter().map(|entry| (*key, entry.clone())).collect();
        let sql = "INSERT INTO block (monitor, first, last, count, through, data) VALUES ($1, $2, $3, $4, $5, $6)";
        let data = encoded(&keyed, Effort::Block)?;
        execute(
            transaction,
            "seal results",
            sql,
            params![key, first, last, signed(keyed.len() as u64), signed(plan.row), data],
        )?;
    }
    for finished in &plan.finished {
        execute(transaction, "seal results", "DELETE FROM head WHERE seq = $1", [signed(*finished)])?;
    }
    Ok((plan, new))
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
        "INSERT INTO event (id, org, monitor, kind, created_at, change, waiting) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let change = event.change.as_ref().map(json).transpose()?;
    let waiting = i64::from(telling == Telling::Tell);
    let created = event.created_at.as_microsecond();
    execute(
        transaction,
        "store an event",
        sql,
        params![event.id.as_str(), event.org.as_str(), key, event.kind.as_str(), created, change, waiting],
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
