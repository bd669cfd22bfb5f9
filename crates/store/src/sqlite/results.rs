//! Raw results on their way into the tables and, at start-up, back into memory.
//! What is kept in memory follows the tables: it changes once a transaction is durable, and before the next begins.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

use rusqlite::{Connection, Transaction, params};
use watchkeep_catalogue::Family;
use watchkeep_model::{MonitorId, Observed, RecordedResult};

use super::columns::{execute, get, json, parsed, row, rows, signed};
use crate::{
    StoreError,
    series::{
        Entry, MonitorKey, Numbers, Open, Words,
        codec::{self, CodecError},
        head::{Block, Bounds, Head, Plan},
    },
};

/// What is known of results beside the tables.
pub(super) struct Results {
    head: RwLock<Head>,
    monitors: Mutex<HashMap<MonitorId, Known>>,
}

/// A monitor that exists.
struct Known {
    key: MonitorKey,
    said: Vec<Said>,
}

/// What one location said last: results that say the same share their words.
struct Said {
    observed: Observed,
    words: Arc<Words>,
}

impl Results {
    /// Reads back what no block holds yet.
    pub(super) fn recover(connection: &Connection, bounds: Bounds) -> Result<Self, StoreError> {
        let sql = "SELECT id, key FROM monitor";
        let monitors: HashMap<MonitorId, Known> = rows(connection, sql, [], |row| {
            Ok((parsed(row, "id")?, Known { key: get(row, "key")?, said: Vec::new() }))
        })?
        .into_iter()
        .collect();
        let number = |sql| row(connection, sql, [], |row| get::<Option<i64>>(row, "row")).map(Option::flatten);
        let first_row = number("SELECT min(seq) AS row FROM head")?.unwrap_or(i64::MAX);
        let sealed = number("SELECT max(upto) AS row FROM block")?.unwrap_or_default();
        let next_row = unsigned(sealed) + 1;
        let mut head = Head::new(bounds, unsigned(first_row).min(next_row), next_row);
        // For each monitor, the row with which its open results begin: none, where it was deleted.
        let mut begins: HashMap<MonitorKey, i64> = monitors.values().map(|known| (known.key, i64::MIN)).collect();
        // Left to itself, the engine would read every block there is. The newest come last.
        let sql = "SELECT monitor, upto FROM block INDEXED BY block_by_row WHERE upto > $1 ORDER BY upto";
        for (key, row) in rows(connection, sql, [first_row], |row| Ok((get(row, "monitor")?, get(row, "upto")?)))? {
            begins.entry(key).and_modify(|begin| *begin = row);
        }
        let mut statement =
            connection.prepare("SELECT seq, data FROM head ORDER BY seq").map_err(super::engine("read results"))?;
        let mut kept = statement.query([]).map_err(super::engine("read results"))?;
        while let Some(row) = kept.next().map_err(super::engine("read results"))? {
            let (seq, data): (i64, Vec<u8>) = (get(row, "seq")?, get(row, "data")?);
            let mut results = codec::decode(&data).map_err(unreadable)?;
            results.retain(|told| begins.get(&told.key).is_some_and(|begin| *begin <= seq));
            head.restore(unsigned(seq), results).map_err(unreadable)?;
        }
        Ok(Self { head: RwLock::new(head), monitors: Mutex::new(monitors) })
    }

    /// Writes results, those of monitors that are gone excepted; what was written is for [`Results::written`].
    pub(super) fn write(&self, transaction: &Transaction<'_>, results: &[RecordedResult]) -> Result<Plan, StoreError> {
        let new = self.entries(results)?;
        let unwritable = |error: CodecError| StoreError::Engine { doing: "encode results", reason: error.to_string() };
        let plan = self.head.read().unwrap_or_else(PoisonError::into_inner).plan(new).map_err(unwritable)?;
        if let Some(data) = &plan.data {
            let sql = "INSERT INTO head (seq, data) VALUES ($1, $2)";
            execute(transaction, "store results", sql, params![signed(plan.row), data])?;
        }
        for Block { key, first, last, data, .. } in &plan.blocks {
            let sql = "INSERT INTO block (monitor, first, last, upto, data) VALUES ($1, $2, $3, $4, $5)";
            execute(transaction, "seal results", sql, params![key, first, last, signed(plan.row), data])?;
        }
        if let Some(row) = plan.done_before {
            execute(transaction, "seal results", "DELETE FROM head WHERE seq < $1", [signed(row)])?;
        }
        Ok(plan)
    }

