//! Durations (`250ms`, `10s`, `30d`) and sizes (`10MiB`) as people write them.
//! Both keep to whole units, so that what was parsed prints the same again.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A length of time with millisecond steps, written as a whole number and one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    milliseconds: u64,
}

const SPAN_UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self::milliseconds(0);

    /// A span of `n` milliseconds.
    #[must_use]
    pub const fn milliseconds(n: u64) -> Self {
        Self { milliseconds: n }
    }

    /// A span of `n` seconds.
    #[must_use]
    pub const fn seconds(n: u32) -> Self {
        Self { milliseconds: n as u64 * 1_000 }
    }

    /// The same as a standard duration.
    #[must_use]
    pub const fn duration(self) -> Duration {
        Duration::from_millis(self.milliseconds)
    }

    /// Whole milliseconds.
    #[must_use]
    pub const fn as_milliseconds(self) -> u64 {
        self.milliseconds
    }

    /// True for no time at all.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.milliseconds == 0
    }
}

impl FromStr for Span {
    type Err = InvalidSpan;

    fn from_str(text: &str) -> Result<Self, InvalidSpan> {
        let (number, unit) = split(text).ok_or(InvalidSpan::Form)?;
        let factor = SPAN_UNITS.iter().find(|(name, _)| *name == unit).ok_or(InvalidSpan::Form)?.1;
        let milliseconds = number.parse::<u64>().ok().and_then(|n| n.checked_mul(factor));
        milliseconds.map(Self::milliseconds).ok_or(InvalidSpan::TooLong)
    }
}

/// A text that is not a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSpan {
    /// Not a whole number followed by a known unit.
    #[error("not a duration; write a whole number and a unit: 250ms, 10s, 5m, 6h or 30d")]
    Form,
    /// More milliseconds than fit.
    #[error("this duration is too long to be computed")]
    TooLong,
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.milliseconds;
        let largest = SPAN_UNITS.iter().find(|(_, factor)| n != 0 && n.is_multiple_of(*factor));
        let (unit, factor) = largest.copied().unwrap_or(("s", 1_000));
        write!(f, "{}{unit}", n / factor)
    }
}

/// A number of bytes, written as a whole number and a unit: `512B`, `64KiB`, `10MiB`, `1GB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(u64);

const SIZE_UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

impl ByteSize {
    /// `n` bytes.
    #[must_use]
    pub const fn bytes(n: u64) -> Self {
        Self(n)
    }

    /// The number of bytes.
    #[must_use]
    pub const fn as_bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for ByteSize {
    type Err = InvalidSize;

    fn from_str(text: &str) -> Result<Self, InvalidSize> {
        let (number, unit) = split(text).ok_or(InvalidSize)?;
        let known = SIZE_UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).ok_or(InvalidSize)?;
        let bytes = number.parse::<u64>().ok().and_then(|n| n.checked_mul(known.1));
        bytes.map(Self).ok_or(InvalidSize)
    }
}

/// A text that is not a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a size; write a whole number and a unit: 512B, 64KiB, 10MiB or 1GB")]
pub struct InvalidSize;

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let largest = SIZE_UNITS.iter().find(|(_, factor)| self.0 != 0 && self.0.is_multiple_of(*factor));
        let (unit, factor) = largest.copied().unwrap_or(("B", 1));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

/// The digits and what follows them; none when there is no digit or no unit.
fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    (end > 0).then(|| (&text[..end], text[end..].trim_start()))
}

macro_rules! as_text {
    ($($kind:ty),*) => {$(
        impl Serialize for $kind {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $kind {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}
as_text!(Span, ByteSize);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_print_as_they_were_written() {
        for text in ["250ms", "10s", "5m", "6h", "30d", "1500ms"] {
            assert_eq!(text.parse::<Span>().map(|span| span.to_string()), Ok(text.to_owned()));
        }
        assert_eq!("60s".parse::<Span>().map(|span| span.to_string()), Ok("1m".to_owned()));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "10", "s", "-1s", "1.5s", "10 parsecs", "1e3s", "१s"] {
            assert_eq!(text.parse::<Span>(), Err(InvalidSpan::Form), "{text:?}");
        }
        assert_eq!("99999999999999999999s".parse::<Span>(), Err(InvalidSpan::TooLong));
        assert_eq!("18446744073709551615d".parse::<Span>(), Err(InvalidSpan::TooLong));
    }

    #[test]
    fn sizes_know_both_kinds_of_units() {
        for (text, bytes) in
            [("512B", 512), ("64KiB", 65_536), ("10MiB", 10_485_760), ("1GB", 1_000_000_000), ("5 mb", 5_000_000)]
        {
            assert_eq!(text.parse::<ByteSize>(), Ok(ByteSize(bytes)), "{text:?}");
        }
        for text in ["", "10", "MiB", "-1MiB", "1.5MiB", "99999999999GiB"] {
            assert_eq!(text.parse::<ByteSize>(), Err(InvalidSize), "{text:?}");
        }
    }
}
