//! When a robot tests: places in the interval, re-tests, commands, stalled targets, standstills.
//! All under the paused clock.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::time::Duration;

use support::{REFUSED, Stand, Target, assignment, id, url};
use tokio::time::Instant;
use watchkeep_bus::{Assignment, Command};
use watchkeep_catalogue::StatusCode;
use watchkeep_model::{Confirm, Invalid, Span};

const SECOND: Duration = Duration::from_secs(1);
/// A tick of the wheel and a millisecond of the runtime's timer.
const LATE: Duration = Duration::from_millis(7);

fn seconds(instants: &[Instant], start: Instant) -> Vec<f64> {
    instants.iter().map(|at| (*at - start).as_secs_f64()).collect()
}

#[tokio::test(start_paused = true)]
async fn fault_32_a_start_with_many_monitors_is_spread_over_their_interval() {
    let mut stand = Stand::new();
    for number in 0..6_000 {
        stand.put(Assignment { interval: Span::seconds(60), ..assignment(number, &format!("t{number}")) });
    }
    stand.run_for(60 * SECOND).await;
    let begun = stand.fake.begun();
    assert!((5_990..=6_010).contains(&begun.len()), "{} in the first minute", begun.len());
    let mut per_second = [0; 61];
    for test in &begun {
        per_second[usize::try_from((test.at - stand.start).as_secs()).unwrap()] += 1;
    }
    // 100 are expected in each second; five standard deviations are 50.
    assert!(per_second[..60].iter().all(|count| (50..=150).contains(count)), "{per_second:?}");
    assert!(stand.robot.gauge().read().lateness.quantile(0.99) <= Duration::from_millis(50));
}

