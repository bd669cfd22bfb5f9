//! Results that are not sealed yet: which series to seal with a commit, and which rows of the table are done then.
//! No I/O: a commit asks for a plan, writes it, and only then lets the head take it over.

use std::collections::{BTreeSet, HashMap};

use super::{
    Entry, MonitorKey, Open, Reference, Vocabulary,
    codec::{CodecError, Told},
};

/// What bounds the head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// About how many bytes a sealed block has: what one page of the database holds.
    pub(crate) block: usize,
    /// Bytes of memory for what is open.
    pub(crate) memory: usize,
    /// Results in the table, sealed ones among them, so that start-up stays short and the table small.
    /// A row counts as [`ROW`] results.
    pub(crate) table: u64,
}

/// What a row of the table costs beside its results, as a number of results.
const ROW: u64 = 20;

impl Default for Bounds {
    fn default() -> Self {
        Self { block: 3_900, memory: 64 << 20, table: 6_000_000 }
    }
}

/// What a commit writes.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The row of the new results. Blocks of this plan hold what came before it.
    pub(crate) row: u64,
    /// The new results.
    pub(crate) new: Vec<Told>,
    /// Pieces of series to be sealed, each by time.
    pub(crate) seal: Vec<(MonitorKey, Vec<Entry>)>,
    /// Rows before this one hold nothing that is open, where that is news.
    pub(crate) done_before: Option<u64>,
}

/// All results that are not sealed.
#[derive(Debug, Default)]
pub(crate) struct Head {
    bounds: Bounds,
    open: HashMap<MonitorKey, Open>,
    /// The open series, the one that began in the oldest row first.
    by_age: BTreeSet<(u64, MonitorKey)>,
    /// Series that have the weight of a block.
    full: Vec<MonitorKey>,
    memory: usize,
    /// Counts what was taken in.
    taken: u64,
    next_row: u64,
    /// The oldest row of the table.
    first_row: u64,
}

impl Head {
    /// An empty head whose next row is this one.
    pub(crate) fn new(bounds: Bounds, first_row: u64, next_row: u64) -> Self {
        Self { bounds, first_row, next_row, ..Self::default() }
    }

    /// Takes over what is open of a row of the table; for start-up, oldest row first.
    pub(crate) fn restore(&mut self, row: u64, results: Vec<Told>) -> Result<(), CodecError> {
        for Told { key, numbers, reference } in results {
            let words = match self.open.get(&key) {
                Some(open) => open.vocabulary().meaning(&reference)?,
                None => Vocabulary::default().meaning(&reference)?,
            };
            self.push(row, key, &Entry { numbers, words });
        }
        self.end_row(row);
        Ok(())
    }

    /// What to write when these results are added.
    pub(crate) fn plan(&self, new: &[(MonitorKey, Entry)]) -> Result<Plan, CodecError> {
        let mut sealed: BTreeSet<MonitorKey> = self.full.iter().copied().collect();
        let freed = sealed.iter().filter_map(|key| self.open.get(key)).map(Open::memory).sum::<usize>();
        let mut left = self.memory - freed;
        let mut oldest = None;
        for (row, key) in self.by_age.iter().filter(|(_, key)| !self.full.contains(key)) {
            let Some(open) = self.open.get(key) else { continue };
            if left <= self.bounds.memory && self.taken - open.since <= self.bounds.table {
                oldest = Some(*row);
                break;
            }
            left -= open.memory();
            sealed.insert(*key);
        }
        let mut seal = Vec::new();
        for key in &sealed {
            let Some(open) = self.open.get(key) else { continue };
            let mut entries = open.entries()?;
            entries.sort_by_key(|entry| entry.numbers.start);
            let pieces = open.weight().div_ceil(self.bounds.block * 3 / 2).max(1);
            seal.extend(entries.chunks(entries.len().div_ceil(pieces).max(1)).map(|piece| (*key, piece.to_vec())));
        }
        // Words stand in the table once for each series; a series that is sealed begins anew.
        let mut changed: HashMap<MonitorKey, Vocabulary> = HashMap::new();
        let tell = |(key, entry): &(MonitorKey, Entry)| {
            let known = match changed.get(key) {
                None if sealed.contains(key) => None,
                None => self.open.get(key).map(Open::vocabulary),
                begun => begun,
            };
            let reference = match known.and_then(|known| known.place(&entry.words)) {
                Some(place) => Reference::Known(place),
                None => {
                    let known = known.cloned().unwrap_or_default();
                    changed.entry(*key).or_insert(known).refer(&entry.words)
                }
            };
            Told { key: *key, numbers: entry.numbers, reference }
        };
        let new: Vec<Told> = new.iter().map(tell).collect();
        let done_before = oldest.unwrap_or(self.next_row);
        Ok(Plan { row: self.next_row, new, seal, done_before: Some(done_before).filter(|row| *row > self.first_row) })
    }

    /// Takes over what was written.
    pub(crate) fn apply(&mut self, plan: &Plan, new: &[(MonitorKey, Entry)]) {
        for (key, _) in &plan.seal {
            self.forget(*key);
        }
        self.full.clear();
        self.first_row = plan.done_before.unwrap_or(self.first_row);
        for (key, entry) in new {
            self.push(plan.row, *key, entry);
        }
        self.end_row(plan.row);
    }

