//! The dashboard's pages without a browser: who sees what, that nothing typed becomes markup, and forms that
//! say what is wrong. How they look and move is for the tests with a browser.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::net::SocketAddr;

use axum::{
    body::Body,
    extract::ConnectInfo,
    http::{Method, Request, StatusCode, header},
};
use serde_json::json;
use support::{
    Answer, Place,
    people::{PASSWORD, claimed, unclaimed, with_cookie},
};

/// Someone who is signed in and looks at pages.
struct Visit {
    place: Place,
    session: String,
}

impl Visit {
    async fn new() -> Self {
        let (mut place, session) = claimed().await;
        place.admin = place.token(watchkeep_model::Scope::Admin).await;
        Self { place, session }
    }

    async fn get(&self, path: &str) -> Answer {
        self.place.send(with_cookie(Method::GET, path, &self.session).body(Body::empty()).unwrap()).await
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = with_cookie(Method::POST, path, &self.session)
            .header("sec-fetch-site", "same-origin")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .extension(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 1))));
        self.place.send(request.body(Body::from(body)).unwrap()).await
    }

    async fn monitor(&self, name: &str) -> String {
        self.place.monitor(name).await["id"].as_str().unwrap().to_owned()
    }
}

fn location(answer: &Answer) -> &str {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    answer.header("location")
}

