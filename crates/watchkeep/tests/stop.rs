//! The polite end: what is under way is finished and kept, streams end, and nobody has to wait for long.
//! The exit status is 0.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{PATIENCE, Serving, until};
use tokio::{io::AsyncWriteExt, net::TcpStream};
use watchkeep_lab::{
    http::{Server, ok},
    raw::{Act, Peer},
    receiver::{Mood, Receiver},
};

/// With nothing that hangs an end takes milliseconds; this is only a guard.
const PROMPT: Duration = Duration::from_secs(5);

async fn monitor(server: &Serving, target: &str) -> String {
    let body = json!({"type": "http", "name": "shop", "target": target, "interval": "1s", "confirm": {"retries": 0}});
    server.client().post("/monitors", body).await.success()["id"].as_str().unwrap().to_owned()
}

async fn results(server: &Serving, id: &str) -> Vec<Value> {
    server.client().get(&format!("/monitors/{id}/results?limit=1000")).await.items()
}

#[tokio::test]
async fn both_signals_end_it_with_everything_kept() {
    for signal in ["TERM", "INT"] {
        // Tests take a while, so that some are under way whenever the signal comes.
        let website = Server::start(|_| async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            ok("fine")
        })
        .await;
        let folder = tempfile::tempdir().unwrap();
        let server = Serving::start(folder.path()).await;
        let id = monitor(&server, &website.url("/")).await;
        let live = server.client().stream("/events").await;
        until("two results", async || (results(&server, &id).await.len() >= 2).then_some(())).await;
        let asked = website.requests();
        until("a test is under way", async || (website.requests() > asked).then_some(())).await;

        let began = Instant::now();
        server.signal(signal);
        let ended = server.ended().await;
        assert_eq!(ended.status.code(), Some(0), "{signal}: {}", ended.stderr);
        assert!(began.elapsed() < PROMPT, "{signal}: it took {:?}", began.elapsed());
        let events = live.read_to_end().await;
        assert!(events.contains("event: result\n"), "{signal}: {events}");

        let tests = website.requests();
        // Nothing is tested while the next server looks at what was kept.
        drop(website);
        let server = Serving::start(folder.path()).await;
        let kept = results(&server, &id).await;
        let good = kept.iter().filter(|result| result["code"] == 0).count();
        assert_eq!(good, tests, "{signal}: every test that was begun has its result");
    }
}

#[tokio::test]
async fn a_signal_right_after_the_greeting_is_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let ended = Serving::start(folder.path()).await.stop().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
}

#[tokio::test]
async fn what_hangs_does_not_hold_it_up_for_long() {
    let silent = Peer::start(vec![Act::ReadHead, Act::Hang]).await;
    let receiver = Receiver::start().await;
    receiver.set_mood(Mood::Silent);
    let folder = tempfile::tempdir().unwrap();
    let server = Serving::start(folder.path()).await;
    let client = server.client();
    let contact = json!({"name": "ops", "channels": [{"type": "webhook", "url": receiver.url()}]});
    let contact = client.post("/contacts", contact).await.success();
    let channel = contact["channels"][0]["id"].as_str().unwrap();
    client.post(&format!("/channels/{channel}/test"), json!({})).await.success();
    receiver.wait_for_number(PATIENCE, 1).await;
    let body =
        json!({"type": "http", "name": "hangs", "target": silent.url("http"), "interval": "1s", "timeout": "5m"});
    client.post("/monitors", body).await.success();
    // A client that begins a request and never ends it, and one that only holds its connection.
    let mut half = TcpStream::connect(server.address()).await.unwrap();
    half.write_all(b"POST /api/v1/monitors HTTP/1.1\r\nHost: a\r\nContent-Le").await.unwrap();
    let _idle = TcpStream::connect(server.address()).await.unwrap();

    let ended = server.stop().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let silent = Peer::start(vec![Act::ReadHead, Act::Hang]).await;
    let folder = tempfile::tempdir().unwrap();
    let server = Serving::start(folder.path()).await;
    let body =
        json!({"type": "http", "name": "hangs", "target": silent.url("http"), "interval": "1s", "timeout": "5m"});
    server.client().post("/monitors", body).await.success();
    server.signal("INT");
    until("it says that it stops", async || server.log().contains("stopping").then_some(())).await;
    let began = Instant::now();
    server.signal("INT");
    let ended = server.ended().await;
    assert!(began.elapsed() < Duration::from_secs(2), "it took {:?}", began.elapsed());
    assert_eq!(ended.status.code(), Some(1), "{}", ended.stderr);
}
