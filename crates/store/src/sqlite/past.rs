//! Raw results of one monitor as readers see them: what the head holds, and the blocks.
//! A reader looks at the head first, so that nothing is missed; what was sealed since then is counted once.

use std::{cmp::Reverse, ops::ControlFlow, sync::Arc, time::Duration};

use rusqlite::{Connection, params};
use serde_json::value::RawValue;
use watchkeep_catalogue::{Family, StatusCode};
use watchkeep_model::{LocationName, MonitorId, Phases, RecordedResult, TestResult, TestSubject, Verdict};

use super::{
    columns::{count_at, get, prepared, time},
    engine,
    results::Results,
};
use crate::{
    PastResult, StoreError,
    series::{
        Entry, MonitorKey, Numbers, Words,
        codec::{self, CodecError},
    },
};

/// Starts of results, in microseconds.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) from: i64,
    /// The first that is not wanted any more.
    pub(super) before: i64,
}

impl Span {
    pub(super) const ALL: Self = Self { from: i64::MIN, before: i64::MAX };

    fn holds(self, numbers: &Numbers) -> bool {
        (self.from..self.before).contains(&numbers.start)
    }
}

/// Where a result was found.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Head,
    Block,
}

/// Results of one monitor, newest first: at least `wanted` of the span, and with the last of them all of the
/// same moment; or all there are.
pub(super) fn newest(
    connection: &Connection,
    results: &Results,
    key: MonitorKey,
    span: Span,
    wanted: usize,
) -> Result<Vec<Entry>, StoreError> {
    let (open, next_row) = results.open(key);
    let open = open.map_or_else(|| Ok(Vec::new()), |open| open.entries()).map_err(unreadable)?;
    let mut found: Vec<(Place, Entry)> = open.into_iter().map(|entry| (Place::Head, entry)).collect();
    found.retain(|(_, entry)| span.holds(&entry.numbers));
    let newest_first = |found: &mut Vec<(Place, Entry)>| found.sort_by_key(|(_, entry)| Reverse(entry.numbers.start));
    each_block(connection, key, span, |last, upto, data| {
        if found.len() >= wanted {
            newest_first(&mut found);
            // Blocks come by their newest result: what is left is older than everything in this one.
            if found.get(wanted.saturating_sub(1)).is_some_and(|(_, entry)| entry.numbers.start > last) {
                return Ok(ControlFlow::Break(()));
            }
        }
        if upto >= next_row {
            found.retain(|(place, _)| *place == Place::Block);
        }
        let entries = codec::decode_block(data).map_err(unreadable)?;
        found.extend(entries.into_iter().map(|entry| (Place::Block, entry)));
        found.retain(|(_, entry)| span.holds(&entry.numbers));
        Ok(ControlFlow::Continue(()))
    })?;
    newest_first(&mut found);
    Ok(found.into_iter().map(|(_, entry)| entry).collect())
}

/// What a chart needs of a result.
#[derive(Clone, Copy)]
pub(super) struct Point {
    pub(super) start: i64,
    /// Microseconds.
    pub(super) duration: u64,
    pub(super) code: i16,
}

impl Point {
    fn of(numbers: &Numbers) -> Self {
        Self { start: numbers.start, duration: numbers.duration, code: numbers.code }
    }
}

/// All results of a span, oldest first.
pub(super) fn points(
    connection: &Connection,
    results: &Results,
    key: MonitorKey,
    span: Span,
) -> Result<Vec<Point>, StoreError> {
    let (open, next_row) = results.open(key);
    let (mut parts, mut is_sealed) = (Vec::new(), false);
    each_block(connection, key, span, |_, upto, data| {
        is_sealed |= upto >= next_row;
        parts.push(codec::decode_numbers(data).map_err(unreadable)?);
        Ok(ControlFlow::Continue(()))
    })?;
    // Blocks come newest first: turned around, there is little left to sort.
    let sealed = parts.iter().rev().flatten();
    let mut found: Vec<_> = sealed.filter(|numbers| span.holds(numbers)).map(Point::of).collect();
    if let Some(open) = open.filter(|_| !is_sealed) {
        let open = open.entries().map_err(unreadable)?;
        found.extend(open.iter().map(|entry| &entry.numbers).filter(|numbers| span.holds(numbers)).map(Point::of));
    }
    found.sort_by_key(|point| point.start);
    Ok(found)
}

