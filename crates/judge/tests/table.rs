//! What the judge makes of results, case by case.
//! Each case is named for the rule that it shows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::sync::Arc;

use jiff::SignedDuration;
use support::{BROKEN, Desk, REFUSED, SLOW, STATUS, at, location, monitor, result_at};
use watchkeep_catalogue::Family;
use watchkeep_judge::{activate, pause, settings_changed, unreadable};
use watchkeep_model::{Belief, IncidentEntryKind, Invalid, Lifecycle, Telling};

const CHANGED: &str = "service.status_changed";
const OPENED: &str = "incident.opened";
const RESOLVED: &str = "incident.resolved";

#[test]
fn code_minus_1_from_creation_until_the_first_activation() {
    let mut desk = Desk::new(monitor(&["local"], 0, 1), Lifecycle::Created);
    assert_eq!(desk.code(), -1);
    assert!(!desk.sees(10, REFUSED, 0), "a monitor that was never activated has no results");
    assert!(!desk.keep(pause(&desk.snapshot(), at(20))), "there is nothing to pause");
    assert_eq!(desk.code(), -1);
    assert!(desk.keep(activate(&desk.snapshot(), at(30))));
    assert_eq!(desk.code(), -3);
    assert_eq!(desk.told(), [(CHANGED, -1, -3)]);
}

#[test]
fn code_minus_2_while_paused() {
    let mut desk = Desk::active(0);
    desk.sees(10, 0, 0);
    desk.told();
    assert!(desk.keep(pause(&desk.snapshot(), at(20))));
    assert_eq!((desk.code(), desk.state.since), (-2, at(20)));
    assert_eq!(desk.events[0].1, Telling::Keep, "who pauses knows");
    assert_eq!(desk.told(), [(CHANGED, 0, -2)]);
    assert!(!desk.sees(30, REFUSED, 9) && !desk.sees(40, 0, 0), "paused is silent");
    assert!(!desk.keep(pause(&desk.snapshot(), at(50))), "it is paused already");
    assert!(desk.keep(activate(&desk.snapshot(), at(60))));
    assert_eq!(desk.told(), [(CHANGED, -2, -3)]);
}

#[test]
fn code_minus_3_from_activation_until_the_first_result() {
    let mut desk = Desk::active(1);
    assert_eq!((desk.code(), desk.state.since), (-3, at(0)));
    assert!(!desk.keep(activate(&desk.snapshot(), at(5))), "it is active already");
    assert!(desk.sees(10, 0, 0));
    assert_eq!((desk.code(), desk.state.since), (0, at(10)));
    assert_eq!(desk.events[0].1, Telling::Tell);
    assert_eq!(desk.told(), [(CHANGED, -3, 0)]);
}

#[test]
fn code_0_again_and_again_changes_nothing() {
    let mut desk = Desk::active(1);
    desk.sees(10, 0, 0);
    let state = desk.state.clone();
    for second in 2..10 {
        assert!(!desk.sees(second * 10, 0, 0));
    }
    assert_eq!(desk.state.revision, state.revision);
    assert_eq!(desk.state.locations[&location("local")].seen_at, at(90), "only the mark moves");
    assert!(!desk.sees(85, REFUSED, 9), "late");
}

#[test]
fn a_failure_counts_after_its_retests_and_began_with_the_first_of_them() {
    let mut desk = Desk::active(2);
    desk.sees(10, 0, 0);
    desk.told();
    desk.sees(20, REFUSED, 0);
    desk.sees(22, REFUSED, 1);
    assert_eq!((desk.code(), desk.told().len()), (0, 0), "not confirmed yet");
    desk.sees(24, REFUSED, 2);
    assert_eq!((desk.code(), desk.state.since), (REFUSED, at(20)));
    assert_eq!(desk.told(), [(CHANGED, 0, REFUSED), (OPENED, 0, REFUSED)]);
    let incident = desk.open_incident().unwrap();
    assert_eq!((incident.opened_at, incident.code.number(), incident.entries.len()), (at(20), REFUSED, 1));
    assert_eq!(incident.entries[0].detail.as_deref(), Some("detail of 451"));
}

