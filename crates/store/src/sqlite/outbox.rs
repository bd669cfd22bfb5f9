//! What must be told: events until they are routed, deliveries until they are made.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Row, Transaction, params};
use watchkeep_model::{ChannelId, ContactId, Event, EventId, OrgId, Telling};

use super::{
    SqliteStore,
    columns::{execute, get, maybe_parsed, one_more, parsed, row, rows, signed, time, time_at},
    commit::write_event,
    contacts::contact,
    history::{cursor, event, page},
    monitors::{BY_KEY, kept},
};
use crate::{Attempt, Delivery, DeliveryState, Outbox, Page, PendingDelivery, PendingEvent, StoreError, vault::Vault};

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

/// Whether a contact still has a channel.
fn has_channel(
    transaction: &Transaction<'_>,
    vault: &Vault,
    id: &ContactId,
    channel: &ChannelId,
) -> Result<bool, StoreError> {
    let found = row(transaction, "SELECT * FROM contact WHERE id = $1", [id.as_str()], |row| contact(row, vault))?;
    Ok(found.is_some_and(|contact| contact.channels.iter().any(|known| known.id == *channel)))
}

fn insert(transaction: &Transaction<'_>, vault: &Vault, deliveries: &[Delivery]) -> Result<(), StoreError> {
    let sql = "INSERT INTO delivery (id, org, event, contact, channel, monitor, body, created_at, state, at, attempts, last_outcome)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    for new in deliveries {
        // A contact or channel that was deleted a moment ago is told nothing.
        if !has_channel(transaction, vault, &new.contact, &new.channel)? {
            continue;
        }
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

/// What makes a delivery `d` wait: an older one of its monitor to the same channel. None waits for no monitor's.
macro_rules! is_first {
    () => {
        "NOT EXISTS (SELECT 1 FROM delivery e WHERE e.state = 'waiting' AND e.channel = d.channel AND e.monitor = d.monitor AND e.seq < d.seq)"
    };
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

    async fn route(&self, event: &EventId, deliveries: Vec<Delivery>) -> Result<(), StoreError> {
        let (event, vault) = (event.clone(), Arc::clone(&self.vault));
        self.writer
            .write("route an event", move |transaction| {
                // Whoever was first has written the deliveries.
                let sql = "UPDATE event SET waiting = 0 WHERE id = $1 AND waiting = 1";
                if execute(transaction, "route an event", sql, [event.as_str()])? == 1 {
                    insert(transaction, &vault, &deliveries)?;
                }
                Ok(())
            })
            .await
    }

    async fn due_deliveries(&self, now: Timestamp, limit: usize) -> Result<Vec<PendingDelivery>, StoreError> {
        let vault = Arc::clone(&self.vault);
        self.readers
            .read(move |connection| {
                // Channels take turns: one with many due deliveries does not keep the others from theirs.
                let sql = concat!(
                    "SELECT n.* FROM delivery n JOIN (SELECT seq, at, row_number() OVER (PARTITION BY channel ORDER BY at, seq) AS turn
                     FROM delivery d WHERE state = 'waiting' AND at <= $1 AND ",
                    is_first!(),
                    ") d ON d.seq = n.seq ORDER BY d.turn, d.at, d.seq LIMIT $2"
                );
                let due = rows(connection, sql, params![now.as_microsecond(), signed(limit as u64)], delivery)?;
                let mut pending = Vec::with_capacity(due.len());
                for delivery in due {
                    let contact_id: &ContactId = &delivery.contact;
                    let found = row(connection, "SELECT * FROM contact WHERE id = $1", [contact_id.as_str()], |row| contact(row, &vault))?;
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
                let sql = concat!(
                    "SELECT at FROM delivery d WHERE state = 'waiting' AND ",
                    is_first!(),
                    " ORDER BY at LIMIT 1"
                );
                let due = row(connection, sql, [], |row| get::<i64>(row, "at"))?;
                due.map(|due| time(due, "a delivery")).transpose()
            })
            .await
    }

    async fn record_attempt(&self, attempt: Attempt) -> Result<(), StoreError> {
        self.writer
            .write("note a delivery's outcome", move |transaction| {
                let (state, at) = columns(attempt.state);
                // What was sent stays sent, whatever a second try ends in.
                let sql = "UPDATE delivery SET state = $1, at = $2, attempts = attempts + 1, last_outcome = $3
                           WHERE id = $4 AND state = 'waiting'";
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
        let vault = Arc::clone(&self.vault);
        self.writer
            .write("store an event", move |transaction| {
                write_event(transaction, None, &event, Telling::Keep)?;
                insert(transaction, &vault, &deliveries)
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
