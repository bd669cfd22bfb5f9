//! One monitor's results that are not sealed: in memory about twenty bytes each, one after the other.
//! Only the newest words are kept as words; a result that says the same as one before refers to them.

use std::sync::Arc;

use super::{
    Entry, Numbers, Reference, Vocabulary, Words,
    bytes::{Cursor, put, put_signed},
    codec::CodecError,
    words::{put_words, read_words},
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
    pace: Pace,
    vocabulary: Vocabulary,
}

/// Where a series stands in time: regular intervals make the difference of differences small.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    last: i64,
    step: i64,
}

impl Pace {
    /// What tells the next start.
    pub(super) fn difference(&mut self, start: i64) -> i64 {
        let step = start.wrapping_sub(self.last);
        let told = step.wrapping_sub(self.step);
        (self.last, self.step) = (start, step);
        told
    }

    /// The next start.
    pub(super) fn next(&mut self, told: i64) -> i64 {
        self.step = self.step.wrapping_add(told);
        self.last = self.last.wrapping_add(self.step);
        self.last
    }
}

impl Open {
    pub(super) fn new(first_row: u64, since: u64) -> Self {
        Self {
            first_row,
            since,
            bytes: Vec::new(),
            count: 0,
            words: 0,
            pace: Pace::default(),
            vocabulary: Vocabulary::default(),
        }
    }

    /// Appends a result.
    pub(super) fn push(&mut self, numbers: &Numbers, words: &Arc<Words>) {
        if self.bytes.capacity() - self.bytes.len() < GROWTH / 4 {
            // Doubling would leave half of the memory of all series unused.
            self.bytes.reserve_exact(GROWTH.max(self.bytes.len() / 8));
        }
        let out = &mut self.bytes;
        put_signed(out, self.pace.difference(numbers.start));
        put(out, numbers.duration);
        numbers.phases.iter().for_each(|phase| put(out, phase.map_or(0, |value| u64::from(value) + 1)));
        put_signed(out, i64::from(numbers.code));
        put(out, u64::from(numbers.attempt));
        match self.vocabulary.place(words) {
            Some(place) => put(out, place as u64 + 1),
            None => {
                put(out, 0);
                let before = out.len();
                put_words(out, words, self.vocabulary.newest());
                self.words += out.len() - before;
                self.vocabulary.learn(Arc::clone(words));
            }
        }
        self.count += 1;
    }

    /// The results in the order in which they came.
    pub(crate) fn entries(&self) -> Result<Vec<Entry>, CodecError> {
        let (mut cursor, mut pace, mut vocabulary) = (Cursor(&self.bytes), Pace::default(), Vocabulary::default());
        let mut entries = Vec::with_capacity(self.count);
        while !cursor.is_at_end() {
            let numbers = Numbers {
                start: pace.next(cursor.signed()?),
                duration: cursor.number()?,
                phases: {
                    let mut phases = [None; 5];
                    for phase in &mut phases {
                        *phase = cursor.phase()?;
                    }
                    phases
                },
                code: cursor.code()?,
                attempt: cursor.attempt()?,
            };
            let reference = match cursor.size()?.checked_sub(1) {
                Some(place) => Reference::Known(place),
                None => Reference::New(Arc::new(read_words(&mut cursor, vocabulary.newest())?)),
            };
            entries.push(Entry { numbers, words: vocabulary.resolve(&reference)? });
        }
        Ok(entries)
    }

    /// How new results of this series name their words.
    pub(super) fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// About how many bytes a block of them takes.
    pub(super) fn weight(&self) -> usize {
        self.count * NUMBERS + self.words / 2
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
            let mut open = Open::new(0, 0);
            for (_, entry) in &entries {
                open.push(&entry.numbers, &entry.words);
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
        let mut open = Open::new(0, 0);
        for index in 0..300_i64 {
            let numbers = Numbers {
                start: 1_700_000_000_000_000 + index * 60_000_000 + index % 7 * 300,
                duration: 20_000,
                phases: [Some(200), Some(5_000), None, Some(14_000), Some(90)],
                code: 0,
                attempt: 0,
            };
            open.push(&numbers, &words(40_000 + index * 37 % 1_000));
        }
        assert!(open.memory() < 300 * 45, "{} bytes", open.memory());
    }
}
