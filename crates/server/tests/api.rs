//! The API as a script uses it: monitors, contacts, tokens, lists, versions, repeated creations.
//! Requests go through the real routes to a real store; only robots are missing.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use serde_json::{Value, json};
use support::{Answer, Place};

fn id_of(document: &Value) -> String {
    document["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_worked_example_works() {
    let place = Place::new().await;
    let contact = place
        .post(
            "/contacts",
            json!({"name": "ops", "channels": [{"type": "webhook", "url": "http://127.0.0.1:9000/hook"}]}),
        )
        .await;
    assert_eq!(contact.status, StatusCode::CREATED);
    let contact = contact.json();
    assert_eq!(contact["webhook_token"].as_str().unwrap().len(), 32);
    assert!(contact["channels"][0]["secret"].as_str().unwrap().starts_with("whsec_"));

    let body = json!({
        "family": "service", "type": "http", "name": "shop", "target": "https://shop.example/", "interval": "10s",
        "timeout": "5s", "connect_timeout": "2s", "slow_after": "1s",
        "http": {"method": "GET", "headers": {"X-A": "b"}, "accept_status": "200-299", "require": ["Cart"], "forbid": ["/fatal error/i"], "max_redirects": 5},
        "locations": ["local"], "confirm": {"retries": 1, "delay": "2s", "locations": 1},
        "contacts": [contact["id"]], "tags": ["prod"], "active": true,
    });
    let created = place.post("/monitors", body.clone()).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.text());
    let monitor = created.json();
    let id = id_of(&monitor);
    assert!(id.starts_with("mon_"));
    assert_eq!(created.header("location"), format!("/api/v1/monitors/{id}"));
    assert_eq!(created.header("etag"), "\"1\"");
    assert_eq!(place.robots.take(), [format!("assign {id}")]);

    let shown = place.get(&format!("/monitors/{id}")).await.json();
    for (name, value) in body.as_object().unwrap() {
        if name != "http" {
            assert_eq!(&shown[name], value, "{name}");
        }
    }
    for (name, value) in body["http"].as_object().unwrap() {
        match name.as_str() {
            "headers" => assert_eq!(shown["http"]["headers"], json!({"x-a": "b"})),
            _ => assert_eq!(&shown["http"][name], value, "{name}"),
        }
    }
    assert_eq!(shown["code"], -3);
    assert_eq!(shown["status"], "pending");
    assert_eq!(shown["severity"], "pending");
    assert!(shown["summary"].is_string() && shown["since"].is_string());
    assert_eq!(shown["last_result"], Value::Null);
    assert_eq!(shown["uptime"], json!({"24h": null, "7d": null, "30d": null, "90d": null}));
}