#[test]
fn without_retests_the_first_failure_counts() {
    let mut desk = Desk::active(0);
    desk.sees(10, REFUSED, 0);
    assert_eq!(desk.told(), [(CHANGED, -3, REFUSED), (OPENED, -3, REFUSED)]);
}

#[test]
fn a_failure_that_a_retest_does_not_confirm_is_forgotten() {
    let mut desk = Desk::active(1);
    desk.sees(10, 0, 0);
    desk.told();
    desk.sees(20, REFUSED, 0);
    desk.sees(22, 0, 1);
    assert_eq!(desk.state.locations[&location("local")].doubt, None);
    desk.sees(30, REFUSED, 0);
    assert_eq!((desk.code(), desk.told().len()), (0, 0));
    desk.sees(32, REFUSED, 1);
    assert_eq!((desk.code(), desk.state.since), (REFUSED, at(30)));
}

#[test]
fn failures_in_a_row_confirm_each_other_when_a_robot_lost_count() {
    let mut desk = Desk::active(1);
    desk.sees(10, 0, 0);
    desk.sees(20, REFUSED, 0);
    desk.sees(30, REFUSED, 0);
    assert_eq!((desk.code(), desk.state.since), (REFUSED, at(20)));
}

#[test]
fn one_good_result_recovers() {
    let mut desk = Desk::active(1);
    desk.sees(10, REFUSED, 1);
    desk.told();
    assert!(desk.sees(20, 0, 0));
    assert_eq!((desk.code(), desk.state.since), (0, at(20)));
    assert_eq!(desk.told(), [(CHANGED, REFUSED, 0), (RESOLVED, REFUSED, 0)]);
    let incident = &desk.incidents[0];
    assert_eq!(incident.resolved_at, Some(at(20)));
    assert_eq!(incident.entries.last().unwrap().kind, IncidentEntryKind::Resolved);
    assert_eq!(incident.code.number(), REFUSED, "an incident keeps the code of its failure");
}

#[test]
fn events_name_their_incident_and_their_witnesses() {
    let mut desk = Desk::active(0);
    desk.sees(10, REFUSED, 0);
    desk.sees(20, 0, 0);
    let id = desk.incidents[0].id.clone();
    for (event, _) in &desk.events {
        let about = event.about.as_ref().unwrap();
        assert_eq!(about.incident.as_ref(), Some(&id), "{event:?}");
        assert_eq!(about.locations, [location("local")], "{event:?}");
    }
}

#[test]
fn another_code_within_an_incident_is_noted_and_told() {
    let mut desk = Desk::active(1);
    desk.sees(10, REFUSED, 1);
    desk.told();
    desk.sees(20, STATUS, 0);
    assert_eq!((desk.code(), desk.state.since), (STATUS, at(20)), "as grave as what is believed: no re-test needed");
    assert_eq!(desk.told(), [(CHANGED, REFUSED, STATUS)]);
    let incident = desk.open_incident().unwrap();
    assert_eq!((incident.code.number(), incident.opened_at), (STATUS, at(10)));
    assert_eq!(incident.entries[1].kind, IncidentEntryKind::CodeChanged);
}

#[test]
fn degraded_opens_an_incident_and_getting_worse_is_confirmed_first() {
    let mut desk = Desk::active(1);
    desk.sees(10, 0, 0);
    desk.sees(20, SLOW, 0);
    desk.sees(22, SLOW, 1);
    assert_eq!(desk.state.belief, Belief::Degraded);
    desk.told();
    desk.sees(30, REFUSED, 0);
    assert_eq!(desk.code(), SLOW);
    desk.sees(32, REFUSED, 1);
    assert_eq!((desk.code(), desk.state.belief, desk.state.since), (REFUSED, Belief::Down, at(30)));
    assert_eq!(desk.told(), [(CHANGED, SLOW, REFUSED)]);
    desk.sees(40, SLOW, 0);
    assert_eq!((desk.code(), desk.state.belief), (SLOW, Belief::Degraded), "getting better counts at once");
    assert_eq!(desk.open_incident().unwrap().entries.len(), 3);
}

