//! Results to bytes and back: packed columns of numbers, then the new words among them through zstd.
//! The first byte is the version of the format; what cannot be read is an error, never a panic.

use std::{cell::RefCell, thread::LocalKey};

use zstd::bulk::{Compressor, Decompressor};

use super::{
    Entry, MonitorKey, Numbers, Reference, Vocabulary,
    bytes::{Cursor, put, put_signed},
    pack::{put_column, read_column},
    words::told_words,
};

/// The format written today.
const VERSION: u8 = 1;
/// Where the content begins, behind the version and the checksum.
const CONTENT: usize = 5;
/// More results are never written at once.
const MOST: usize = 1 << 20;
/// Words are never larger than this when unpacked.
const LARGEST: usize = 1 << 30;
/// Fewer bytes of words than this are not worth packing.
const WORTH_PACKING: usize = 200;

/// How hard to compress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Written once, deleted soon.
    Head,
    /// Kept.
    Block,
}

/// Bytes that are not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CodecError {
    #[error("format version {0} is not known")]
    Version(u8),
    #[error("its checksum is wrong")]
    Checksum,
    #[error("its words cannot be packed or unpacked")]
    Words,
    #[error("it ends too early or is inconsistent")]
    Content,
    #[error("it has more than {MOST} results")]
    TooMany,
}

/// One result with its monitor, its words named as its series names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) key: MonitorKey,
    pub(crate) numbers: Numbers,
    pub(crate) reference: Reference,
}

/// The bytes of these results.
pub(crate) fn encode(results: &[Told], effort: Effort) -> Result<Vec<u8>, CodecError> {
    if results.len() > MOST {
        return Err(CodecError::TooMany);
    }
    let mut out = vec![0; CONTENT];
    put(&mut out, results.len() as u64);
    let all = |number: &dyn Fn(&Told) -> i64| results.iter().map(number).collect::<Vec<_>>();
    put_differences(&mut out, &all(&|told| told.key));
    put_differences(&mut out, &all(&|told| told.numbers.start));
    put_column(&mut out, &all(&|told| told.numbers.present()));
    for phase in 0..5 {
        let present = results.iter().filter_map(|told| told.numbers.phases[phase]).map(i64::from);
        put_column(&mut out, &present.collect::<Vec<_>>());
    }
    put_column(&mut out, &all(&|told| told.numbers.beside_phases()));
    put_column(&mut out, &all(&|told| told.numbers.code.into()));
    put_column(&mut out, &all(&|told| told.numbers.attempt.into()));
    let place = |told: &Told| match told.reference {
        Reference::New(_) => 0,
        Reference::Known(place) => place as i64 + 1,
    };
    put_column(&mut out, &all(&place));
    let mut words = Vec::new();
    for told in results {
        if let Reference::New(new) = &told.reference {
            words.extend_from_slice(new);
        }
    }
    put(&mut out, words.len() as u64);
    let packed = if words.len() < WORTH_PACKING { None } else { Some(pack(&words, effort)?) };
    out.extend(packed.filter(|packed| packed.len() < words.len()).unwrap_or(words));
    let checksum = crc32fast::hash(&out[CONTENT..]);
    out[0] = VERSION;
    out[1..CONTENT].copy_from_slice(&checksum.to_le_bytes());
    Ok(out)
}

/// The results of these bytes.
pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<Told>, CodecError> {
    let mut cursor = content(bytes)?;
    let (keys, numbers) = read_numbers(&mut cursor)?;
    let places = read_column(&mut cursor, keys.len())?;
    let length = cursor.size()?;
    let unpacked = if length == cursor.0.len() { None } else { Some(unpack(cursor.0, length)?) };
    let mut words = Cursor(unpacked.as_deref().unwrap_or(cursor.0));
    let told = keys.into_iter().zip(numbers).zip(places).map(|((key, numbers), place)| {
        let reference = match place {
            0 => Reference::New(told_words(&mut words)?.into()),
            place => Reference::Known(usize::try_from(place - 1).map_err(|_| CodecError::Content)?),
        };
        Ok(Told { key, numbers, reference })
    });
    told.collect()
}

/// Results of one monitor, told so that they need nothing else to be read.
pub(crate) fn tell(key: MonitorKey, entries: &[Entry]) -> Vec<Told> {
    let mut vocabulary = Vocabulary::default();
    let told = |Entry { numbers, words }: &Entry| Told { key, numbers: *numbers, reference: vocabulary.refer(words) };
    entries.iter().map(told).collect()
}

/// The results of a block.
pub(crate) fn decode_block(bytes: &[u8]) -> Result<Vec<Entry>, CodecError> {
    resolve(&decode(bytes)?)
}

/// The results of one monitor, told from the beginning of a series or block.
pub(crate) fn resolve(told: &[Told]) -> Result<Vec<Entry>, CodecError> {
    let mut vocabulary = Vocabulary::default();
    let entry = |told: &Told| Ok(Entry { numbers: told.numbers, words: vocabulary.resolve(&told.reference)? });
    told.iter().map(entry).collect()
}

