//! What is told of certificates and domains beside their status: ends that come nearer, attributes that changed.
//! Cases first, then what holds for any sequence of results.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use jiff::{SignedDuration, Timestamp};
use proptest::{option, prelude::*, sample::Index};
use serde_json::json;
use support::{Desk, at, certificate, location, monitor, result_at};
use watchkeep_catalogue::Family;
use watchkeep_judge::{activate, pause, settings_changed};
use watchkeep_model::{
    Difference, Event, EventType, Happening, Lifecycle, Monitor, Notable, RecordedResult, Span, Telling,
};

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;
/// A certificate that is trusted no more.
const UNTRUSTED: i16 = 418;
/// An end that is far away.
const FAR: i64 = 400 * DAY;

/// A monitor with what a location saw at a second: the end and attributes of a certificate.
fn seen(monitor: &Monitor, place: &str, second: i64, end: Option<i64>, attributes: &[(&str, &str)]) -> RecordedResult {
    let mut recorded = result_at(monitor, place, at(second), 0, 0);
    let mut notable = Notable { expires_at: end.map(at), ..Notable::default() };
    attributes.iter().for_each(|(name, value)| notable.set(name, value));
    recorded.result.notable = Some(Box::new(notable));
    recorded
}

/// A desk with results that are easily made.
struct Watch {
    desk: Desk,
}

impl Watch {
    fn new(locations: &[&str]) -> Self {
        Self { desk: Desk::new(certificate(locations), Lifecycle::Active) }
    }

    /// A good result half a second ago; what is told of it beside the status.
    fn sees(&mut self, place: &str, second: i64, end: i64, attributes: &[(&str, &str)]) -> Vec<String> {
        let result = seen(&self.desk.monitor, place, second, Some(end), attributes);
        self.judge(result)
    }

    fn judge(&mut self, result: RecordedResult) -> Vec<String> {
        let now = result.result.started_at + SignedDuration::from_millis(500);
        self.desk.judge(&[result], now);
        self.told()
    }

    fn told(&mut self) -> Vec<String> {
        let events = std::mem::take(&mut self.desk.events);
        events.iter().filter_map(|(event, telling)| line(event, *telling)).collect()
    }

    /// As after a restart: what is stored, and nothing else.
    fn restart(&mut self) {
        let stored = serde_json::to_string(&self.desk.state).unwrap();
        self.desk.state = serde_json::from_str(&stored).unwrap();
    }
}

/// What an event tells beside the status, in one line.
fn line(event: &Event, telling: Telling) -> Option<String> {
    let about = event.about.as_ref().unwrap();
    let what = match &about.what {
        Happening::StatusChanged { .. } => return None,
        Happening::Expiring { days_left, threshold, .. } => format!("{days_left} left of {threshold}"),
        Happening::Changed { differences } => {
            let texts = differences.iter().map(|difference| {
                let Difference { attribute, before, after } = difference;
                format!("{attribute} {before}>{after}")
            });
            texts.collect::<Vec<_>>().join(" ")
        }
    };
    assert_eq!(telling, Telling::Tell, "{what}");
    Some(format!("{}: {what}", event.kind.as_str()))
}

fn expiring(days_left: i64, threshold: u16) -> Vec<String> {
    vec![format!("certificate.expiring: {days_left} left of {threshold}")]
}

fn changed(what: &str) -> Vec<String> {
    vec![format!("certificate.changed: {what}")]
}

const NONE: [String; 0] = [];

#[test]
fn each_threshold_is_told_once_until_the_end_and_nothing_after_it() {
    let mut watch = Watch::new(&["local"]);
    let end = 40 * DAY;
    let mut told = Vec::new();
    for second in (HOUR..45 * DAY).step_by(6 * HOUR as usize) {
        told.extend(watch.sees("local", second, end, &[]).into_iter().map(|line| (second, line)));
        if second % (5 * DAY) < 6 * HOUR {
            watch.restart();
        }
    }
    // Days are whole ones: seven are left until less than seven times 24 hours are.
    let days: Vec<_> =
        told.iter().map(|(second, line)| ((end - second) / DAY, line.rsplit(' ').next().unwrap())).collect();
    assert_eq!(days, [(30, "30"), (14, "14"), (7, "7"), (3, "3"), (1, "1")], "{told:?}");
}

