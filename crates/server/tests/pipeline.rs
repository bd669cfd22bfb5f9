//! The way of a result: judged, kept, shown, acknowledged; also when the store fails or somebody else was first.
//! Robots are the test itself: it sends batches and waits for their acknowledgement.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/faulty.rs"]
mod faulty;
mod support;

use std::{
    future::Future,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use axum::http::Method;
use faulty::FaultyStore;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use support::{Place, result_of};
use tokio::task::JoinHandle;
use watchkeep_bus::{
    Batch,
    in_process::{self, BatchSender},
};
use watchkeep_catalogue::{StatusCode, service};
use watchkeep_judge::Snapshot;
use watchkeep_model::{LocationName, MonitorId, RecordedResult, RobotSequence, Verdict};
use watchkeep_server::pipeline::Pipeline;
use watchkeep_store::{Commit, Monitors, SqliteStore, Store};

/// A place with a running pipeline, and one monitor that fails without re-tests.
struct Run {
    place: Place,
    store: Arc<FaultyStore>,
    way: BatchSender,
    pipeline: JoinHandle<()>,
    id: MonitorId,
    sent: u64,
}

async fn in_time<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), what).await.expect("it takes too long")
}

impl Run {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let inner: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path()).unwrap());
        let store = Arc::new(FaultyStore::new(inner));
        let place = Place::with_store(Arc::<FaultyStore>::clone(&store), folder, "http://127.0.0.1:8080/").await;
        let body = json!({"type": "http", "name": "shop", "target": "http://shop.example/", "confirm": {"retries": 0}});
        // Active since before the results that tests send; those from before would change nothing.
        let since = Timestamp::now() - SignedDuration::from_hours(2);
        let body = body.as_object().unwrap().clone();
        let id = watchkeep_server::monitors::create(&place.app, &place.org, body, since).await.unwrap().id.clone();
        let (way, batches) = in_process::batches(16);
        let pipeline = tokio::spawn(Pipeline::new(&place.app).await.unwrap().run(batches));
        store.tries.store(0, Ordering::SeqCst);
        Self { place, store, way, pipeline, id, sent: 0 }
    }

    /// A result of the monitor with this code, `ago` seconds old.
    fn result(&self, code: StatusCode, ago: i64) -> RecordedResult {
        let entry = self.place.app.board.get(&self.place.org, &self.id).unwrap();
        let test = &entry.monitor.as_ref().unwrap().settings.test;
        let verdict = if code.is_operational() { Verdict::OPERATIONAL } else { Verdict::new(code, "refused") };
        let started_at = Timestamp::now() - SignedDuration::from_secs(ago);
        RecordedResult { monitor: self.id.clone(), attempt: 0, result: result_of(test, verdict, started_at) }
    }

    fn batch(&mut self, results: Vec<RecordedResult>) -> Arc<Batch> {
        self.sent += results.len() as u64;
        Arc::new(Batch { robot: LocationName::local(), last: RobotSequence { epoch: 1, number: self.sent }, results })
    }

    async fn send(&mut self, code: StatusCode, ago: i64) {
        let batch = self.batch(vec![self.result(code, ago)]);
        in_time(self.way.send(batch)).await.unwrap();
    }

    async fn monitor(&self) -> Value {
        self.place.get(&format!("/monitors/{}", self.id)).await.json()
    }

    async fn count(&self, list: &str) -> usize {
        let list = self.place.get(&format!("/monitors/{}/{list}?limit=1000", self.id)).await.json();
        list["items"].as_array().unwrap().len()
    }
}

const REFUSED: StatusCode = service::HTTP_CONNECT_FAILED;

