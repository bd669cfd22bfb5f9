//! What arrives at a receiver: signed, complete, and the same on every try.
//! Signatures are made again here, from the specification.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use jiff::Timestamp;
use serde_json::json;
use support::{House, SECRET, SOON, TOKEN, body, header, is_sent, signature, told};
use watchkeep_lab::receiver::{Mood, Receiver};
use watchkeep_model::ChannelTarget;
use watchkeep_store::{Contacts, Outbox};

#[tokio::test]
async fn a_change_arrives_signed_and_complete() {
    let receiver = Receiver::start().await;
    let house = House::new().await;
    let contact = house.contact(&[receiver.url()]).await;
    let mut shop = house.monitor(&contact).await;
    let worker = house.worker();
    let event = house.change(&mut shop, 451).await;

    let request = receiver.wait_for_number(SOON, 1).await;
    assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/hook"));
    assert_eq!(header(&request, "host"), receiver.address().to_string());
    assert_eq!(header(&request, "content-type"), "application/json");
    assert_eq!(told(&request), event.as_str());
    assert_eq!(header(&request, "watchkeep-webhook-token"), TOKEN);
    assert_eq!(header(&request, "webhook-signature"), signature(&request, SECRET));
    let sent_at: i64 = header(&request, "webhook-timestamp").parse().unwrap();
    assert!((Timestamp::now().as_second() - sent_at).abs() <= 60, "{sent_at}");

    let message = body(&request);
    let expected = json!({
        "id": event,
        "type": "service.status_changed",
        "created_at": message["created_at"],
        "data": {
            "monitor": {"id": shop.monitor.id, "name": "shop", "family": "service", "type": "http", "target": "https://shop.example/", "tags": ["prod"]},
            "code": 451,
            "previous_code": -3,
            "name": "http_connect_failed",
            "severity": "down",
            "summary": "Cannot connect to the web server.",
            "detail": "connection refused (192.0.2.7:443)",
            "locations": ["local"],
            "since": message["data"]["since"],
            "incident": message["data"]["incident"],
            "url": format!("https://watch.example/monitors/{}", shop.monitor.id),
        },
    });
    assert_eq!(message, expected);
    for time in [&message["created_at"], &message["data"]["since"]] {
        let time: Timestamp = time.as_str().unwrap().parse().unwrap();
        assert!(Timestamp::now().duration_since(time).as_secs().abs() <= 60, "{time}");
    }
    assert!(message["data"]["incident"].as_str().unwrap().starts_with("inc_"));
    worker.stop(SOON).await;
}

#[tokio::test]
async fn every_try_has_the_same_id_and_body_and_a_signature_of_its_own_time() {
    let receiver = Receiver::start().await;
    receiver.set_script([Mood::Status(500), Mood::Status(503)], Mood::Status(204));
    let house = House::new().await;
    let contact = house.contact(&[receiver.url()]).await;
    let mut shop = house.monitor(&contact).await;
    let worker = house.worker();
    let event = house.change(&mut shop, 451).await;
    let third = receiver.wait_for_number(SOON, 3).await;
    let all = receiver.requests();
    for request in &all {
        assert_eq!(told(request), event.as_str());
        assert_eq!(request.body(), third.body());
        assert_eq!(header(request, "webhook-signature"), signature(request, SECRET));
    }
    // The pauses are a second and two: no two tries are of the same second.
    assert_ne!(header(&all[0], "webhook-timestamp"), header(&all[1], "webhook-timestamp"));
    worker.stop(SOON).await;
    let delivery = house.deliveries().await.remove(0);
    assert!(is_sent(&delivery), "{delivery:?}");
    assert_eq!((delivery.attempts, delivery.last_outcome.as_deref()), (3, Some("the receiver answered 204")));
}

