//! What must be told: events until they are routed, deliveries until they are made.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, Row, Transaction, params};
use watchkeep_model::{Event, EventId, OrgId, Telling};

use super::{
    SqliteStore,
    columns::{execute, get, maybe_parsed, one_more, parsed, row, rows, signed, time, time_at},
    commit::write_event,
    contacts::contact,
    history::{cursor, event, page},
    monitors::{BY_KEY, kept},
};
use crate::{Attempt, Delivery, DeliveryState, Outbox, Page, PendingDelivery, PendingEvent, StoreError};

fn delivery(row: &Row<'_>) -> Result<Delivery, StoreError> {
    let at = time_at(row, "at")?;
    let state: String = get(row, "state")?;
    let state = match state.as_str() {
        "waiting" => DeliveryState::Waiting { due: at },
        "sent" => DeliveryState::Sent { at },
        "failed" => DeliveryState::Failed { at },
        other => return Err(StoreError::Corrupt { what: "a delivery", reason: format!("unknown state {other}") }),
    };
    Ok(Delivery {
        id: parsed(row, "id")?,
        org: parsed(row, "org")?,
        event: parsed(row, "event")?,
        contact: parsed(row, "contact")?,
        channel: parsed(row, "channel")?,
        monitor: maybe_parsed(row, "monitor")?,
        body: get(row, "body")?,
        created_at: time_at(row, "created_at")?,
        state,
        attempts: get(row, "attempts")?,
        last_outcome: get(row, "last_outcome")?,
    })
}

fn columns(state: DeliveryState) -> (&'static str, i64) {
    match state {
        DeliveryState::Waiting { due } => ("waiting", due.as_microsecond()),
        DeliveryState::Sent { at } => ("sent", at.as_microsecond()),
        DeliveryState::Failed { at } => ("failed", at.as_microsecond()),
    }
}

fn insert(transaction: &Transaction<'_>, deliveries: &[Delivery]) -> Result<(), StoreError> {
    let sql = "INSERT INTO delivery (id, org, event, contact, channel, monitor, body, created_at, state, at, attempts, last_outcome)
               SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 WHERE EXISTS (SELECT 1 FROM contact WHERE id = $4)";
    // A contact that was deleted a moment ago is told nothing.
    for new in deliveries {
        let (state, at) = columns(new.state);
        let monitor = new.monitor.as_ref().map(watchkeep_model::MonitorId::as_str);
        let (id, org, event) = (new.id.as_str(), new.org.as_str(), new.event.as_str());
        let (contact, channel, created) = (new.contact.as_str(), new.channel.as_str(), new.created_at.as_microsecond());
        let values = params![
            id,
            org,
            event,
            contact,
            channel,
            monitor,
            new.body,
            created,
            state,
            at,
            new.attempts,
            new.last_outcome
        ];
        execute(transaction, "store a delivery", sql, values)?;
    }
    Ok(())
}

/// What lets a delivery `d` be made: no older one of its monitor to the same channel waits. None waits for no monitor's.
macro_rules! is_first {
    () => {
        "NOT EXISTS (SELECT 1 FROM delivery e WHERE e.state = 'waiting' AND e.channel = d.channel AND e.monitor = d.monitor AND e.seq < d.seq)"
    };
}

/// The rows that are due, channel by channel: each look-up is answered by an index, however many rows wait.
fn due(connection: &Connection, now: Timestamp, per_channel: usize, limit: usize) -> Result<Vec<i64>, StoreError> {
    let sql = "WITH RECURSIVE waiting (channel) AS (
                 SELECT min(channel) FROM delivery WHERE state = 'waiting'
                 UNION ALL
                 SELECT (SELECT min(channel) FROM delivery WHERE state = 'waiting' AND channel > waiting.channel)
                 FROM waiting WHERE waiting.channel IS NOT NULL)
               SELECT channel FROM waiting WHERE channel IS NOT NULL";
    let channels = rows(connection, sql, [], |row| get::<String>(row, "channel"))?;
    let mut found = Vec::new();
    for channel in &channels {
        let sql = concat!(
            "SELECT at, seq FROM delivery d WHERE state = 'waiting' AND channel = $1 AND at <= $2 AND ",
            is_first!(),
            " ORDER BY at, seq LIMIT $3"
        );
        let values = params![channel, now.as_microsecond(), signed(per_channel as u64)];
        let first = rows(connection, sql, values, |row| Ok((get::<i64>(row, "at")?, get::<i64>(row, "seq")?)))?;
        found.extend(first.into_iter().enumerate().map(|(rank, (at, seq))| (rank, at, seq)));
    }
    found.sort_unstable();
    Ok(found.into_iter().take(limit).map(|(_, _, seq)| seq).collect())
}

