//! Messages about one monitor reach a channel in the order of what happened; other monitors and channels do not wait.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use support::{House, SOON, is_failed, is_sent, told};
use watchkeep_lab::receiver::{Mood, Receiver};

#[tokio::test]
async fn one_monitors_messages_wait_for_each_other() {
    let receiver = Receiver::start().await;
    receiver.set_script([Mood::Status(500)], Mood::Status(204));
    let house = House::new().await;
    let contact = house.contact(&[receiver.url()]).await;
    let mut shop = house.monitor(&contact).await;
    let first = house.change(&mut shop, 451).await;
    let second = house.change(&mut shop, 0).await;
    let third = house.change(&mut shop, 452).await;
    let worker = house.worker();
    receiver.wait_for_number(SOON, 4).await;
    worker.stop(SOON).await;
    let requests = receiver.requests();
    let came: Vec<_> = requests.iter().map(told).collect();
    assert_eq!(came, [first.as_str(), first.as_str(), second.as_str(), third.as_str()]);
}

#[tokio::test]
async fn another_monitor_and_another_channel_do_not_wait() {
    let (failing, well) = (Receiver::start().await, Receiver::start().await);
    let house = House::new().await;
    let contact = house.contact(&[failing.url(), well.url()]).await;
    let (mut shop, mut blog) = (house.monitor(&contact).await, house.monitor(&contact).await);
    failing.set_script([Mood::Header(503, "retry-after", "3600")], Mood::Status(204));
    let shop_fails = house.change(&mut shop, 451).await;
    let worker = house.worker();
    failing.wait_for_number(SOON, 1).await;
    let shop_recovers = house.change(&mut shop, 0).await;
    let blog_fails = house.change(&mut blog, 451).await;
    // The shop's first message to the failing channel waits for an hour; everything else arrives.
    failing.wait_for(SOON, |request| told(request) == blog_fails.as_str()).await;
    for event in [&shop_fails, &shop_recovers, &blog_fails] {
        well.wait_for(SOON, |request| told(request) == event.as_str()).await;
    }
    worker.stop(SOON).await;
    assert!(failing.requests().iter().all(|request| told(request) != shop_recovers.as_str()));
    let waiting: Vec<_> =
        house.deliveries().await.into_iter().filter(|delivery| !is_sent(delivery)).map(|it| it.event).collect();
    assert_eq!(waiting, [shop_fails, shop_recovers]);
}

#[tokio::test]
async fn what_was_given_up_holds_up_nobody() {
    let receiver = Receiver::start().await;
    receiver.set_script([Mood::Status(410)], Mood::Status(204));
    let house = House::new().await;
    let contact = house.contact(&[receiver.url()]).await;
    let mut shop = house.monitor(&contact).await;
    let refused = house.change(&mut shop, 451).await;
    let next = house.change(&mut shop, 0).await;
    let worker = house.worker();
    receiver.wait_for(SOON, |request| told(request) == next.as_str()).await;
    worker.stop(SOON).await;
    let deliveries = house.deliveries().await;
    assert_eq!((&deliveries[0].event, deliveries[0].attempts), (&refused, 1));
    assert!(is_failed(&deliveries[0]) && is_sent(&deliveries[1]), "{deliveries:?}");
    assert_eq!(receiver.requests().len(), 2, "410 ends a delivery at once");
}
