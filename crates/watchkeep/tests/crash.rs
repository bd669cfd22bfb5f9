//! What `kill -9` may not take away: changes that nobody was told of yet, results and settings that were shown.
//! The server is killed at chosen moments and started again on the same folder.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use http_body_util::Full;
use serde_json::{Value, json};
use support::{Client, PATIENCE, Serving, until};
use tempfile::TempDir;
use watchkeep_lab::{
    http::{Received, Server, ok, reply},
    receiver::{Mood, Receiver},
};

/// A website that works until it is told not to.
struct Website {
    server: Server,
    broken: Arc<AtomicBool>,
}

impl Website {
    async fn start() -> Self {
        let broken = Arc::<AtomicBool>::default();
        let is_broken = Arc::clone(&broken);
        let server = Server::start(move |_| {
            let broken = is_broken.load(SeqCst);
            async move { if broken { reply(503, ("retry-after", "1"), "") } else { ok("fine") } }
        })
        .await;
        Self { server, broken }
    }
}

/// A server that watches a website and tells a receiver, both well.
struct Watch {
    folder: TempDir,
    website: Website,
    receiver: Receiver,
    server: Serving,
    monitor: String,
}

impl Watch {
    async fn start() -> Self {
        let website = Website::start().await;
        let receiver = Receiver::start().await;
        let folder = tempfile::tempdir().unwrap();
        let server = Serving::start(folder.path()).await;
        let client = server.client();
        let contact = json!({"name": "ops", "channels": [{"type": "webhook", "url": receiver.url()}]});
        let contact = client.post("/contacts", contact).await.success();
        let monitor = json!({
            "type": "http", "name": "shop", "target": website.server.url("/"), "interval": "1s",
            "confirm": {"retries": 0}, "contacts": [contact["id"]],
        });
        let monitor = client.post("/monitors", monitor).await.success()["id"].as_str().unwrap().to_owned();
        // The first news are told before anything goes wrong.
        receiver.wait_for_number(PATIENCE, 1).await;
        let watch = Self { folder, website, receiver, server, monitor };
        until("the first delivery is written down", async || {
            let deliveries = watch.server.client().get("/deliveries").await.items();
            deliveries.iter().all(|delivery| delivery["state"] == "sent").then_some(())
        })
        .await;
        watch
    }

    async fn break_website(&self) {
        self.website.broken.store(true, SeqCst);
        until("the monitor is down", async || {
            let monitor = self.server.client().get(&format!("/monitors/{}", self.monitor)).await.success();
            (monitor["status"] == "down").then_some(())
        })
        .await;
    }

    /// Kills the server and starts another one on the same folder.
    async fn crash(self) -> Self {
        let Self { folder, website, receiver, server, monitor } = self;
        server.kill().await;
        let server = Serving::start(folder.path()).await;
        Self { folder, website, receiver, server, monitor }
    }

    /// Everything that happened is told, in order, under the ids of the history; what the receiver got in all.
    async fn assert_all_is_told(&self) -> Vec<String> {
        let client = self.server.client();
        let happened: Vec<_> = events(&client, &self.monitor).await;
        let kinds: Vec<_> = happened.iter().map(|(_, kind)| kind.as_str()).collect();
        assert_eq!(kinds, ["service.status_changed", "service.status_changed", "incident.opened"]);
        for (id, kind) in &happened {
            let told = self.receiver.wait_for(PATIENCE, |request| webhook_id(request) == id).await;
            assert_eq!(serde_json::from_slice::<Value>(told.body()).unwrap()["type"], **kind);
        }
        until("every delivery is written down as sent", async || {
            let deliveries = client.get("/deliveries").await.items();
            let sent = deliveries.iter().filter(|delivery| delivery["state"] == "sent").count();
            (deliveries.len() == happened.len() && sent == happened.len()).then_some(())
        })
        .await;
        let open = client.get("/incidents?state=open").await.items();
        assert_eq!(open.len(), 1, "{open:?}");
        let told: Vec<_> = self.receiver.requests().iter().map(|request| webhook_id(request).to_owned()).collect();
        let first_tellings: BTreeMap<_, _> = told.iter().enumerate().rev().map(|(place, id)| (id, place)).collect();
        let places: Vec<_> = happened.iter().map(|(id, _)| first_tellings[id]).collect();
        assert!(places.is_sorted(), "{places:?} in {told:?}");
        assert_eq!(first_tellings.len(), happened.len(), "nothing else was told");
        told
    }
}

/// The ids and types of what happened to a monitor, oldest first.
async fn events(client: &Client, monitor: &str) -> Vec<(String, String)> {
    let items = client.get(&format!("/monitors/{monitor}/events")).await.items();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    items.iter().rev().map(|event| (text(&event["id"]), text(&event["type"]))).collect()
}

fn webhook_id(request: &Received) -> &str {
    request.headers()["webhook-id"].to_str().unwrap()
}