#[async_trait]
impl Outbox for SqliteStore {
    async fn pending_events(&self, limit: usize) -> Result<Vec<PendingEvent>, StoreError> {
        let vault = Arc::clone(&self.vault);
        self.readers
            .read(move |connection| {
                let sql = "SELECT * FROM event WHERE waiting = 1 ORDER BY seq LIMIT $1";
                let waiting = rows(connection, sql, [signed(limit as u64)], |row| {
                    Ok((event(row)?, get::<Option<i64>>(row, "monitor")?))
                })?;
                waiting
                    .into_iter()
                    .map(|(event, key)| {
                        let monitor = key
                            .map(|key| row(connection, BY_KEY, [key], |row| kept(row, &vault)))
                            .transpose()?
                            .flatten();
                        Ok(PendingEvent { event, monitor })
                    })
                    .collect()
            })
            .await
    }

    async fn route(&self, routed: Vec<(EventId, Vec<Delivery>)>) -> Result<(), StoreError> {
        self.writer
            .write("route events", move |transaction| {
                for (event, deliveries) in &routed {
                    // Whoever was first has written the deliveries.
                    let sql = "UPDATE event SET waiting = 0 WHERE id = $1 AND waiting = 1";
                    if execute(transaction, "route events", sql, [event.as_str()])? == 1 {
                        insert(transaction, deliveries)?;
                    }
                }
                Ok(())
            })
            .await
    }

    async fn due_deliveries(
        &self,
        now: Timestamp,
        per_channel: usize,
        limit: usize,
    ) -> Result<Vec<PendingDelivery>, StoreError> {
        let vault = Arc::clone(&self.vault);
        self.readers
            .read(move |connection| {
                let mut contacts = HashMap::new();
                let mut pending = Vec::new();
                for seq in due(connection, now, per_channel, limit)? {
                    let Some(delivery) = row(connection, "SELECT * FROM delivery WHERE seq = $1", [seq], delivery)?
                    else {
                        continue;
                    };
                    let contact = match contacts.entry(delivery.contact.clone()) {
                        Entry::Occupied(known) => known.into_mut(),
                        Entry::Vacant(new) => {
                            let sql = "SELECT * FROM contact WHERE id = $1";
                            new.insert(row(connection, sql, [delivery.contact.as_str()], |row| contact(row, &vault))?)
                        }
                    };
                    // A contact that is deleted takes its deliveries with it.
                    let Some(contact) = contact.clone() else { continue };
                    let channel = contact.channels.iter().find(|channel| channel.id == delivery.channel).cloned();
                    pending.push(PendingDelivery { delivery, contact, channel });
                }
                Ok(pending)
            })
            .await
    }

    async fn next_due(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.readers
            .read(move |connection| {
                let sql = concat!(
                    "SELECT min(at) AS at FROM delivery d WHERE state = 'waiting' AND at > $1 AND ",
                    is_first!()
                );
                let due = row(connection, sql, [now.as_microsecond()], |row| get::<Option<i64>>(row, "at"))?.flatten();
                due.map(|due| time(due, "a delivery")).transpose()
            })
            .await
    }

    async fn record_attempts(&self, attempts: Vec<Attempt>) -> Result<(), StoreError> {
        let doing = "note the outcomes of deliveries";
        self.writer
            .write(doing, move |transaction| {
                for attempt in &attempts {
                    let (state, at) = columns(attempt.state);
                    // What was sent stays sent, whatever a second try ends in.
                    let sql = "UPDATE delivery SET state = $1, at = $2, last_outcome = $3, attempts = attempts + 1
                               WHERE id = $4 AND state = 'waiting'";
                    execute(transaction, doing, sql, params![state, at, attempt.outcome, attempt.id.as_str()])?;
                }
                Ok(())
            })
            .await
    }

    async fn enqueue(&self, event: Event, deliveries: Vec<Delivery>) -> Result<(), StoreError> {
        self.writer
            .write("store an event", move |transaction| {
                write_event(transaction, None, &event, Telling::Keep)?;
                insert(transaction, &deliveries)
            })
            .await
    }

    async fn deliveries(&self, org: &OrgId, after: Option<&str>, limit: usize) -> Result<Page<Delivery>, StoreError> {
        let (org, before) = (org.clone(), cursor(after));
        self.readers
            .read(move |connection| {
                let sql = "SELECT * FROM delivery WHERE org = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3";
                let values = params![org.as_str(), before, one_more(limit)];
                rows(connection, sql, values, |row| Ok((get(row, "seq")?, delivery(row)?)))
                    .map(|items| page(items, limit))
            })
            .await
    }
}
