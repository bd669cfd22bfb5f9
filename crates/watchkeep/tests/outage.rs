//! The whole way of an outage with the real binary and a real nginx: found, kept, told, and over.
//! What the webhook carries is held against the contract, field by field.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::time::{Duration, SystemTime};

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;
use support::{Client, PATIENCE, Serving, TOKEN, until};
use watchkeep_lab::{
    http::Received,
    nginx::Nginx,
    receiver::{self, Receiver},
};

/// The contract of figures: a failure is told within the interval and a little; this is far more than that.
const TOLD_WITHIN: Duration = Duration::from_secs(2);
const SECRET: &str = "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=";

#[tokio::test]
async fn an_outage_is_found_told_and_over() {
    let Some(mut nginx) = Nginx::start() else { return };
    let receiver = Receiver::start().await;
    let folder = tempfile::tempdir().unwrap();
    let server = Serving::start(folder.path()).await;
    let client = server.client();
    assert_health(&client).await;
    assert_only_a_token_opens(&server).await;

    let channel = json!({"type": "webhook", "url": receiver.url(), "secret": SECRET});
    let contact = client.post("/contacts", json!({"name": "ops", "channels": [channel]})).await.success();
    let token = contact["webhook_token"].as_str().unwrap().to_owned();
    assert_eq!(token.len(), 32);
    let monitor = json!({
        "family": "service", "type": "http", "name": "shop", "target": nginx.url(), "interval": "1s",
        "http": {"require": ["watchkeep"]}, "confirm": {"retries": 0}, "contacts": [contact["id"]], "tags": ["prod"],
    });
    let monitor = client.post("/monitors", monitor).await.success();
    let id = monitor["id"].as_str().unwrap().to_owned();
    let mut live = client.stream(&format!("/events?monitor={id}")).await;
    until_status(&client, &id, "operational").await;
    // From its second test on a monitor is at its place in the interval: after one, nginx is left alone for a second.
    until("a second result", async || {
        let results = client.get(&format!("/monitors/{id}/results")).await.items();
        (results.len() >= 2).then_some(())
    })
    .await;

    // It breaks.
    nginx.kill();
    let opened = told(&receiver, "incident.opened").await;
    let down = until_status(&client, &id, "down").await;
    assert_eq!((&down["code"], &down["severity"]), (&json!(451), &json!("down")));
    let open = client.get("/incidents?state=open").await.items();
    assert_eq!(open.len(), 1);
    assert_eq!((&open[0]["monitor"], &open[0]["code"]), (&json!(id), &json!(451)));
    let changed = told_change(&receiver, 0, 451).await;
    assert_signed(&changed, &token);
    let body = body_of(&changed);
    assert_eq!(body, expected_of_change(&server, &monitor, &body, &open[0]));
    assert_told_in_time(&changed);
    assert_eq!(body_of(&opened)["data"], body["data"]);

    // It works again.
    nginx.restart();
    let resolved = told(&receiver, "incident.resolved").await;
    let recovered = told_change(&receiver, 451, 0).await;
    until_status(&client, &id, "operational").await;
    for request in [&opened, &resolved, &recovered] {
        assert_signed(request, &token);
    }
    assert_eq!(body_of(&recovered)["data"]["incident"], open[0]["id"]);
    assert_eq!(client.get("/incidents?state=open").await.items(), [] as [Value; 0]);
    let incident = client.get(&format!("/incidents/{}", open[0]["id"].as_str().unwrap())).await.success();
    assert_eq!((&incident["state"], incident["resolved_at"].is_string()), (&json!("resolved"), true));

    assert_told_in_order(&receiver, &client, &id).await;
    live.read_until("event: incident.resolved").await;
    let ended = server.stop().await;
    assert!(ended.status.success(), "{:?}: {}", ended.status, ended.stderr);
    let events = live.read_to_end().await;
    for name in ["result", "service.status_changed", "incident.opened"] {
        assert!(events.contains(&format!("event: {name}\n")), "{name}: {events}");
    }
    for secret in [TOKEN, SECRET, &token] {
        assert!(!ended.stderr.contains(secret) && !ended.stdout.contains(secret), "a secret was printed");
    }
}

async fn assert_health(client: &Client) {
    let alive = client.fetch("/healthz").await;
    assert_eq!((alive.status.as_u16(), alive.text()), (200, "ok\n".to_owned()));
    let ready = client.fetch("/readyz").await;
    assert_eq!((ready.status.as_u16(), &ready.json()["ready"]), (200, &json!(true)));
}

async fn assert_only_a_token_opens(server: &Serving) {
    for token in [None, Some("another-token-of-the-right-length-0")] {
        let answer = Client::new(server.address(), token).get("/monitors").await;
        assert_eq!(answer.status.as_u16(), 401, "{}", answer.text());
        assert_eq!(answer.headers["content-type"], "application/problem+json");
    }
    let tokens = server.client().call(Method::GET, "/tokens", None).await.items();
    assert_eq!((tokens.len(), &tokens[0]["scope"]), (1, &json!("admin")));
}