#[test]
fn a_first_test_tells_the_nearest_threshold_only() {
    let mut watch = Watch::new(&["local"]);
    assert_eq!(watch.sees("local", 10, 5 * DAY + HOUR, &[]), expiring(5, 7));
    assert_eq!(watch.sees("local", HOUR, 5 * DAY + HOUR, &[]), NONE);
    let mut watch = Watch::new(&["local"]);
    assert_eq!(watch.sees("local", 10, 11, &[]), expiring(0, 1));
    let mut watch = Watch::new(&["local"]);
    assert_eq!(watch.sees("local", 10, 10, &[]), NONE, "it is over");
    assert_eq!(watch.desk.state.known, None, "nothing is remembered of it");
}

#[test]
fn a_renewed_end_begins_afresh_and_one_that_is_rounded_does_not() {
    let mut watch = Watch::new(&["local"]);
    assert_eq!(watch.sees("local", 10, 6 * DAY, &[]), expiring(5, 7));
    assert_eq!(watch.sees("local", HOUR, 5 * DAY + HOUR, &[]), NONE, "another source that knows the day only");
    assert_eq!(watch.sees("local", 3 * DAY - HOUR, 6 * DAY, &[]), expiring(3, 3));
    assert_eq!(watch.sees("local", 3 * DAY - HOUR + 1, 7 * DAY - 1, &[]), NONE, "a threshold that is behind it");
    assert_eq!(watch.sees("local", 3 * DAY + 1, 90 * DAY, &[]), NONE);
    assert_eq!(watch.sees("local", 3 * DAY + 2, 6 * DAY, &[]), NONE, "one server still has the old one");
    assert_eq!(watch.sees("local", 61 * DAY, 90 * DAY, &[]), expiring(29, 30));
    let warned = &watch.desk.state.known.as_ref().unwrap().warned;
    assert_eq!(warned.len(), 1, "the first end is long over: {warned:?}");
}

#[test]
fn locations_tell_an_end_together() {
    let mut watch = Watch::new(&["a", "b"]);
    assert_eq!(watch.sees("a", 10, 14 * DAY, &[]), expiring(13, 14));
    assert_eq!(watch.sees("b", 20, 14 * DAY, &[]), NONE);
    assert_eq!(watch.sees("b", 8 * DAY, 14 * DAY, &[]), expiring(6, 7));
    assert_eq!(watch.sees("a", 8 * DAY + 10, 14 * DAY, &[]), NONE);
}

#[test]
fn without_thresholds_no_end_is_told() {
    let mut watch = Watch::new(&["local"]);
    let mut result = seen(&watch.desk.monitor, "local", 10, Some(DAY), &[]);
    let mut reader = watchkeep_model::Reader::new([("days".to_owned(), json!([]))].into_iter().collect());
    result.result.notable.as_mut().unwrap().warn_days = watchkeep_model::WarnDays::read(&mut reader, "days").unwrap();
    assert_eq!(watch.judge(result), NONE);
}

#[test]
fn what_is_seen_first_is_no_change_and_what_differs_later_is_told_at_once() {
    let mut watch = Watch::new(&["local"]);
    assert_eq!(watch.sees("local", 10, FAR, &[("issuer", "R10"), ("serial", "1")]), NONE);
    let revision = watch.desk.state.revision;
    assert_eq!(watch.sees("local", 20, FAR, &[("issuer", "R10"), ("serial", "1")]), NONE);
    assert_eq!(watch.desk.state.revision, revision, "nothing is written for what is the same");
    watch.restart();
    assert_eq!(watch.sees("local", 30, FAR, &[("issuer", "R10"), ("serial", "2")]), changed("serial 1>2"));
    let both = [("issuer", "R11"), ("serial", "3")];
    assert_eq!(watch.sees("local", 40, FAR, &both), changed("issuer R10>R11 serial 2>3"));
    assert_eq!(watch.sees("local", 50, FAR, &both), NONE);
}

