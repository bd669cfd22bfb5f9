//! What results show beside the status: an end that comes nearer, attributes that are not what they were.
//! Everything is told once, however many locations see it and whatever takes turns.
//!
//! An **end** is told at each threshold once: at the smallest that it has reached, so that a certificate with five
//! days left on its first test is told once and not for each threshold behind it. Ends less than a day apart are one
//! and the same, because sources round differently; a renewal moves the end by more, and begins afresh. Once the end
//! is there, the status says it.
//!
//! A **change** is told at once, by the first result of a location that shows another value than its result before:
//! tests of these things are hours apart, and a changed name server is not to wait for the next. Only a failure that
//! re-tests may still refute says nothing yet. What a location sees first is no change, even where others see
//! something else. Each location has its own before, but they tell together: a value that is seen from elsewhere
//! already, or was told and has been gone for less than [`MEMORY`], is no news. So a renewal is told once for all
//! locations, a change and its reversal are both told, and values that take turns (certificates of a large site,
//! answers of two registries) are told once each and then no more as long as they keep returning.

use jiff::{SignedDuration, Timestamp};
use watchkeep_model::{Difference, EventType, Happening, Known, KnownValue, LocationName, Notable, TestResult, Warned};

use crate::draft::{CHANGED_EVENT, Draft, EXPIRING_EVENT};

/// How long a value that nobody sees any more, and an end that has passed, are remembered.
const MEMORY: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Ends that are nearer to each other are the same.
const SAME_END: SignedDuration = SignedDuration::from_hours(24);
/// Ends that are remembered, and values of an attribute that nobody sees any more: so many may take turns.
const MOST: usize = 12;

/// Takes the notable part of a result that counts. `stepped` says that the result has made a step already.
pub(crate) fn take_notice(draft: &mut Draft<'_>, result: &TestResult, notable: &Notable, stepped: bool) {
    let family = draft.family();
    let (Some(changed), Some(expiring)) = (EventType::changed(family), EventType::expiring(family)) else { return };
    let (location, at) = (&result.location, result.started_at);
    let state = draft.state();
    if state.locations.get(location).is_some_and(|view| view.doubt.is_some()) {
        return;
    }
    let known = state.known.as_deref();
    let news: Vec<_> = notable
        .attributes
        .iter()
        .filter(|(name, value)| known.is_none_or(|known| !is_seen(known, name, value, location)))
        .collect();
    let warning = Warning::due(known.map_or(&[], |known| &known.warned), notable, at);
    if news.is_empty() && warning.is_none() {
        return;
    }
    if !stepped {
        draft.step();
    }
    let known = draft.known();
    let moves: Vec<Move> =
        news.into_iter().filter_map(|(name, value)| Move::make(known, name, value, location, at)).collect();
    if let Some(warning) = &warning {
        warning.remember(&mut known.warned, at);
    }
    let is_news = moves.iter().any(|moved| moved.is_news);
    for Move { difference: Difference { attribute, before, after }, .. } in &moves {
        // Whoever was told of the new value needs no word when it comes back. And what went without a word may come
        // back without one.
        let old = if is_news { after } else { before };
        let values = known.attributes.get_mut(attribute).into_iter().flatten();
        values.filter(|known| known.value == *old).for_each(|known| known.is_old = true);
    }
    if is_news {
        let differences = moves.into_iter().map(|moved| moved.difference).collect();
        draft.tell(CHANGED_EVENT, changed, location, Happening::Changed { differences });
    }
    if let Some(Warning { expires_at, days_left, threshold }) = warning {
        draft.tell(EXPIRING_EVENT, expiring, location, Happening::Expiring { expires_at, days_left, threshold });
    }
}

/// Forgets what only locations saw that do not stay.
pub(crate) fn keep_locations(known: &mut Known, stays: impl Fn(&LocationName) -> bool) {
    for values in known.attributes.values_mut() {
        values.iter_mut().for_each(|known| known.locations.retain(&stays));
        values.retain(|known| !known.locations.is_empty() || known.left_at.is_some());
    }
}

/// Whether anything is known from a location that does not stay.
pub(crate) fn knows_others(known: &Known, stays: impl Fn(&LocationName) -> bool) -> bool {
    known.attributes.values().flatten().flat_map(|known| &known.locations).any(|location| !stays(location))
}

/// Whether this is the value that a location saw last.
fn is_seen(known: &Known, attribute: &str, value: &str, location: &LocationName) -> bool {
    let values = known.attributes.get(attribute).into_iter().flatten();
    values.into_iter().any(|known| known.value == value && known.locations.contains(location))
}

/// A location's step from one value of an attribute to another.
struct Move {
    difference: Difference,
    is_news: bool,
}

impl Move {
    /// Notes that `location` sees `value` from now on; `None` when it is the first that it sees.
    fn make(known: &mut Known, attribute: &str, value: &str, location: &LocationName, at: Timestamp) -> Option<Self> {
        let values = known.attributes.entry(attribute.to_owned()).or_default();
        let mut before = None;
        if let Some(known) = values.iter_mut().find(|known| known.locations.contains(location)) {
            known.locations.remove(location);
            known.left_at = known.locations.is_empty().then_some(at);
            before = Some(known.value.clone());
        }
        forget_departed(values, at);
        let is_news = match values.iter_mut().find(|known| known.value == value) {
            Some(known) => {
                let returns = known.left_at.take().is_some();
                known.locations.insert(location.clone());
                returns && !known.is_old
            }
            None => {
                let locations = [location.clone()].into();
                values.push(KnownValue { value: value.to_owned(), locations, left_at: None, is_old: false });
                true
            }
        };
        let difference = |before| Difference { attribute: attribute.to_owned(), before, after: value.to_owned() };
        before.map(|before| Self { difference: difference(before), is_news })
    }
}

/// Forgets the values that nobody has seen for long, and of too many others those that went first.
fn forget_departed(values: &mut Vec<KnownValue>, at: Timestamp) {
    values.retain(|known| known.left_at.is_none_or(|left_at| at.duration_since(left_at) < MEMORY));
    while values.iter().filter(|known| known.left_at.is_some()).count() > MOST {
        let departed = values.iter().enumerate().filter(|(_, known)| known.left_at.is_some());
        let Some((first, _)) = departed.min_by_key(|(_, known)| known.left_at) else { return };
        values.remove(first);
    }
}

/// An end that contacts are to be told of.
struct Warning {
    expires_at: Timestamp,
    days_left: i64,
    threshold: u16,
}

impl Warning {
    /// The warning that is due at the time of a test, if any.
    fn due(warned: &[Warned], notable: &Notable, at: Timestamp) -> Option<Self> {
        let expires_at = notable.expires_at.filter(|expires_at| *expires_at > at)?;
        let days_left = expires_at.duration_since(at).as_hours().div_euclid(24);
        let threshold = notable.warn_days.reached(days_left)?;
        let told = warned.iter().any(|told| is_same_end(told, expires_at) && told.threshold <= threshold);
        (!told).then_some(Self { expires_at, days_left, threshold })
    }

    /// Notes that it was told.
    fn remember(&self, warned: &mut Vec<Warned>, at: Timestamp) {
        let Self { expires_at, threshold, .. } = *self;
        warned.retain(|told| !is_same_end(told, expires_at) && at.duration_since(told.expires_at) < MEMORY);
        if warned.len() >= MOST {
            warned.remove(0);
        }
        warned.push(Warned { expires_at, threshold });
    }
}

fn is_same_end(told: &Warned, expires_at: Timestamp) -> bool {
    told.expires_at.duration_since(expires_at).abs() < SAME_END
}
