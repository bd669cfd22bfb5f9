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
    let front = common_front(text, base);
    let back = common_back(&text[front..], &base[front..]);
    put(out, front as u64);
    put(out, back as u64);
    put(out, (text.len() - front - back) as u64);
    out.extend_from_slice(&text[front..text.len() - back]);
}

/// Bytes that are compared at once.
const STRIDE: usize = 16;

/// How many bytes agree at the front.
fn common_front(one: &[u8], other: &[u8]) -> usize {
    let pieces = one.as_chunks::<STRIDE>().0.iter().zip(other.as_chunks::<STRIDE>().0);
    let whole = pieces.take_while(|(one, other)| one == other).count() * STRIDE;
    whole + one[whole..].iter().zip(&other[whole..]).take_while(|(one, other)| one == other).count()
}

/// How many bytes agree at the back.
fn common_back(one: &[u8], other: &[u8]) -> usize {
    let pieces = one.as_rchunks::<STRIDE>().1.iter().rev().zip(other.as_rchunks::<STRIDE>().1.iter().rev());
    let whole = pieces.take_while(|(one, other)| one == other).count() * STRIDE;
    let (one, other) = (&one[..one.len() - whole], &other[..other.len() - whole]);
    whole + one.iter().rev().zip(other.iter().rev()).take_while(|(one, other)| one == other).count()
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

    /// So many bytes as they are.
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], CodecError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(CodecError::Content)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Passes over a text.
    pub(super) fn skip_text(&mut self) -> Result<(), CodecError> {
        let (_, _, middle) = (self.number()?, self.number()?, self.size()?);
        self.take(middle).map(drop)
    }

    /// A text that was written against the same `base`.
    pub(super) fn text(&mut self, base: &str) -> Result<String, CodecError> {
        let (front, back, middle) = (self.size()?, self.size()?, self.size()?);
        let base = base.as_bytes();
        let middle = self.take(middle)?;
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