#[test]
fn a_change_and_an_end_are_told_of_the_same_result() {
    let mut watch = Watch::new(&["local"]);
    watch.sees("local", 10, FAR, &[("serial", "1")]);
    let mut result = seen(&watch.desk.monitor, "local", 20, Some(6 * DAY), &[("serial", "2")]);
    result.result.verdict =
        watchkeep_model::Verdict::new(watchkeep_catalogue::StatusCode::new(UNTRUSTED), "self-signed");
    result.attempt = 1;
    watch.desk.judge(&[result], at(21));
    let kinds: Vec<_> = watch.desk.events.iter().map(|(event, _)| event.kind.as_str()).collect();
    let expected = ["certificate.status_changed", "incident.opened", "certificate.changed", "certificate.expiring"];
    assert_eq!(kinds, expected);
    let ids: HashSet<_> = watch.desk.events.iter().map(|(event, _)| event.id.clone()).collect();
    assert_eq!(ids.len(), 4);
    for (event, _) in &watch.desk.events {
        let about = event.about.as_ref().unwrap();
        assert_eq!((about.code.number(), &about.incident), (UNTRUSTED, &watch.desk.state.incident), "{event:?}");
        assert_eq!((about.since, event.created_at), (at(20), at(21)));
    }
}

#[test]
fn an_attribute_that_was_not_learned_did_not_change() {
    let mut watch = Watch::new(&["local"]);
    watch.sees("local", 10, FAR, &[("issuer", "R10")]);
    assert_eq!(watch.sees("local", 20, FAR, &[]), NONE);
    assert_eq!(watch.sees("local", 30, FAR, &[("key", "EC P-256")]), NONE, "the first of its kind");
    assert_eq!(watch.sees("local", 40, FAR, &[("issuer", "R11"), ("key", "EC P-256")]), changed("issuer R10>R11"));
}

#[test]
fn a_reversal_is_told_and_values_that_take_turns_are_not_told_for_ever() {
    let mut watch = Watch::new(&["local"]);
    watch.sees("local", 10, FAR, &[("serial", "1")]);
    let mut told = Vec::new();
    for turn in 1..200_i64 {
        let value = ["1", "2", "3"][usize::try_from(turn % 3).unwrap()];
        told.extend(watch.sees("local", turn * 6 * HOUR, FAR, &[("serial", value)]));
        if turn % 10 == 0 {
            watch.restart();
        }
    }
    assert_eq!(told, [changed("serial 1>2"), changed("serial 2>3"), changed("serial 3>1")].concat());
    assert_eq!(
        watch.sees("local", 200 * 6 * HOUR, FAR, &[("serial", "4")]),
        changed("serial 2>4"),
        "a new one is told"
    );
}

#[test]
fn a_value_that_comes_back_after_long_is_told_again() {
    for (days, is_told) in [(6, false), (8, true)] {
        let mut watch = Watch::new(&["local"]);
        for (second, value) in [(10, "1"), (20, "2"), (30, "1"), (40, "2")] {
            watch.sees("local", second, FAR, &[("serial", value)]);
        }
        let expected = if is_told { changed("serial 2>1") } else { Vec::new() };
        assert_eq!(watch.sees("local", 40 + days * DAY, FAR, &[("serial", "1")]), expected, "after {days} days");
    }
}