#[test]
fn our_own_fault_opens_no_incident() {
    let mut desk = Desk::active(1);
    desk.sees(10, 0, 0);
    desk.told();
    desk.sees(20, BROKEN, 0);
    desk.sees(22, BROKEN, 1);
    assert_eq!((desk.state.belief, desk.told()), (Belief::Misconfigured, vec![(CHANGED, 0, BROKEN)]));
    assert!(desk.incidents.is_empty());
    desk.sees(30, 0, 0);
    assert_eq!(desk.told(), [(CHANGED, BROKEN, 0)]);
}

#[test]
fn our_own_fault_leaves_an_open_incident_open() {
    let mut desk = Desk::active(0);
    desk.sees(10, REFUSED, 0);
    desk.sees(20, BROKEN, 0);
    assert_eq!(desk.state.belief, Belief::Misconfigured);
    assert!(desk.open_incident().is_some());
    desk.sees(30, REFUSED, 0);
    assert_eq!(desk.incidents.len(), 1, "the same failure goes on");
    desk.told();
    desk.sees(40, BROKEN, 0);
    desk.sees(50, 0, 0);
    assert_eq!(desk.told(), [(CHANGED, REFUSED, BROKEN), (CHANGED, BROKEN, 0), (RESOLVED, BROKEN, 0)]);
}

#[test]
fn a_late_result_changes_nothing() {
    let mut desk = Desk::active(0);
    desk.sees(10, REFUSED, 0);
    desk.sees(30, 0, 0);
    assert!(!desk.sees(20, REFUSED, 0));
    assert_eq!(desk.code(), 0);
}

#[test]
fn the_same_result_twice_changes_nothing() {
    let mut desk = Desk::active(1);
    for (second, code, attempt) in [(10, 0, 0), (20, REFUSED, 0), (22, REFUSED, 1), (30, STATUS, 0), (40, 0, 0)] {
        assert!(desk.sees(second, code, attempt));
        assert!(!desk.sees(second, code, attempt), "at {second}");
    }
}

#[test]
fn a_result_from_the_future_changes_nothing() {
    let mut desk = Desk::active(0);
    let ahead = at(0) + SignedDuration::from_secs(301);
    assert!(!desk.judge(&[result_at(&desk.monitor, "local", ahead, REFUSED, 0)], at(0)));
    let tolerated = at(0) + SignedDuration::from_secs(300);
    assert!(desk.judge(&[result_at(&desk.monitor, "local", tolerated, REFUSED, 0)], at(0)));
    assert_eq!(desk.state.since, at(0), "a status never begins in the future");
}

#[test]
fn marks_left_by_a_clock_that_ran_ahead_block_nothing() {
    let mut desk = Desk::active(0);
    desk.sees(7_200, 0, 0);
    assert!(desk.sees(20, REFUSED, 0), "the clock was put back two hours");
    assert_eq!((desk.code(), desk.state.since), (REFUSED, at(20) + SignedDuration::from_millis(500)));
}

#[test]
fn a_result_from_before_the_activation_changes_nothing() {
    let mut desk = Desk::active(0);
    desk.sees(10, 0, 0);
    desk.keep(pause(&desk.snapshot(), at(20)));
    desk.keep(activate(&desk.snapshot(), at(30)));
    assert!(!desk.sees(29, REFUSED, 0));
    assert!(desk.sees(30, 0, 0));
}

#[test]
fn results_of_others_change_nothing() {
    let mut desk = Desk::active(0);
    assert!(!desk.sees_from("elsewhere", 10, REFUSED, 0), "not a location of this monitor");
    let mut result = result_at(&desk.monitor, "local", at(10), REFUSED, 0);
    result.monitor = watchkeep_model::MonitorId::from_random([9; 16]);
    assert!(!desk.judge(&[result], at(10)));
    let mut result = result_at(&desk.monitor, "local", at(10), REFUSED, 0);
    Arc::make_mut(&mut result.result.subject).target = "https://other.example/".into();
    assert!(!desk.judge(&[result], at(10)), "about something that it does not test any more");
    for code in [-1, -2, -3] {
        assert!(!desk.sees(10, code, 0), "no test ends in {code}");
    }
}

