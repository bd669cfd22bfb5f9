//! The way of what results show beside a status: from a robot's batch to the webhook, the API, the page and listeners.
//! Results are made by hand.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::{sync::Arc, time::Duration};

use axum::{body::Body, http::Method};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use support::{
    Place,
    people::{claim, with_cookie},
    result_of,
};
use watchkeep_alert::{AlertOptions, AlertWorker};
use watchkeep_bus::{Batch, in_process};
use watchkeep_lab::receiver::Receiver;
use watchkeep_model::{
    EgressPolicy, LocationName, MonitorId, Notable, RecordedResult, RobotSequence, Scope, Verdict, to_the_microsecond,
};
use watchkeep_server::{What, pipeline::Pipeline};

const SOON: Duration = Duration::from_secs(30);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A place with a certificate's monitor that tells `receiver`.
async fn place(receiver: &Receiver) -> (Place, MonitorId) {
    let place = Place::new().await;
    let channels = json!([{"type": "webhook", "url": receiver.url()}]);
    let contact = place.post("/contacts", json!({"name": "ops", "channels": channels})).await.json();
    let settings =
        json!({"family": "certificate", "name": "shop", "target": "shop.example:443", "contacts": [contact["id"]]});
    let monitor = place.post("/monitors", settings).await.json();
    (place, monitor["id"].as_str().unwrap().parse().unwrap())
}

fn result(place: &Place, id: &MonitorId, expires_at: Timestamp, attributes: &[(&str, &str)]) -> RecordedResult {
    let entry = place.app.board.get(&place.org, id).unwrap();
    let test = &entry.monitor.as_ref().unwrap().settings.test;
    let mut result = result_of(test, Verdict::OPERATIONAL, to_the_microsecond(Timestamp::now()));
    let mut notable = Notable { expires_at: Some(expires_at), ..Notable::default() };
    attributes.iter().for_each(|(name, value)| notable.set(name, value));
    result.notable = Some(Box::new(notable));
    RecordedResult { monitor: id.clone(), attempt: 0, result }
}

#[tokio::test]
async fn ends_and_changes_are_told_kept_and_shown() {
    let receiver = Receiver::start().await;
    let (mut place, id) = place(&receiver).await;
    let session = claim(&place).await;
    place.admin = place.token(Scope::Admin).await;
    let mut changes = place.app.board.subscribe();
    let options = AlertOptions { public_url: place.app.public_url.clone(), egress: EgressPolicy::OwnNetworks };
    let worker = AlertWorker::start(Arc::clone(&place.app.store), options, Arc::clone(&place.app.alerts)).unwrap();
    let (way, batches) = in_process::batches(4);
    let pipeline = tokio::spawn(Pipeline::new(&place.app).await.unwrap().run(batches));

    let soon = to_the_microsecond(Timestamp::now() + 7 * DAY - SignedDuration::from_hours(12));
    let later = soon + 60 * DAY;
    let seen = [
        (later, [("issuer", "R10"), ("serial", "01")]),
        (soon, [("issuer", "R11"), ("serial", "02")]),
        (soon, [("issuer", "R11"), ("serial", "02")]),
    ];
    for (number, (expires_at, attributes)) in (1..).zip(seen) {
        let results = vec![result(&place, &id, expires_at, &attributes)];
        let last = RobotSequence { epoch: 1, number };
        let batch = Arc::new(Batch { robot: LocationName::local(), last, results });
        tokio::time::timeout(SOON, way.send(batch)).await.unwrap().unwrap();
    }

    // Told, in this order and once.
    receiver.wait_for_number(SOON, 3).await;
    let requests = receiver.requests();
    let messages: Vec<Value> = requests.iter().map(|request| serde_json::from_slice(request.body()).unwrap()).collect();
    let kinds: Vec<_> = messages.iter().map(|message| message["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["certificate.status_changed", "certificate.changed", "certificate.expiring"]);
    let (changed, expiring) = (&messages[1]["data"], &messages[2]["data"]);
    let differences = json!([
        {"attribute": "issuer", "before": "R10", "after": "R11"},
        {"attribute": "serial", "before": "01", "after": "02"},
    ]);
    assert_eq!(changed["changes"], differences);
    assert_eq!((&expiring["expires_at"], &expiring["days_left"]), (&json!(soon), &json!(6)));
    for data in [changed, expiring] {
        assert_eq!((&data["code"], &data["monitor"]["family"]), (&json!(0), &json!("certificate")), "{data}");
        assert_eq!((&data["locations"], &data["incident"]), (&json!(["local"]), &Value::Null), "{data}");
        assert_eq!(data.get("previous_code"), None, "{data}");
    }

    // Kept, and shown by the API, newest first.
    let events = place.get(&format!("/monitors/{id}/events?limit=2")).await.json();
    let items = events["items"].as_array().unwrap();
    for (item, message) in items.iter().zip(messages.iter().rev()) {
        assert_eq!((&item["id"], &item["type"]), (&message["id"], &message["type"]));
        assert_eq!((&item["detail"], &item["monitor"]), (&message["data"]["detail"], &json!(id)));
        assert_eq!(item["previous_code"], Value::Null);
    }
    assert_eq!((&items[0]["expires_at"], &items[0]["days_left"]), (&json!(soon), &json!(6)));
    assert_eq!((&items[0]["changes"], &items[1]["changes"]), (&Value::Null, &differences));

    // On the page, in words.
    let request = with_cookie(Method::GET, &format!("/monitors/{id}"), &session).body(Body::empty()).unwrap();
    let page = place.send(request).await.text();
    let sentence = format!("Certificate expires in 6 days ({})", soon.strftime("%Y-%m-%d"));
    for part in [&*sentence, "Certificate changed", "issuer changed: R10 → R11", "serial changed: 01 → 02"] {
        assert!(page.contains(part), "{part} is not on the page: {page}");
    }

    // Live, and forgotten with the result.
    let mut live = Vec::new();
    while let Ok(change) = changes.try_recv() {
        match &change.what {
            What::Event(event) => live.push(event.kind.as_str()),
            What::Result(result) => assert_eq!(result.notable, None),
            What::Settings | What::Gone => {}
        }
    }
    assert_eq!(live, kinds);
    let entry = place.app.board.get(&place.org, &id).unwrap();
    assert_eq!(entry.last.as_ref().unwrap().notable, None);

    drop(way);
    tokio::time::timeout(SOON, pipeline).await.unwrap().unwrap();
    worker.stop(SOON).await;
    assert_eq!(receiver.requests().len(), 3);
}