#[test]
fn locations_that_see_different_things_tell_nothing_and_a_renewal_is_told_once() {
    let mut watch = Watch::new(&["a", "b", "c"]);
    for round in 0..4 {
        for (place, serial) in [("a", "1"), ("b", "2"), ("c", "1")] {
            let second = round * HOUR + i64::from(place.as_bytes()[0]);
            assert_eq!(watch.sees(place, second, FAR, &[("serial", serial)]), NONE, "{place}");
        }
    }
    assert_eq!(watch.sees("b", DAY - 20, FAR, &[("serial", "1")]), NONE, "seen from elsewhere already");
    assert_eq!(watch.sees("b", DAY - 10, FAR, &[("serial", "2")]), NONE, "it went without a word");
    assert_eq!(watch.sees("a", DAY, FAR, &[("serial", "2")]), NONE);
    assert_eq!(watch.sees("a", DAY + 10, FAR, &[("serial", "3")]), changed("serial 2>3"));
    assert_eq!(watch.sees("b", DAY + 20, FAR, &[("serial", "3")]), NONE);
    assert_eq!(watch.sees("c", DAY + 30, FAR, &[("serial", "3")]), NONE);
    watch.restart();
    let values = &watch.desk.state.known.as_ref().unwrap().attributes["serial"];
    let standing: Vec<_> = values.iter().filter(|known| known.left_at.is_none()).collect();
    assert_eq!((standing.len(), standing[0].locations.len()), (1, 3), "{values:?}");
}

#[test]
fn what_is_remembered_is_bounded() {
    let mut watch = Watch::new(&["local"]);
    for number in 0..100 {
        let told = watch.sees("local", 10 + number, 20 * DAY + number * 2 * DAY, &[("serial", &number.to_string())]);
        assert_eq!(told.iter().any(|line| line.contains("changed")), number > 0);
    }
    let known = watch.desk.state.known.as_ref().unwrap();
    assert!(known.attributes["serial"].len() <= 13 && known.warned.len() <= 12, "{known:?}");
}

#[test]
fn a_failure_that_retests_may_refute_says_nothing_yet() {
    let mut watch = Watch::new(&["local"]);
    watch.sees("local", 10, FAR, &[("issuer", "R10")]);
    let untrusted = |watch: &Watch, second, attempt| {
        let mut result = result_at(&watch.desk.monitor, "local", at(second), UNTRUSTED, attempt);
        result.result.notable = seen(&watch.desk.monitor, "local", second, None, &[("issuer", "me")]).result.notable;
        result
    };
    let result = untrusted(&watch, 20, 0);
    assert_eq!(watch.judge(result), NONE);
    assert_eq!(watch.sees("local", 22, FAR, &[("issuer", "R10")]), NONE, "refuted");
    let result = untrusted(&watch, 30, 0);
    assert_eq!(watch.judge(result), NONE);
    let result = untrusted(&watch, 32, 1);
    assert_eq!(watch.judge(result), changed("issuer R10>me"), "confirmed");
}

#[test]
fn late_results_change_nothing() {
    let mut watch = Watch::new(&["local"]);
    watch.sees("local", 10, FAR, &[("serial", "1")]);
    watch.sees("local", 30, FAR, &[("serial", "2")]);
    let state = watch.desk.state.clone();
    for second in [10, 20, 30] {
        assert_eq!(watch.sees("local", second, 5 * DAY, &[("serial", "3")]), NONE);
    }
    assert_eq!(watch.desk.state, state);
}

#[test]
fn a_pause_is_silent_and_what_changed_meanwhile_is_told_after_it() {
    let mut watch = Watch::new(&["local"]);
    assert_eq!(watch.sees("local", 10, 6 * DAY, &[("serial", "1")]), expiring(5, 7));
    watch.desk.keep(pause(&watch.desk.snapshot(), at(20)));
    assert_eq!(watch.sees("local", 30, 2 * DAY, &[("serial", "2")]), NONE);
    watch.desk.keep(activate(&watch.desk.snapshot(), at(40)));
    assert_eq!(watch.sees("local", 50, 6 * DAY, &[("serial", "2")]), changed("serial 1>2"), "and the end was told");
}

fn with_other_test(monitor: &Monitor) -> Monitor {
    let mut after = monitor.clone();
    Arc::make_mut(&mut after.settings.test).limits.slow_after = Some(Span::seconds(1));
    after
}