#[tokio::test]
async fn a_monitor_is_created_inactive_activated_paused_and_deleted() {
    let place = Place::new().await;
    let body = json!({"type": "http", "name": "shop", "target": "http://shop.example", "active": false});
    let monitor = place.post("/monitors", body).await.json();
    let path = format!("/monitors/{}", id_of(&monitor));
    assert_eq!(
        (&monitor["code"], &monitor["status"], &monitor["active"]),
        (&json!(-1), &json!("created"), &json!(false))
    );
    assert_eq!(place.robots.take(), Vec::<String>::new());
    place.call(Method::POST, &format!("{path}/test"), None).await.assert_problem(409, "not active");

    let active = place.call(Method::POST, &format!("{path}/activate"), None).await.json();
    assert_eq!((&active["code"], &active["active"]), (&json!(-3), &json!(true)));
    let again = place.call(Method::POST, &format!("{path}/activate"), None).await.json();
    assert_eq!(again["since"], active["since"]);
    let tested = place.call(Method::POST, &format!("{path}/test"), Some(json!({}))).await;
    assert_eq!(tested.status, StatusCode::ACCEPTED);
    let paused = place.call(Method::POST, &format!("{path}/pause"), None).await.json();
    assert_eq!((&paused["code"], &paused["status"]), (&json!(-2), &json!("paused")));
    let id = id_of(&monitor);
    assert_eq!(place.robots.take(), [format!("assign {id}"), format!("test {id}"), format!("withdraw {id}")]);

    place.call(Method::POST, &format!("{path}/pause"), Some(json!({"why": 1}))).await.assert_problem(422, "why");
    let events = place.get(&format!("{path}/events")).await.json();
    let codes: Vec<_> = events["items"].as_array().unwrap().iter().map(|event| event["code"].clone()).collect();
    assert_eq!(codes[..2], [json!(-2), json!(-3)], "{events}");

    assert_eq!(place.call(Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(place.robots.take(), [format!("withdraw {id}")]);
    place.get(&path).await.assert_problem(404, "no such monitor");
    place.call(Method::DELETE, &path, None).await.assert_problem(404, "no such monitor");
    assert_eq!(place.get("/monitors").await.json()["items"], json!([]));
}

#[tokio::test]
async fn patch_merges_and_put_replaces() {
    let place = Place::new().await;
    let body = json!({"type": "http", "name": "shop", "target": "http://shop.example/", "tags": ["a"], "http": {"require": ["Cart"], "basic": "ada:secret-word"}});
    let monitor = place.post("/monitors", body).await;
    assert!(!monitor.text().contains("secret-word"), "secrets are not shown");
    let path = format!("/monitors/{}", id_of(&monitor.json()));

    let patched = place
        .call(Method::PATCH, &path, Some(json!({"name": "store", "http": {"forbid": ["down"]}, "tags": null})))
        .await;
    assert_eq!(patched.status, StatusCode::OK, "{}", patched.text());
    assert_eq!(patched.header("etag"), "\"2\"");
    let patched = patched.json();
    assert_eq!(patched["name"], "store");
    assert_eq!(patched["tags"], json!([]));
    assert_eq!((&patched["http"]["require"], &patched["http"]["forbid"]), (&json!(["Cart"]), &json!(["down"])));

    // A mask that is sent back keeps the secret.
    let masked = patched["http"].clone();
    place.call(Method::PATCH, &path, Some(json!({"http": masked}))).await;
    let id = id_of(&patched).parse().unwrap();
    let entry = place.app.board.get(&place.org, &id).unwrap();
    let stored = entry.monitor.as_ref().unwrap().settings.write(watchkeep_model::Exposure::Stored);
    assert_eq!(stored["http"]["basic"], "ada:secret-word");

    let replaced = place
        .call(Method::PUT, &path, Some(json!({"type": "http", "name": "new", "target": "http://new.example/"})))
        .await
        .json();
    assert_eq!(replaced["http"].get("require"), None);
    assert_eq!(replaced["http"].get("basic"), None);
    assert_eq!(replaced["target"], "http://new.example/");
    assert_eq!(replaced["active"], true, "absent: as before");

    let paused = place.call(Method::PATCH, &path, Some(json!({"active": false}))).await.json();
    assert_eq!(paused["code"], -2);
    let renamed = place.call(Method::PATCH, &path, Some(json!({"name": "other"}))).await.json();
    assert_eq!((&renamed["code"], &renamed["name"]), (&json!(-2), &json!("other")));
    let active = place.call(Method::PATCH, &path, Some(json!({"active": true}))).await.json();
    assert_eq!(active["code"], -3);
    place.call(Method::PATCH, &path, Some(json!({"active": "no"}))).await.assert_problem(422, "active");
    place.call(Method::PATCH, &path, Some(json!({"id": "mon_x"}))).await.assert_problem(422, "id");
}

async fn with_header(place: &Place, method: Method, path: &str, name: &str, value: &str, body: Value) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(format!("/api/v1{path}"))
        .header(header::AUTHORIZATION, format!("Bearer {}", place.admin))
        .header(header::CONTENT_TYPE, "application/json")
        .header(name, value);
    place.send(request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn a_change_of_an_old_version_is_refused() {
    let place = Place::new().await;
    let monitor = place.monitor("shop").await;
    let path = format!("/monitors/{}", id_of(&monitor));
    let patch = |value: &'static str, name: &'static str| {
        with_header(&place, Method::PATCH, &path, "if-match", value, json!({"name": name}))
    };
    assert_eq!(patch("\"1\"", "two").await.status, StatusCode::OK);
    patch("\"1\"", "three").await.assert_problem(412, "changed since");
    patch("\"x\"", "three").await.assert_problem(412, "changed since");
    assert_eq!(patch("\"7\", \"2\"", "three").await.status, StatusCode::OK);
    assert_eq!(patch("*", "four").await.status, StatusCode::OK);
    with_header(&place, Method::DELETE, &path, "if-match", "\"1\"", json!({}))
        .await
        .assert_problem(412, "changed since");
    assert_eq!(place.get(&path).await.json()["name"], "four");

    let contact = place.post("/contacts", json!({"name": "ops"})).await;
    assert_eq!(contact.header("etag"), "\"1\"");
    let path = format!("/contacts/{}", id_of(&contact.json()));
    let changed = with_header(&place, Method::PATCH, &path, "if-match", "\"1\"", json!({"name": "ops 2"})).await;
    assert_eq!(changed.header("etag"), "\"2\"");
    with_header(&place, Method::PATCH, &path, "if-match", "\"1\"", json!({"name": "ops 3"}))
        .await
        .assert_problem(412, "changed since");
}

#[tokio::test]
async fn a_creation_with_a_key_is_made_once() {
    let place = Place::new().await;
    let body = json!({"type": "http", "name": "shop", "target": "http://shop.example/"});
    let create =
        |key: &'static str, body: Value| with_header(&place, Method::POST, "/monitors", "idempotency-key", key, body);
    let first = create("one", body.clone()).await;
    let second = create("one", body.clone()).await;
    assert_eq!(second.status, StatusCode::CREATED);
    assert_eq!(first.json(), second.json());
    create("one", json!({"type": "http", "name": "other", "target": "http://shop.example/"}))
        .await
        .assert_problem(409, "another request");
    create("wrong", json!({})).await.assert_problem(422, "name");
    assert_eq!(create("wrong", body.clone()).await.status, StatusCode::CREATED, "a refusal is not remembered");
    assert_eq!(place.get("/monitors").await.json()["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn lists_are_filtered_and_paged_to_the_end() {
    let place = Place::new().await;
    for n in 0..7 {
        let body = json!({"type": "http", "name": format!("Site {n}"), "target": format!("http://s{n}.example/"), "tags": [if n % 2 == 0 { "even" } else { "odd" }], "active": n < 5});
        assert_eq!(place.post("/monitors", body).await.status, StatusCode::CREATED);
    }
    for (query, count) in [
        ("", 7),
        ("?tag=even", 4),
        ("?tag=odd&status=pending", 2),
        ("?status=created", 2),
        ("?status=down", 0),
        ("?q=S3.EX", 1),
        ("?q=site", 7),
        ("?family=service", 7),
        ("?family=domain", 0),
        ("?type=http", 7),
        ("?type=tcp", 0),
    ] {
        let list = place.get(&format!("/monitors{query}")).await.json();
        assert_eq!(list["items"].as_array().unwrap().len(), count, "{query}");
        assert_eq!(list["next"], Value::Null, "{query}");
    }
    for sort in ["name", "-name", "since", "-since"] {
        let mut names = Vec::new();
        let mut after = String::new();
        loop {
            let list = place.get(&format!("/monitors?limit=3&sort={sort}{after}")).await.json();
            names
                .extend(list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()));
            match list["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        let mut expected: Vec<_> = (0..7).map(|n| format!("Site {n}")).collect();
        if sort.starts_with('-') {
            expected.reverse();
        }
        assert_eq!(names, expected, "{sort}");
    }
}

#[tokio::test]
async fn contacts_keep_their_secrets_and_channels() {
    let place = Place::new().await;
    let secret = format!("whsec_{}", "QUJD".repeat(8));
    let body = json!({"name": "ops", "channels": [
        {"type": "webhook", "url": "http://a.example/", "secret": secret},
        {"type": "webhook", "url": "http://b.example/"},
    ]});
    let created = place.post("/contacts", body).await.json();
    assert_eq!(created["channels"][0]["secret"], json!(secret));
    let path = format!("/contacts/{}", id_of(&created));
    let shown = place.get(&path).await;
    assert!(!shown.text().contains("whsec_"), "{}", shown.text());
    let shown = shown.json();
    assert_eq!(shown["webhook_token"], "********");
    let (a, b) = (id_of(&shown["channels"][0]), id_of(&shown["channels"][1]));

    // The shown channels sent back, in another order and one with a new URL, are the same channels.
    let channels = json!([{"type": "webhook", "url": "http://b.example/", "secret": "********"}, {"id": a, "type": "webhook", "url": "http://a2.example/"}]);
    let changed = place.call(Method::PATCH, &path, Some(json!({"channels": channels}))).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text());
    let changed = changed.json();
    assert_eq!((id_of(&changed["channels"][0]), id_of(&changed["channels"][1])), (b, a.clone()));
    let stored = place.app.store.contacts(&place.org).await.unwrap().remove(0);
    let watchkeep_model::ChannelTarget::Webhook { secret: kept, .. } = &stored.channels[1].target;
    assert_eq!(kept.expose(), secret);

    let renamed = place.call(Method::PATCH, &path, Some(json!({"name": "operators"}))).await.json();
    assert_eq!(renamed["channels"].as_array().unwrap().len(), 2);

    let monitor = place
        .post("/monitors", json!({"type": "http", "name": "shop", "target": "http://a/", "contacts": [created["id"]]}))
        .await
        .json();
    assert_eq!(place.call(Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    place.get(&path).await.assert_problem(404, "no such contact");
    let monitor = place.get(&format!("/monitors/{}", id_of(&monitor))).await.json();
    assert_eq!(monitor["contacts"], json!([]));
}

#[tokio::test]
async fn secrets_are_rotated_with_two_that_live() {
    let place = Place::new().await;
    let key = |letters: &str| format!("whsec_{}", letters.repeat(8));
    let (first, second, third) = (key("QUJD"), key("REVG"), key("R0hJ"));
    let channel =
        |secrets: Value| json!({"channels": [{"type": "webhook", "url": "http://a.example/", "secrets": secrets}]});
    let mut body = channel(json!([first]));
    body["name"] = json!("ops");
    let created = place.post("/contacts", body).await.json();
    let path = format!("/contacts/{}", id_of(&created));
    let live = async || {
        let stored = place.app.store.contacts(&place.org).await.unwrap().remove(0);
        let watchkeep_model::ChannelTarget::Webhook { secret, older_secret, .. } = &stored.channels[0].target;
        (secret.expose().to_owned(), older_secret.as_ref().map(|older| older.expose().to_owned()))
    };
    let change = async |body: Value| place.call(Method::PATCH, &path, Some(body)).await;

    // A new one before the mask of the present one: both sign.
    let shown = change(channel(json!([second, "********"]))).await.json();
    assert_eq!(live().await, (second.clone(), Some(first)));
    assert_eq!(shown["channels"][0]["secrets"], json!(["********", "********"]));
    // What is shown can be sent back.
    change(json!({"channels": shown["channels"]})).await;
    assert!(live().await.1.is_some());
    // The newest alone: the rotation is over.
    let shown = change(channel(json!(["********"]))).await.json();
    assert_eq!(live().await, (second, None));
    assert_eq!(shown["channels"][0]["secret"], "********");
    // One key at once, without rotation.
    change(json!({"channels": [{"type": "webhook", "url": "http://a.example/", "secret": third}]})).await;
    assert_eq!(live().await, (third.clone(), None));

    for secrets in [json!([]), json!([third, third, third]), json!("********"), json!(["********", "********"])] {
        let problem = change(channel(secrets)).await.assert_problem(422, "channels[0].secrets");
        assert_eq!(problem["errors"][0]["field"], "channels[0].secrets", "{problem}");
    }
    assert_eq!(live().await, (third, None));
}

#[tokio::test]
async fn a_channel_is_tried_out() {
    let place = Place::new().await;
    let contact = place
        .post("/contacts", json!({"name": "ops", "channels": [{"type": "webhook", "url": "http://a.example/"}]}))
        .await
        .json();
    let channel = id_of(&contact["channels"][0]);
    let answer = place.call(Method::POST, &format!("/channels/{channel}/test"), None).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
    let deliveries = place.get("/deliveries").await.json();
    assert_eq!(deliveries["items"][0]["id"], answer.json()["delivery"]);
    assert_eq!(
        (&deliveries["items"][0]["state"], &deliveries["items"][0]["channel"]),
        (&json!("waiting"), &json!(channel))
    );
}

#[tokio::test]
async fn a_test_is_run_and_nothing_kept() {
    let place = Place::new().await;
    let result = place.post("/tests", json!({"type": "http", "target": "http://shop.example"})).await;
    assert_eq!(result.status, StatusCode::OK);
    let result = result.json();
    assert_eq!(
        (&result["code"], &result["name"], &result["target"]),
        (&json!(0), &json!("operational"), &json!("http://shop.example/"))
    );
    assert_eq!(place.get("/monitors").await.json()["items"], json!([]));
}

#[tokio::test]
async fn the_catalogue_is_open() {
    let place = Place::new().await;
    let send = |path: &str| place.send(Request::get(format!("/api/v1{path}")).body(Body::empty()).unwrap());
    let list = send("/status-codes").await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), watchkeep_catalogue::all().len());
    let one = send("/status-codes/service/451").await.json();
    assert_eq!((&one["code"], &one["severity"], &one["extension"]), (&json!(451), &json!("down"), &json!(false)));
    let servers = send("/status-codes?family=server").await.json();
    assert!(servers["items"].as_array().unwrap().iter().all(|entry| entry["family"] == "server"));
}

#[tokio::test]
async fn health_and_readiness_need_no_token() {
    let place = Place::new().await;
    let send = |path: &str| place.send(Request::get(path.to_owned()).body(Body::empty()).unwrap());
    assert_eq!(send("/healthz").await.status, StatusCode::OK);
    let ready = send("/readyz").await;
    assert_eq!((ready.status, ready.json()["ready"].clone()), (StatusCode::OK, json!(true)));
}

#[tokio::test]
async fn every_response_has_the_protective_headers() {
    let place = Place::at("https://watch.example/").await;
    for path in ["/healthz", "/api/v1/monitors", "/nothing", "/api/v1/openapi.json"] {
        let answer = place.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert!(!answer.header("content-security-policy").contains("unsafe"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("strict-transport-security"), "max-age=31536000", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
}

#[tokio::test]
async fn what_was_made_is_shown_as_it_was_answered() {
    let place = Place::new().await;
    let monitor = place.monitor("shop").await;
    let contact = place.post("/contacts", json!({"name": "ops", "channels": []})).await.json();
    for (path, made) in [("monitors", monitor), ("contacts", contact)] {
        let shown = place.get(&format!("/{path}/{}", id_of(&made))).await.json();
        assert_eq!(shown["created_at"], made["created_at"], "{path}");
    }
    let stored = place.app.store.all_monitors().await.unwrap().remove(0).monitor.unwrap();
    let board = place.app.board.all().remove(0);
    assert_eq!(stored.created_at, board.monitor.as_ref().unwrap().created_at);
}

#[tokio::test]
async fn what_is_under_way_is_done_although_its_client_went_away() {
    let place = Place::new().await;
    let body = json!({"type": "http", "name": "shop", "target": "http://shop.example/"});
    let request = Request::builder()
        .method(Method::POST)
        .uri("/api/v1/monitors")
        .header(header::AUTHORIZATION, format!("Bearer {}", place.admin))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .unwrap();
    // Asked once and then dropped, as a server does when the connection is gone.
    assert!(futures_util::FutureExt::now_or_never(place.send(request)).is_none());
    let shown = tokio::time::timeout(std::time::Duration::from_secs(30), async {
        while place.app.board.all().is_empty() {
            tokio::task::yield_now().await;
        }
    });
    shown.await.unwrap();
    assert_eq!(place.robots.take().len(), 1, "and its robot knows it");
}
