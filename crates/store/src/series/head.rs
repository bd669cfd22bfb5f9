//! Results that are not sealed yet: which series to seal with a commit, and which rows of the table are done then.
//! No I/O: a commit asks for a plan, writes it, and only then lets the head take it over.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    Entry, MonitorKey, Open, Reference, Vocabulary, Words,
    codec::{self, CodecError, Effort, Told},
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

/// Results of a block from which on its size tells about the next one.
const TELLING: usize = 64;
/// The least that a result counts, in sixteenths of a byte: whoever reads one reads its whole block.
const LEAST: usize = 64;

/// What a commit writes.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The row of the new results. The blocks hold what came before it.
    pub(crate) row: u64,
    new: Vec<(Told, Arc<Words>)>,
    /// The new results as bytes, if there are any.
    pub(crate) data: Option<Vec<u8>>,
    pub(crate) blocks: Vec<Block>,
    /// Rows before this one hold nothing that is open, where that is news.
    pub(crate) done_before: Option<u64>,
}

/// Results of one monitor that are sealed, by time.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) key: MonitorKey,
    /// The starts of the oldest and the newest.
    pub(crate) first: i64,
    pub(crate) last: i64,
    count: usize,
    pub(crate) data: Vec<u8>,
}

impl Block {
    fn new(key: MonitorKey, told: &[Told]) -> Result<Self, CodecError> {
        let start = |told: Option<&Told>| told.map(|told| told.numbers.start).unwrap_or_default();
        let (first, last) = (start(told.first()), start(told.last()));
        Ok(Self { key, first, last, count: told.len(), data: codec::encode(told, Effort::Block)? })
    }