/// The blocks that may hold something of the span, by their newest result, until one is enough: that result, the
/// head row up to which the block is complete, and its bytes.
fn each_block(
    connection: &Connection,
    key: MonitorKey,
    span: Span,
    mut read: impl FnMut(i64, u64, &[u8]) -> Result<ControlFlow<()>, StoreError>,
) -> Result<(), StoreError> {
    let sql = "SELECT last, upto, data FROM block WHERE monitor = $1 AND last >= $2 AND first < $3 ORDER BY last DESC";
    let mut statement = prepared(connection, "prepare a query", sql)?;
    let mut blocks = statement.query(params![key, span.from, span.before]).map_err(engine("run a query"))?;
    while let Some(block) = blocks.next().map_err(engine("run a query"))? {
        let data = block.get_ref("data").map_err(engine("read a row"))?;
        let data = data.as_blob().map_err(|error| corrupt(error.to_string()))?;
        if read(get(block, "last")?, count_at(block, "upto")?, data)?.is_break() {
            break;
        }
    }
    Ok(())
}

/// Results as the other rooms know them.
pub(super) fn results(monitor: &MonitorId, entries: &[Entry]) -> Result<Vec<PastResult>, StoreError> {
    // Most results say what the one before said.
    let mut said: Option<(&Arc<Words>, Said)> = None;
    let mut told = Vec::with_capacity(entries.len());
    for Entry { numbers, words } in entries {
        let said = match said.take().filter(|(known, _)| Arc::ptr_eq(known, words)) {
            Some((_, known)) => &said.insert((words, known)).1,
            None => &said.insert((words, Said::new(words)?)).1,
        };
        let [dns, connect, tls, first_byte, transfer] =
            numbers.phases.map(|phase| phase.map(|value| Duration::from_micros(value.into())));
        let result = TestResult {
            subject: Arc::clone(&said.subject),
            location: said.location.clone(),
            started_at: time(numbers.start, "a result")?,
            verdict: Verdict {
                code: StatusCode::new(numbers.code),
                detail: words.detail.as_deref().map(|detail| detail.to_owned().into()),
            },
            duration: Duration::from_micros(numbers.duration),
            phases: Phases { dns, connect, tls, first_byte, transfer },
            observed: said.observed.clone(),
            notable: None,
        };
        told.push(RecordedResult { monitor: monitor.clone(), attempt: numbers.attempt, result });
    }
    Ok(told)
}

/// What the words of a result mean.
struct Said {
    subject: Arc<TestSubject>,
    location: LocationName,
    observed: Box<RawValue>,
}

impl Said {
    fn new(words: &Words) -> Result<Self, StoreError> {
        let family = Family::ALL.get(usize::from(words.family)).copied();
        let (test_type, target) = (Arc::clone(&words.test_type), Arc::clone(&words.target));
        let family = family.ok_or_else(|| corrupt("unknown family".to_owned()))?;
        Ok(Self {
            subject: Arc::new(TestSubject { family, test_type, target }),
            location: words.location.parse().map_err(|error| corrupt(format!("{error}")))?,
            observed: RawValue::from_string(words.observed.to_string()).map_err(|error| corrupt(error.to_string()))?,
        })
    }
}

fn corrupt(reason: String) -> StoreError {
    StoreError::Corrupt { what: "a result", reason }
}

fn unreadable(error: CodecError) -> StoreError {
    corrupt(error.to_string())
}