    /// A monitor's results that are not sealed, and the row that comes next: blocks with results up to there or
    /// further hold all of these as well.
    pub(crate) fn series(&self, key: MonitorKey) -> (Option<Open>, u64) {
        (self.open.get(&key).cloned(), self.next_row)
    }

    /// Forgets a monitor. Its results stay in their rows of the table until these are done.
    pub(crate) fn forget(&mut self, key: MonitorKey) {
        if let Some(open) = self.open.remove(&key) {
            self.memory -= open.memory();
            self.by_age.remove(&(open.first_row, key));
        }
    }

    fn push(&mut self, row: u64, key: MonitorKey, entry: &Entry) {
        let open = self.open.entry(key).or_insert_with(|| {
            let open = Open::new(row, self.taken);
            self.by_age.insert((row, key));
            self.memory += open.memory();
            open
        });
        let (memory, weight) = (open.memory(), open.weight());
        open.push(&entry.numbers, &entry.words);
        self.memory += open.memory() - memory;
        self.taken += 1;
        if weight < self.bounds.block && open.weight() >= self.bounds.block {
            self.full.push(key);
        }
    }

    fn end_row(&mut self, row: u64) {
        self.next_row = self.next_row.max(row + 1);
        self.taken += ROW;
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use proptest::prelude::*;

    use super::*;
    use crate::series::{Numbers, Words, codec};

    const TIGHT: Bounds = Bounds { block: 150, memory: 4_000, table: 400 };

    fn entry(start: i64, says: u8) -> Entry {
        let words = Words {
            family: 0,
            test_type: "http".into(),
            target: "t".into(),
            location: ["north", "south"][usize::from(says % 2)].into(),
            detail: None,
            observed: format!("{{\"bytes\":{says}}}").into(),
        };
        let numbers = Numbers { start, duration: 1, phases: [None; 5], code: 0, attempt: 0 };
        Entry { numbers, words: Arc::new(words) }
    }

    /// The tables, as a commit changes them.
    #[derive(Default)]
    struct Tables {
        head: BTreeMap<u64, Vec<u8>>,
        /// Monitor, row before which it is complete, results.
        blocks: Vec<(MonitorKey, u64, Vec<Entry>)>,
    }

    impl Tables {
        fn commit(&mut self, head: &mut Head, new: &[(MonitorKey, Entry)]) -> Plan {
            let plan = head.plan(new).unwrap();
            if !plan.new.is_empty() {
                self.head.insert(plan.row, codec::encode(&plan.new, codec::Effort::Head).unwrap());
            }
            for (key, entries) in &plan.seal {
                assert!(entries.is_sorted_by_key(|entry| entry.numbers.start));
                self.blocks.push((*key, plan.row, entries.clone()));
            }
            if let Some(row) = plan.done_before {
                self.head = self.head.split_off(&row);
            }
            head.apply(&plan, new);
            plan
        }

        /// The head after a restart.
        fn restart(&self, bounds: Bounds, exists: impl Fn(MonitorKey) -> bool) -> Head {
            let upto = |key| self.blocks.iter().filter(|(of, ..)| *of == key).map(|(_, upto, _)| *upto).max();
            let next_row = self.blocks.iter().map(|(_, upto, _)| *upto).max().unwrap_or_default() + 1;
            let first_row = self.head.keys().next().copied().unwrap_or_default();
            let mut head = Head::new(bounds, first_row, next_row);
            for (row, data) in &self.head {
                let mut results = codec::decode(data).unwrap();
                results.retain(|told| exists(told.key) && upto(told.key).is_none_or(|upto| upto <= *row));
                head.restore(*row, results).unwrap();
            }
            head
        }

        /// The starts of all of a monitor's results, sorted.
        fn starts(&self, head: &Head, key: MonitorKey) -> Vec<i64> {
            let sealed = self.blocks.iter().filter(|(of, ..)| *of == key).flat_map(|(.., entries)| entries.clone());
            let mut starts: Vec<_> = sealed.chain(open(head, key)).map(|entry| entry.numbers.start).collect();
            starts.sort_unstable();
            starts
        }
    }

    fn open(head: &Head, key: MonitorKey) -> Vec<Entry> {
        head.series(key).0.map(|open| open.entries().unwrap()).unwrap_or_default()
    }

    #[derive(Clone, Debug)]
    enum Step {
        Commit(Vec<(MonitorKey, u8, i64)>),
        Forget(MonitorKey),
        Restart,
    }

    fn step() -> impl Strategy<Value = Step> {
        let result = (0..6_i64, 0..4_u8, -3..3_i64);
        prop_oneof![
            8 => proptest::collection::vec(result, 0..12).prop_map(Step::Commit),
            1 => (0..6_i64).prop_map(Step::Forget),
            1 => Just(Step::Restart),
        ]
    }

    proptest! {
        #[test]
        fn every_result_is_there_once_whatever_is_sealed_forgotten_and_restored(steps in proptest::collection::vec(step(), 1..80)) {
            let (mut head, mut tables) = (Head::new(TIGHT, 0, 0), Tables::default());
            let mut expected: BTreeMap<MonitorKey, Vec<i64>> = BTreeMap::new();
            let mut gone = Vec::new();
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Commit(new) => {
                        let mut entries = Vec::new();
                        for (key, says, late) in new {
                            let start = number as i64 * 10 + late * 40;
                            if !gone.contains(&key) {
                                expected.entry(key).or_default().push(start);
                                entries.push((key, entry(start, says)));
                            }
                        }
                        tables.commit(&mut head, &entries);
                    }
                    Step::Forget(key) => {
                        head.forget(key);
                        tables.blocks.retain(|(of, ..)| *of != key);
                        expected.remove(&key);
                        gone.push(key);
                    }
                    Step::Restart => {
                        let again = tables.restart(TIGHT, |key| !gone.contains(&key));
                        for key in 0..6 {
                            prop_assert_eq!(open(&again, key), open(&head, key));
                        }
                        head = again;
                    }
                }
                for key in 0..6 {
                    let mut starts = expected.get(&key).cloned().unwrap_or_default();
                    starts.sort_unstable();
                    prop_assert_eq!(tables.starts(&head, key), starts);
                }
            }
        }
    }

    #[test]
    fn a_series_is_sealed_when_it_fills_a_block() {
        let (mut head, mut tables) = (Head::new(Bounds::default(), 0, 0), Tables::default());
        for start in 0..1_000 {
            tables.commit(&mut head, &[(1, entry(start, 0))]);
        }
        let counts: Vec<_> = tables.blocks.iter().map(|(.., entries)| entries.len()).collect();
        assert!(counts.len() == 2 && counts.iter().all(|count| (300..400).contains(count)), "{counts:?}");
    }

    #[test]
    fn many_results_of_one_monitor_at_once_become_several_blocks() {
        let (mut head, mut tables) = (Head::new(Bounds::default(), 0, 0), Tables::default());
        let many: Vec<_> = (0..3_000).map(|start| (1, entry(start, 0))).collect();
        tables.commit(&mut head, &many);
        tables.commit(&mut head, &[]);
        assert!(tables.blocks.len() >= 5, "{}", tables.blocks.len());
        assert!(tables.blocks.iter().all(|(.., entries)| entries.len() < 600));
        assert_eq!(tables.starts(&head, 1), (0..3_000).collect::<Vec<_>>());
    }

    #[test]
    fn memory_and_table_stay_within_their_bounds_however_many_monitors_there_are() {
        let bounds = Bounds { block: 3_900, memory: 200_000, table: 20_000 };
        let (mut head, mut tables) = (Head::new(bounds, 0, 0), Tables::default());
        for round in 0..60_i64 {
            for part in 0..10_i64 {
                let new: Vec<_> = (0..100).map(|key| (part * 100 + key, entry(round, 0))).collect();
                tables.commit(&mut head, &new);
                assert!(head.memory <= bounds.memory + 100 * 600, "{} bytes", head.memory);
            }
        }
        let rows = tables.head.len() as u64;
        assert!(rows * (100 + ROW) <= bounds.table + 10 * (100 + ROW), "{rows} rows");
    }

    #[test]
    fn a_monitor_that_seldom_reports_does_not_keep_the_rows_of_the_others() {
        let (mut head, mut tables) = (Head::new(TIGHT, 0, 0), Tables::default());
        tables.commit(&mut head, &[(7, entry(0, 0))]);
        for start in 1..200 {
            tables.commit(&mut head, &[(1, entry(start, 0))]);
        }
        assert!((tables.head.len() as u64) < TIGHT.table / ROW + 5, "{} rows", tables.head.len());
        assert_eq!(tables.starts(&head, 7), [0]);
    }

    #[test]
    fn the_rows_of_a_deleted_monitor_go_with_the_next_commit() {
        let (mut head, mut tables) = (Head::new(TIGHT, 0, 0), Tables::default());
        tables.commit(&mut head, &[(1, entry(0, 0))]);
        head.forget(1);
        let plan = tables.commit(&mut head, &[(2, entry(1, 0))]);
        assert_eq!(tables.head.keys().copied().collect::<Vec<_>>(), [plan.row]);
    }

    #[test]
    fn a_plan_that_was_not_written_changes_nothing() {
        let (mut head, mut tables) = (Head::new(TIGHT, 0, 0), Tables::default());
        for start in 0..12 {
            tables.commit(&mut head, &[(1, entry(start, 0))]);
        }
        let before = (open(&head, 1), head.series(1).1);
        let dropped = head.plan(&[(1, entry(99, 1)), (2, entry(99, 1))]).unwrap();
        assert_eq!((open(&head, 1), head.series(1).1), before);
        let again = tables.commit(&mut head, &[(1, entry(99, 1))]);
        assert_eq!(again.row, dropped.row);
        assert_eq!(tables.starts(&head, 1), (0..12).chain([99]).collect::<Vec<_>>());
    }
}
