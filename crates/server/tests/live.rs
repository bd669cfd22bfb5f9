//! Server-sent events: changes reach programs and pages, only the caller's own, and bounded in memory.
//! Streams are read straight from the router's response body.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, BodyDataStream},
    http::{Method, Request, header},
};
use futures_util::StreamExt;
use serde_json::{Value, json};
use support::{Place, result_of};
use tower::ServiceExt;
use watchkeep_bus::{Batch, in_process};
use watchkeep_catalogue::{StatusCode, service};
use watchkeep_model::{LocationName, MonitorId, RecordedResult, RobotSequence, Verdict};
use watchkeep_server::pipeline::Pipeline;

const REFUSED: StatusCode = service::HTTP_CONNECT_FAILED;

/// Reads events one by one.
struct Events {
    body: BodyDataStream,
    text: String,
}

impl Events {
    async fn open(place: &Place, path: &str, token: &str, last: Option<&str>) -> Self {
        let mut request = Request::get(path).header(header::AUTHORIZATION, format!("Bearer {token}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = place.routes.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        assert_eq!(response.headers().get(header::CONTENT_ENCODING), None, "streams are not compressed");
        Self { body: response.into_body().into_data_stream(), text: String::new() }
    }

    /// The name and data of the next event; `None` at the end.
    async fn next(&mut self) -> Option<(String, Value)> {
        // Around the whole, because comments keep the stream from ever being silent.
        tokio::time::timeout(Duration::from_secs(30), self.read()).await.expect("an event in time")
    }

    async fn read(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let event: String = self.text.drain(..end + 2).collect();
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name).map(str::trim));
                if let Some(name) = field("event:") {
                    return Some((name.to_owned(), serde_json::from_str(field("data:").unwrap()).unwrap()));
                }
                continue;
            }
            let chunk = self.body.next().await?;
            self.text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
    }
}

fn result_of_monitor(place: &Place, id: &MonitorId, verdict: Verdict) -> RecordedResult {
    let entry = place.app.board.get(&place.org, id).unwrap();
    let test = &entry.monitor.as_ref().unwrap().settings.test;
    RecordedResult { monitor: id.clone(), attempt: 0, result: result_of(test, verdict, jiff::Timestamp::now()) }
}

#[tokio::test]
async fn a_program_sees_its_own_changes() {
    let place = Place::new().await;
    let stranger = place.stranger().await;
    let mut events = Events::open(&place, "/api/v1/events", &place.admin, None).await;
    let mut others = Events::open(&place, "/api/v1/events", &stranger, None).await;
    let monitor = place.monitor("shop").await;
    let (name, data) = events.next().await.unwrap();
    assert_eq!((name.as_str(), &data["monitor"]), ("monitor.changed", &monitor["id"]));

    let id: MonitorId = monitor["id"].as_str().unwrap().parse().unwrap();
    let failed = result_of_monitor(&place, &id, Verdict::new(REFUSED, "refused"));
    let (way, batches) = in_process::batches(4);
    tokio::spawn(Pipeline::new(&place.app).await.unwrap().run(batches));
    let mut again = RecordedResult { attempt: 1, ..failed.clone() };
    again.result.started_at += Duration::from_millis(1);
    let results = vec![failed, again];
    way.send(Arc::new(Batch { robot: LocationName::local(), last: RobotSequence { epoch: 1, number: 2 }, results }))
        .await
        .unwrap();
    let mut names = Vec::new();
    while names.last().is_none_or(|name| name != "incident.opened") {
        let (name, data) = events.next().await.unwrap();
        assert_eq!(data["monitor"], monitor["id"]);
        names.push(name);
    }
    assert_eq!(names[..2], ["result", "result"]);
    assert!(names.contains(&"service.status_changed".to_owned()), "{names:?}");

    place.call(Method::DELETE, &format!("/monitors/{id}"), None).await;
    assert_eq!(events.next().await.unwrap().0, "monitor.deleted");
    place.close.send(true).unwrap();
    assert_eq!(events.next().await, None, "streams end with the server");
    assert_eq!(others.next().await, None, "others saw nothing");
}

#[tokio::test]
async fn whoever_missed_something_is_told_to_look_again() {
    let place = Place::new().await;
    let mut returning = Events::open(&place, "/api/v1/events", &place.admin, Some("5")).await;
    assert_eq!(returning.next().await.unwrap().0, "resync");
    let id: MonitorId = place.monitor("shop").await["id"].as_str().unwrap().parse().unwrap();
    let mut slow = Events::open(&place, "/api/v1/events", &place.admin, None).await;
    let result = result_of_monitor(&place, &id, Verdict::OPERATIONAL);
    let (way, batches) = in_process::batches(4);
    tokio::spawn(Pipeline::new(&place.app).await.unwrap().run(batches));
    let results = vec![result; 6_000];
    way.send(Arc::new(Batch {
        robot: LocationName::local(),
        last: RobotSequence { epoch: 1, number: 6_000 },
        results,
    }))
    .await
    .unwrap();
    assert_eq!(slow.next().await.unwrap().0, "resync");
    assert_eq!(slow.next().await.unwrap().0, "result", "and it goes on");
}

#[tokio::test]
async fn one_monitor_can_be_followed() {
    let place = Place::new().await;
    let (a, b) = (place.monitor("a").await, place.monitor("b").await);
    let id = b["id"].as_str().unwrap();
    let mut events = Events::open(&place, &format!("/api/v1/events?monitor={id}"), &place.admin, None).await;
    place.call(Method::POST, &format!("/monitors/{}/pause", a["id"].as_str().unwrap()), None).await;
    place.call(Method::POST, &format!("/monitors/{id}/pause"), None).await;
    let (_, data) = events.next().await.unwrap();
    assert_eq!(data["monitor"], json!(id));
}

#[tokio::test]
async fn pages_need_a_session() {
    let place = Place::new().await;
    let answer = place.send(Request::get("/live").body(Body::empty()).unwrap()).await;
    answer.assert_problem(401, "sign in");
}

/// Listeners are asked again now and then, so this takes some seconds.
#[tokio::test]
async fn a_revoked_token_ends_its_stream() {
    let place = Place::new().await;
    let made = place.post("/tokens", json!({"name": "ci", "scope": "read"})).await.json();
    let mut events = Events::open(&place, "/api/v1/events", made["token"].as_str().unwrap(), None).await;
    place.monitor("shop").await;
    assert_eq!(events.next().await.unwrap().0, "monitor.changed");
    place.call(Method::DELETE, &format!("/tokens/{}", made["id"].as_str().unwrap()), None).await;
    assert_eq!(events.next().await, None);
}
