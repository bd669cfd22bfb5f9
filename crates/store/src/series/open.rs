//! One monitor's results that are not sealed: in memory about twenty bytes each, one after the other.
//! Only the newest words are kept as words; a result that says the same as one before refers to them.

use std::sync::Arc;

use super::{
    Entry, MonitorKey, Numbers, Reference, Vocabulary, Words,
    bytes::{Cursor, put, put_signed},
    codec::{self, CodecError, Told},
    words::told_words,
};

/// About what the numbers of one result take in a block.
const NUMBERS: usize = 11;
/// The least by which the bytes grow.
const GROWTH: usize = 256;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    /// The row of the table with the first of them.
    pub(super) first_row: u64,
    /// How much had been taken in, by the head's count, when the first of them came.
    pub(super) since: u64,
    bytes: Vec<u8>,
    count: usize,
    /// Bytes that were spent on words.
    words: usize,
    /// What each takes in a block, in sixteenths of a byte, where that is known.
    measured: Option<usize>,
    pace: Pace,
    vocabulary: Vocabulary,
}

/// Where a series stands in time: regular intervals make the difference of differences small.
#[derive(Clone, Copy, Debug, Default)]
struct Pace {
    last: i64,
    step: i64,
}

impl Pace {
    /// What tells the next start.
    fn difference(&mut self, start: i64) -> i64 {
        let step = start.wrapping_sub(self.last);
        let told = step.wrapping_sub(self.step);
        (self.last, self.step) = (start, step);
        told
    }

    /// The next start.
    fn next(&mut self, told: i64) -> i64 {
        self.step = self.step.wrapping_add(told);
        self.last = self.last.wrapping_add(self.step);
        self.last
    }
}

impl Open {
    pub(super) fn new(first_row: u64, since: u64, measured: Option<usize>) -> Self {
        Self {
            first_row,
            since,
            bytes: Vec::new(),
            count: 0,
            words: 0,
            measured,
            pace: Pace::default(),
            vocabulary: Vocabulary::default(),
        }
    }

    /// Appends a result that names its words as those before it in this series allow; where it brings new ones,
    /// they are given as well.
    pub(super) fn push(&mut self, numbers: &Numbers, reference: &Reference, words: &Arc<Words>) {
        if self.bytes.capacity() - self.bytes.len() < GROWTH / 4 {
            // Doubling would leave half of the memory of all series unused.
            self.bytes.reserve_exact(GROWTH.max(self.bytes.len() / 8));
        }
        let out = &mut self.bytes;
        put_signed(out, self.pace.difference(numbers.start));
        out.push(numbers.present() as u8);
        numbers.phases.iter().flatten().for_each(|phase| put(out, u64::from(*phase)));
        put_signed(out, numbers.beside_phases());
        put_signed(out, i64::from(numbers.code));
        put(out, u64::from(numbers.attempt));
        match reference {
            Reference::Known(place) => put(out, *place as u64 + 1),
            Reference::New(told) => {
                put(out, 0);
                out.extend_from_slice(told);
                self.words += told.len();
                self.vocabulary.learn(Arc::clone(words));
            }
        }
        self.count += 1;
    }

    /// The results in the order in which they came.
    pub(crate) fn entries(&self) -> Result<Vec<Entry>, CodecError> {
        codec::resolve(&self.told(0)?)
    }

    /// The same, told as those of the monitor with this key.
    pub(super) fn told(&self, key: MonitorKey) -> Result<Vec<Told>, CodecError> {
        let (mut cursor, mut pace) = (Cursor(&self.bytes), Pace::default());
        let mut all = Vec::with_capacity(self.count);
        while !cursor.is_at_end() {
            let mut numbers = Numbers::at(pace.next(cursor.signed()?));
            let present = cursor.byte()?;
            for phase in (0..5).filter(|phase| present >> phase & 1 == 1) {
                numbers.phases[phase] = Some(u32::try_from(cursor.number()?).map_err(|_| CodecError::Content)?);
            }
            numbers.set_beside_phases(cursor.signed()?);
            numbers.code = i16::try_from(cursor.signed()?).map_err(|_| CodecError::Content)?;
            numbers.attempt = u16::try_from(cursor.number()?).map_err(|_| CodecError::Content)?;
            let reference = match cursor.size()?.checked_sub(1) {
                Some(place) => Reference::Known(place),
                None => Reference::New(told_words(&mut cursor)?.into()),
            };
            all.push(Told { key, numbers, reference });
        }
        Ok(all)
    }

    /// How new results of this series name their words.
    pub(super) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// About how many bytes a block of them takes.
    pub(super) fn weight(&self) -> usize {
        match self.measured {
            Some(sixteenths) => self.count * sixteenths / 16,
            None => self.count * NUMBERS + self.words / 2,
        }
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        size_of::<Self>() + self.bytes.capacity()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::series::codec::tests::entry;

    proptest! {
        #[test]
        fn what_is_pushed_comes_back_in_order(entries in proptest::collection::vec(entry(), 0..60)) {
            let mut open = Open::new(0, 0, None);
            let mut vocabulary = Vocabulary::default();
            for (_, entry) in &entries {
                open.push(&entry.numbers, &vocabulary.refer(&entry.words), &entry.words);
            }
            let expected: Vec<_> = entries.into_iter().map(|(_, entry)| entry).collect();
            prop_assert_eq!(open.entries().unwrap(), expected);
        }
    }

    #[test]
    fn a_usual_result_takes_few_bytes_even_when_its_words_differ_a_little() {
        let words = |bytes: i64| {
            Arc::new(Words {
                family: 0,
                test_type: "http".into(),
                target: "https://shop.example/".into(),
                location: "local".into(),
                detail: None,
                observed: format!(r#"{{"ip":"192.0.2.1","http_status":200,"bytes":{bytes},"redirects":[]}}"#).into(),
            })
        };
        let mut open = Open::new(0, 0, None);
        let mut vocabulary = Vocabulary::default();
        for index in 0..300_i64 {
            let numbers = Numbers {
                start: 1_700_000_000_000_000 + index * 60_000_000 + index % 7 * 300,
                duration: 20_000,
                phases: [Some(200), Some(5_000), None, Some(14_000), Some(90)],
                code: 0,
                attempt: 0,
            };
            let words = words(40_000 + index * 37 % 1_000);
            open.push(&numbers, &vocabulary.refer(&words), &words);
        }
        assert!(open.memory() < 300 * 33, "{} bytes", open.memory());
    }
}