/// The numbers of a block, for those who need no words.
pub(crate) fn decode_numbers(bytes: &[u8]) -> Result<Vec<Numbers>, CodecError> {
    read_numbers(&mut content(bytes)?).map(|(_, numbers)| numbers)
}

/// What stands behind version and checksum.
fn content(bytes: &[u8]) -> Result<Cursor<'_>, CodecError> {
    let (head, content) = bytes.split_first_chunk::<CONTENT>().ok_or(CodecError::Content)?;
    let [version, checksum @ ..] = *head;
    if version != VERSION {
        return Err(CodecError::Version(version));
    }
    // What the disk changed is noticed before it is believed.
    if u32::from_le_bytes(checksum) != crc32fast::hash(content) {
        return Err(CodecError::Checksum);
    }
    Ok(Cursor(content))
}

fn read_numbers(cursor: &mut Cursor<'_>) -> Result<(Vec<MonitorKey>, Vec<Numbers>), CodecError> {
    let count = cursor.size()?;
    if count > MOST {
        return Err(CodecError::TooMany);
    }
    let keys = read_differences(cursor, count)?;
    let starts = read_differences(cursor, count)?;
    let mut numbers: Vec<_> = starts.into_iter().map(Numbers::at).collect();
    let present = read_column(cursor, count)?;
    for phase in 0..5 {
        let has = |present: &i64| present >> phase & 1 == 1;
        let column = read_column(cursor, present.iter().filter(|present| has(present)).count())?;
        let with = numbers.iter_mut().zip(&present).filter(|(_, present)| has(present));
        for ((numbers, _), value) in with.zip(column) {
            numbers.phases[phase] = Some(u32::try_from(value).map_err(|_| CodecError::Content)?);
        }
    }
    for (numbers, beside) in numbers.iter_mut().zip(read_column(cursor, count)?) {
        numbers.set_beside_phases(beside);
    }
    for (numbers, code) in numbers.iter_mut().zip(read_column(cursor, count)?) {
        numbers.code = i16::try_from(code).map_err(|_| CodecError::Content)?;
    }
    for (numbers, attempt) in numbers.iter_mut().zip(read_column(cursor, count)?) {
        numbers.attempt = u16::try_from(attempt).map_err(|_| CodecError::Content)?;
    }
    Ok((keys, numbers))
}

/// A column of what grows from one to the next: the first, and the differences.
fn put_differences(out: &mut Vec<u8>, numbers: &[i64]) {
    put_signed(out, numbers.first().copied().unwrap_or_default());
    let differences = numbers.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
    put_column(out, &differences.collect::<Vec<_>>());
}

fn read_differences(cursor: &mut Cursor<'_>, count: usize) -> Result<Vec<i64>, CodecError> {
    let first = cursor.signed()?;
    let mut number = first;
    let differences = read_column(cursor, count.saturating_sub(1))?;
    let rest = differences.into_iter().map(|difference| {
        number = number.wrapping_add(difference);
        number
    });
    Ok(std::iter::once(first).chain(rest).take(count).collect())
}

thread_local! {
    // Making a context costs more than packing a block's words with it.
    static HEAD_PACKER: RefCell<Option<Compressor<'static>>> = RefCell::new(Compressor::new(1).ok());
    static BLOCK_PACKER: RefCell<Option<Compressor<'static>>> = RefCell::new(Compressor::new(3).ok());
    static UNPACKER: RefCell<Option<Decompressor<'static>>> = RefCell::new(Decompressor::new().ok());
}

fn pack(words: &[u8], effort: Effort) -> Result<Vec<u8>, CodecError> {
    let packer: &'static LocalKey<_> = match effort {
        Effort::Head => &HEAD_PACKER,
        Effort::Block => &BLOCK_PACKER,
    };
    let packed = packer.with_borrow_mut(|packer| packer.as_mut()?.compress(words).ok());
    packed.filter(|_| words.len() <= LARGEST).ok_or(CodecError::Words)
}