#[test]
fn a_code_of_a_newer_robot_counts_as_down() {
    let mut desk = Desk::active(0);
    desk.sees(10, 999, 0);
    assert_eq!((desk.state.belief, desk.code()), (Belief::Down, 999));
}

#[test]
fn two_of_three_locations_must_fail() {
    let mut desk = Desk::of_three(2);
    for place in ["a", "b", "c"] {
        desk.sees_from(place, 10, 0, 0);
    }
    desk.told();
    desk.sees_from("a", 20, REFUSED, 0);
    assert_eq!((desk.code(), desk.told().len()), (0, 0));
    desk.sees_from("c", 23, REFUSED, 0);
    assert_eq!((desk.code(), desk.state.since), (REFUSED, at(23)), "failing since enough locations fail");
    let (event, _) = &desk.events[0];
    assert_eq!(event.about.as_ref().unwrap().locations, [location("a"), location("c")]);
    desk.told();
    desk.sees_from("b", 26, STATUS, 0);
    assert_eq!(desk.told(), [], "the headline stays while it is seen");
    desk.sees_from("a", 30, 0, 0);
    assert_eq!(desk.code(), REFUSED, "two still fail");
    desk.sees_from("b", 32, 0, 0);
    assert_eq!((desk.code(), desk.told()), (0, vec![(CHANGED, REFUSED, 0), (RESOLVED, REFUSED, 0)]));
}

#[test]
fn locations_that_agree_on_degraded_only_make_it_degraded() {
    let mut desk = Desk::of_three(2);
    desk.sees_from("a", 10, REFUSED, 0);
    assert_eq!(desk.code(), -3, "one alone is not enough, and the others have not spoken");
    desk.sees_from("b", 11, SLOW, 0);
    assert_eq!((desk.state.belief, desk.code()), (Belief::Degraded, SLOW));
    desk.sees_from("b", 21, REFUSED, 0);
    assert_eq!((desk.state.belief, desk.code()), (Belief::Down, REFUSED));
}

#[test]
fn a_location_that_cannot_test_does_not_end_an_incident() {
    let mut desk = Desk::of_three(2);
    for (place, code) in [("a", REFUSED), ("b", REFUSED), ("c", 0)] {
        desk.sees_from(place, 10, code, 0);
    }
    desk.sees_from("a", 20, BROKEN, 0);
    assert_eq!(desk.code(), REFUSED, "one fails, one cannot tell");
    desk.sees_from("b", 30, 0, 0);
    assert_eq!(desk.code(), 0);
}

#[test]
fn pausing_resolves_an_incident_quietly() {
    let mut desk = Desk::active(0);
    desk.sees(10, REFUSED, 0);
    desk.told();
    desk.keep(pause(&desk.snapshot(), at(20)));
    assert!(desk.events.iter().all(|(_, telling)| *telling == Telling::Keep));
    assert_eq!(desk.told(), [(CHANGED, REFUSED, -2), (RESOLVED, REFUSED, -2)]);
    let entry = desk.incidents[0].entries.last().unwrap();
    assert_eq!((entry.at, entry.detail.as_deref()), (at(20), Some("monitoring was paused")));
}

#[test]
fn another_test_begins_afresh() {
    let mut desk = Desk::active(0);
    desk.sees(10, REFUSED, 0);
    desk.told();
    let mut after = desk.monitor.clone();
    Arc::make_mut(&mut after.settings.test).limits.slow_after = Some(watchkeep_model::Span::seconds(1));
    desk.keep(settings_changed(&desk.snapshot(), &after, at(20)));
    desk.monitor = after.clone();
    assert_eq!((desk.code(), desk.open_incident()), (-3, None));
    assert!(desk.events.iter().all(|(_, telling)| *telling == Telling::Keep));
    assert_eq!(desk.told(), [(CHANGED, REFUSED, -3), (RESOLVED, REFUSED, -3)]);
    // Changed once more before any result: what began under the older test counts no more.
    Arc::make_mut(&mut after.settings.test).limits.slow_after = None;
    desk.keep(settings_changed(&desk.snapshot(), &after, at(30)));
    desk.monitor = after;
    assert_eq!(desk.told(), []);
    assert!(!desk.sees(25, REFUSED, 0));
    assert!(desk.sees(31, 0, 0));
}

