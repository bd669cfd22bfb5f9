//! Receivers that take a connection and never answer keep places, but not all of them: others are told in time.
//! A try ends after 15 seconds; whatever arrives before that did not wait for one.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use std::time::Duration;

use support::{House, SOON, told};
use watchkeep_lab::receiver::{Mood, Receiver};

#[tokio::test]
async fn a_silent_receiver_with_a_thousand_messages_holds_up_nobody() {
    let (silent, prompt) = (Receiver::start().await, Receiver::start().await);
    silent.set_mood(Mood::Silent);
    let house = House::new().await;
    let (quiet, ops) = (house.contact(&[silent.url()]).await, house.contact(&[prompt.url()]).await);
    let mut many = Vec::new();
    for _ in 0..1_000 {
        many.push(house.monitor(&quiet).await);
    }
    let mut shop = house.monitor(&ops).await;
    house.change_all(&mut many, 451).await;
    // Later than all of them.
    let event = house.change(&mut shop, 451).await;
    let worker = house.worker();
    let request = prompt.wait_for_number(SOON, 1).await;
    assert_eq!(told(&request), event.as_str());
    silent.wait_for_number(SOON, 4).await;
    let recovery = house.change(&mut shop, 0).await;
    prompt.wait_for(SOON, |request| told(request) == recovery.as_str()).await;
    assert_eq!(silent.requests().len(), 4, "a channel has four places");
    worker.stop(Duration::ZERO).await;
}

#[tokio::test]
async fn many_silent_receivers_hold_up_nobody() {
    let (silent, prompt) = (Receiver::start().await, Receiver::start().await);
    silent.set_mood(Mood::Silent);
    let house = House::new().await;
    let mut many = Vec::new();
    // Sixty channels would take 240 places if they could.
    for _ in 0..60 {
        let quiet = house.contact(&[silent.url()]).await;
        for _ in 0..5 {
            many.push(house.monitor(&quiet).await);
        }
    }
    house.change_all(&mut many, 451).await;
    let ops = house.contact(&[prompt.url()]).await;
    let mut shop = house.monitor(&ops).await;
    let event = house.change(&mut shop, 451).await;
    let worker = house.worker();
    let request = prompt.wait_for_number(SOON, 1).await;
    assert_eq!(told(&request), event.as_str());
    worker.stop(Duration::ZERO).await;
}