#[tokio::test]
async fn a_delivery_that_was_refused_comes_again_after_kill_9_with_the_same_id() {
    let watch = Watch::start().await;
    watch.receiver.set_mood(Mood::Status(500));
    watch.break_website().await;
    let refused = watch.receiver.wait_for_number(PATIENCE, 2).await;
    let id = webhook_id(&refused).to_owned();
    let watch = watch.crash().await;
    watch.receiver.set_mood(Mood::Status(204));
    let told = watch.assert_all_is_told().await;
    assert!(told.iter().filter(|known| **known == id).count() >= 2, "{id} in {told:?}");
}

#[tokio::test]
async fn a_delivery_that_was_under_way_comes_again_after_kill_9_with_the_same_id() {
    let watch = Watch::start().await;
    watch.receiver.set_mood(Mood::Silent);
    watch.break_website().await;
    let unanswered = watch.receiver.wait_for_number(PATIENCE, 2).await;
    let id = webhook_id(&unanswered).to_owned();
    watch.receiver.set_mood(Mood::Status(204));
    let watch = watch.crash().await;
    let told = watch.assert_all_is_told().await;
    assert!(told.iter().filter(|known| **known == id).count() == 2, "{id} in {told:?}");
}

#[tokio::test]
async fn a_change_that_nobody_was_told_of_is_told_after_kill_9() {
    let watch = Watch::start().await;
    let port = watch.receiver.address().port();
    let Watch { folder, website, receiver, server, monitor } = watch;
    let first = receiver.requests();
    // Nobody listens at the receiver's port.
    drop(receiver);
    let away = Watch { folder, website, receiver: Receiver::start().await, server, monitor };
    away.break_website().await;
    let Watch { folder, website, server, monitor, .. } = away;
    let before = events(&server.client(), &monitor).await;
    server.kill().await;
    let receiver = Receiver::start_on(port).await;
    let server = Serving::start(folder.path()).await;
    assert_eq!(events(&server.client(), &monitor).await, before, "the history is the same after the crash");
    for (id, _) in &before {
        let is_it = |request: &Received| webhook_id(request) == id;
        if !first.iter().any(is_it) {
            receiver.wait_for(PATIENCE, is_it).await;
        }
    }
    assert_eq!(receiver.requests().len() + first.len(), before.len());
    drop(website);
}

/// Every result that the API shows, by monitor.
async fn shown_results(client: &Client, monitors: &[String]) -> BTreeSet<(String, String)> {
    let mut shown = BTreeSet::new();
    for monitor in monitors {
        let items = client.get(&format!("/monitors/{monitor}/results?limit=1000")).await.items();
        let count = items.len();
        let before = shown.len();
        shown.extend(items.iter().map(|result| (monitor.clone(), result.to_string())));
        assert_eq!(shown.len(), before + count, "no result stands twice");
    }
    shown
}

#[tokio::test]
async fn no_result_that_was_shown_is_lost_by_kill_9_at_any_moment() {
    let website = Website::start().await;
    let folder = tempfile::tempdir().unwrap();
    let mut monitors = Vec::new();
    let mut kept = BTreeSet::new();
    for round in 0..8_u32 {
        let server = Serving::start(folder.path()).await;
        let client = server.client();
        let found = shown_results(&client, &monitors).await;
        assert!(kept.is_subset(&found), "lost in round {round}: {:?}", kept.difference(&found).collect::<Vec<_>>());

        // Acknowledged settings must be there after the next crash too.
        let body = json!({"type": "http", "name": format!("site {round}"), "target": website.server.url("/"), "interval": "1s"});
        let monitor = client.post("/monitors", body).await.success();
        monitors.push(monitor["id"].as_str().unwrap().to_owned());
        // News make commits with more in them than results.
        website.broken.store(round % 2 == 1, SeqCst);
        let enough = kept.len() + 3 + round as usize;
        kept = until("more results", async || {
            let shown = shown_results(&client, &monitors).await;
            (shown.len() >= enough).then_some(shown)
        })
        .await;
        // The moment: at once, or a little later, in the midst of tests that are asked for.
        let pushing = tokio::spawn(push(client, monitors.clone()));
        tokio::time::sleep(Duration::from_millis(u64::from(round) * 7)).await;
        server.kill().await;
        pushing.abort();
    }
    let server = Serving::start(folder.path()).await;
    let client = server.client();
    let found = shown_results(&client, &monitors).await;
    assert!(kept.is_subset(&found), "lost: {:?}", kept.difference(&found).collect::<Vec<_>>());
    assert_eq!(client.get("/monitors").await.items().len(), monitors.len());
    let ready = client.fetch("/readyz").await;
    assert_eq!(ready.status.as_u16(), 200, "{}", ready.text());
}

/// Asks for tests out of turn until the server is gone.
async fn push(client: Client, monitors: Vec<String>) {
    loop {
        for monitor in &monitors {
            let request = client.request(http::Method::POST, &format!("/api/v1/monitors/{monitor}/test"));
            if client.try_send(request.body(Full::default()).unwrap()).await.is_err() {
                return;
            }
        }
    }
}