#[test]
fn other_settings_leave_the_state_alone() {
    let desk = Desk::of_three(2);
    let mut after = desk.monitor.clone();
    after.settings.interval = watchkeep_model::Span::seconds(60);
    after.settings.confirm.retries = 5;
    assert_eq!(settings_changed(&desk.snapshot(), &after, at(20)), None);
    let mut desk = Desk::new(desk.monitor, Lifecycle::Paused);
    Arc::make_mut(&mut after.settings.test).limits.total = watchkeep_model::Span::seconds(3);
    assert!(!desk.keep(settings_changed(&desk.snapshot(), &after, at(20))), "a paused monitor stays paused");
}

#[test]
fn a_location_that_was_taken_away_has_no_say_any_more() {
    let mut desk = Desk::of_three(2);
    for place in ["a", "b", "c"] {
        desk.sees_from(place, 10, REFUSED, 0);
    }
    let mut after = desk.monitor.clone();
    after.settings.locations.truncate(2);
    after.settings.confirm.locations = 1;
    assert!(desk.keep(settings_changed(&desk.snapshot(), &after, at(20))));
    desk.monitor = after;
    assert_eq!(desk.state.locations.len(), 2);
    assert_eq!(desk.code(), REFUSED);
    desk.sees_from("a", 30, 0, 0);
    assert_eq!(desk.code(), REFUSED, "one of two is enough now");
    desk.sees_from("b", 31, 0, 0);
    assert_eq!(desk.code(), 0);
}

#[test]
fn fewer_locations_needed_counts_with_the_next_result() {
    let mut desk = Desk::of_three(3);
    for (place, code) in [("a", REFUSED), ("b", 0), ("c", 0)] {
        desk.sees_from(place, 10, code, 0);
    }
    desk.told();
    desk.monitor.settings.confirm.locations = 1;
    assert!(desk.sees_from("b", 20, 0, 0));
    assert_eq!(desk.told(), [(CHANGED, 0, REFUSED), (OPENED, 0, REFUSED)]);
}

#[test]
fn settings_that_cannot_be_read_are_our_own_fault() {
    let mut desk = Desk::active(0);
    desk.sees(10, REFUSED, 0);
    desk.told();
    let invalid = Invalid::one("type", "is a type of test that this version does not know");
    let (id, org) = (desk.monitor.id.clone(), desk.monitor.org.clone());
    let decision = unreadable(&id, &org, Family::Service, &desk.state, &invalid, at(20));
    assert!(desk.keep(decision));
    assert_eq!((desk.state.belief, desk.code()), (Belief::Misconfigured, 101));
    assert!(desk.open_incident().is_some());
    assert_eq!(unreadable(&id, &org, Family::Service, &desk.state, &invalid, at(21)), None);
    assert!(desk.sees(30, 0, 0), "readable again after an upgrade");
    assert_eq!(desk.open_incident(), None);
}

#[test]
fn an_outage_within_one_batch_is_told_with_its_end() {
    let mut desk = Desk::active(0);
    desk.sees(10, 0, 0);
    desk.told();
    let batch = [(40, 0), (20, REFUSED), (30, REFUSED)]
        .map(|(second, code)| result_at(&desk.monitor, "local", at(second), code, 0));
    assert!(desk.judge(&batch, at(50)));
    assert_eq!(
        desk.told(),
        [(CHANGED, 0, REFUSED), (OPENED, 0, REFUSED), (CHANGED, REFUSED, 0), (RESOLVED, REFUSED, 0)]
    );
    assert_eq!((desk.incidents[0].opened_at, desk.incidents[0].resolved_at), (at(20), Some(at(40))));
}

#[test]
fn the_same_change_has_the_same_identifiers_however_often_it_is_decided() {
    let desk = Desk::active(0);
    let result = result_at(&desk.monitor, "local", at(10), REFUSED, 0);
    let decide = || watchkeep_judge::decide(&desk.snapshot(), &[&result], at(11)).unwrap();
    assert_eq!(decide(), decide());
    let ids: std::collections::HashSet<_> = decide().events.into_iter().map(|(event, _)| event.id).collect();
    assert_eq!(ids.len(), 2);
}