#[tokio::test]
async fn two_live_secrets_sign_side_by_side() {
    const OLDER: &str = "whsec_b2xkZXIgYnkgYSB3aG9sZSByb3RhdGlvbi4u";
    let receiver = Receiver::start().await;
    let house = House::new().await;
    let mut contact = house.contact(&[receiver.url()]).await;
    let ChannelTarget::Webhook { older_secret, .. } = &mut contact.channels[0].target;
    *older_secret = Some(OLDER.parse().unwrap());
    contact.version = 2;
    house.store.update_contact(contact.clone(), 1).await.unwrap();
    let stored = house.store.contacts(&house.org).await.unwrap().remove(0);
    assert_eq!(stored.channels, contact.channels, "both are kept");
    let mut shop = house.monitor(&contact).await;
    let worker = house.worker();
    house.change(&mut shop, 451).await;
    let request = receiver.wait_for_number(SOON, 1).await;
    let expected = format!("{} {}", signature(&request, SECRET), signature(&request, OLDER));
    assert_eq!(header(&request, "webhook-signature"), expected);
    worker.stop(SOON).await;
}

#[tokio::test]
async fn every_channel_of_every_named_contact_is_told_once() {
    let receiver = Receiver::start().await;
    let house = House::new().await;
    let ops = house.contact(&[format!("{}/a", receiver.url()), format!("{}/b", receiver.url())]).await;
    let other = house.contact(&[format!("{}/other", receiver.url())]).await;
    let mut shop = house.monitor(&ops).await;
    let worker = house.worker();
    house.change(&mut shop, 451).await;
    house.change(&mut shop, 0).await;
    receiver.wait_for_number(SOON, 4).await;
    // A last message to the other contact: what was sent twice would have come before it.
    let mut elsewhere = house.monitor(&other).await;
    house.change(&mut elsewhere, 451).await;
    receiver.wait_for(SOON, |request| request.uri().path() == "/hook/other").await;
    worker.stop(SOON).await;
    let mut came: Vec<_> =
        receiver.requests().iter().map(|request| (request.uri().path().to_owned(), told(request).to_owned())).collect();
    let count = came.len();
    came.sort();
    came.dedup();
    assert_eq!((count, came.len()), (5, 5), "{came:?}");
    assert!(house.deliveries().await.iter().all(|delivery| is_sent(delivery) && delivery.attempts == 1));
}

#[tokio::test]
async fn a_trial_of_a_channel_arrives_like_any_message() {
    let receiver = Receiver::start().await;
    let house = House::new().await;
    let contact = house.contact(&[receiver.url()]).await;
    let worker = house.worker();
    let now = Timestamp::now();
    let (event, delivery) =
        watchkeep_alert::ping(&contact, &contact.channels[0].id, now, support::fresh(), support::fresh());
    house.store.enqueue(event.clone(), vec![delivery]).await.unwrap();
    house.wake();
    let request = receiver.wait_for_number(SOON, 1).await;
    assert_eq!(header(&request, "webhook-signature"), signature(&request, SECRET));
    let message = body(&request);
    assert_eq!((&message["type"], &message["id"]), (&json!("test.ping"), &json!(event.id)));
    worker.stop(SOON).await;
    assert_eq!(receiver.requests().len(), 1, "it is stored as told: nobody routes it again");
}

#[tokio::test]
async fn a_deleted_contact_is_told_nothing_more() {
    let receiver = Receiver::start().await;
    let house = House::new().await;
    let (gone, kept) = (house.contact(&[receiver.url()]).await, house.contact(&[receiver.url()]).await);
    let (mut one, mut other) = (house.monitor(&gone).await, house.monitor(&kept).await);
    house.change(&mut one, 451).await;
    house.store.delete_contact(&house.org, &gone.id).await.unwrap();
    let event = house.change(&mut other, 451).await;
    let worker = house.worker();
    receiver.wait_for_number(SOON, 1).await;
    worker.stop(SOON).await;
    let came = receiver.requests();
    assert_eq!(came.iter().map(told).collect::<Vec<_>>(), [event.as_str()]);
}
