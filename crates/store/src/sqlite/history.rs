//! The past: raw results from head and blocks, events, incidents, status intervals.

use std::{
    cmp::Reverse,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use serde_json::value::RawValue;
use watchkeep_catalogue::{Family, StatusCode};
use watchkeep_model::{
    Event, EventType, Incident, IncidentId, LocationName, MonitorId, OrgId, Phases, RecordedResult, TestResult,
    TestSubject, Verdict,
};

use super::{
    SqliteStore,
    columns::{count_at, from_json, get, maybe_time_at, parsed, row, rows, signed, time, time_at},
    commit::key,
};
use crate::{
    History, IncidentFilter, Page, PastResult, StatusInterval, StoreError, TimeRange,
    series::{Entry, MonitorKey, codec, head::Head},
};

const NEVER: i64 = i64::MAX;

fn corrupt(what: &'static str) -> impl Fn(String) -> StoreError {
    move |reason| StoreError::Corrupt { what, reason }
}

fn past(monitor: &MonitorId, entry: &Entry) -> Result<PastResult, StoreError> {
    let corrupt = corrupt("a result");
    let words = &entry.words;
    let family =
        Family::ALL.get(usize::from(words.family)).copied().ok_or_else(|| corrupt("unknown family".to_owned()))?;
    let location: LocationName = words.location.parse().map_err(|error| corrupt(format!("{error}")))?;
    let [dns, connect, tls, first_byte, transfer] =
        entry.phases.map(|phase| phase.map(|value| Duration::from_micros(value.into())));
    let result = TestResult {
        subject: Arc::new(TestSubject {
            family,
            test_type: Arc::clone(&words.test_type),
            target: Arc::clone(&words.target),
        }),
        location,
        started_at: time(entry.start, "a result")?,
        verdict: Verdict {
            code: StatusCode::new(entry.code),
            detail: words.detail.as_deref().map(|detail| detail.to_owned().into()),
        },
        duration: Duration::from_micros(entry.duration),
        phases: Phases { dns, connect, tls, first_byte, transfer },
        observed: RawValue::from_string(words.observed.to_string()).map_err(|error| corrupt(error.to_string()))?,
    };
    Ok(RecordedResult { monitor: monitor.clone(), attempt: entry.attempt, result })
}

/// Entries of one monitor, newest first: at least `wanted` of those that began before `before` and not
/// before `from`, or all there are.
fn newest(
    connection: &Connection,
    head: &RwLock<Head>,
    key: MonitorKey,
    from: i64,
    before: i64,
    wanted: usize,
) -> Result<Vec<Entry>, StoreError> {
    /// Stands for the row of results that are sealed.
    const SEALED: u64 = u64::MAX;
    let is_wanted = |entry: &Entry| (from..before).contains(&entry.start);
    let mut found = head.read().unwrap_or_else(PoisonError::into_inner).entries(key);
    found.retain(|(_, entry)| is_wanted(entry));
    let mut statement = connection
        .prepare_cached(
            "SELECT last, through, data FROM block WHERE monitor = $1 AND last >= $2 AND first < $3 ORDER BY last DESC",
        )
        .map_err(super::engine("prepare a query"))?;
    let mut blocks = statement.query(params![key, from, before]).map_err(super::engine("run a query"))?;
    while let Some(block) = blocks.next().map_err(super::engine("run a query"))? {
        let last: i64 = get(block, "last")?;
        found.sort_by_key(|(_, entry)| Reverse(entry.start));
        // Blocks come by their newest entry: what is left is older than everything in this one.
        if found.get(wanted.saturating_sub(1)).is_some_and(|(_, entry)| entry.start > last) {
            break;
        }
        // What was sealed after the head was read is in the block as well.
        let through = count_at(block, "through")?;
        found.retain(|(row, _)| *row > through);
        let data: Vec<u8> = get(block, "data")?;
        let entries = codec::decode(&data).map_err(|error| corrupt("a block of results")(error.to_string()))?;
        found.extend(entries.into_iter().map(|(_, entry)| (SEALED, entry)).filter(|(_, entry)| is_wanted(entry)));
    }
    found.sort_by_key(|(_, entry)| Reverse(entry.start));
    Ok(found.into_iter().map(|(_, entry)| entry).collect())
}

/// A cursor that is a number; anything else begins at the front, as an unknown cursor has nothing before it.
fn cursor(after: Option<&str>) -> i64 {
    after.and_then(|text| text.parse().ok()).unwrap_or(NEVER)
}

/// The page of a list that was read with one entry more than asked for.
fn page<T>(mut items: Vec<(i64, T)>, limit: usize) -> Page<T> {
    let has_more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| has_more).map(|(position, _)| position.to_string());
    Page { items: items.into_iter().map(|(_, item)| item).collect(), next }
}

