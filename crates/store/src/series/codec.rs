//! Entries to bytes and back: columns of variable-length integers and a dictionary of words, through zstd.
//! The first byte is the version of the format; what cannot be read is an error, never a panic.

use std::{collections::HashMap, sync::Arc};

use super::{Entry, MonitorKey, Words};

/// The format written today.
const VERSION: u8 = 1;
/// Nothing that was written is larger than this when unpacked.
const LARGEST: usize = 64 << 20;

/// How hard to compress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// Written once, deleted soon.
    Head,
    /// Kept.
    Block,
}

/// Bytes that are not what was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CodecError {
    #[error("format version {0} is not known")]
    Version(u8),
    #[error("it cannot be unpacked")]
    Packed,
    #[error("it ends too early or is inconsistent")]
    Content,
}

/// The bytes of these entries.
pub(crate) fn encode(entries: &[(MonitorKey, Entry)], effort: Effort) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::with_capacity(entries.len() * 24 + 256);
    put(&mut out, entries.len() as u64);
    let mut previous = 0;
    for (key, _) in entries {
        put_signed(&mut out, key.wrapping_sub(previous));
        previous = *key;
    }
    // Regular intervals make the difference of differences small.
    let (mut last, mut step) = (0_i64, 0_i64);
    for (_, entry) in entries {
        let now = entry.start.wrapping_sub(last);
        put_signed(&mut out, now.wrapping_sub(step));
        (last, step) = (entry.start, now);
    }
    entries.iter().for_each(|(_, entry)| put(&mut out, entry.duration));
    for phase in 0..5 {
        entries
            .iter()
            .for_each(|(_, entry)| put(&mut out, entry.phases[phase].map_or(0, |value| u64::from(value) + 1)));
    }
    entries.iter().for_each(|(_, entry)| put_signed(&mut out, i64::from(entry.code)));
    entries.iter().for_each(|(_, entry)| put(&mut out, u64::from(entry.attempt)));
    let mut numbers: HashMap<&Words, u64> = HashMap::new();
    let mut dictionary: Vec<&Words> = Vec::new();
    for (_, entry) in entries {
        let number = *numbers.entry(&entry.words).or_insert_with(|| {
            dictionary.push(&entry.words);
            dictionary.len() as u64 - 1
        });
        put(&mut out, number);
    }
    put(&mut out, dictionary.len() as u64);
    for words in dictionary {
        out.push(words.family);
        put_text(&mut out, &words.test_type);
        put_text(&mut out, &words.target);
        put_text(&mut out, &words.location);
        out.push(u8::from(words.detail.is_some()));
        put_text(&mut out, words.detail.as_deref().unwrap_or_default());
        put_text(&mut out, &words.observed);
    }
    let level = match effort {
        Effort::Head => 1,
        Effort::Block => 3,
    };
    let packed = zstd::bulk::compress(&out, level).map_err(|_| CodecError::Packed)?;
    let mut framed = Vec::with_capacity(packed.len() + 11);
    framed.push(VERSION);
    put(&mut framed, out.len() as u64);
    framed.extend_from_slice(&packed);
    Ok(framed)
}

/// The entries of these bytes.
pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<(MonitorKey, Entry)>, CodecError> {
    let (&version, rest) = bytes.split_first().ok_or(CodecError::Content)?;
    if version != VERSION {
        return Err(CodecError::Version(version));
    }
    let mut frame = Cursor(rest);
    let length =
        usize::try_from(frame.number()?).ok().filter(|length| *length <= LARGEST).ok_or(CodecError::Content)?;
    let unpacked = zstd::bulk::decompress(frame.0, length).map_err(|_| CodecError::Packed)?;
    let mut cursor = Cursor(&unpacked);
    // Every entry takes at least a dozen bytes, so a count beyond the length is a lie.
    let count =
        usize::try_from(cursor.number()?).ok().filter(|count| *count <= unpacked.len()).ok_or(CodecError::Content)?;
    let mut previous = 0_i64;
    let keys = column(count, || {
        previous = previous.wrapping_add(cursor.signed()?);
        Ok(previous)
    })?;
    let (mut last, mut step) = (0_i64, 0_i64);
    let starts = column(count, || {
        step = step.wrapping_add(cursor.signed()?);
        last = last.wrapping_add(step);
        Ok(last)
    })?;
    let durations = column(count, || cursor.number())?;
    let mut phases = vec![[None; 5]; count];
    for phase in 0..5 {
        for entry in &mut phases {
            let value = cursor.number()?;
            entry[phase] = value.checked_sub(1).map(u32::try_from).transpose().map_err(|_| CodecError::Content)?;
        }
    }
    let codes = column(count, || i16::try_from(cursor.signed()?).map_err(|_| CodecError::Content))?;
    let attempts = column(count, || u16::try_from(cursor.number()?).map_err(|_| CodecError::Content))?;
    let numbers = column(count, || cursor.number())?;
    let size = usize::try_from(cursor.number()?).ok().filter(|size| *size <= count).ok_or(CodecError::Content)?;
    let dictionary = column(size, || {
        let family = cursor.byte()?;
        let (test_type, target, location) = (cursor.text()?, cursor.text()?, cursor.text()?);
        let has_detail = cursor.byte()? == 1;
        let detail = cursor.text()?;
        Ok(Arc::new(Words {
            family,
            test_type: test_type.into(),
            target: target.into(),
            location: location.into(),
            detail: has_detail.then(|| detail.into()),
            observed: cursor.text()?.into(),
        }))
    })?;
    (0..count)
        .map(|index| {
            let number = usize::try_from(numbers[index]).map_err(|_| CodecError::Content)?;
            let entry = Entry {
                start: starts[index],
                duration: durations[index],
                phases: phases[index],
                code: codes[index],
                attempt: attempts[index],
                words: Arc::clone(dictionary.get(number).ok_or(CodecError::Content)?),
            };
            Ok((keys[index], entry))
        })
        .collect()
}