    /// The blocks of a series, so many that none is much larger than a page.
    fn of(key: MonitorKey, open: &Open, bounds: Bounds) -> Result<Vec<Self>, CodecError> {
        let told = open.told(key)?;
        let pieces = open.weight().div_ceil(bounds.block * 3 / 2).max(1);
        if pieces == 1 && told.is_sorted_by_key(|told| told.numbers.start) {
            return Ok(vec![Self::new(key, &told)?]);
        }
        let mut entries = codec::resolve(&told)?;
        entries.sort_by_key(|entry| entry.numbers.start);
        let pieces = entries.chunks(entries.len().div_ceil(pieces).max(1));
        pieces.map(|piece| Self::new(key, &codec::tell(key, piece))).collect()
    }
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
    /// What a result of a monitor took in its last block, in sixteenths of a byte.
    measured: HashMap<MonitorKey, usize>,
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
        for told in results {
            let words = match self.open.get(&told.key) {
                Some(open) => open.vocabulary().meaning(&told.reference)?,
                None => Vocabulary::default().meaning(&told.reference)?,
            };
            self.push(row, &told, &words);
        }
        self.end_row(row);
        Ok(())
    }

    /// What to write when these results are added.
    pub(crate) fn plan(&self, new: Vec<(MonitorKey, Entry)>) -> Result<Plan, CodecError> {
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
        let mut blocks = Vec::new();
        for key in &sealed {
            let Some(open) = self.open.get(key) else { continue };
            blocks.extend(Block::of(*key, open, self.bounds)?);
        }
        // Words stand in the table once for each series; a series that is sealed begins anew.
        let mut changed: HashMap<MonitorKey, Vocabulary> = HashMap::new();
        let tell = |(key, entry): (MonitorKey, Entry)| {
            let known = match changed.get(&key) {
                None if sealed.contains(&key) => None,
                None => self.open.get(&key).map(Open::vocabulary),
                begun => begun,
            };
            let reference = match known.and_then(|known| known.place(&entry.words)) {
                Some(place) => Reference::Known(place),
                None => {
                    let known = known.cloned().unwrap_or_default();
                    changed.entry(key).or_insert(known).refer(&entry.words)
                }
            };
            (Told { key, numbers: entry.numbers, reference }, entry.words)
        };
        let (told, words): (Vec<Told>, Vec<Arc<Words>>) = new.into_iter().map(tell).unzip();
        let data = if told.is_empty() { None } else { Some(codec::encode(&told, Effort::Head)?) };
        let new = told.into_iter().zip(words).collect();
        let done_before = Some(oldest.unwrap_or(self.next_row)).filter(|row| *row > self.first_row);
        Ok(Plan { row: self.next_row, new, data, blocks, done_before })
    }

    /// Takes over what was written.
    pub(crate) fn apply(&mut self, plan: &Plan) {
        for Block { key, count, data, .. } in &plan.blocks {
            self.close(*key);
            if *count >= TELLING {
                self.measured.insert(*key, (data.len() * 16 / count).max(LEAST));
            }
        }
        self.full.clear();
        self.first_row = plan.done_before.unwrap_or(self.first_row);
        for (told, words) in &plan.new {
            self.push(plan.row, told, words);
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
        self.close(key);
        self.measured.remove(&key);
    }

    fn close(&mut self, key: MonitorKey) {
        if let Some(open) = self.open.remove(&key) {
            self.memory -= open.memory();
            self.by_age.remove(&(open.first_row, key));
        }
    }

    fn push(&mut self, row: u64, told: &Told, words: &Arc<Words>) {
        let key = told.key;
        let open = self.open.entry(key).or_insert_with(|| {
            let open = Open::new(row, self.taken, self.measured.get(&key).copied());
            self.by_age.insert((row, key));
            self.memory += open.memory();
            open
        });
        let (memory, weight) = (open.memory(), open.weight());
        open.push(&told.numbers, &told.reference, words);
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
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::series::Numbers;

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
            let plan = head.plan(new.to_vec()).unwrap();
            if let Some(data) = &plan.data {
                self.head.insert(plan.row, data.clone());
            }
            for block in &plan.blocks {
                let entries = codec::decode_block(&block.data).unwrap();
                let starts: Vec<_> = entries.iter().map(|entry| entry.numbers.start).collect();
                assert!(starts.is_sorted());
                assert_eq!((starts.first(), starts.last()), (Some(&block.first), Some(&block.last)));
                self.blocks.push((block.key, plan.row, entries));
            }
            if let Some(row) = plan.done_before {
                self.head = self.head.split_off(&row);
            }
            head.apply(&plan);
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
    fn a_series_is_sealed_when_it_fills_a_block_as_far_as_the_last_one_tells() {
        let (mut head, mut tables) = (Head::new(Bounds::default(), 0, 0), Tables::default());
        let mut noise = 1_u32;
        let mut sizes = Vec::new();
        for start in 0..5_000 {
            // The first monitor's times vary, the second one's never do.
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let mut varied = entry(start, 0);
            varied.numbers.phases = [noise >> 20, noise >> 16, noise >> 12, noise >> 10, noise >> 18].map(Some);
            let plan = tables.commit(&mut head, &[(1, varied), (2, entry(start, 0))]);
            sizes.extend(plan.blocks.into_iter().filter(|block| block.key == 1).map(|block| block.data.len()));
        }
        assert!(sizes[1..].iter().all(|size| (3_700..4_061).contains(size)), "{sizes:?}");
        let counts = tables.blocks.iter().filter(|(key, ..)| *key == 2).map(|(.., entries)| entries.len());
        let counts: Vec<_> = counts.collect();
        assert!(counts.len() >= 5 && counts[1..].iter().all(|count| (900..1_000).contains(count)), "{counts:?}");
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
        let dropped = head.plan(vec![(1, entry(99, 1)), (2, entry(99, 1))]).unwrap();
        assert_eq!((open(&head, 1), head.series(1).1), before);
        let again = tables.commit(&mut head, &[(1, entry(99, 1))]);
        assert_eq!(again.row, dropped.row);
        assert_eq!(tables.starts(&head, 1), (0..12).chain([99]).collect::<Vec<_>>());
    }
}
