//! What a result says that is worth an event of its own although the code may stay as it is: an end that comes
//! nearer, attributes that are not what they were. Certificates and domains have such things.

use std::{collections::BTreeMap, fmt::Display};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Reader;

/// The notable part of a result. It is judged when the result arrives and is no part of the result as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notable {
    /// When what was tested ends unless it is renewed.
    pub expires_at: Option<Timestamp>,
    /// When contacts are told of that end.
    pub warn_days: WarnDays,
    /// What contacts are told of when it changes: its name as in `observed`, and its value as people read it.
    /// An attribute that this result could not learn is absent, which is no change.
    pub attributes: BTreeMap<String, String>,
}

/// The days before an end at which contacts are told of it, the most first, each once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WarnDays(Vec<u16>);

impl WarnDays {
    /// The default as people write it.
    pub const DEFAULT_TEXT: &'static str = "30, 14, 7, 3, 1";

    /// Reads them from a list of numbers, 0 to 365 each; an empty list means that nobody is told.
    pub fn read(reader: &mut Reader, field: &str) -> Option<Self> {
        const MOST: usize = 20;
        let mut days: Vec<u16> = reader.numbers(field, MOST, 0, 365)?;
        days.sort_unstable_by(|one, other| other.cmp(one));
        days.dedup();
        Some(Self(days))
    }

    /// The thresholds, the most days first.
    #[must_use]
    pub fn days(&self) -> &[u16] {
        &self.0
    }

    /// The smallest threshold that `days_left` has reached, if any.
    #[must_use]
    pub fn reached(&self, days_left: i64) -> Option<u16> {
        self.0.iter().rev().copied().find(|&threshold| days_left <= i64::from(threshold))
    }
}

impl Default for WarnDays {
    fn default() -> Self {
        Self(vec![30, 14, 7, 3, 1])
    }
}

impl Notable {
    /// Adds an attribute.
    pub fn set(&mut self, name: &str, value: impl Display) {
        self.attributes.insert(name.to_owned(), value.to_string());
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::Object;

    fn read(value: Value) -> Result<WarnDays, String> {
        let fields: Object = [("warn_days".to_owned(), value)].into_iter().collect();
        let mut reader = Reader::new(fields);
        let days = WarnDays::read(&mut reader, "warn_days");
        days.ok_or_else(|| reader.into_problems().pop().unwrap().to_string())
    }

    #[test]
    fn thresholds_are_sorted_and_the_nearest_counts() {
        let days = read(json!([7, 30, 7, 1])).unwrap();
        assert_eq!(days.days(), [30, 7, 1]);
        for (left, reached) in [(31, None), (30, Some(30)), (8, Some(30)), (7, Some(7)), (1, Some(1)), (-5, Some(1))] {
            assert_eq!(days.reached(left), reached, "{left} days left");
        }
        assert_eq!(read(json!([])).unwrap().reached(-1), None);
        for wrong in [json!([366]), json!(["7"]), json!(7), json!([-1]), json!([1.5]), json!(vec![1; 21])] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
