//! Public identifiers: a prefix that names the kind, and 26 random base-32 characters.
//! The random bytes are an argument, so that this room needs no source of randomness.

use std::{fmt, marker::PhantomData, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Crockford's base-32 alphabet, lower case: no letter that reads like a digit.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters after the prefix: 128 bits at 5 bits each, rounded up.
const LENGTH: usize = 26;

/// What kind of thing an [`Id`] names.
pub trait Prefix {
    /// The letters before the underscore, `mon` for instance.
    const PREFIX: &'static str;
    /// The word for people, used in error sentences.
    const NOUN: &'static str;
}

/// An opaque public identifier such as `mon_01h…`; cheap to clone.
pub struct Id<K> {
    text: Arc<str>,
    kind: PhantomData<fn() -> K>,
}

impl<K: Prefix> Id<K> {
    /// Makes an identifier of 16 random bytes.
    #[must_use]
    pub fn from_random(bytes: [u8; 16]) -> Self {
        let mut bits = u128::from_be_bytes(bytes);
        let mut letters = [0_u8; LENGTH];
        for letter in letters.iter_mut().rev() {
            *letter = ALPHABET[(bits & 31) as usize];
            bits >>= 5;
        }
        let mut text = String::with_capacity(K::PREFIX.len() + 1 + LENGTH);
        text.push_str(K::PREFIX);
        text.push('_');
        text.extend(letters.iter().map(|&letter| char::from(letter)));
        Self { text: text.into(), kind: PhantomData }
    }

    /// The identifier of the `ordinal`-th thing that came of the `revision`-th change of `parent`'s state.
    /// The same change gives the same identifier, however often it is decided again.
    #[must_use]
    pub fn derived<P: Prefix>(parent: &Id<P>, revision: u64, ordinal: u8) -> Self {
        let input = parent.bits().wrapping_add((u128::from(revision) << 8) | u128::from(ordinal));
        // Odd factors and shifts are reversible: different inputs give different identifiers.
        let mixed = (input ^ (input >> 61)).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        let mixed = (mixed ^ (mixed >> 67)).wrapping_mul(0xd1b5_4a32_d192_ed03_94d0_49bb_1331_11eb);
        Self::from_random((mixed ^ (mixed >> 59)).to_be_bytes())
    }

    fn bits(&self) -> u128 {
        let letters = self.text.bytes().skip(K::PREFIX.len() + 1);
        letters.fold(0, |bits, letter| {
            let digit = ALPHABET.iter().position(|&known| known == letter).unwrap_or_default();
            (bits << 5) | digit as u128
        })
    }

    /// The identifier as it stands in URLs and JSON.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<K: Prefix> FromStr for Id<K> {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let body = text.strip_prefix(K::PREFIX).and_then(|rest| rest.strip_prefix('_'));
        match body {
            Some(body) if body.len() == LENGTH && body.bytes().all(|letter| ALPHABET.contains(&letter)) => {
                Ok(Self { text: text.into(), kind: PhantomData })
            }
            _ => Err(InvalidId { noun: K::NOUN, prefix: K::PREFIX }),
        }
    }
}

/// A text that is not an identifier of the kind asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a {noun}; such ids look like {prefix}_ followed by 26 letters and digits")]
pub struct InvalidId {
    noun: &'static str,
    prefix: &'static str,
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        Self { text: Arc::clone(&self.text), kind: PhantomData }
    }
}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
impl<K> Eq for Id<K> {}
impl<K> std::hash::Hash for Id<K> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.text.cmp(&other.text)
    }
}
impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
impl<K> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}
impl<'de, K: Prefix> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $alias:ident = $kind:ident($prefix:literal, $noun:literal);)*) => {$(
        #[doc = concat!("Marks the identifiers of a ", $noun, ".")]
        #[derive(Debug)]
        pub enum $kind {}
        impl Prefix for $kind {
            const PREFIX: &'static str = $prefix;
            const NOUN: &'static str = $noun;
        }
        $(#[$doc])*
        pub type $alias = Id<$kind>;
    )*};
}

kinds! {
    /// Names an organisation, the owner of everything else.
    OrgId = OrgKind("org", "organisation");
    /// Names a monitor.
    MonitorId = MonitorKind("mon", "monitor");
    /// Names an incident.
    IncidentId = IncidentKind("inc", "incident");
    /// Names a contact.
    ContactId = ContactKind("con", "contact");
    /// Names one channel of a contact.
    ChannelId = ChannelKind("cha", "channel");
    /// Names an event; webhooks carry it as `webhook-id`.
    EventId = EventKind("evt", "event");
    /// Names one delivery of an event to a channel.
    DeliveryId = DeliveryKind("dlv", "delivery");
    /// Names an API token (not its secret).
    TokenId = TokenKind("tok", "token");
    /// Names a user.
    UserId = UserKind("usr", "user");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_text() {
        let id = MonitorId::from_random([7; 16]);
        assert_eq!(id.as_str().len(), 4 + LENGTH);
        assert_eq!(id.as_str().parse::<MonitorId>(), Ok(id));
    }

    #[test]
    fn derived_ids_differ_by_parent_revision_and_ordinal() {
        let parents = [MonitorId::from_random([7; 16]), MonitorId::from_random([8; 16])];
        let mut seen = std::collections::HashSet::new();
        for parent in &parents {
            for revision in 0..100 {
                for ordinal in 0..4 {
                    assert!(seen.insert(EventId::derived(parent, revision, ordinal)));
                }
            }
        }
        assert_eq!(EventId::derived(&parents[0], 1, 0), EventId::derived(&parents[0], 1, 0));
    }

    #[test]
    fn other_kinds_and_garbage_are_refused() {
        let monitor = MonitorId::from_random([7; 16]);
        assert!(monitor.as_str().parse::<IncidentId>().is_err());
        for text in ["", "mon_", "mon", "mon_../../etc/passwd", "mon_AAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert!(text.parse::<MonitorId>().is_err(), "{text:?}");
        }
    }
}
