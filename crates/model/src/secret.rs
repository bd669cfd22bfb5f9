//! A text that must not reach logs, errors or lists: passwords, tokens, keys.
//! Reading it takes an explicit call.

use std::{fmt, sync::Arc};

/// What stands in place of a secret wherever one is shown.
const MASK: &str = "********";

/// A secret text. `Debug` and `Display` show a mask.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// What is shown instead of a secret, and what a client sends back to keep the stored one.
    pub const MASK: &str = MASK;

    /// Wraps a text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The text itself: call this only where it goes to its purpose.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Puts the stored secret back wherever a client sent the mask for it: `sent` and `stored` are two
/// versions of one document, and a mask is replaced by what stands at the same place in `stored`.
pub fn restore_masked(sent: &mut serde_json::Value, stored: &serde_json::Value) {
    use serde_json::Value;
    match (sent, stored) {
        (sent @ Value::String(_), Value::String(stored)) if sent == MASK => *sent = Value::String(stored.clone()),
        (Value::Object(sent), Value::Object(stored)) => {
            for (name, value) in sent {
                // Names of headers have no case.
                let same = stored.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
                if let Some((_, stored)) = same {
                    restore_masked(value, stored);
                }
            }
        }
        (Value::Array(sent), Value::Array(stored)) => {
            sent.iter_mut().zip(stored).for_each(|(sent, stored)| restore_masked(sent, stored));
        }
        _ => {}
    }
}

/// Who will read a document that is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// The store or a robot: secrets stand in it.
    Stored,
    /// A person or an API client: secrets are masked.
    Shown,
}

impl Exposure {
    /// The secret itself, or its mask.
    #[must_use]
    pub fn of(self, secret: &Secret) -> &str {
        match self {
            Self::Stored => secret.expose(),
            Self::Shown => MASK,
        }
    }
}
