//! What holds for any sequence of results and of the owner's changes.
//! Sequences are made by proptest; the desk checks each decision as a store would.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use jiff::SignedDuration;
use proptest::{prelude::*, sample::select};
use support::{BROKEN, Desk, REFUSED, SLOW, STATUS, at, monitor, previous_code, result_at};
use watchkeep_catalogue::Severity;
use watchkeep_judge::{Next, activate, after_result, decide, pause, settings_changed};
use watchkeep_model::{Belief, EventType, Lifecycle, RecordedResult, Telling};

const PLACES: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug)]
enum Step {
    Result { place: usize, wait: i64, code: i16, attempt: u16 },
    Repeat { back: usize },
    Late { place: usize, ago: i64, code: i16, attempt: u16 },
    Future { place: usize, code: i16 },
    Activate,
    Pause,
    OtherTest,
}

fn code() -> impl Strategy<Value = i16> {
    prop_oneof![4 => Just(0), 1 => select(vec![SLOW, BROKEN, STATUS, REFUSED, 419, 999])]
}

fn result() -> impl Strategy<Value = Step> {
    (0..3_usize, 1..30_i64, code(), 0..4_u16).prop_map(|(place, wait, code, attempt)| Step::Result {
        place,
        wait,
        code,
        attempt,
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => result(),
        3 => (0..8_usize).prop_map(|back| Step::Repeat { back }),
        3 => (0..3_usize, 1..90_i64, code(), 0..4_u16)
            .prop_map(|(place, ago, code, attempt)| Step::Late { place, ago, code, attempt }),
        1 => (0..3_usize, code()).prop_map(|(place, code)| Step::Future { place, code }),
        1 => Just(Step::Activate),
        1 => Just(Step::Pause),
        1 => Just(Step::OtherTest),
    ]
}

fn desk() -> impl Strategy<Value = Desk> {
    (1..=3_usize, 0..3_u16, 1..=3_u16, any::<bool>()).prop_map(|(count, retries, needed, active)| {
        let needed = needed.min(u16::try_from(count).unwrap());
        let lifecycle = if active { Lifecycle::Active } else { Lifecycle::Created };
        Desk::new(monitor(&PLACES[..count], retries, needed), lifecycle)
    })
}

/// Results in the order of their start, as robots send them.
fn results(desk: &Desk, steps: &[Step]) -> Vec<RecordedResult> {
    let mut now = 0;
    let mut results = Vec::new();
    for step in steps {
        if let Step::Result { place, wait, code, attempt } = step {
            now += wait;
            results.push(result_at(&desk.monitor, PLACES[*place], at(now), *code, *attempt));
        }
    }
    results
}

/// What must hold after anything: see each line.
fn check(desk: &Desk, now: jiff::Timestamp) {
    let open = desk.open_incident();
    let active = desk.state.lifecycle == Lifecycle::Active;
    match desk.state.belief {
        belief if belief.is_failure() => assert!(active && open.is_some(), "believed failing without an incident"),
        Belief::Misconfigured => assert!(active),
        _ => assert!(open.is_none(), "an incident is open although nothing is believed to fail"),
    }
    assert!(desk.state.since <= now, "a status begins in the future");
    assert!(active || desk.state.locations.is_empty(), "views of a monitor that nobody tests");
    for incident in &desk.incidents {
        assert!(incident.entries.is_sorted_by_key(|entry| entry.at), "entries out of order: {incident:?}");
        assert_eq!(incident.opened_at, incident.entries[0].at);
    }
}

/// Events fit together: each begins where the last one ended, no id comes twice, none is without a change.
fn check_events(desk: &Desk, first: i16) {
    let mut code = first;
    let mut since = at(0);
    let mut ids = std::collections::HashSet::new();
    let mut open = false;
    for (event, _) in &desk.events {
        assert!(ids.insert(event.id.clone()), "an event's id came twice");
        let about = event.about.as_ref().unwrap();
        match event.kind {
            EventType::ServiceStatusChanged => {
                assert_eq!(previous_code(event), code);
                assert_ne!(about.code.number(), code, "an event without a change");
                assert!(about.since >= since, "statuses overlap");
                (code, since) = (about.code.number(), about.since);
            }
            EventType::IncidentOpened => {
                assert!(!open, "opened twice");
                assert_eq!(about.code.number(), code);
                open = true;
            }
            EventType::IncidentResolved => {
                assert!(open, "resolved without having been opened");
                open = false;
            }
            other => panic!("unexpected {other:?}"),
        }
    }
    assert_eq!(code, desk.code());
    assert_eq!(open, desk.open_incident().is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn anything_leaves_a_sound_state(mut desk in desk(), steps in prop::collection::vec(step(), 1..60)) {
        let first = desk.code();
        let mut now = at(0);
        let mut seen: Vec<RecordedResult> = Vec::new();
        for step in steps {
            now += SignedDuration::from_secs(1);
            let told_before = desk.events.len();
            match step {
                Step::Result { place, wait, code, attempt } => {
                    now += SignedDuration::from_secs(wait);
                    let result = result_at(&desk.monitor, PLACES[place], now, code, attempt);
                    desk.judge(std::slice::from_ref(&result), now);
                    // Once more: the same result in the same state changes nothing.
                    prop_assert!(!desk.judge(std::slice::from_ref(&result), now));
                    seen.push(result);
                }
                Step::Repeat { back } => {
                    if let Some(result) = seen.iter().rev().nth(back).cloned() {
                        prop_assert!(!desk.judge(&[result], now), "a repeated result changed something");
                    }
                }
                Step::Late { place, ago, code, attempt } => {
                    let result = result_at(&desk.monitor, PLACES[place], now - SignedDuration::from_secs(ago), code, attempt);
                    desk.judge(&[result], now);
                }
                Step::Future { place, code } => {
                    let result = result_at(&desk.monitor, PLACES[place], now + SignedDuration::from_secs(301), code, 9);
                    prop_assert!(!desk.judge(&[result], now));
                }
                Step::Activate => {
                    let decision = activate(&desk.snapshot(), now);
                    desk.keep(decision);
                    seen.clear();
                }
                Step::Pause => {
                    let decision = pause(&desk.snapshot(), now);
                    desk.keep(decision);
                    seen.clear();
                }
                Step::OtherTest => {
                    let mut after = desk.monitor.clone();
                    let slow_after = &mut std::sync::Arc::make_mut(&mut after.settings.test).limits.slow_after;
                    *slow_after = slow_after.is_none().then(|| watchkeep_model::Span::seconds(1));
                    let decision = settings_changed(&desk.snapshot(), &after, now);
                    desk.keep(decision);
                    desk.monitor = after;
                    seen.clear();
                }
            }
            if desk.state.lifecycle != Lifecycle::Active {
                prop_assert!(desk.events[told_before..].iter().all(|(_, telling)| *telling == Telling::Keep));
            }
            check(&desk, now);
        }
        check_events(&desk, first);
    }

    #[test]
    fn a_batch_in_parts_is_decided_like_the_whole(
        desk in desk(), steps in prop::collection::vec(result(), 1..40), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let results = results(&desk, &steps);
        let now = at(10_000);
        let mut whole = Desk::new(desk.monitor.clone(), Lifecycle::Active);
        whole.judge(&results, now);
        let mut parts = Desk::new(desk.monitor, Lifecycle::Active);
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(results.len())).collect();
        cuts.extend([0, results.len()]);
        cuts.sort_unstable();
        for cut in cuts.windows(2) {
            parts.judge(&results[cut[0]..cut[1]], now);
        }
        prop_assert_eq!(&whole.state, &parts.state);
        prop_assert_eq!(&whole.incidents, &parts.incidents);
        prop_assert_eq!(&whole.events, &parts.events);
    }

    #[test]
    fn order_and_repetition_within_a_batch_do_not_matter(
        desk in desk(), steps in prop::collection::vec(result(), 1..30), again in prop::collection::vec(any::<prop::sample::Index>(), 0..10), order in any::<u64>(),
    ) {
        let results = results(&desk, &steps);
        let now = at(10_000);
        let mut plain = Desk::new(desk.monitor.clone(), Lifecycle::Active);
        plain.judge(&results, now);
        let mut shuffled = results.clone();
        shuffled.extend(again.iter().map(|index| results[index.index(results.len())].clone()));
        // An order that follows from a number, so that a failure can be repeated.
        shuffled.sort_by_key(|result| (result.result.started_at.as_second() as u64 ^ order).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut other = Desk::new(desk.monitor, Lifecycle::Active);
        other.judge(&shuffled, now);
        prop_assert_eq!(plain.state, other.state);
        prop_assert_eq!(plain.events, other.events);
    }

    #[test]
    fn paused_and_created_mean_silence(desk in desk(), steps in prop::collection::vec(result(), 1..10), paused in any::<bool>()) {
        let lifecycle = if paused { Lifecycle::Paused } else { Lifecycle::Created };
        let silent = Desk::new(desk.monitor, lifecycle);
        let results = results(&silent, &steps);
        let results: Vec<_> = results.iter().collect();
        prop_assert_eq!(decide(&silent.snapshot(), &results, at(10_000)), None);
    }

    #[test]
    fn a_robot_that_follows_the_rule_always_comes_to_a_confirmed_code(
        retries in 0..4_u16, codes in prop::collection::vec(code(), 1..40),
    ) {
        let mut desk = Desk::active(retries);
        let confirm = desk.monitor.settings.confirm;
        let family = desk.monitor.family();
        let (mut believed, mut attempt, mut second) = (Severity::Pending, 0, 0);
        for code in codes {
            second += 2;
            desk.sees(second, code, attempt);
            let found = watchkeep_catalogue::StatusCode::new(code).severity(family);
            match after_result(&confirm, believed, found, attempt) {
                Next::Regular => {
                    prop_assert_eq!(desk.code(), code, "what counts for the robot counts for the judge");
                    (believed, attempt) = (found, 0);
                }
                Next::Retest { attempt: next, .. } => {
                    prop_assert_eq!(next, attempt + 1);
                    prop_assert!(next <= retries);
                    prop_assert_eq!(desk.state.status(family).severity, believed, "not yet");
                    attempt = next;
                }
            }
        }
    }
}
