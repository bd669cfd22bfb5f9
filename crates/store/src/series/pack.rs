//! Columns of numbers in as few bits as most of them need: the distance from a common base, and the few that lie
//! outside of the window apart. Times scatter around a typical value, which is what this fits.

use super::{
    bytes::{Cursor, put, put_signed},
    codec::CodecError,
};

/// About how many bits a number outside of the window takes, beside its place in it.
const OUTSIDE: usize = 32;
/// Numbers that are looked at to find the window.
const SAMPLE: usize = 128;
/// Bits that can be read at once, wherever they begin in a byte.
const AT_ONCE: usize = 57;

/// Writes a column.
pub(super) fn put_column(out: &mut Vec<u8>, numbers: &[i64]) {
    let Window { base, width } = window(numbers);
    put_signed(out, base);
    out.push(width as u8);
    let outside = |number: &i64| distance(*number, base).checked_shr(width as u32).unwrap_or_default();
    put(out, numbers.iter().filter(|number| outside(number) != 0).count() as u64);
    let mut before = 0;
    for (place, number) in numbers.iter().enumerate() {
        let high = outside(number);
        if high != 0 {
            put(out, (place - before) as u64);
            put(out, high);
            before = place;
        }
    }
    let (mut bits, mut filled) = (0_u128, 0);
    for number in numbers {
        bits |= u128::from(distance(*number, base) & mask(width)) << filled;
        filled += width;
        while filled >= 8 {
            out.push(bits as u8);
            bits >>= 8;
            filled -= 8;
        }
    }
    if filled > 0 {
        out.push(bits as u8);
    }
}

/// Reads a column of so many numbers.
pub(super) fn read_column(cursor: &mut Cursor<'_>, count: usize) -> Result<Vec<i64>, CodecError> {
    let (base, width) = (cursor.signed()?, usize::from(cursor.byte()?));
    let outside = cursor.size()?;
    if width > 64 || outside > count {
        return Err(CodecError::Content);
    }
    let (mut place, mut high) = (0_usize, Vec::with_capacity(outside));
    for _ in 0..outside {
        place = place.checked_add(cursor.size()?).filter(|place| *place < count).ok_or(CodecError::Content)?;
        high.push((place, cursor.number()?));
    }
    let length = count.checked_mul(width).ok_or(CodecError::Content)?.div_ceil(8);
    let packed = cursor.take(length)?;
    let mut numbers: Vec<i64> = if width == 0 {
        vec![0; count]
    } else if width <= AT_ONCE {
        (0..count).map(|place| bits_at(packed, place * width, width) as i64).collect()
    } else {
        let low = |place| bits_at(packed, place * width, AT_ONCE);
        let rest = |place| bits_at(packed, place * width + AT_ONCE, width - AT_ONCE) << AT_ONCE;
        (0..count).map(|place| (low(place) | rest(place)) as i64).collect()
    };
    for (place, high) in high {
        numbers[place] |= high.checked_shl(width as u32).unwrap_or_default() as i64;
    }
    numbers.iter_mut().for_each(|number| *number = base.wrapping_add(*number));
    Ok(numbers)
}

/// Numbers from `base` on, as far as `width` bits reach.
struct Window {
    base: i64,
    width: usize,
}

/// The window with which the column takes about the fewest bits.
fn window(numbers: &[i64]) -> Window {
    let mut sorted = sample(numbers);
    sorted.sort_unstable();
    let (Some(&first), Some(&last)) = (sorted.first(), sorted.last()) else { return Window { base: 0, width: 0 } };
    let whole = 64 - distance(last, first).leading_zeros() as usize;
    let (mut best, mut least) = (Window { base: first, width: whole }, sorted.len() * whole);
    // Each narrower window stands where it takes in the most.
    for width in (0..whole).rev() {
        let (mut begin, mut most) = (0, 0..0);
        for (end, number) in sorted.iter().enumerate() {
            while distance(*number, sorted[begin]) > mask(width) {
                begin += 1;
            }
            if end + 1 - begin > most.len() {
                most = begin..end + 1;
            }
        }
        let cost = sorted.len() * width + (sorted.len() - most.len()) * OUTSIDE;
        if cost < least {
            (best, least) = (Window { base: sorted[most.start], width }, cost);
        } else if cost > least + 2 * sorted.len() {
            // It only gets worse from here on.
            break;
        }
    }
    best
}

/// Some of the numbers, the same ones each time; in no order, so that nothing regular hides between them.
fn sample(numbers: &[i64]) -> Vec<i64> {
    if numbers.len() <= SAMPLE {
        return numbers.to_vec();
    }
    let mut state = 1_u64;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        numbers[(state >> 33) as usize % numbers.len()]
    };
    std::iter::repeat_with(next).take(SAMPLE).collect()
}

fn distance(number: i64, base: i64) -> u64 {
    number.wrapping_sub(base) as u64
}

fn mask(width: usize) -> u64 {
    u64::MAX.checked_shr(64 - width as u32).unwrap_or_default()
}

/// So many bits, [`AT_ONCE`] at most, from a place on; what lies behind the end is 0.
#[inline]
fn bits_at(bytes: &[u8], place: usize, width: usize) -> u64 {
    let (byte, shift) = (place / 8, place % 8);
    let word = match bytes.get(byte..).and_then(<[u8]>::first_chunk) {
        Some(word) => u64::from_le_bytes(*word),
        None => {
            let rest = bytes.get(byte..).unwrap_or_default();
            rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte))
        }
    };
    (word >> shift) & mask(width)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packed(numbers: &[i64]) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_column(&mut bytes, numbers);
        let mut cursor = Cursor(&bytes);
        assert_eq!(read_column(&mut cursor, numbers.len()).unwrap(), numbers);
        assert!(cursor.is_at_end());
        bytes
    }

    proptest! {
        #[test]
        fn columns_come_back(numbers in proptest::collection::vec(any::<i64>(), 0..70), shift in 0..64_u32) {
            packed(&numbers);
            packed(&numbers.iter().map(|number| number >> shift).collect::<Vec<_>>());
        }

        #[test]
        fn columns_with_a_few_that_lie_outside_come_back(
            mut numbers in proptest::collection::vec(1_000..2_000_i64, 1..200),
            outside in proptest::collection::vec((any::<prop::sample::Index>(), any::<i64>()), 0..5),
        ) {
            for (place, number) in outside {
                let place = place.index(numbers.len());
                numbers[place] = number;
            }
            packed(&numbers);
        }

        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..100), count in 0..1_000_usize) {
            let _ = read_column(&mut Cursor(&bytes), count);
        }
    }

    #[test]
    fn extremes_come_back() {
        for numbers in [vec![], vec![i64::MIN], vec![i64::MIN, i64::MAX], vec![0, -1, i64::MAX, i64::MIN, 1]] {
            packed(&numbers);
        }
    }

    #[test]
    fn what_is_all_the_same_takes_no_room_and_a_few_others_little() {
        assert!(packed(&[5_000_000; 1_000]).len() <= 7);
        let mut numbers = vec![0; 1_000];
        (numbers[7], numbers[500]) = (414, -3);
        assert!(packed(&numbers).len() < 30);
    }

    #[test]
    fn one_that_lies_far_outside_does_not_widen_the_others() {
        let mut numbers: Vec<_> = (0..1_000).map(|number| 20_000 + number % 16).collect();
        numbers[3] = 10_000_000;
        assert!(packed(&numbers).len() < 1_000 / 2 + 20);
    }
}