#[tokio::test]
async fn a_result_is_shown_kept_and_becomes_an_incident_when_it_is_bad() {
    let mut run = Run::new().await;
    run.send(StatusCode::OPERATIONAL, 60).await;
    let monitor = run.monitor().await;
    assert_eq!((&monitor["code"], &monitor["status"]), (&json!(0), &json!("operational")));
    assert_eq!(monitor["last_result"]["duration_ms"], 12.0);

    run.send(REFUSED, 10).await;
    let monitor = run.monitor().await;
    assert_eq!(
        (&monitor["code"], &monitor["status"], &monitor["detail"]),
        (&json!(451), &json!("down"), &json!("refused"))
    );
    let incidents = run.place.get("/incidents?state=open").await.json();
    assert_eq!(incidents["items"].as_array().unwrap().len(), 1);
    let incident = &incidents["items"][0];
    assert_eq!(
        (&incident["id"], &incident["monitor"], &incident["code"]),
        (&monitor["incident"], &json!(run.id), &json!(451))
    );
    assert_eq!((&incident["resolved_at"], &incident["acknowledged_by"]), (&Value::Null, &Value::Null));
    let shown = run.place.get(&format!("/incidents/{}", incident["id"].as_str().unwrap())).await.json();
    assert_eq!(shown["events"][0]["type"], "opened");

    run.send(StatusCode::OPERATIONAL, 0).await;
    assert_eq!(run.monitor().await["code"], 0);
    assert_eq!(run.place.get("/incidents?state=open").await.json()["items"], json!([]));
    assert_eq!(run.place.get("/incidents?state=resolved").await.json()["items"].as_array().unwrap().len(), 1);
    assert_eq!(run.count("results").await, 3);
    let events = run.place.get(&format!("/monitors/{}/events", run.id)).await.json();
    let kinds: Vec<_> =
        events["items"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"incident.opened") && kinds.contains(&"incident.resolved"), "{kinds:?}");
    let series = run.place.get(&format!("/monitors/{}/series?points=1", run.id)).await.json();
    assert_eq!(series["items"][0]["count"], 3);
    let uptime = run.place.get(&format!("/monitors/{}/uptime", run.id)).await.json();
    let day = uptime["items"][0]["uptime"].as_f64().unwrap();
    assert!((0.0..100.0).contains(&day), "{uptime}");
}

