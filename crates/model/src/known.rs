//! What is remembered of the notable parts of results, so that each thing is told once.
//! The rules are the judge's; this is what they remember between two results.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::LocationName;

/// What results of one monitor have shown so far beside its status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The ends that contacts were told of, the one told last at the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warned: Vec<Warned>,
    /// The values of each attribute, by its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, Vec<KnownValue>>,
}

/// An end that contacts were told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warned {
    /// When it is.
    pub expires_at: Timestamp,
    /// The smallest threshold that was told.
    pub threshold: u16,
}

/// A value that an attribute has, or had until lately.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownValue {
    /// The value.
    pub value: String,
    /// The locations that see it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub locations: BTreeSet<LocationName>,
    /// When the last of them began to see another one; none while there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_at: Option<Timestamp>,
    /// Whether it would be no news if it came back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_old: bool,
}