#[test]
fn another_test_knows_nothing_of_the_one_before() {
    for is_paused in [false, true] {
        let mut watch = Watch::new(&["local"]);
        watch.sees("local", 10, 6 * DAY, &[("serial", "1")]);
        if is_paused {
            watch.desk.keep(pause(&watch.desk.snapshot(), at(15)));
        }
        let after = with_other_test(&watch.desk.monitor);
        assert!(watch.desk.keep(settings_changed(&watch.desk.snapshot(), &after, at(20))));
        watch.desk.monitor = after;
        assert_eq!(watch.desk.state.known, None);
        watch.desk.keep(activate(&watch.desk.snapshot(), at(25)));
        assert_eq!(watch.sees("local", 30, 6 * DAY, &[("serial", "2")]), expiring(5, 7), "paused: {is_paused}");
    }
}

#[test]
fn a_location_that_is_removed_is_forgotten() {
    for is_paused in [false, true] {
        let mut watch = Watch::new(&["a", "b"]);
        watch.sees("a", 10, FAR, &[("serial", "1")]);
        watch.sees("b", 20, FAR, &[("serial", "2")]);
        if is_paused {
            watch.desk.keep(pause(&watch.desk.snapshot(), at(25)));
        }
        let mut after = watch.desk.monitor.clone();
        after.settings.locations.retain(|name| *name == location("a"));
        assert!(watch.desk.keep(settings_changed(&watch.desk.snapshot(), &after, at(30))), "paused: {is_paused}");
        assert!(settings_changed(&watch.desk.snapshot(), &after, at(31)).is_none(), "once");
        watch.desk.monitor = after;
        watch.desk.keep(activate(&watch.desk.snapshot(), at(40)));
        assert_eq!(watch.sees("a", 50, FAR, &[("serial", "2")]), changed("serial 1>2"), "nobody sees it any more");
    }
}

#[test]
fn families_that_have_no_such_events_remember_nothing() {
    let mut desk = Desk::new(monitor(&["local"], 0, 1), Lifecycle::Active);
    for (second, serial) in [(10, "1"), (20, "2")] {
        let result = seen(&desk.monitor, "local", second, Some(DAY), &[("serial", serial)]);
        desk.judge(&[result], at(second + 1));
    }
    assert_eq!(desk.monitor.family(), Family::Service);
    assert_eq!((desk.events.len(), desk.state.known), (1, None), "the first result only");
}

const PLACES: [&str; 3] = ["a", "b", "c"];
const ATTRIBUTES: [&str; 2] = ["issuer", "serial"];

/// A good result: where, how long after the one before, which of four ends, which values.
#[derive(Clone, Debug)]
struct Look {
    place: usize,
    wait: i64,
    end: Option<i64>,
    values: [Option<u8>; 2],
}

fn look() -> impl Strategy<Value = Look> {
    let value = || prop_oneof![3 => Just(Some(0)), 4 => option::of(0..6_u8)];
    // Ends two days apart or more, so that each is an end of its own.
    let end = option::weighted(0.8, prop_oneof![Just(12), Just(20), Just(45), Just(90)]);
    (0..3_usize, prop_oneof![1..12 * HOUR, 1..9 * DAY], end, value(), value())
        .prop_map(|(place, wait, end, one, other)| Look { place, wait, end, values: [one, other] })
}

fn results(monitor: &Monitor, looks: &[Look]) -> Vec<RecordedResult> {
    let mut now = 0;
    let result = |look: &Look| {
        now += look.wait;
        let values = ATTRIBUTES.iter().zip(look.values).filter_map(|(name, value)| Some((*name, value?.to_string())));
        let values: Vec<_> = values.collect();
        let values: Vec<_> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        seen(monitor, PLACES[look.place], now, look.end.map(|days| days * DAY), &values)
    };
    looks.iter().map(result).collect()
}

