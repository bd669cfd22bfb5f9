//! What must be told: events until they are routed, deliveries until they are made.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Row, Transaction, params};
use watchkeep_model::{ContactId, Event, EventId, OrgId, Telling};

use super::{
    SqliteStore,
    columns::{execute, get, maybe_parsed, parsed, row, rows, signed, time, time_at},
    commit::write_event,
    contacts::contact,
    history::event,
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
    // A contact that was deleted a moment ago is told nothing.
    let sql = "INSERT INTO delivery (id, org, event, contact, channel, monitor, body, created_at, state, at, attempts, last_outcome)
               SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 WHERE EXISTS (SELECT 1 FROM contact WHERE id = $4)";
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

#[async_trait]
impl Outbox for SqliteStore {
    async fn pending_events(&self, limit: usize) -> Result<Vec<PendingEvent>, StoreError> {
        self.readers
            .read(move |connection| {
                let sql = "SELECT * FROM event WHERE waiting = 1 ORDER BY seq LIMIT $1";
                let waiting = rows(connection, sql, [signed(limit as u64)], |row| {
                    Ok((event(row)?, get::<Option<i64>>(row, "monitor")?))
                })?;
                waiting
                    .into_iter()
                    .map(|(event, key)| {
                        let monitor = key.map(|key| row(connection, BY_KEY, [key], kept)).transpose()?.flatten();
                        Ok(PendingEvent { event, monitor })
                    })
                    .collect()
            })
            .await
    }

    async fn route(&self, event: &EventId, deliveries: Vec<Delivery>) -> Result<(), StoreError> {
        let event = event.clone();
        self.writer
            .write("route an event", move |transaction| {
                // Whoever was first has written the deliveries.
                let sql = "UPDATE event SET waiting = 0 WHERE id = $1 AND waiting = 1";
                if execute(transaction, "route an event", sql, [event.as_str()])? == 1 {
                    insert(transaction, &deliveries)?;
                }
                Ok(())
            })
            .await
    }

    async fn due_deliveries(&self, now: Timestamp, limit: usize) -> Result<Vec<PendingDelivery>, StoreError> {
        self.readers
            .read(move |connection| {
                let sql = "SELECT * FROM delivery d WHERE state = 'waiting' AND at <= $1
                           AND NOT EXISTS (SELECT 1 FROM delivery e WHERE e.state = 'waiting' AND e.channel = d.channel AND e.monitor = d.monitor AND e.seq < d.seq)
                           ORDER BY at, seq LIMIT $2";
                let due = rows(connection, sql, params![now.as_microsecond(), signed(limit as u64)], delivery)?;
                let mut pending = Vec::with_capacity(due.len());
                for delivery in due {
                    let contact_id: &ContactId = &delivery.contact;
                    let found = row(connection, "SELECT * FROM contact WHERE id = $1", [contact_id.as_str()], contact)?;
                    let channel = found.as_ref().and_then(|contact| contact.channels.iter().find(|channel| channel.id == delivery.channel).cloned());
                    if let (Some(contact), Some(channel)) = (found, channel) {
                        pending.push(PendingDelivery { delivery, contact, channel });
                    }
                }
                Ok(pending)
            })
            .await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.readers
            .read(|connection| {
                let sql = "SELECT min(at) AS at FROM delivery WHERE state = 'waiting'";
                let due = row(connection, sql, [], |row| get::<Option<i64>>(row, "at"))?.flatten();
                due.map(|due| time(due, "a delivery")).transpose()
            })
            .await
    }

    async fn record_attempt(&self, attempt: Attempt) -> Result<(), StoreError> {
        self.writer
            .write("note a delivery's outcome", move |transaction| {
                let (state, at) = columns(attempt.state);
                let sql =
                    "UPDATE delivery SET state = $1, at = $2, attempts = attempts + 1, last_outcome = $3 WHERE id = $4";
                execute(
                    transaction,
                    "note a delivery's outcome",
                    sql,
                    params![state, at, attempt.outcome, attempt.id.as_str()],
                )
                .map(drop)
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
        let (org, before) = (org.clone(), after.and_then(|text| text.parse().ok()).unwrap_or(i64::MAX));
        self.readers
            .read(move |connection| {
                let sql = "SELECT * FROM delivery WHERE org = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3";
                let values = params![org.as_str(), before, signed(limit as u64 + 1)];
                let items = rows(connection, sql, values, |row| Ok((get::<i64>(row, "seq")?, delivery(row)?)))?;
                let next = items.get(limit).and_then(|_| items.get(limit - 1)).map(|(seq, _)| seq.to_string());
                Ok(Page { items: items.into_iter().take(limit).map(|(_, delivery)| delivery).collect(), next })
            })
            .await
    }
}