pub(super) fn event(row: &Row<'_>) -> Result<Event, StoreError> {
    let kind: String = get(row, "kind")?;
    let kind = EventType::parse(&kind).ok_or_else(|| corrupt("an event")(format!("unknown kind {kind}")))?;
    let change: Option<String> = get(row, "change")?;
    let change = change
        .map(|text| serde_json::from_str(&text).map_err(|error| corrupt("an event")(error.to_string())))
        .transpose()?;
    Ok(Event {
        id: parsed(row, "id")?,
        org: parsed(row, "org")?,
        kind,
        created_at: time_at(row, "created_at")?,
        change,
    })
}

fn incident(row: &Row<'_>) -> Result<Incident, StoreError> {
    Ok(Incident {
        id: parsed(row, "id")?,
        org: parsed(row, "org")?,
        monitor: parsed(row, "monitor")?,
        code: StatusCode::new(get(row, "code")?),
        opened_at: time_at(row, "opened_at")?,
        resolved_at: maybe_time_at(row, "resolved_at")?,
        entries: from_json(row, "entries")?,
    })
}

const INCIDENT: &str = "SELECT i.seq, i.id, i.org, m.id AS monitor, i.code, i.opened_at, i.resolved_at, i.entries FROM incident i JOIN monitor m ON m.key = i.monitor";