fn judged(desk: &mut Desk, results: &[RecordedResult]) {
    for result in results {
        desk.judge(std::slice::from_ref(result), result.result.started_at);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn each_threshold_of_an_end_is_told_once_and_before_it(looks in prop::collection::vec(look(), 1..80)) {
        let mut desk = Desk::new(certificate(&PLACES), Lifecycle::Active);
        let results = results(&desk.monitor, &looks);
        judged(&mut desk, &results);
        let mut told: BTreeMap<Timestamp, u16> = BTreeMap::new();
        for (event, _) in &desk.events {
            let Happening::Expiring { expires_at, days_left, threshold } = event.about.as_ref().unwrap().what else { continue };
            prop_assert_eq!(event.kind, EventType::CertificateExpiring);
            prop_assert!(event.created_at < expires_at && (0..=i64::from(threshold)).contains(&days_left));
            let before = told.insert(expires_at, threshold);
            prop_assert!(before.is_none_or(|before| threshold < before), "told again: {:?}", event);
        }
        // And none was left out: the smallest threshold that a result has reached was told.
        let mut reached: BTreeMap<Timestamp, u16> = BTreeMap::new();
        for result in &results {
            let notable = result.result.notable.as_ref().unwrap();
            let Some(end) = notable.expires_at.filter(|end| *end > result.result.started_at) else { continue };
            let days = end.duration_since(result.result.started_at).as_hours() / 24;
            if let Some(threshold) = notable.warn_days.reached(days) {
                reached.insert(end, threshold);
            }
        }
        prop_assert_eq!(told, reached);
    }

    #[test]
    fn changes_are_true_and_new_values_are_told_once(looks in prop::collection::vec(look(), 1..80)) {
        let mut desk = Desk::new(certificate(&PLACES), Lifecycle::Active);
        let results = results(&desk.monitor, &looks);
        let mut last: HashMap<(usize, usize), u8> = HashMap::new();
        let mut met: HashSet<(usize, u8)> = HashSet::new();
        let mut told_at: HashMap<(String, String), Timestamp> = HashMap::new();
        for (look, result) in looks.iter().zip(&results) {
            let now = result.result.started_at;
            let told_before = desk.events.len();
            judged(&mut desk, std::slice::from_ref(result));
            let mut expected = Vec::new();
            let mut is_new = false;
            for (index, value) in look.values.iter().enumerate() {
                let Some(value) = *value else { continue };
                let before = last.insert((look.place, index), value).filter(|before| *before != value);
                let is_first = met.insert((index, value));
                let Some(before) = before else { continue };
                is_new |= is_first;
                let (before, after) = (before.to_string(), value.to_string());
                expected.push(Difference { attribute: ATTRIBUTES[index].to_owned(), before, after });
            }
            let mut told = desk.events[told_before..].iter().filter_map(|(event, _)| match &event.about.as_ref().unwrap().what {
                Happening::Changed { differences } => Some(differences.clone()),
                _ => None,
            });
            let differences = told.next();
            prop_assert_eq!(told.next(), None, "one event of one result");
            prop_assert!(!is_new || differences.is_some(), "a value that was never seen is told");
            let Some(differences) = differences else { continue };
            prop_assert!(!differences.is_empty());
            prop_assert_eq!(&differences, &expected, "all that this location sees anew, and nothing else");
            let week = SignedDuration::from_hours(7 * 24);
            let news = differences.iter().filter(|difference| {
                let told = told_at.get(&(difference.attribute.clone(), difference.after.clone()));
                told.is_none_or(|told| now.duration_since(*told) >= week)
            });
            prop_assert!(news.count() > 0, "every value was told within the week: {:?}", differences);
            for Difference { attribute, after, .. } in differences {
                told_at.insert((attribute, after), now);
            }
        }
    }

    #[test]
    fn a_batch_in_parts_or_after_restarts_is_decided_like_the_whole(
        looks in prop::collection::vec(look(), 1..40), cuts in prop::collection::vec(any::<Index>(), 0..5),
    ) {
        let mut whole = Watch::new(&PLACES);
        let results = results(&whole.desk.monitor, &looks);
        let now = at(400 * DAY);
        whole.desk.judge(&results, now);
        let mut parts = Watch::new(&PLACES);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(results.len())).collect();
        cuts.extend([0, results.len()]);
        cuts.sort_unstable();
        for cut in cuts.windows(2) {
            parts.desk.judge(&results[cut[0]..cut[1]], now);
            parts.restart();
        }
        prop_assert_eq!(&whole.desk.state, &parts.desk.state);
        prop_assert_eq!(&whole.desk.events, &parts.desk.events);
        // Once more: everything is late.
        prop_assert!(!parts.desk.judge(&results, now));
    }
}