fn unpack(packed: &[u8], length: usize) -> Result<Vec<u8>, CodecError> {
    let unpack = |unpacker: &mut Option<Decompressor<'static>>| unpacker.as_mut()?.decompress(packed, length).ok();
    let unpacked = if length <= LARGEST { UNPACKER.with_borrow_mut(unpack) } else { None };
    unpacked.filter(|unpacked| unpacked.len() == length).ok_or(CodecError::Words)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
pub(super) mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::series::Words;

    fn words() -> impl Strategy<Value = Arc<Words>> {
        let observed = prop_oneof![Just("{}".to_owned()), Just(r#"{"bytes":1}"#.to_owned()), ".{0,20}"];
        (0..3_u8, "[ab]", observed, proptest::option::of("[xy]{0,3}")).prop_map(
            |(family, location, observed, detail)| {
                Arc::new(Words {
                    family,
                    test_type: "http".into(),
                    target: "http://a.example/".into(),
                    location: location.into(),
                    detail: detail.map(String::into_boxed_str),
                    observed: observed.into(),
                })
            },
        )
    }

    pub(in crate::series) fn entry() -> impl Strategy<Value = (MonitorKey, Entry)> {
        let phases = proptest::array::uniform5(proptest::option::of(any::<u32>()));
        (any::<i64>(), any::<i64>(), any::<u64>(), phases, any::<i16>(), any::<u16>(), words()).prop_map(
            |(key, start, duration, phases, code, attempt, words)| {
                (key, Entry { numbers: Numbers { start, duration, phases, code, attempt }, words })
            },
        )
    }

    fn told((key, entry): (MonitorKey, Entry), place: usize) -> Told {
        let reference = match place.checked_sub(1) {
            Some(place) => Reference::Known(place),
            None => Vocabulary::default().refer(&entry.words),
        };
        Told { key, numbers: entry.numbers, reference }
    }

    fn entries(most: usize) -> impl Strategy<Value = Vec<Entry>> {
        proptest::collection::vec(entry().prop_map(|(_, entry)| entry), 0..most)
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_the_same(results in proptest::collection::vec((entry(), 0..4_usize), 0..60)) {
            let results: Vec<_> = results.into_iter().map(|(entry, place)| told(entry, place)).collect();
            for effort in [Effort::Head, Effort::Block] {
                let bytes = encode(&results, effort).unwrap();
                prop_assert_eq!(decode(&bytes).unwrap(), results.clone());
            }
        }

        #[test]
        fn a_block_comes_back_with_its_words_and_as_numbers_alone(entries in entries(60), key in any::<i64>()) {
            let bytes = encode(&tell(key, &entries), Effort::Block).unwrap();
            let numbers: Vec<_> = entries.iter().map(|entry| entry.numbers).collect();
            prop_assert_eq!(decode_numbers(&bytes).unwrap(), numbers);
            prop_assert_eq!(decode_block(&bytes).unwrap(), entries);
        }

        #[test]
        fn damage_is_noticed_and_never_a_panic(entries in entries(30), at in any::<prop::sample::Index>(), bit in 0..8_u8, cut in any::<prop::sample::Index>()) {
            let mut bytes = encode(&tell(7, &entries), Effort::Block).unwrap();
            prop_assert!(decode_block(&bytes[..cut.index(bytes.len())]).is_err());
            let position = at.index(bytes.len());
            bytes[position] ^= 1 << bit;
            prop_assert!(decode_block(&bytes).is_err() && decode_numbers(&bytes).is_err());
            // As if the checksum were right.
            let checksum = crc32fast::hash(&bytes[CONTENT..]).to_le_bytes();
            bytes[1..CONTENT].copy_from_slice(&checksum);
            let _ = decode_block(&bytes);
            let _ = decode_numbers(&bytes);
        }

        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_block(&bytes);
            let checksum = crc32fast::hash(&bytes).to_le_bytes();
            let _ = decode_block(&[&[VERSION], &checksum[..], &bytes[..]].concat());
        }
    }

    /// A day at one minute's interval, with times that vary.
    fn usual() -> Vec<Entry> {
        let words = Arc::new(Words {
            family: 0,
            test_type: "http".into(),
            target: "https://shop.example/".into(),
            location: "local".into(),
            detail: None,
            observed: r#"{"ip":"192.0.2.1","http_status":200}"#.into(),
        });
        let mut noise = 1_u32;
        let entry = |index: i64| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let part = noise >> 20;
            let first_byte = Some(14_000 + part % 2_000);
            let numbers = Numbers {
                start: 1_700_000_000_000_000 + index * 60_000_000 + i64::from(part % 500),
                duration: u64::from(20_000 + part),
                phases: [Some(part % 300), Some(5_000 + part % 900), None, first_byte, Some(part % 100)],
                code: 0,
                attempt: 0,
            };
            Entry { numbers, words: Arc::clone(&words) }
        };
        (0..360).map(entry).collect()
    }

    #[test]
    fn regular_results_are_small() {
        let bytes = encode(&tell(7, &usual()), Effort::Block).unwrap();
        assert!(bytes.len() < 360 * 9, "{} bytes for 360 results", bytes.len());
    }

    #[test]
    fn results_as_small_as_they_can_be_come_back() {
        let numbers = Numbers { start: 0, duration: 0, phases: [None; 5], code: 0, attempt: 0 };
        let smallest = Told { key: 0, numbers, reference: Reference::Known(0) };
        for count in [0, 1, 2, 1_000] {
            let results = vec![smallest.clone(); count];
            assert_eq!(decode(&encode(&results, Effort::Head).unwrap()).unwrap(), results);
        }
    }
}