#[async_trait]
impl History for SqliteStore {
    async fn results(
        &self,
        org: &OrgId,
        monitor: &MonitorId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<PastResult>, StoreError> {
        let (org, monitor, before, head) = (org.clone(), monitor.clone(), cursor(after), Arc::clone(&self.head));
        self.readers
            .read(move |connection| {
                let sql = "SELECT key FROM monitor WHERE org = $1 AND id = $2";
                let Some(key) = row(connection, sql, [org.as_str(), monitor.as_str()], |row| get(row, "key"))? else {
                    return Ok(Page { items: Vec::new(), next: None });
                };
                let entries = newest(connection, &head, key, i64::MIN, before, limit + 1)?;
                // Results of one moment stay on one page, because the cursor is the moment.
                let end = entries
                    .get(limit.saturating_sub(1))
                    .map_or(entries.len(), |last| entries.partition_point(|entry| entry.start >= last.start));
                let next = entries.get(end).and_then(|_| entries.get(end - 1)).map(|last| last.start.to_string());
                let items = entries[..end].iter().map(|entry| past(&monitor, entry)).collect::<Result<_, _>>()?;
                Ok(Page { items, next })
            })
            .await
    }

    async fn last_results(&self, monitors: &[MonitorId]) -> Result<Vec<PastResult>, StoreError> {
        let (monitors, head) = (monitors.to_vec(), Arc::clone(&self.head));
        self.readers
            .read(move |connection| {
                let mut found = Vec::new();
                for monitor in monitors {
                    let Some(key) = key(connection, &monitor)? else { continue };
                    if let Some(entry) = newest(connection, &head, key, i64::MIN, NEVER, 1)?.first() {
                        found.push(past(&monitor, entry)?);
                    }
                }
                Ok(found)
            })
            .await
    }

    async fn latencies(
        &self,
        monitor: &MonitorId,
        range: TimeRange,
        points: usize,
    ) -> Result<Vec<(Timestamp, f32, StatusCode)>, StoreError> {
        let (monitor, head) = (monitor.clone(), Arc::clone(&self.head));
        self.readers
            .read(move |connection| {
                let Some(key) = key(connection, &monitor)? else { return Ok(Vec::new()) };
                let (from, until) = (range.from.as_microsecond(), range.until.as_microsecond());
                let mut entries = newest(connection, &head, key, from, until, usize::MAX)?;
                entries.reverse();
                let every = entries.len().div_ceil(points.max(1)).max(1);
                entries
                    .iter()
                    .step_by(every)
                    .map(|entry| {
                        Ok((
                            time(entry.start, "a result")?,
                            entry.duration as f32 / 1000.0,
                            StatusCode::new(entry.code),
                        ))
                    })
                    .collect()
            })
            .await
    }

    async fn events(
        &self,
        org: &OrgId,
        monitor: Option<&MonitorId>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Event>, StoreError> {
        let (org, monitor, before) = (org.clone(), monitor.cloned(), cursor(after));
        self.readers
            .read(move |connection| {
                let read = |row: &Row<'_>| Ok((get(row, "seq")?, event(row)?));
                let most = signed(limit as u64 + 1);
                let items = match monitor {
                    None => {
                        let sql = "SELECT * FROM event WHERE org = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3";
                        rows(connection, sql, params![org.as_str(), before, most], read)?
                    }
                    Some(monitor) => {
                        let sql = "SELECT e.* FROM event e JOIN monitor m ON m.key = e.monitor
                                   WHERE m.org = $1 AND m.id = $2 AND e.seq < $3 ORDER BY e.seq DESC LIMIT $4";
                        rows(connection, sql, params![org.as_str(), monitor.as_str(), before, most], read)?
                    }
                };
                Ok(page(items, limit))
            })
            .await
    }

    async fn status_intervals(
        &self,
        monitor: &MonitorId,
        _: Family,
        range: TimeRange,
    ) -> Result<Vec<StatusInterval>, StoreError> {
        let monitor = monitor.clone();
        self.readers
            .read(move |connection| {
                let Some(key) = key(connection, &monitor)? else { return Ok(Vec::new()) };
                let (from, until) = (range.from.as_microsecond(), range.until.as_microsecond());
                // The interval that stands at the beginning of the range began before it.
                let sql = "SELECT since, code FROM status_interval WHERE monitor = $1 AND since < $2
                           AND since >= coalesce((SELECT max(since) FROM status_interval WHERE monitor = $1 AND since <= $3), $3) ORDER BY since";
                let starts = rows(connection, sql, params![key, until, from], |row| Ok((get::<i64>(row, "since")?, get::<i16>(row, "code")?)))?;
                let ends = starts.iter().skip(1).map(|(since, _)| *since).chain([until]);
                starts
                    .iter()
                    .zip(ends)
                    .map(|((since, code), end)| {
                        let what = "a status interval";
                        Ok(StatusInterval { from: time((*since).max(from), what)?, until: time(end, what)?, code: StatusCode::new(*code) })
                    })
                    .collect()
            })
            .await
    }

    async fn incidents(
        &self,
        org: &OrgId,
        filter: IncidentFilter,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Incident>, StoreError> {
        let (org, before) = (org.clone(), cursor(after));
        self.readers
            .read(move |connection| {
                let sql = format!(
                    "{INCIDENT} WHERE i.org = $1 AND i.seq < $2 AND ($3 IS NULL OR m.id = $3) AND ($4 IS NULL OR (i.resolved_at IS NULL) = $4)
                     ORDER BY i.seq DESC LIMIT $5"
                );
                let monitor = filter.monitor.as_ref().map(MonitorId::as_str);
                let values = params![org.as_str(), before, monitor, filter.open, signed(limit as u64 + 1)];
                rows(connection, &sql, values, |row| Ok((get(row, "seq")?, incident(row)?))).map(|items| page(items, limit))
            })
            .await
    }

    async fn incident(&self, org: &OrgId, id: &IncidentId) -> Result<Option<Incident>, StoreError> {
        let (org, id) = (org.clone(), id.clone());
        self.readers
            .read(move |connection| {
                row(
                    connection,
                    &format!("{INCIDENT} WHERE i.org = $1 AND i.id = $2"),
                    [org.as_str(), id.as_str()],
                    incident,
                )
            })
            .await
    }
}
