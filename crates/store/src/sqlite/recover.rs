//! Start-up: the results that no block holds yet are read back into memory.

use std::collections::HashMap;

use rusqlite::Connection;

use super::columns::{get, rows};
use crate::{
    StoreError,
    series::{MonitorKey, codec, head::Head},
};

/// The head as it was after the last commit.
pub(super) fn head(connection: &Connection) -> Result<Head, StoreError> {
    let mut head = Head::default();
    let sealed: HashMap<MonitorKey, i64> =
        rows(connection, "SELECT monitor, max(through) AS through FROM block GROUP BY monitor", [], |row| {
            Ok((get(row, "monitor")?, get(row, "through")?))
        })?
        .into_iter()
        .collect();
    let known: std::collections::HashSet<MonitorKey> =
        rows(connection, "SELECT key FROM monitor", [], |row| get(row, "key"))?.into_iter().collect();
    let newest = sealed.values().copied().max().unwrap_or_default();
    head.continue_from(u64::try_from(newest).unwrap_or_default() + 1);
    let kept = rows(connection, "SELECT seq, data FROM head ORDER BY seq", [], |row| {
        Ok((get::<i64>(row, "seq")?, get::<Vec<u8>>(row, "data")?))
    })?;
    for (row, data) in kept {
        let entries = codec::decode(&data)
            .map_err(|error| StoreError::Corrupt { what: "a batch of results", reason: error.to_string() })?;
        let is_open = |key: &MonitorKey| known.contains(key) && sealed.get(key).is_none_or(|through| *through < row);
        let open: Vec<_> = entries.into_iter().filter(|(key, _)| is_open(key)).collect();
        head.restore(u64::try_from(row).unwrap_or_default(), open);
    }
    Ok(head)
}
