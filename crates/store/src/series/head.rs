//! Results that are not sealed yet, in memory and in the `head` table: which to seal, and which rows are done.
//! No I/O: a commit asks for a plan, writes it, and only then lets the head take it over.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::{Entry, MonitorKey};

/// Encoded bytes at which a monitor's results are sealed: what one page of the database holds.
const SEAL_AT: usize = 3_900;
/// About what the numbers of one result take when encoded.
const NUMBERS: usize = 11;
/// Results in memory beyond which the longest series is sealed early.
const MOST_IN_MEMORY: usize = 1_000_000;
/// Rows of the table beyond which the oldest row's monitors are sealed, so that start-up stays short.
const MOST_ROWS: usize = 4_096;

/// One monitor's results that are not sealed.
#[derive(Debug, Default)]
struct Open {
    entries: Vec<(u64, Entry)>,
    weight: usize,
}

/// What a commit writes beside its own row.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The row of the new results.
    pub(crate) row: u64,
    /// Series to be sealed, each with its entries by time, those of this commit included.
    pub(crate) seal: Vec<(MonitorKey, Vec<Entry>)>,
    /// Rows whose results are then all sealed.
    pub(crate) finished: Vec<u64>,
}

/// All results that are not sealed.
#[derive(Debug, Default)]
pub(crate) struct Head {
    open: HashMap<MonitorKey, Open>,
    /// How many results of each row are not sealed.
    rows: BTreeMap<u64, usize>,
    count: usize,
    next_row: u64,
}

impl Head {
    /// Takes over what is open of a row of the table; for start-up, oldest row first.
    pub(crate) fn restore(&mut self, row: u64, entries: Vec<(MonitorKey, Entry)>) {
        self.take(row, entries);
        self.next_row = self.next_row.max(row + 1);
    }

    /// Numbers rows from here on, at least; for start-up.
    pub(crate) fn continue_from(&mut self, row: u64) {
        self.next_row = self.next_row.max(row);
    }

    /// What to write when these results are added.
    pub(crate) fn plan(&self, new: &[(MonitorKey, Entry)]) -> Plan {
        let mut grown: HashMap<MonitorKey, usize> = HashMap::new();
        for (key, entry) in new {
            *grown.entry(*key).or_insert_with(|| self.open.get(key).map_or(0, |open| open.weight)) +=
                weight(entry, self.last(*key));
        }
        let mut chosen: Vec<MonitorKey> =
            grown.iter().filter(|(_, weight)| **weight >= SEAL_AT).map(|(key, _)| *key).collect();
        if self.count + new.len() > MOST_IN_MEMORY {
            chosen.extend(self.open.iter().max_by_key(|(_, open)| open.entries.len()).map(|(key, _)| *key));
        }
        if self.rows.len() > MOST_ROWS
            && let Some((oldest, _)) = self.rows.first_key_value()
        {
            let holds = |open: &Open| open.entries.iter().any(|(row, _)| row == oldest);
            chosen.extend(self.open.iter().filter(|(_, open)| holds(open)).map(|(key, _)| *key));
        }
        chosen.sort_unstable();
        chosen.dedup();
        let row = self.next_row;
        let mut left: BTreeMap<u64, usize> = BTreeMap::new();
        let seal = chosen
            .into_iter()
            .map(|key| {
                let kept = self.open.get(&key).map(|open| open.entries.as_slice()).unwrap_or_default();
                for (row, _) in kept {
                    *left.entry(*row).or_default() += 1;
                }
                let fresh = new.iter().filter(|(monitor, _)| *monitor == key).map(|(_, entry)| entry);
                let mut entries: Vec<Entry> = kept.iter().map(|(_, entry)| entry).chain(fresh).cloned().collect();
                entries.sort_by_key(|entry| entry.start);
                (key, entries)
            })
            .collect();
        let finished =
            left.into_iter().filter(|(row, count)| self.rows.get(row) == Some(count)).map(|(row, _)| row).collect();
        Plan { row, seal, finished }
    }

