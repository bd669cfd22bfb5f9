//! Short texts that people give: names, tags, locations.
//! No control characters, so that they are safe in logs, headers and terminals.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A text that is empty, too long, or has characters that it may not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    /// Nothing but white space.
    #[error("must not be empty")]
    Empty,
    /// Longer than allowed.
    #[error("must have {0} characters at most")]
    TooLong(usize),
    /// Control characters, line breaks included.
    #[error("must not contain control characters or line breaks")]
    Control,
    /// Outside of what a label may have.
    #[error("may have lower-case letters, digits, '-', '_', '.' and ':' only")]
    Alphabet,
}

fn plain(text: &str, longest: usize) -> Result<Arc<str>, InvalidText> {
    let text = text.trim();
    if text.is_empty() {
        Err(InvalidText::Empty)
    } else if text.chars().count() > longest {
        Err(InvalidText::TooLong(longest))
    } else if text.chars().any(char::is_control) {
        Err(InvalidText::Control)
    } else {
        Ok(text.into())
    }
}

fn label(text: &str) -> Result<Arc<str>, InvalidText> {
    let text = plain(text, 64)?;
    let allowed = |c: char| c.is_lowercase() || c.is_ascii_digit() || "-_.:".contains(c);
    if text.chars().all(allowed) { Ok(text) } else { Err(InvalidText::Alphabet) }
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident($parse:expr);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);
        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl FromStr for $name {
            type Err = InvalidText;
            fn from_str(text: &str) -> Result<Self, InvalidText> {
                $parse(text).map(Self)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )*};
}

texts! {
    /// What a person calls a monitor, contact, token …: 1–200 characters, no control characters.
    Name(|text| plain(text, 200));
    /// A tag: 1–64 lower-case letters, digits and `-_.:`.
    Label(label);
    /// Where a robot stands; same alphabet as a tag.
    LocationName(label);
}

impl LocationName {
    /// The robot inside `watchkeep serve`, and `watchkeep check`.
    #[must_use]
    pub fn local() -> Self {
        Self("local".into())
    }
}