async fn until_status(client: &Client, id: &str, status: &str) -> Value {
    until(status, async || {
        let monitor = client.get(&format!("/monitors/{id}")).await.success();
        (monitor["status"] == status).then_some(monitor)
    })
    .await
}

fn body_of(request: &Received) -> Value {
    serde_json::from_slice(request.body()).unwrap()
}

async fn told(receiver: &Receiver, kind: &str) -> Received {
    receiver.wait_for(PATIENCE, |request| body_of(request)["type"] == kind).await
}

async fn told_change(receiver: &Receiver, previous_code: i16, code: i16) -> Received {
    let is_it = |body: Value| {
        body["type"] == "service.status_changed"
            && body["data"]["code"] == code
            && body["data"]["previous_code"] == previous_code
    };
    receiver.wait_for(PATIENCE, |request| is_it(body_of(request))).await
}

fn header<'a>(request: &'a Received, name: &str) -> &'a str {
    request.headers().get(name).unwrap_or_else(|| panic!("no header {name}")).to_str().unwrap()
}

/// As a receiver checks it: Standard Webhooks 1.0, with the secret that it agreed on.
fn assert_signed(request: &Received, token: &str) {
    assert_eq!((request.method(), request.uri().path()), (&Method::POST, "/hook"));
    assert_eq!(header(request, "content-type"), "application/json");
    assert_eq!(header(request, "watchkeep-webhook-token"), token);
    let id = header(request, "webhook-id");
    assert_eq!(body_of(request)["id"], id);
    let seconds: u64 = header(request, "webhook-timestamp").parse().unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    assert!(now.abs_diff(seconds) < 300, "a receiver would refuse {seconds} at {now}");
    let key = BASE64_STANDARD.decode(SECRET.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(request.body());
    let signature = BASE64_STANDARD.decode(header(request, "webhook-signature").strip_prefix("v1,").unwrap()).unwrap();
    mac.verify_slice(&signature).expect("the signature is right");
}

/// The contract's body of a status change to 451; what only the server knows is taken from `body` and the incident.
fn expected_of_change(server: &Serving, monitor: &Value, body: &Value, incident: &Value) -> Value {
    let port = monitor["target"].as_str().unwrap().trim_start_matches("http://").trim_end_matches('/');
    let id = monitor["id"].as_str().unwrap();
    let created_at: Timestamp = body["created_at"].as_str().unwrap().parse().unwrap();
    let since: Timestamp = body["data"]["since"].as_str().unwrap().parse().unwrap();
    assert!(since <= created_at);
    assert_eq!(incident["opened_at"], body["data"]["since"]);
    json!({
        "id": body["id"], "type": "service.status_changed", "created_at": body["created_at"],
        "data": {
            "monitor": {"id": id, "name": "shop", "family": "service", "type": "http", "target": monitor["target"], "tags": ["prod"]},
            "code": 451, "previous_code": 0, "name": "http_connect_failed", "severity": "down",
            "summary": "Cannot connect to the web server.", "detail": format!("connection refused ({port})"),
            "locations": ["local"], "since": body["data"]["since"], "incident": incident["id"],
            "url": format!("http://{}/monitors/{id}", server.address()),
        },
    })
}

/// From the beginning of the test that found it to the webhook's arrival.
fn assert_told_in_time(request: &Received) {
    let since: Timestamp = body_of(request)["data"]["since"].as_str().unwrap().parse().unwrap();
    let arrived = Timestamp::now() - jiff::SignedDuration::try_from(receiver::arrival(request).elapsed()).unwrap();
    let took = Duration::try_from(arrived.duration_since(since)).unwrap();
    assert!(took < TOLD_WITHIN, "the webhook came {took:?} after the beginning of the test");
}

/// Everything was told once, in the order in which it happened.
async fn assert_told_in_order(receiver: &Receiver, client: &Client, id: &str) {
    let told: Vec<_> = receiver.requests().iter().map(body_of).collect();
    let of_told = |body: &Value| (body["id"].clone(), body["type"].clone(), body["data"]["code"].clone());
    let told: Vec<_> = told.iter().map(of_told).collect();
    let mut events = client.get(&format!("/monitors/{id}/events")).await.items();
    events.reverse();
    let of_event = |event: &Value| (event["id"].clone(), event["type"].clone(), event["code"].clone());
    let happened: Vec<_> = events.iter().map(of_event).collect();
    assert_eq!(told, happened);
    let kinds: Vec<_> = told.iter().map(|(_, kind, code)| (kind.as_str().unwrap(), code.as_i64().unwrap())).collect();
    let expected = [
        ("service.status_changed", 0),
        ("service.status_changed", 451),
        ("incident.opened", 451),
        ("service.status_changed", 0),
        ("incident.resolved", 0),
    ];
    assert_eq!(kinds, expected);
}
