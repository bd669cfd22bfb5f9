//! Values of the model to columns and back; what cannot be read back is named.

use std::{fmt::Display, str::FromStr};

use jiff::Timestamp;
use rusqlite::Row;
use serde::de::DeserializeOwned;

use super::engine;
use crate::StoreError;

/// A text of ours as JSON. What is written here always has a JSON form.
pub(super) fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|error| StoreError::Engine { doing: "write a value", reason: error.to_string() })
}

/// A column of any type the engine knows.
pub(super) fn get<T: rusqlite::types::FromSql>(row: &Row<'_>, column: &'static str) -> Result<T, StoreError> {
    row.get(column).map_err(engine("read a row"))
}

/// A text column that parses as a value of the model.
pub(super) fn parsed<T: FromStr<Err: Display>>(row: &Row<'_>, column: &'static str) -> Result<T, StoreError> {
    let text: String = get(row, column)?;
    text.parse().map_err(|error: T::Err| StoreError::Corrupt { what: column, reason: error.to_string() })
}

/// The same where the column may be empty.
pub(super) fn maybe_parsed<T: FromStr<Err: Display>>(
    row: &Row<'_>,
    column: &'static str,
) -> Result<Option<T>, StoreError> {
    let text: Option<String> = get(row, column)?;
    text.map(|text| {
        text.parse().map_err(|error: T::Err| StoreError::Corrupt { what: column, reason: error.to_string() })
    })
    .transpose()
}

/// A JSON column.
pub(super) fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: &'static str) -> Result<T, StoreError> {
    let text: String = get(row, column)?;
    serde_json::from_str(&text).map_err(|error| StoreError::Corrupt { what: column, reason: error.to_string() })
}

/// A time.
pub(super) fn time(microseconds: i64, what: &'static str) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(microseconds).map_err(|error| StoreError::Corrupt { what, reason: error.to_string() })
}

/// A column with a time.
pub(super) fn time_at(row: &Row<'_>, column: &'static str) -> Result<Timestamp, StoreError> {
    time(get(row, column)?, column)
}

/// A column that may have a time.
pub(super) fn maybe_time_at(row: &Row<'_>, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
    get::<Option<i64>>(row, column)?.map(|microseconds| time(microseconds, column)).transpose()
}

/// An unsigned number; the engine knows signed ones only.
pub(super) fn count_at(row: &Row<'_>, column: &'static str) -> Result<u64, StoreError> {
    u64::try_from(get::<i64>(row, column)?)
        .map_err(|error| StoreError::Corrupt { what: column, reason: error.to_string() })
}

/// An unsigned number as the engine knows it; ours never reach the sign.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// One row more than a page has, to know whether another page follows.
pub(super) fn one_more(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1)
}

/// A statement whose values come in the order of their numbers. The engine counts `$2` before `$1` as the first
/// one, others by its number: only where both agree may a text stand here.
pub(super) fn prepared<'c>(
    connection: &'c rusqlite::Connection,
    doing: &'static str,
    sql: &str,
) -> Result<rusqlite::CachedStatement<'c>, StoreError> {
    let statement = connection.prepare_cached(sql).map_err(engine(doing))?;
    debug_assert!(
        (1..=statement.parameter_count()).all(|place| statement.parameter_name(place) == Some(&format!("${place}"))),
        "number the values in the order of their first use: {sql}"
    );
    Ok(statement)
}

/// Every row of a query, read by `read`.
pub(super) fn rows<T>(
    connection: &rusqlite::Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = prepared(connection, "prepare a query", sql)?;
    let mut found = statement.query(parameters).map_err(engine("run a query"))?;
    let mut all = Vec::new();
    while let Some(row) = found.next().map_err(engine("run a query"))? {
        all.push(read(row)?);
    }
    Ok(all)
}

/// The only row of a query, if there is one.
pub(super) fn row<T>(
    connection: &rusqlite::Connection,
    sql: &str,
    parameters: impl rusqlite::Params,
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    rows(connection, sql, parameters, read).map(|mut all| all.pop())
}

/// Runs a statement; how many rows it changed.
pub(super) fn execute(
    connection: &rusqlite::Connection,
    doing: &'static str,
    sql: &str,
    parameters: impl rusqlite::Params,
) -> Result<usize, StoreError> {
    let mut statement = prepared(connection, doing, sql)?;
    statement.execute(parameters).map_err(engine(doing))
}