    /// Takes over what was written.
    pub(crate) fn apply(&mut self, plan: &Plan, new: Vec<(MonitorKey, Entry)>) {
        for (key, _) in &plan.seal {
            for (row, _) in self.open.remove(key).map(|open| open.entries).unwrap_or_default() {
                self.count -= 1;
                if let Some(left) = self.rows.get_mut(&row) {
                    *left -= 1;
                }
            }
        }
        let is_open = |key: &MonitorKey| !plan.seal.iter().any(|(sealed, _)| sealed == key);
        let new: Vec<_> = new.into_iter().filter(|(key, _)| is_open(key)).collect();
        self.take(plan.row, new);
        self.rows.retain(|_, left| *left > 0);
        self.next_row = plan.row + 1;
    }

    fn take(&mut self, row: u64, entries: Vec<(MonitorKey, Entry)>) {
        if !entries.is_empty() {
            self.rows.insert(row, entries.len());
        }
        self.count += entries.len();
        for (key, entry) in entries {
            let open = self.open.entry(key).or_default();
            open.weight += weight(&entry, open.entries.last().map(|(_, last)| last));
            open.entries.push((row, entry));
        }
    }

    fn last(&self, key: MonitorKey) -> Option<&Entry> {
        self.open.get(&key)?.entries.last().map(|(_, entry)| entry)
    }

    /// A monitor's results that are not sealed, each with its row, in the order in which they came.
    pub(crate) fn entries(&self, key: MonitorKey) -> Vec<(u64, Entry)> {
        self.open.get(&key).map(|open| open.entries.clone()).unwrap_or_default()
    }

    /// Forgets a monitor. Its results stay in their rows of the table and are skipped at the next start.
    pub(crate) fn forget(&mut self, key: MonitorKey) {
        for (row, _) in self.open.remove(&key).map(|open| open.entries).unwrap_or_default() {
            self.count -= 1;
            if let Some(left) = self.rows.get_mut(&row) {
                *left -= 1;
            }
        }
    }

    /// Whether anything is kept of a row.
    #[cfg(test)]
    pub(crate) fn rows(&self) -> Vec<u64> {
        self.rows.keys().copied().collect()
    }
}

/// About what an entry adds to a block: its words only where they are new.
fn weight(entry: &Entry, before: Option<&Entry>) -> usize {
    let is_known = before.is_some_and(|before| Arc::ptr_eq(&before.words, &entry.words) || before.words == entry.words);
    let words = &entry.words;
    // JSON and sentences that resemble each other pack to about a third.
    let text = (words.observed.len() + words.detail.as_ref().map_or(0, |detail| detail.len()) + words.target.len()) / 3;
    NUMBERS + if is_known { 0 } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Words;

    fn entry(start: i64) -> Entry {
        let words = Words {
            family: 0,
            test_type: "http".into(),
            target: "t".into(),
            location: "local".into(),
            detail: None,
            observed: "{}".into(),
        };
        Entry { start, duration: 1, phases: [None; 5], code: 0, attempt: 0, words: Arc::new(words) }
    }

    #[test]
    fn series_are_sealed_by_weight_and_rows_end_with_their_last_result() {
        let mut head = Head::default();
        let mut sealed = 0;
        let mut finished = Vec::new();
        for commit in 0..1_000 {
            let new = vec![(1, entry(commit)), (2, entry(commit))];
            // The second monitor reports half as often.
            let new: Vec<_> = new.into_iter().filter(|(key, _)| *key == 1 || commit % 2 == 0).collect();
            let plan = head.plan(&new);
            for (_, entries) in &plan.seal {
                assert!(entries.is_sorted_by_key(|entry| entry.start));
                sealed += entries.len();
            }
            finished.extend(&plan.finished);
            head.apply(&plan, new);
        }
        let open = head.entries(1).len() + head.entries(2).len();
        assert_eq!(sealed + open, 1_500);
        assert!(sealed >= 700, "{sealed}");
        // A row is finished exactly once, and never while something of it is open.
        let mut unique = finished.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), finished.len());
        assert!(head.rows().iter().all(|row| !finished.contains(row)));
    }

    #[test]
    fn start_up_restores_what_was_open() {
        let mut head = Head::default();
        let new = vec![(1, entry(5)), (1, entry(3))];
        let plan = head.plan(&new);
        head.apply(&plan, new.clone());
        let mut again = Head::default();
        again.restore(plan.row, new);
        assert_eq!(again.entries(1), head.entries(1));
        assert_eq!(again.plan(&[]).row, plan.row + 1);
        again.forget(1);
        assert!(again.entries(1).is_empty());
    }
}