#[tokio::test]
async fn nothing_is_acknowledged_or_lost_while_the_store_fails() {
    let mut run = Run::new().await;
    run.store.failures.store(4, Ordering::SeqCst);
    let first = run.batch(vec![run.result(StatusCode::OPERATIONAL, 60)]);
    let second = run.batch(vec![run.result(REFUSED, 30)]);
    let way = run.way.clone();
    let sending = tokio::spawn(async move { tokio::try_join!(way.send(first), way.send(second)) });
    in_time(async {
        while run.place.app.health.fault().is_none() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!sending.is_finished());
    assert_eq!(run.monitor().await["code"], -3, "nothing is shown that is not kept");
    let request = axum::http::Request::get("/readyz").body(axum::body::Body::empty()).unwrap();
    let ready = run.place.send(request).await;
    assert_eq!((ready.status.as_u16(), &ready.json()["ready"]), (503, &json!(false)));
    assert!(ready.text().contains("disk full"), "{}", ready.text());

    in_time(sending).await.unwrap().unwrap();
    assert_eq!(run.place.app.health.fault(), None);
    assert_eq!(run.monitor().await["code"], 451);
    assert_eq!(run.count("results").await, 2);
}

#[tokio::test]
async fn when_somebody_else_was_first_it_is_decided_again() {
    let mut run = Run::new().await;
    run.send(StatusCode::OPERATIONAL, 60).await;
    // The owner pauses the monitor between the decision and its commit.
    let entry = run.place.app.board.get(&run.place.org, &run.id).unwrap();
    let snapshot = Snapshot { monitor: entry.monitor.as_ref().unwrap(), state: &entry.state };
    let pause = watchkeep_judge::pause(&snapshot, Timestamp::now()).unwrap();
    *run.store.interference.lock().unwrap() = Some(Commit { states: vec![pause], ..Commit::default() });
    run.send(REFUSED, 0).await;
    assert_eq!(run.monitor().await["code"], -2, "the pause stands");
    assert_eq!(run.place.get("/incidents").await.json()["items"], json!([]), "and nobody is told of a failure");
}

#[tokio::test]
async fn batches_that_arrive_during_a_commit_become_one() {
    let mut run = Run::new().await;
    run.store.failures.store(2, Ordering::SeqCst);
    let batches: Vec<_> = (0..10).map(|n| run.batch(vec![run.result(StatusCode::OPERATIONAL, 100 - n)])).collect();
    let sends = batches.into_iter().map(|batch| {
        let way = run.way.clone();
        async move { way.send(batch).await }
    });
    in_time(futures_util::future::try_join_all(sends)).await.unwrap();
    assert_eq!(run.count("results").await, 10);
    let tries = run.store.tries.load(Ordering::SeqCst);
    assert!(tries <= 5, "{tries} commits for two failures and ten batches");
}

#[tokio::test]
async fn what_comes_twice_is_kept_once_also_after_a_restart() {
    let mut run = Run::new().await;
    let batch = run.batch(vec![run.result(StatusCode::OPERATIONAL, 60), run.result(StatusCode::OPERATIONAL, 30)]);
    for _ in 0..3 {
        in_time(run.way.send(Arc::clone(&batch))).await.unwrap();
    }
    assert_eq!(run.count("results").await, 2);
    drop(run.way);
    in_time(&mut run.pipeline).await.unwrap();

    let again = Pipeline::new(&run.place.app).await.unwrap();
    assert_eq!(again.mark(&LocationName::local()), Some(RobotSequence { epoch: 1, number: 2 }));
    let (way, batches) = in_process::batches(16);
    tokio::spawn(again.run(batches));
    in_time(way.send(batch)).await.unwrap();
    let results = run.place.get(&format!("/monitors/{}/results", run.id)).await.json();
    assert_eq!(results["items"].as_array().unwrap().len(), 2);
}

/// What a robot kept while it could not send may arrive after what another try found.
#[tokio::test]
async fn a_failure_that_is_older_than_good_news_is_no_news() {
    let mut run = Run::new().await;
    run.send(StatusCode::OPERATIONAL, 300).await;
    run.send(StatusCode::OPERATIONAL, 60).await;
    run.send(REFUSED, 120).await;
    assert_eq!(run.monitor().await["code"], 0);
    assert_eq!(run.count("results").await, 3, "it is history all the same");
    run.send(REFUSED, 30).await;
    assert_eq!(run.monitor().await["code"], 451);
    run.send(REFUSED, 10).await;
    run.send(StatusCode::OPERATIONAL, 20).await;
    assert_eq!(run.monitor().await["code"], 451);
}

#[tokio::test]
async fn results_of_deleted_monitors_and_older_settings_change_nothing() {
    let mut run = Run::new().await;
    let old = run.result(REFUSED, 0);
    let path = format!("/monitors/{}", run.id);
    run.place.call(Method::PATCH, &path, Some(json!({"target": "http://other.example/"}))).await;
    let batch = run.batch(vec![old.clone()]);
    in_time(run.way.send(batch)).await.unwrap();
    let monitor = run.monitor().await;
    assert_eq!((&monitor["code"], &monitor["last_result"]), (&json!(-3), &Value::Null));

    run.place.call(Method::DELETE, &path, None).await;
    let batch = run.batch(vec![old]);
    in_time(run.way.send(batch)).await.unwrap();
    assert_eq!(run.place.get("/incidents").await.json()["items"], json!([]));
}

#[tokio::test]
async fn another_target_begins_afresh() {
    let mut run = Run::new().await;
    run.send(REFUSED, 10).await;
    assert_eq!(run.monitor().await["code"], 451);
    let path = format!("/monitors/{}", run.id);
    let renamed = run.place.call(Method::PATCH, &path, Some(json!({"name": "store"}))).await.json();
    assert_eq!(renamed["code"], 451, "a name says nothing about the target");
    let moved = run.place.call(Method::PATCH, &path, Some(json!({"target": "http://other.example/"}))).await.json();
    assert_eq!(moved["code"], -3);
    assert_eq!(run.place.get("/incidents?state=open").await.json()["items"], json!([]));
}

#[tokio::test]
async fn a_restart_shows_what_was_known() {
    let mut run = Run::new().await;
    run.send(StatusCode::OPERATIONAL, 3_600).await;
    run.send(REFUSED, 10).await;
    let store = &*run.place.app.store;
    let board = watchkeep_server::Board::load(store).await.unwrap();
    let before = run.place.app.board.get(&run.place.org, &run.id).unwrap();
    let after = board.get(&run.place.org, &run.id).unwrap();
    assert_eq!(after.state, before.state);
    assert_eq!(json!(after.last), json!(before.last));
    board.recall(store, Timestamp::now()).await.unwrap();
    let after = board.get(&run.place.org, &run.id).unwrap();
    assert_eq!(after.recent.points().len(), 2);
    let now = Timestamp::now();
    let (one, other) = (before.uptime_24h(now).unwrap(), after.uptime_24h(now).unwrap());
    assert!((one - other).abs() < 0.1, "{one} {other}");
}

#[tokio::test]
async fn settings_that_cannot_be_read_can_be_replaced() {
    let run = Run::new().await;
    run.store.unreadable.store(true, Ordering::SeqCst);
    let path = format!("/monitors/{}", run.id);
    run.place.call(Method::PATCH, &path, Some(json!({"name": "store"}))).await.assert_problem(409, "replace them");
    let whole = json!({"type": "http", "name": "store", "target": "http://store.example/"});
    let replaced = run.place.call(Method::PUT, &path, Some(whole)).await;
    assert_eq!(replaced.status.as_u16(), 200, "{}", replaced.text());
    run.store.unreadable.store(false, Ordering::SeqCst);
    let stored = run.store.monitor(&run.place.org, &run.id).await.unwrap().unwrap();
    assert_eq!((stored.name.as_str(), stored.version), ("store", 2));
}
