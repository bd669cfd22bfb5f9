//! How results leave a robot: batches, numbers, acknowledgements that do not come, the end.
//! All under the paused clock.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::{sync::Arc, time::Duration};

use support::{REFUSED, Stand, Target, assignment, id};
use tokio::time::Instant;
use watchkeep_bus::{Assignment, Seen};
use watchkeep_model::{Confirm, LocationName, RobotSequence, Span};
use watchkeep_robot::Leftover;

const SECOND: Duration = Duration::from_secs(1);

/// Each result counts by itself.
const UNCONFIRMED: Confirm = Confirm { retries: 0, delay: Span::seconds(2), locations: 1 };

fn every_second(number: u32, target: &str) -> Assignment {
    Assignment { interval: Span::seconds(1), confirm: UNCONFIRMED, ..assignment(number, target) }
}

#[tokio::test(start_paused = true)]
async fn news_leave_at_once_and_routine_within_a_quarter_of_a_second() {
    let mut stand = Stand::new();
    stand.fake.codes("shop", &[0, 0, REFUSED, REFUSED, 0]);
    stand.put_now(every_second(1, "shop"));
    let mut waits = Vec::new();
    for n in 0..5 {
        stand.batch().await;
        waits.push(Instant::now() - stand.fake.begun_of("shop")[n]);
    }
    let near = |wait: Duration, wanted: u64| wait.as_millis().abs_diff(u128::from(wanted)) <= 3;
    let wanted = [0, 250, 0, 0, 0];
    assert!(waits.iter().zip(wanted).all(|(wait, wanted)| near(*wait, wanted)), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn results_without_news_travel_together() {
    let mut stand = Stand::new();
    for number in 0..200 {
        stand.put(every_second(number, &format!("t{number}")));
    }
    stand.run_for(2 * SECOND).await;
    let (_, batch) = stand.batch().await;
    assert!((20..=90).contains(&batch.len()), "a quarter of a second of 200 a second: {}", batch.len());
}

#[tokio::test(start_paused = true)]
async fn numbers_are_consecutive() {
    let mut stand = Stand::new();
    for number in 0..50 {
        stand.put(every_second(number, &format!("t{number}")));
    }
    let mut counted = 0;
    for _ in 0..40 {
        let (last, results) = stand.batch().await;
        assert!(!results.is_empty());
        counted += results.len() as u64;
        assert_eq!(last, RobotSequence { epoch: 1_800_000_000_000, number: counted });
    }
}

#[tokio::test(start_paused = true)]
async fn numbers_begin_above_those_of_an_earlier_life_even_after_the_clock_was_put_back() {
    let previous = RobotSequence { epoch: 1_900_000_000_000, number: 7 };
    let mut stand = Stand::with(|options| options.previous = Some(previous));
    stand.put_now(assignment(1, "shop"));
    let (last, _) = stand.batch().await;
    assert_eq!(last, RobotSequence { epoch: 1_900_000_000_001, number: 1 });
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_was_not_kept_comes_again_unchanged_before_any_other() {
    let mut stand = Stand::new();
    stand.put_now(every_second(1, "shop"));
    let first = stand.delivery().await;
    let batch = Arc::clone(&first.batch);
    drop(first);
    let mut tries = vec![Instant::now()];
    for _ in 0..8 {
        let again = stand.delivery().await;
        assert_eq!(again.batch, batch);
        tries.push(Instant::now());
        drop(again);
    }
    let pauses: Vec<_> = tries.windows(2).map(|pair| (pair[1] - pair[0]).as_millis()).collect();
    assert!(pauses.is_sorted() && pauses[0] >= 100 && pauses[7] <= 5_010, "{pauses:?}");
    let kept = stand.delivery().await;
    assert_eq!(kept.batch, batch);
    kept.acknowledgement.kept();
    let (last, results) = stand.batch().await;
    assert_eq!(last.number, batch.last.number + results.len() as u64, "what gathered meanwhile follows");
    assert!(results.len() >= 10);
}

#[tokio::test(start_paused = true)]
async fn a_commit_whose_acknowledgement_was_lost_is_counted_once() {
    let mut stand = Stand::new();
    for number in 0..20 {
        stand.put(every_second(number, &format!("t{number}")));
    }
    let (mut seen, mut kept) = (Seen::default(), Vec::new());
    let robot = LocationName::local();
    for n in 0..30 {
        let delivery = stand.delivery().await;
        kept.extend_from_slice(seen.unseen(&delivery.batch));
        seen.note(&robot, delivery.batch.last);
        // Every third time the receiver dies between its commit and the acknowledgement.
        if n % 3 != 2 {
            delivery.acknowledgement.kept();
        }
    }
    assert_eq!(kept.len() as u64, seen.mark(&robot).unwrap().number);
    let mut tests: Vec<_> = kept.iter().map(|found| (found.monitor.clone(), found.result.started_at)).collect();
    tests.sort();
    tests.dedup();
    assert_eq!(tests.len(), kept.len(), "no result is counted twice");
}

#[tokio::test(start_paused = true)]
async fn while_nobody_takes_results_routine_is_dropped_and_changes_are_kept() {
    let mut stand = Stand::with(|options| options.most_unacknowledged = 100);
    stand.put(every_second(1, "shop"));
    let held = stand.delivery().await;
    tokio::time::sleep(500 * SECOND).await;
    stand.fake.codes("shop", &[REFUSED]);
    tokio::time::sleep(20 * SECOND).await;
    stand.fake.codes("shop", &[0]);
    tokio::time::sleep(500 * SECOND).await;
    let stats = stand.robot.gauge().read();
    assert!(stats.dropped > 800 && stats.unacknowledged <= 101 + 20, "{stats:?}");
    held.acknowledgement.kept();
    let (_, results) = stand.batch().await;
    assert!(results.len() <= 100);
    let codes: Vec<_> = results.iter().map(|found| found.result.verdict.code.number()).collect();
    let failed = codes.iter().position(|code| *code == REFUSED).expect("the failure is still there");
    assert_eq!(codes[failed..].iter().filter(|code| **code == REFUSED).count(), 20);
    assert!(codes[failed + 20..].contains(&0), "and so is its end");
}

#[tokio::test(start_paused = true)]
async fn a_robot_that_stops_finishes_its_tests_and_brings_their_results() {
    let mut stand = Stand::new();
    stand.fake.set("slow", Target { takes: 3 * SECOND, ..Target::default() });
    stand.put_now(assignment(1, "slow"));
    tokio::time::sleep(SECOND).await;
    stand.put(every_second(2, "late"));
    let begun = stand.fake.begun().len();
    let stopping = tokio::spawn(stand.robot.stop(10 * SECOND));
    let delivery = stand.batches.recv().await.unwrap();
    assert_eq!(delivery.batch.results[0].monitor, id(1));
    delivery.acknowledgement.kept();
    assert_eq!(stopping.await.unwrap(), Leftover { tests: 0, results: 0 });
    assert!(stand.batches.recv().await.is_none());
    assert_eq!(stand.fake.begun().len(), begun, "no test began after the end was near");
}

#[tokio::test(start_paused = true)]
async fn a_robot_that_stops_waits_no_longer_than_it_may() {
    let mut stand = Stand::new();
    stand.fake.set("stalled", Target { takes: 3_600 * SECOND, ..Target::default() });
    stand.put_now(assignment(1, "stalled"));
    stand.put_now(every_second(2, "fine"));
    let held = stand.delivery().await;
    let asked = Instant::now();
    let leftover = stand.robot.stop(2 * SECOND).await;
    assert_eq!(leftover, Leftover { tests: 1, results: 1 });
    assert!(asked.elapsed() <= 8 * SECOND, "{:?}", asked.elapsed());
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn a_robot_whose_receiver_is_gone_goes_on_and_stops_in_order() {
    let stand = Stand::new();
    drop(stand.batches);
    stand.commands.send(watchkeep_bus::Command::Put(Box::new(every_second(1, "shop"))));
    tokio::time::sleep(10 * SECOND).await;
    assert!(stand.fake.begun().len() >= 9);
    drop(stand.commands);
    tokio::time::sleep(10 * SECOND).await;
    assert!(stand.fake.begun().len() >= 19, "what it was told it keeps");
    assert_eq!(stand.robot.stop(SECOND).await.tests, 0);
}
