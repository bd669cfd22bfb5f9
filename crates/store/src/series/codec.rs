//! Results to bytes and back: columns of variable-length integers, the new words among them, through zstd.
//! The first byte is the version of the format; what cannot be read is an error, never a panic.

use std::{cell::RefCell, sync::Arc};

use zstd::bulk::{Compressor, Decompressor};

use super::{
    Entry, MonitorKey, Numbers, Reference, Vocabulary,
    bytes::{Cursor, put, put_signed},
    open::Pace,
    words::{put_words, read_words},
};

/// The format written today.
const VERSION: u8 = 1;
/// Nothing that was written is larger than this when unpacked.
const LARGEST: usize = 1 << 30;
/// Each result takes at least this many bytes before it is packed.
const LEAST: usize = 11;
/// Fewer bytes than this are not worth packing.
const WORTH_PACKING: usize = 512;

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
    #[error("it cannot be unpacked")]
    Packed,
    #[error("it ends too early or is inconsistent")]
    Content,
}

/// One result with its monitor, its words named as its series names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) key: MonitorKey,
    pub(crate) numbers: Numbers,
    pub(crate) reference: Reference,
}

thread_local! {
    // Making a context costs more than packing a block with it.
    static HEAD_PACKER: RefCell<Option<Compressor<'static>>> = RefCell::new(packer(1));
    static BLOCK_PACKER: RefCell<Option<Compressor<'static>>> = RefCell::new(packer(3));
    static UNPACKER: RefCell<Option<Decompressor<'static>>> = RefCell::new(Decompressor::new().ok());
}

/// Packs with a checksum, so that what the disk changes is noticed.
fn packer(level: i32) -> Option<Compressor<'static>> {
    let mut packer = Compressor::new(level).ok()?;
    packer.include_checksum(true).ok()?;
    Some(packer)
}

/// The bytes of these results.
pub(crate) fn encode(results: &[Told], effort: Effort) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::with_capacity(results.len() * 24 + 256);
    put(&mut out, results.len() as u64);
    let mut previous = 0;
    for told in results {
        put_signed(&mut out, told.key.wrapping_sub(previous));
        previous = told.key;
    }
    let mut pace = Pace::default();
    results.iter().for_each(|told| put_signed(&mut out, pace.difference(told.numbers.start)));
    results.iter().for_each(|told| put(&mut out, told.numbers.duration));
    for phase in 0..5 {
        let phases = results.iter().map(|told| told.numbers.phases[phase]);
        phases.for_each(|phase| put(&mut out, phase.map_or(0, |value| u64::from(value) + 1)));
    }
    results.iter().for_each(|told| put_signed(&mut out, i64::from(told.numbers.code)));
    results.iter().for_each(|told| put(&mut out, u64::from(told.numbers.attempt)));
    for told in results {
        let number = match told.reference {
            Reference::New(_) => 0,
            Reference::Known(place) => place as u64 + 1,
        };
        put(&mut out, number);
    }
    let mut base = None;
    for told in results {
        if let Reference::New(words) = &told.reference {
            put_words(&mut out, words, base);
            base = Some(&**words);
        }
    }
    frame(&out, effort)
}

/// The results of these bytes.
pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<Told>, CodecError> {
    let content = unframe(bytes)?;
    let mut cursor = Cursor(&content);
    let (keys, numbers) = columns(&mut cursor)?;
    let places = column(keys.len(), || cursor.size())?;
    let mut base: Option<Arc<_>> = None;
    let told = keys.into_iter().zip(numbers).zip(places).map(|((key, numbers), place)| {
        let reference = match place.checked_sub(1) {
            Some(place) => Reference::Known(place),
            None => {
                let words = Arc::new(read_words(&mut cursor, base.as_deref())?);
                base = Some(Arc::clone(&words));
                Reference::New(words)
            }
        };
        Ok(Told { key, numbers, reference })
    });
    told.collect()
}

/// The bytes of a block: results of one monitor that need nothing else to be read.
pub(crate) fn encode_block(key: MonitorKey, entries: &[Entry]) -> Result<Vec<u8>, CodecError> {
    let mut vocabulary = Vocabulary::default();
    let told = entries.iter().map(|Entry { numbers, words }| Told {
        key,
        numbers: *numbers,
        reference: vocabulary.refer(words),
    });
    encode(&told.collect::<Vec<_>>(), Effort::Block)
}

/// The results of a block.
pub(crate) fn decode_block(bytes: &[u8]) -> Result<Vec<Entry>, CodecError> {
    let mut vocabulary = Vocabulary::default();
    let entry = |told: Told| Ok(Entry { numbers: told.numbers, words: vocabulary.resolve(&told.reference)? });
    decode(bytes)?.into_iter().map(entry).collect()
}

/// The numbers of a block, for those who need no words.
pub(crate) fn decode_numbers(bytes: &[u8]) -> Result<Vec<Numbers>, CodecError> {
    columns(&mut Cursor(&unframe(bytes)?)).map(|(_, numbers)| numbers)
}