    /// Takes over what was written, once it is durable.
    pub(super) fn written(&self, plan: &Plan) {
        self.head.write().unwrap_or_else(PoisonError::into_inner).apply(plan);
    }

    /// A new monitor, once it is durable.
    pub(super) fn created(&self, id: MonitorId, key: MonitorKey) {
        self.monitors().insert(id, Known { key, said: Vec::new() });
    }

    /// A monitor that is gone, once that is durable.
    pub(super) fn deleted(&self, id: &MonitorId, key: MonitorKey) {
        self.monitors().remove(id);
        self.head.write().unwrap_or_else(PoisonError::into_inner).forget(key);
    }

    /// A monitor's results that are not sealed, and the head row before which blocks lack some of them.
    pub(super) fn open(&self, key: MonitorKey) -> (Option<Open>, u64) {
        self.head.read().unwrap_or_else(PoisonError::into_inner).series(key)
    }

    fn entries(&self, results: &[RecordedResult]) -> Result<Vec<(MonitorKey, Entry)>, StoreError> {
        let mut monitors = self.monitors();
        let mut entries = Vec::with_capacity(results.len());
        for recorded in results {
            let Some(known) = monitors.get_mut(&recorded.monitor) else { continue };
            entries.push((known.key, Entry { numbers: numbers(recorded), words: known.words(recorded)? }));
        }
        Ok(entries)
    }

    fn monitors(&self) -> MutexGuard<'_, HashMap<MonitorId, Known>> {
        self.monitors.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// The words of a result. JSON is written only when they differ from the last of its location.
    fn words(&mut self, recorded: &RecordedResult) -> Result<Arc<Words>, StoreError> {
        let result = &recorded.result;
        let place = self.said.iter().position(|said| *said.words.location == *result.location.as_str());
        if let Some(Said { observed, words }) = place.and_then(|place| self.said.get(place))
            && *observed == result.observed
            && words.detail.as_deref() == result.verdict.detail.as_deref()
            && words.target == result.subject.target
            && words.test_type == result.subject.test_type
            && words.family == family(result.subject.family)
        {
            return Ok(Arc::clone(words));
        }
        let location = match place.and_then(|place| self.said.get(place)) {
            Some(before) => Arc::clone(&before.words.location),
            None => result.location.as_str().into(),
        };
        let words = Arc::new(Words {
            family: family(result.subject.family),
            test_type: Arc::clone(&result.subject.test_type),
            target: Arc::clone(&result.subject.target),
            location,
            detail: result.verdict.detail.as_deref().map(Into::into),
            observed: json(&result.observed)?.into(),
        });
        let said = Said { observed: result.observed.clone(), words: Arc::clone(&words) };
        match place.and_then(|place| self.said.get_mut(place)) {
            Some(before) => *before = said,
            None => self.said.push(said),
        }
        Ok(words)
    }
}

fn family(family: Family) -> u8 {
    let position = Family::ALL.iter().position(|known| *known == family).unwrap_or_default();
    u8::try_from(position).unwrap_or_default()
}

fn numbers(recorded: &RecordedResult) -> Numbers {
    let result = &recorded.result;
    let microseconds = |duration: std::time::Duration| u32::try_from(duration.as_micros()).unwrap_or(u32::MAX);
    Numbers {
        start: result.started_at.as_microsecond(),
        duration: u64::try_from(result.duration.as_micros()).unwrap_or(u64::MAX),
        phases: result.phases.in_order().map(|(_, phase)| phase.map(microseconds)),
        code: result.verdict.code.number(),
        attempt: recorded.attempt,
    }
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

fn unreadable(error: CodecError) -> StoreError {
    StoreError::Corrupt { what: "results", reason: error.to_string() }
}