fn column<T>(count: usize, read: impl FnMut() -> Result<T, CodecError>) -> Result<Vec<T>, CodecError> {
    std::iter::repeat_with(read).take(count).collect()
}

/// LEB128: seven bits a byte, the highest bit says that more follow.
fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Zigzag, so that small negative numbers are short too.
fn put_signed(out: &mut Vec<u8>, value: i64) {
    put(out, ((value << 1) ^ (value >> 63)) as u64);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn byte(&mut self) -> Result<u8, CodecError> {
        let (&first, rest) = self.0.split_first().ok_or(CodecError::Content)?;
        self.0 = rest;
        Ok(first)
    }

    fn number(&mut self) -> Result<u64, CodecError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(CodecError::Content)
    }

    fn signed(&mut self) -> Result<i64, CodecError> {
        let value = self.number()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    fn text(&mut self) -> Result<&'a str, CodecError> {
        let length = usize::try_from(self.number()?).map_err(|_| CodecError::Content)?;
        let (text, rest) = self.0.split_at_checked(length).ok_or(CodecError::Content)?;
        self.0 = rest;
        std::str::from_utf8(text).map_err(|_| CodecError::Content)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words() -> impl Strategy<Value = Arc<Words>> {
        (any::<u8>(), "[a-z]{0,5}", ".{0,20}", proptest::option::of(".{0,30}")).prop_map(
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

    fn entry() -> impl Strategy<Value = (MonitorKey, Entry)> {
        (
            any::<i64>(),
            any::<i64>(),
            any::<u64>(),
            proptest::array::uniform5(proptest::option::of(0..u32::MAX)),
            any::<i16>(),
            any::<u16>(),
            words(),
        )
            .prop_map(|(key, start, duration, phases, code, attempt, words)| {
                (key, Entry { start, duration, phases, code, attempt, words })
            })
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_the_same(entries in proptest::collection::vec(entry(), 0..50)) {
            for effort in [Effort::Head, Effort::Block] {
                let bytes = encode(&entries, effort).unwrap();
                prop_assert_eq!(decode(&bytes).unwrap(), entries.clone());
            }
        }

        #[test]
        fn damaged_bytes_are_an_error_or_other_entries(entries in proptest::collection::vec(entry(), 1..10), at in any::<prop::sample::Index>(), bit in 0..8_u8, cut in any::<prop::sample::Index>()) {
            let mut bytes = encode(&entries, Effort::Block).unwrap();
            let _ = decode(&bytes[..cut.index(bytes.len())]);
            let position = at.index(bytes.len());
            bytes[position] ^= 1 << bit;
            let _ = decode(&bytes);
        }

        #[test]
        fn garbage_is_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }
    }

    #[test]
    fn regular_results_are_small() {
        let words = Arc::new(Words {
            family: 0,
            test_type: "http".into(),
            target: "https://shop.example/".into(),
            location: "local".into(),
            detail: None,
            observed: r#"{"ip":"192.0.2.1","http_status":200}"#.into(),
        });
        let mut noise = 1_u32;
        let entries: Vec<_> = (0..360)
            .map(|index| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let part = noise >> 20;
                let entry = Entry {
                    start: 1_700_000_000_000_000 + index * 60_000_000 + i64::from(part % 500),
                    duration: u64::from(20_000 + part),
                    phases: [
                        Some(part % 300),
                        Some(5_000 + part % 900),
                        None,
                        Some(14_000 + part % 2_000),
                        Some(part % 100),
                    ],
                    code: 0,
                    attempt: 0,
                    words: Arc::clone(&words),
                };
                (7, entry)
            })
            .collect();
        let bytes = encode(&entries, Effort::Block).unwrap();
        assert!(bytes.len() < 360 * 16, "{} bytes for 360 results", bytes.len());
    }
}
