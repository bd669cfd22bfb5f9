//! Numbers and texts as bytes: variable-length integers, and texts told by how they differ from another text.
//! What cannot be read back is an error, never a panic.

use super::codec::CodecError;

/// LEB128: seven bits a byte, the highest bit says that more follow.
pub(super) fn put(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Zigzag, so that small negative numbers are short too.
pub(super) fn put_signed(out: &mut Vec<u8>, value: i64) {
    put(out, ((value << 1) ^ (value >> 63)) as u64);
}

/// A text by what it has in common with `base` at both ends, and what stands between.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str, base: &str) {
    let (text, base) = (text.as_bytes(), base.as_bytes());
    let front = common(text.chunks(STRIDE).zip(base.chunks(STRIDE)), |(one, other)| {
        one.iter().zip(other).take_while(|(one, other)| one == other).count()
    });
    let (text_left, base_left) = (&text[front..], &base[front..]);
    let back = common(text_left.rchunks(STRIDE).zip(base_left.rchunks(STRIDE)), |(one, other)| {
        one.iter().rev().zip(other.iter().rev()).take_while(|(one, other)| one == other).count()
    });
    put(out, front as u64);
    put(out, back as u64);
    put(out, (text.len() - front - back) as u64);
    out.extend_from_slice(&text[front..text.len() - back]);
}

/// Bytes that are compared at once.
const STRIDE: usize = 16;

/// How many bytes agree: whole pieces while they are equal, and a part of the first pair that is not.
fn common<'a>(
    mut pieces: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    part: impl Fn((&'a [u8], &'a [u8])) -> usize,
) -> usize {
    let mut whole = 0;
    let differing = pieces.find(|(one, other)| {
        let equal = one == other;
        whole += if equal { one.len() } else { 0 };
        !equal
    });
    whole + differing.map_or(0, part)
}

/// Bytes that are being read.
pub(super) struct Cursor<'a>(pub(super) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> Result<u8, CodecError> {
        let (&first, rest) = self.0.split_first().ok_or(CodecError::Content)?;
        self.0 = rest;
        Ok(first)
    }

    pub(super) fn number(&mut self) -> Result<u64, CodecError> {
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

    pub(super) fn signed(&mut self) -> Result<i64, CodecError> {
        let value = self.number()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    pub(super) fn size(&mut self) -> Result<usize, CodecError> {
        usize::try_from(self.number()?).map_err(|_| CodecError::Content)
    }

    /// A text that was written against the same `base`.
    pub(super) fn text(&mut self, base: &str) -> Result<String, CodecError> {
        let (front, back, middle) = (self.size()?, self.size()?, self.size()?);
        let base = base.as_bytes();
        let (middle, rest) = self.0.split_at_checked(middle).ok_or(CodecError::Content)?;
        self.0 = rest;
        let front = base.get(..front).ok_or(CodecError::Content)?;
        let back = base.len().checked_sub(back).and_then(|from| base.get(from..)).ok_or(CodecError::Content)?;
        String::from_utf8([front, middle, back].concat()).map_err(|_| CodecError::Content)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(signed in any::<i64>(), number in any::<u64>()) {
            let mut bytes = Vec::new();
            put_signed(&mut bytes, signed);
            put(&mut bytes, number);
            let mut cursor = Cursor(&bytes);
            prop_assert_eq!((cursor.signed().unwrap(), cursor.number().unwrap()), (signed, number));
            prop_assert!(cursor.is_at_end());
        }

        #[test]
        fn texts_come_back_whatever_they_are_held_against(text in "[aé😀]{0,8}", base in "[aé😀]{0,8}") {
            let mut bytes = Vec::new();
            put_text(&mut bytes, &text, &base);
            prop_assert_eq!(Cursor(&bytes).text(&base).unwrap(), text);
        }
    }

    #[test]
    fn of_texts_that_resemble_each_other_only_the_difference_is_written() {
        let mut bytes = Vec::new();
        put_text(
            &mut bytes,
            r#"{"ip":"192.0.2.1","bytes":512,"redirects":[]}"#,
            r#"{"ip":"192.0.2.1","bytes":77,"redirects":[]}"#,
        );
        assert_eq!(bytes.len(), 3 + 3);
    }

    #[test]
    fn a_text_that_needs_more_of_its_base_than_there_is_is_an_error() {
        let mut bytes = Vec::new();
        put_text(&mut bytes, "abc", "abd");
        assert_eq!(Cursor(&bytes).text("a"), Err(CodecError::Content));
    }
}
