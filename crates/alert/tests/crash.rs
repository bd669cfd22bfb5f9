//! Workers that are killed: what was routed, or sent and not written down, is sent by the next one under the same id.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use std::{collections::BTreeSet, time::Duration};

use support::{House, SOON, is_sent, told};
use watchkeep_lab::receiver::{Mood, Receiver};

#[tokio::test]
async fn what_a_killed_worker_left_is_sent_by_the_next() {
    let receiver = Receiver::start().await;
    receiver.set_mood(Mood::Silent);
    let house = House::new().await;
    let contact = house.contact(&[receiver.url()]).await;
    let mut monitors = Vec::new();
    for _ in 0..5 {
        monitors.push(house.monitor(&contact).await);
    }
    let events: BTreeSet<_> =
        house.change_all(&mut monitors, 451).await.into_iter().map(|event| event.to_string()).collect();
    let worker = house.worker();
    // Four are sent, the fifth is routed and waits for a place. None is answered.
    receiver.wait_for_number(SOON, 4).await;
    worker.stop(Duration::ZERO).await;
    let cut_off = receiver.requests();
    assert_eq!(cut_off.len(), 4);

    let house = house.reopened();
    receiver.set_mood(Mood::Status(204));
    let worker = house.worker();
    receiver.wait_for_number(SOON, 9).await;
    worker.stop(SOON).await;
    let all = receiver.requests();
    let again: BTreeSet<_> = all[4..].iter().map(|request| told(request).to_owned()).collect();
    assert_eq!(again, events);
    for request in &cut_off {
        let repeated = all[4..].iter().find(|other| told(other) == told(request)).unwrap();
        assert_eq!(repeated.body(), request.body());
    }
    assert!(house.deliveries().await.iter().all(is_sent));
}

#[tokio::test]
async fn what_was_committed_while_no_worker_ran_is_told_once_by_the_next() {
    let receiver = Receiver::start().await;
    let mut house = House::new().await;
    let contact = house.contact(&[receiver.url()]).await;
    let mut shop = house.monitor(&contact).await;
    let mut events = vec![house.change(&mut shop, 451).await];
    house = house.reopened();
    let worker = house.worker();
    receiver.wait_for_number(SOON, 1).await;
    worker.stop(SOON).await;
    house = house.reopened();
    events.push(house.change(&mut shop, 0).await);
    let worker = house.worker();
    receiver.wait_for_number(SOON, 2).await;
    worker.stop(SOON).await;
    let requests = receiver.requests();
    assert_eq!(
        requests.iter().map(told).collect::<Vec<_>>(),
        events.iter().map(|event| event.as_str()).collect::<Vec<_>>()
    );
}