#[tokio::test(start_paused = true)]
async fn tests_keep_their_places_however_long_they_take() {
    let mut stand = Stand::new();
    for (number, takes) in [(1, 0), (2, 3_333), (3, 9_980)] {
        stand.fake.set(&format!("t{number}"), Target { takes: Duration::from_millis(takes), ..Target::default() });
        stand.put(assignment(number, &format!("t{number}")));
    }
    stand.run_for(301 * SECOND).await;
    for target in ["t1", "t2", "t3"] {
        let begun = stand.fake.begun_of(target);
        assert!(begun.len() >= 30, "{target}: {}", begun.len());
        for (n, at) in (0..).zip(&begun) {
            let due = begun[0] + 10 * SECOND * n;
            assert!(*at + LATE >= due && *at <= due + LATE, "{target} drifts: {:?}", seconds(&begun, stand.start));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_test_that_outlasts_its_interval_is_never_under_way_twice() {
    let mut stand = Stand::new();
    stand.fake.set("slow", Target { takes: 25 * SECOND, ..Target::default() });
    stand.put_now(assignment(1, "slow"));
    // The fake tester panics when two tests of one target overlap.
    let results = stand.run_for(300 * SECOND).await;
    assert!((9..=10).contains(&results.len()), "{}", results.len());
    assert_eq!(stand.robot.gauge().read().broken, 0);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_tested_again_after_the_delay_and_then_at_its_regular_time() {
    let mut stand = Stand::new();
    stand.fake.codes("shop", &[0, REFUSED]);
    let confirm = Confirm { retries: 2, delay: Span::milliseconds(1_500), locations: 1 };
    stand.put_now(Assignment { confirm, ..assignment(1, "shop") });
    let found: Vec<_> = stand.results(5).await.into_iter().map(|(code, attempt, _)| (code, attempt)).collect();
    assert_eq!(found, [(0, 0), (REFUSED, 0), (REFUSED, 1), (REFUSED, 2), (REFUSED, 0)]);
    let begun = stand.fake.begun_of("shop");
    for pair in begun[1..4].windows(2) {
        let pause = pair[1] - pair[0];
        assert!(pause >= Duration::from_millis(1_500) && pause <= Duration::from_millis(1_500) + LATE, "{pause:?}");
    }
    let regular = begun[4] - begun[1];
    assert!(regular + LATE >= 10 * SECOND && regular <= 10 * SECOND + LATE, "the place is kept: {regular:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_passes_is_not_followed_up() {
    let mut stand = Stand::new();
    stand.fake.codes("shop", &[0, REFUSED, 0]);
    stand.put_now(assignment(1, "shop"));
    let found: Vec<_> = stand.results(4).await.into_iter().map(|(code, attempt, _)| (code, attempt)).collect();
    assert_eq!(found, [(0, 0), (REFUSED, 0), (0, 1), (0, 0)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_believed_already_needs_no_retest_until_the_monitor_is_given_anew() {
    let mut stand = Stand::new();
    stand.fake.codes("shop", &[REFUSED]);
    stand.put_now(Assignment { believed: Some(StatusCode::new(REFUSED)), ..assignment(1, "shop") });
    let found: Vec<_> = stand.results(2).await.into_iter().map(|(_, attempt, _)| attempt).collect();
    assert_eq!(found, [0, 0]);
    stand.put_now(assignment(1, "shop"));
    let found: Vec<_> = stand.results(3).await.into_iter().map(|(_, attempt, _)| attempt).collect();
    assert_eq!(found, [0, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_test_out_of_turn_moves_no_other() {
    let mut stand = Stand::new();
    stand.put(assignment(1, "shop"));
    stand.results(1).await;
    tokio::time::sleep(3 * SECOND).await;
    let asked = Instant::now();
    stand.commands.send(Command::TestNow(id(1)));
    stand.results(2).await;
    let begun = stand.fake.begun_of("shop");
    assert!(begun[1] - asked <= LATE);
    let regular = begun[2] - begun[0];
    assert!(regular + LATE >= 10 * SECOND && regular <= 10 * SECOND + LATE, "{regular:?}");
    // Asked for while it is under way, or unknown: nothing to do.
    stand.commands.send(Command::TestNow(id(99)));
    stand.commands.send(Command::Remove(id(99)));
    stand.results(1).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_removed_is_tested_no_more_and_its_running_test_counts_no_more() {
    let mut stand = Stand::new();
    stand.fake.set("gone", Target { takes: 5 * SECOND, ..Target::default() });
    stand.put_now(assignment(1, "gone"));
    stand.put_now(assignment(2, "stays"));
    tokio::time::sleep(SECOND).await;
    stand.commands.send(Command::Remove(id(1)));
    let results = stand.run_for(60 * SECOND).await;
    assert!(results.iter().all(|found| found.monitor == id(2)));
    assert_eq!(stand.fake.begun_of("gone").len(), 1);
    let stats = stand.robot.gauge().read();
    assert_eq!((stats.monitors, stats.in_flight, stats.broken), (1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn another_test_for_a_monitor_replaces_the_running_one() {
    let mut stand = Stand::new();
    stand.fake.set("old", Target { takes: 5 * SECOND, ..Target::default() });
    stand.put_now(assignment(1, "old"));
    tokio::time::sleep(SECOND).await;
    stand.put_now(assignment(1, "new"));
    let results = stand.run_for(30 * SECOND).await;
    assert!(results.len() >= 3);
    assert!(results.iter().all(|found| *found.result.subject.target == *url("new")));
    assert_eq!(stand.robot.gauge().read().monitors, 1);
}

#[tokio::test(start_paused = true)]
async fn a_number_that_is_used_again_takes_no_results_of_its_former_owner() {
    let mut stand = Stand::new();
    stand.fake.set("old", Target { takes: 5 * SECOND, ..Target::default() });
    stand.put_now(assignment(1, "old"));
    tokio::time::sleep(SECOND).await;
    stand.commands.send(Command::Remove(id(1)));
    stand.put_now(assignment(2, "new"));
    let results = stand.run_for(30 * SECOND).await;
    assert!(results.len() >= 3);
    assert!(results.iter().all(|found| found.monitor == id(2) && *found.result.subject.target == *url("new")));
}

#[tokio::test(start_paused = true)]
async fn fault_1_ten_thousand_targets_that_never_answer_delay_no_other_test() {
    let mut stand = Stand::new();
    for number in 0..10_000 {
        let target = format!("stalled{number}");
        stand.fake.set(&target, Target { codes: vec![420], takes: 10 * SECOND, ..Target::default() });
        stand.put(Assignment { interval: Span::seconds(11), ..assignment(number, &target) });
    }
    for number in 10_000..10_100 {
        stand.put(Assignment { interval: Span::seconds(1), ..assignment(number, &format!("fine{number}")) });
    }
    let results = stand.run_for(30 * SECOND).await;
    assert!(stand.fake.most_running() > 8_000, "{} at the same time", stand.fake.most_running());
    let fine = results.iter().filter(|found| found.result.verdict.code.is_operational()).count();
    assert!((2_900..=3_000).contains(&fine), "{fine}");
    assert!(stand.robot.gauge().read().lateness.quantile(1.0) <= Duration::from_millis(50));
}

#[tokio::test(start_paused = true)]
async fn no_more_tests_are_under_way_than_allowed_and_the_rest_waits_its_turn() {
    let mut stand = Stand::with(|options| options.most_in_flight = 5);
    for number in 0..20 {
        stand.fake.set(&format!("t{number}"), Target { takes: SECOND, ..Target::default() });
        stand.put_now(Assignment { interval: Span::seconds(7 * 86_400), ..assignment(number, &format!("t{number}")) });
    }
    // One of those that wait is taken away, and one is asked for once more.
    stand.commands.send(Command::Remove(id(19)));
    stand.commands.send(Command::TestNow(id(18)));
    let results = stand.run_for(10 * SECOND).await;
    assert_eq!((results.len(), stand.fake.most_running()), (19, 5));
    let stats = stand.robot.gauge().read();
    assert_eq!((stats.in_flight, stats.waiting, stats.started), (0, 0, 19));
    assert!(stats.lateness.quantile(1.0) >= 3 * SECOND, "waiting is lateness");
}

#[tokio::test(start_paused = true)]
async fn a_test_that_cannot_run_has_a_result_at_each_interval() {
    let mut stand = Stand::new();
    let invalid = Invalid::one("target", "is missing");
    stand.put_now(Assignment { test: Err(invalid), ..assignment(1, "none") });
    let found: Vec<_> = stand.results(4).await.into_iter().map(|(code, attempt, _)| (code, attempt)).collect();
    assert_eq!(found, [(101, 0), (101, 1), (101, 0), (101, 0)]);
    assert!(stand.fake.begun().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_test_that_panics_harms_nobody_and_is_tried_again() {
    let mut stand = Stand::new();
    stand.fake.set("bug", Target { panics: true, ..Target::default() });
    stand.put_now(assignment(1, "bug"));
    stand.put_now(assignment(2, "fine"));
    let results = stand.run_for(60 * SECOND).await;
    assert!(results.iter().all(|found| found.monitor == id(2)) && results.len() >= 6);
    let stats = stand.robot.gauge().read();
    assert!(stats.broken >= 6, "{}", stats.broken);
    assert_eq!(stats.in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn after_a_standstill_missed_tests_are_skipped_and_the_rest_is_spread() {
    let mut stand = Stand::new();
    for number in 0..1_000 {
        stand.put(Assignment { interval: Span::seconds(20), ..assignment(number, &format!("t{number}")) });
    }
    stand.run_for(20 * SECOND).await;
    let before = stand.fake.begun().len();
    // An hour in which nothing runs, then five seconds.
    for (standstill, most_at_once) in [(3_600, 120), (5, 120)] {
        tokio::time::advance(standstill * SECOND).await;
        let back = Instant::now();
        stand.run_for(20 * SECOND).await;
        let begun: Vec<_> = stand.fake.begun().into_iter().filter(|test| test.at >= back).collect();
        let mut per_second = [0; 21];
        begun.iter().for_each(|test| per_second[usize::try_from((test.at - back).as_secs()).unwrap()] += 1);
        assert!(per_second.iter().all(|count| *count <= most_at_once), "{per_second:?}");
        assert!((950..=1_300).contains(&begun.len()), "each is tested once more: {}", begun.len());
    }
    assert!((990..=1_010).contains(&before));
    assert!(stand.robot.gauge().read().postponed >= 1_000);
}

#[tokio::test(start_paused = true)]
async fn other_settings_take_effect_at_once() {
    let mut stand = Stand::new();
    stand.put(Assignment { interval: Span::seconds(3_600), ..assignment(1, "shop") });
    stand.run_for(SECOND).await;
    stand.put(Assignment { interval: Span::seconds(1), ..assignment(1, "shop") });
    assert!(stand.run_for(10 * SECOND).await.len() >= 9);
}