#[tokio::test]
async fn whoever_is_not_signed_in_is_sent_to_the_sign_in_page() {
    let visit = Visit::new().await;
    let id = visit.monitor("secret shop").await;
    for path in ["/", "/monitors/new", &format!("/monitors/{id}"), "/incidents", "/contacts", "/tokens"] {
        let answer = visit.place.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert!(location(&answer).starts_with("/sign-in?next=%2F"), "{path}");
        assert!(!answer.text().contains("secret shop"));
    }
    for path in ["/codes", "/codes/service/451", "/assets/style.css", "/docs/api"] {
        let answer = visit.place.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn signing_in_through_the_form_leads_back() {
    let visit = Visit::new().await;
    let wrong = visit.post("/sign-in", &[("name", "ada"), ("password", "no"), ("next", "/contacts")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text().contains("do not belong together") && wrong.text().contains("value=\"/contacts\""));
    assert!(!wrong.text().contains("value=\"no\""), "a password is not sent back");
    let right = visit.post("/sign-in", &[("name", "ada"), ("password", PASSWORD), ("next", "/contacts")]).await;
    assert_eq!(location(&right), "/contacts");
    assert!(right.header("set-cookie").contains("HttpOnly"));
    let foreign = visit.post("/sign-in", &[("name", "ada"), ("password", PASSWORD), ("next", "//evil.example")]).await;
    assert_eq!(location(&foreign), "/");
    let out = visit.post("/sign-out", &[]).await;
    assert_eq!(location(&out), "/sign-in");
    assert!(location(&visit.get("/").await).starts_with("/sign-in"));
}

#[tokio::test]
async fn the_set_up_page_says_what_is_wrong() {
    let (place, secret) = unclaimed("http://127.0.0.1:8080/").await;
    let visit = Visit { place, session: "a=b".to_owned() };
    let path = format!("/setup/{secret}");
    assert_eq!(visit.get("/setup/wrong").await.status, StatusCode::NOT_FOUND);
    let short = visit.post(&path, &[("name", ""), ("password", "short"), ("repeated", "other")]).await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    for part in ["The name must", "10 characters", "differ"] {
        assert!(short.text().contains(part), "{part}: {}", short.text());
    }
    let form = [("name", "Ada"), ("password", PASSWORD), ("repeated", PASSWORD)];
    assert_eq!(location(&visit.post(&path, &form).await), "/");
    assert_eq!(visit.post(&path, &form).await.status, StatusCode::NOT_FOUND, "it works once");
}

#[tokio::test]
async fn nothing_that_somebody_typed_becomes_markup() {
    const NASTY: &str = "<script>alert(1)</script>\"'><img src=x onerror=y>";
    let visit = Visit::new().await;
    let body = json!({"type": "http", "name": NASTY, "target": "http://shop.example/?q=<script>",
        "http": {"headers": {"X-A": NASTY}, "body": NASTY, "require": [NASTY]}});
    let body = visit.place.post("/monitors", body).await;
    let id = body.json()["id"].as_str().unwrap_or_else(|| panic!("{}", body.text())).to_owned();
    visit
        .place
        .post("/contacts", json!({"name": NASTY, "channels": [{"type": "webhook", "url": "http://a/?<script>"}]}))
        .await;
    visit.place.post("/tokens", json!({"name": NASTY, "scope": "read"})).await;
    let search = format!("/?q={}", url::form_urlencoded::byte_serialize(NASTY.as_bytes()).collect::<String>());
    for path in [
        "/",
        &search,
        &format!("/monitors/{id}"),
        &format!("/monitors/{id}/edit"),
        &format!("/monitors/{id}/delete"),
        "/contacts",
        "/tokens",
    ] {
        let answer = visit.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let text = answer.text();
        assert!(
            !text.contains("<script>alert") && !text.contains("<img src=x") && !text.contains("?q=<script"),
            "{path}"
        );
        assert!(answer.header("content-security-policy").contains("script-src 'self'"), "{path}");
        assert!(!text.contains("style=\"") && !text.contains(" onclick"), "the policy would refuse it: {path}");
    }
    let sent = [("target", NASTY), ("name", NASTY), ("type", "http"), ("http.headers", "no colon <script>alert")];
    let answer = visit.post("/monitors/new", &sent).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!answer.text().contains("<script>alert") && answer.text().contains("Name: value"));
}

#[tokio::test]
async fn the_form_makes_and_changes_a_monitor() {
    let visit = Visit::new().await;
    let contact = visit.place.post("/contacts", json!({"name": "ops", "channels": []})).await.json();
    let contact = contact["id"].as_str().unwrap();
    let made = visit
        .post(
            "/monitors/new",
            &[
                ("type", "http"),
                ("target", " https://shop.example/ "),
                ("interval", "10s"),
                ("tags", "prod\r\nshop\r\n"),
                ("contacts", contact),
                ("confirm.retries", "3"),
                ("http.require", "Cart\r\n\r\n/pay/i"),
                ("http.headers", "X-A: b\r\nX-Api-Key: top"),
                ("http.basic", "ada:secret"),
                ("http.insecure", "on"),
            ],
        )
        .await;
    let path = location(&made).to_owned();
    let shown = visit.place.get(&path).await.json();
    assert_eq!((&shown["name"], &shown["interval"]), (&json!("https://shop.example/"), &json!("10s")));
    assert_eq!((&shown["tags"], &shown["contacts"]), (&json!(["prod", "shop"]), &json!([contact])));
    assert_eq!((&shown["confirm"]["retries"], &shown["http"]["require"]), (&json!(3), &json!(["Cart", "/pay/i"])));
    assert_eq!(
        (&shown["http"]["headers"], &shown["http"]["insecure"]),
        (&json!({"x-a": "b", "x-api-key": "********"}), &json!(true))
    );

    let form = visit.get(&format!("{path}/edit")).await.text();
    assert!(form.contains("value=\"10s\"") && !form.contains("secret"), "{form}");
    let changed = [
        ("type", "http"),
        ("version", "1"),
        ("target", "https://shop.example/"),
        ("name", "shop"),
        ("http.basic", "********"),
        ("http.headers", "X-Api-Key: ********"),
    ];
    assert_eq!(location(&visit.post(&format!("{path}/edit"), &changed).await), path);
    let shown = visit.place.get(&path).await.json();
    assert_eq!((&shown["name"], &shown["interval"], &shown["contacts"]), (&json!("shop"), &json!("1m"), &json!([])));
    assert_eq!(shown["http"].get("insecure"), None, "what is empty goes back to its default");
    let entry = visit.place.app.store.all_monitors().await.unwrap().remove(0).monitor.unwrap();
    let stored = entry.settings.write(watchkeep_model::Exposure::Stored);
    assert_eq!(
        (&stored["http"]["basic"], &stored["http"]["headers"]),
        (&json!("ada:secret"), &json!({"x-api-key": "top"}))
    );
    let stale = visit.post(&format!("{path}/edit"), &changed).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED, "somebody else was first");
}

#[tokio::test]
async fn other_organisations_things_have_no_page() {
    let visit = Visit::new().await;
    let id = visit.monitor("shop").await;
    let stranger = visit.place.stranger().await;
    let theirs = json!({"type": "http", "name": "theirs", "target": "http://their.example/"});
    let theirs = visit.place.call_as(&stranger, Method::POST, "/monitors", Some(theirs)).await.json();
    let theirs = theirs["id"].as_str().unwrap();
    assert!(!visit.get("/").await.text().contains("theirs"));
    for part in ["", "/edit", "/delete"] {
        assert_eq!(visit.get(&format!("/monitors/{theirs}{part}")).await.status, StatusCode::NOT_FOUND);
        assert_eq!(visit.get(&format!("/monitors/{id}{part}")).await.status, StatusCode::OK);
    }
    for part in ["/pause", "/activate", "/test", "/delete", "/edit"] {
        assert_eq!(visit.post(&format!("/monitors/{theirs}{part}"), &[]).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(visit.get("/monitors/nonsense").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn buttons_do_what_they_say() {
    let visit = Visit::new().await;
    let id = visit.monitor("shop").await;
    let path = format!("/monitors/{id}");
    visit.place.robots.take();
    assert_eq!(location(&visit.post(&format!("{path}/test"), &[]).await), path);
    assert_eq!(location(&visit.post(&format!("{path}/pause"), &[]).await), path);
    assert_eq!(visit.post(&format!("{path}/test"), &[]).await.status, StatusCode::CONFLICT);
    assert_eq!(location(&visit.post(&format!("{path}/activate"), &[]).await), path);
    let notes = [format!("test {id}"), format!("withdraw {id}"), format!("assign {id}")];
    assert_eq!(visit.place.robots.take(), notes);
    assert_eq!(location(&visit.post(&format!("{path}/delete"), &[]).await), "/");
    assert_eq!(visit.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn contacts_and_tokens_show_their_secrets_once() {
    let visit = Visit::new().await;
    let made = visit.post("/contacts", &[("name", "ops"), ("url", "http://hook.example/")]).await.text();
    let stored = visit.place.app.store.contacts(&visit.place.org).await.unwrap().remove(0);
    let token = stored.webhook_token.expose();
    assert!(made.contains(token) && made.contains("whsec_"));
    let later = visit.get("/contacts").await.text();
    assert!(!later.contains(token) && !later.contains("whsec_"));
    let channel = stored.channels[0].id.as_str();
    assert_eq!(location(&visit.post(&format!("/channels/{channel}/test"), &[]).await), "/contacts");
    assert!(visit.get("/contacts").await.text().contains("Waiting"));
    let wrong = visit.post("/contacts", &[("name", "ops"), ("url", "ftp://hook.example/")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text().contains("URL: must be the http"), "{}", wrong.text());

    let made = visit.post("/tokens", &[("name", "ci"), ("scope", "read")]).await.text();
    let secret = made.split("wkt_").nth(1).unwrap().split('<').next().unwrap();
    assert!(!visit.get("/tokens").await.text().contains(secret));
    let answer = visit.place.call_as(&format!("wkt_{secret}"), Method::GET, "/monitors", None).await;
    assert_eq!(answer.status, StatusCode::OK);
}
