//! The past: raw results from head and blocks, events, incidents, status intervals.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Row, params};
use watchkeep_catalogue::{Family, StatusCode};
use watchkeep_model::{Event, EventType, Incident, IncidentId, MonitorId, OrgId};

use super::{
    SqliteStore,
    columns::{from_json, get, maybe_time_at, one_more, parsed, row, rows, time, time_at},
    commit::key,
    past::{self, Point, Span},
};
use crate::{History, IncidentFilter, Page, PastResult, StatusInterval, StoreError, TimeRange, series::Entry};

fn corrupt(what: &'static str) -> impl Fn(String) -> StoreError {
    move |reason| StoreError::Corrupt { what, reason }
}

/// A cursor that is a number; anything else begins at the front, as an unknown cursor has nothing before it.
pub(super) fn cursor(after: Option<&str>) -> i64 {
    after.and_then(|text| text.parse().ok()).unwrap_or(i64::MAX)
}

/// The page of a list that was read with one entry more than asked for.
pub(super) fn page<T>(mut items: Vec<(i64, T)>, limit: usize) -> Page<T> {
    let has_more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| has_more).map(|(position, _)| position.to_string());
    Page { items: items.into_iter().map(|(_, item)| item).collect(), next }
}

pub(super) fn event(row: &Row<'_>) -> Result<Event, StoreError> {
    let kind: String = get(row, "kind")?;
    let kind = EventType::parse(&kind).ok_or_else(|| corrupt("an event")(format!("unknown kind {kind}")))?;
    let about: Option<String> = get(row, "about")?;
    let about = about
        .map(|text| serde_json::from_str(&text).map_err(|error| corrupt("an event")(error.to_string())))
        .transpose()?;
    Ok(Event { id: parsed(row, "id")?, org: parsed(row, "org")?, kind, created_at: time_at(row, "created_at")?, about })
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
        let (org, monitor, before, results) = (org.clone(), monitor.clone(), cursor(after), Arc::clone(&self.results));
        self.readers
            .read(move |connection| {
                let sql = "SELECT key FROM monitor WHERE org = $1 AND id = $2";
                let Some(key) = row(connection, sql, [org.as_str(), monitor.as_str()], |row| get(row, "key"))? else {
                    return Ok(Page { items: Vec::new(), next: None });
                };
                let span = Span { before, ..Span::ALL };
                let entries = past::newest(connection, &results, key, span, limit.saturating_add(1))?;
                let start = |entry: &Entry| entry.numbers.start;
                // Results of one moment stay on one page, because the cursor is the moment.
                let end = entries
                    .get(limit.saturating_sub(1))
                    .map_or(entries.len(), |last| entries.partition_point(|entry| start(entry) >= start(last)));
                let next = entries.get(end).and_then(|_| entries.get(end - 1)).map(|last| start(last).to_string());
                Ok(Page { items: past::results(&monitor, &entries[..end])?, next })
            })
            .await
    }

    async fn last_results(&self, monitors: &[MonitorId]) -> Result<Vec<PastResult>, StoreError> {
        let (monitors, results) = (monitors.to_vec(), Arc::clone(&self.results));
        self.readers
            .read(move |connection| {
                let mut found = Vec::new();
                for monitor in monitors {
                    let Some(key) = key(connection, &monitor)? else { continue };
                    let newest = past::newest(connection, &results, key, Span::ALL, 1)?;
                    found.extend(past::results(&monitor, &newest[..newest.len().min(1)])?);
                }
                Ok(found)
            })
            .await
    }

    async fn latencies(
        &self,
        monitor: &MonitorId,
        range: TimeRange,
        most: usize,
    ) -> Result<Vec<(Timestamp, f32, StatusCode)>, StoreError> {
        let (monitor, results) = (monitor.clone(), Arc::clone(&self.results));
        self.readers
            .read(move |connection| {
                let Some(key) = key(connection, &monitor)? else { return Ok(Vec::new()) };
                let span = Span { from: range.from.as_microsecond(), before: range.until.as_microsecond() };
                let points = past::points(connection, &results, key, span)?;
                let every = points.len().div_ceil(most.max(1)).max(1);
                let point = |point: &Point| {
                    let milliseconds = point.duration as f32 / 1000.0;
                    Ok((time(point.start, "a result")?, milliseconds, StatusCode::new(point.code)))
                };
                points.iter().step_by(every).map(point).collect()
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
                let most = one_more(limit);
                let items = match monitor {
                    None => {
                        let sql = "SELECT * FROM event WHERE org = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3";
                        rows(connection, sql, params![org.as_str(), before, most], read)?
                    }
                    Some(monitor) => {
                        let key = key(connection, &monitor)?;
                        let sql = "SELECT * FROM event WHERE monitor = $1 AND seq < $2 AND org = $3 ORDER BY seq DESC LIMIT $4";
                        rows(connection, sql, params![key, before, org.as_str(), most], read)?
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
                if until <= from {
                    return Ok(Vec::new());
                }
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
                let key = match &filter.monitor {
                    None => None,
                    Some(monitor) => match key(connection, monitor)? {
                        None => return Ok(Page { items: Vec::new(), next: None }),
                        key => key,
                    },
                };
                // Said plainly, so that the indexes of open incidents and of monitors are used.
                let of_monitor = if key.is_some() { "i.monitor = $3" } else { "$3 IS NULL" };
                let open = match filter.open {
                    None => "TRUE",
                    Some(true) => "i.resolved_at IS NULL",
                    Some(false) => "i.resolved_at IS NOT NULL",
                };
                let sql = format!(
                    "{INCIDENT} WHERE i.org = $1 AND i.seq < $2 AND {of_monitor} AND {open} ORDER BY i.seq DESC LIMIT $4"
                );
                let values = params![org.as_str(), before, key, one_more(limit)];
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