/// The columns of numbers. What follows them is left to be read.
fn columns(cursor: &mut Cursor<'_>) -> Result<(Vec<MonitorKey>, Vec<Numbers>), CodecError> {
    let most = cursor.0.len() / LEAST;
    let count = cursor.size()?;
    if count > most {
        return Err(CodecError::Content);
    }
    let mut previous = 0_i64;
    let keys = column(count, || {
        previous = previous.wrapping_add(cursor.signed()?);
        Ok(previous)
    })?;
    let mut pace = Pace::default();
    let mut numbers = column(count, || {
        let start = pace.next(cursor.signed()?);
        Ok(Numbers { start, duration: 0, phases: [None; 5], code: 0, attempt: 0 })
    })?;
    for one in &mut numbers {
        one.duration = cursor.number()?;
    }
    for phase in 0..5 {
        for one in &mut numbers {
            one.phases[phase] = cursor.phase()?;
        }
    }
    for one in &mut numbers {
        one.code = cursor.code()?;
    }
    for one in &mut numbers {
        one.attempt = cursor.attempt()?;
    }
    Ok((keys, numbers))
}

fn column<T>(count: usize, read: impl FnMut() -> Result<T, CodecError>) -> Result<Vec<T>, CodecError> {
    std::iter::repeat_with(read).take(count).collect()
}

impl Cursor<'_> {
    pub(super) fn phase(&mut self) -> Result<Option<u32>, CodecError> {
        self.number()?.checked_sub(1).map(u32::try_from).transpose().map_err(|_| CodecError::Content)
    }

    pub(super) fn code(&mut self) -> Result<i16, CodecError> {
        i16::try_from(self.signed()?).map_err(|_| CodecError::Content)
    }

    pub(super) fn attempt(&mut self) -> Result<u16, CodecError> {
        u16::try_from(self.number()?).map_err(|_| CodecError::Content)
    }
}

/// The version, the length, and the content: packed, or as it is when it has its own length.
fn frame(content: &[u8], effort: Effort) -> Result<Vec<u8>, CodecError> {
    if content.len() > LARGEST {
        return Err(CodecError::Packed);
    }
    let packed = match effort {
        _ if content.len() < WORTH_PACKING => None,
        Effort::Head => Some(pack(&HEAD_PACKER, content)?),
        Effort::Block => Some(pack(&BLOCK_PACKER, content)?),
    };
    let packed = packed.as_deref().filter(|packed| packed.len() < content.len()).unwrap_or(content);
    let mut framed = Vec::with_capacity(packed.len() + 11);
    framed.push(VERSION);
    put(&mut framed, content.len() as u64);
    framed.extend_from_slice(packed);
    Ok(framed)
}

fn unframe(bytes: &[u8]) -> Result<Vec<u8>, CodecError> {
    let mut cursor = Cursor(bytes);
    let version = cursor.byte()?;
    if version != VERSION {
        return Err(CodecError::Version(version));
    }
    let length = cursor.size()?;
    if length > LARGEST {
        return Err(CodecError::Content);
    }
    let packed = cursor.0;
    let content = if packed.len() == length { packed.to_vec() } else { unpack(packed, length)? };
    if content.len() == length { Ok(content) } else { Err(CodecError::Content) }
}

type Packer = std::thread::LocalKey<RefCell<Option<Compressor<'static>>>>;

fn pack(packer: &'static Packer, content: &[u8]) -> Result<Vec<u8>, CodecError> {
    let packed = packer.with_borrow_mut(|packer| packer.as_mut()?.compress(content).ok());
    packed.ok_or(CodecError::Packed)
}

fn unpack(packed: &[u8], length: usize) -> Result<Vec<u8>, CodecError> {
    let unpacked = UNPACKER.with_borrow_mut(|unpacker| unpacker.as_mut()?.decompress(packed, length).ok());
    unpacked.ok_or(CodecError::Packed)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
pub(super) mod tests {
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
        let reference = if place == 0 { Reference::New(entry.words) } else { Reference::Known(place - 1) };
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
            let bytes = encode_block(key, &entries).unwrap();
            let numbers: Vec<_> = entries.iter().map(|entry| entry.numbers).collect();
            prop_assert_eq!(decode_numbers(&bytes).unwrap(), numbers);
            prop_assert_eq!(decode_block(&bytes).unwrap(), entries);
        }

        #[test]
        fn damaged_bytes_never_panic(entries in entries(30), at in any::<prop::sample::Index>(), bit in 0..8_u8, cut in any::<prop::sample::Index>()) {
            let mut bytes = encode_block(7, &entries).unwrap();
            prop_assert!(decode_block(&bytes[..cut.index(bytes.len())]).is_err());
            let position = at.index(bytes.len());
            bytes[position] ^= 1 << bit;
            let _ = decode_block(&bytes);
            let _ = decode_numbers(&bytes);
        }

        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_block(&bytes);
            let _ = decode_block(&[&[VERSION], &bytes[..]].concat());
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
        let bytes = encode_block(7, &usual()).unwrap();
        assert!(bytes.len() < 360 * 13, "{} bytes for 360 results", bytes.len());
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

    #[test]
    fn damage_in_a_packed_block_is_noticed() {
        let bytes = encode_block(7, &usual()).unwrap();
        for position in 3..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[position] ^= 0x10;
            // A few bits of the packer's header mean nothing.
            assert!(decode_block(&damaged).is_err() || decode_block(&damaged) == Ok(usual()), "byte {position}");
        }
    }
}
