//! Bad input to the API: each gets a 4xx with one clear sentence that names the field, and nothing else happens.
//! The table is one list of requests; what is valid is tested elsewhere.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use serde_json::{Value, json};
use support::Place;

fn website(change: impl FnOnce(&mut Value)) -> Value {
    let mut body = json!({"type": "http", "name": "shop", "target": "https://shop.example/"});
    change(&mut body);
    body
}

#[tokio::test]
async fn every_wrong_field_of_a_monitor_is_named() {
    let place = Place::new().await;
    let known = place.monitor("known").await;
    let table: Vec<(&str, Value, &str)> = vec![
        ("no name", json!({"type": "http", "target": "http://a.example"}), "name"),
        ("no type", json!({"name": "a", "target": "http://a.example"}), "type"),
        ("no target", json!({"name": "a", "type": "http"}), "target"),
        ("nothing", json!({}), "type"),
        ("unknown field", website(|m| m["colour"] = json!("red")), "colour"),
        ("unknown option", website(|m| m["http"] = json!({"verb": "GET"})), "http.verb"),
        ("options of another type", website(|m| m["tcp"] = json!({})), "tcp"),
        ("unknown type", website(|m| m["type"] = json!("gopher")), "type"),
        ("unknown family", website(|m| m["family"] = json!("pet")), "family"),
        ("type of another family", website(|m| m["family"] = json!("server")), "type"),
        ("name is a number", website(|m| m["name"] = json!(7)), "name"),
        ("name is empty", website(|m| m["name"] = json!("  ")), "name"),
        ("name is long", website(|m| m["name"] = json!("x".repeat(201))), "name"),
        ("name has NUL", website(|m| m["name"] = json!("a\u{0}b")), "name"),
        ("name has a line break", website(|m| m["name"] = json!("a\nb")), "name"),
        ("target is a list", website(|m| m["target"] = json!(["http://a"])), "target"),
        ("target is relative", website(|m| m["target"] = json!("shop.example")), "target"),
        ("target has no host", website(|m| m["target"] = json!("http://")), "target"),
        ("target has a bad port", website(|m| m["target"] = json!("http://a:99999/")), "target"),
        ("target has another scheme", website(|m| m["target"] = json!("ftp://a/")), "target"),
        ("target has a user alone", website(|m| m["target"] = json!("http://ada@a/")), "target"),
        ("target is huge", website(|m| m["target"] = json!(format!("http://a/{}", "x".repeat(70_000)))), "target"),
        ("interval is no duration", website(|m| m["interval"] = json!("soon")), "interval"),
        ("interval is a number", website(|m| m["interval"] = json!(60)), "interval"),
        ("interval is short", website(|m| m["interval"] = json!("10ms")), "interval"),
        ("interval is long", website(|m| m["interval"] = json!("8d")), "interval"),
        ("interval overflows", website(|m| m["interval"] = json!("99999999999999999999d")), "interval"),
        ("timeout is zero", website(|m| m["timeout"] = json!("0s")), "timeout"),
        ("timeout is long", website(|m| m["timeout"] = json!("301s")), "timeout"),
        (
            "connect limit above the timeout",
            website(|m| {
                m["timeout"] = json!("2s");
                m["connect_timeout"] = json!("3s");
            }),
            "connect_timeout",
        ),
        ("retries are many", website(|m| m["confirm"] = json!({"retries": 11})), "confirm.retries"),
        ("retries are negative", website(|m| m["confirm"] = json!({"retries": -1})), "confirm.retries"),
        ("retries are a fraction", website(|m| m["confirm"] = json!({"retries": 1.5})), "confirm.retries"),
        (
            "retries are huge",
            website(|m| m["confirm"] = json!({"retries": 18446744073709551615_u64})),
            "confirm.retries",
        ),
        ("confirm is a text", website(|m| m["confirm"] = json!("yes")), "confirm"),
        ("more locations than there are", website(|m| m["confirm"] = json!({"locations": 2})), "confirm.locations"),
        ("no locations", website(|m| m["locations"] = json!([])), "locations"),
        ("location without a robot", website(|m| m["locations"] = json!(["paris"])), "locations"),
        ("tag has capitals", website(|m| m["tags"] = json!(["Prod"])), "tags[0]"),
        ("tags are a text", website(|m| m["tags"] = json!("prod")), "tags"),
        ("contact is no id", website(|m| m["contacts"] = json!(["ops"])), "contacts[0]"),
        ("contact is not there", website(|m| m["contacts"] = json!(["con_00000000000000000000000000"])), "contacts"),
        ("active is a text", website(|m| m["active"] = json!("yes")), "active"),
        ("ip is 5", website(|m| m["ip"] = json!("5")), "ip"),
        ("resolver is a name", website(|m| m["resolver"] = json!("dns.example")), "resolver"),
        ("fixed address is none", website(|m| m["resolve"] = json!(["shop.example"])), "resolve[0]"),
        ("method is TRACE", website(|m| m["http"] = json!({"method": "TRACE"})), "http.method"),
        ("header has a line break", website(|m| m["http"] = json!({"headers": {"X": "a\r\nb"}})), "http.headers.X"),
        ("header has a bad name", website(|m| m["http"] = json!({"headers": {"a b": "c"}})), "http.headers.a b"),
        (
            "header frames the message",
            website(|m| m["http"] = json!({"headers": {"Content-Length": "5"}})),
            "http.headers.Content-Length",
        ),
        ("status is no status", website(|m| m["http"] = json!({"accept_status": "ok"})), "http.accept_status"),
        ("pattern does not compile", website(|m| m["http"] = json!({"require": ["/(/"]})), "http.require[0]"),
        ("pattern is too large", website(|m| m["http"] = json!({"forbid": ["/(a{1000}){1000}/"]})), "http.forbid[0]"),
        ("redirects are many", website(|m| m["http"] = json!({"max_redirects": 51})), "http.max_redirects"),
        ("body is too large a bound", website(|m| m["http"] = json!({"max_body": "2GiB"})), "http.max_body"),
        ("version is 9", website(|m| m["http"] = json!({"http_version": "9"})), "http.http_version"),
        ("basic has no password", website(|m| m["http"] = json!({"basic": "ada"})), "http.basic"),
        ("two kinds of credentials", website(|m| m["http"] = json!({"basic": "a:b", "bearer": "c"})), "http.bearer"),
        ("proxy is no URL", website(|m| m["http"] = json!({"proxy": "proxy:3128"})), "http.proxy"),
        ("options are a list", website(|m| m["http"] = json!([])), "http"),
    ];
    let id = known["id"].as_str().unwrap();
    for (name, body, field) in table {
        let answers = [
            place.post("/monitors", body.clone()).await,
            place.call(Method::PUT, &format!("/monitors/{id}"), Some(body)).await,
        ];
        for answer in answers {
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{name}: {}", answer.text());
            let problem = answer.assert_problem(422, field);
            let fields: Vec<_> =
                problem["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
            assert!(fields.contains(&field), "{name}: {fields:?}");
        }
    }
    let list = place.get("/monitors").await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1, "nothing was made");
    assert_eq!(list["items"][0]["name"], "known", "nothing was changed");
    assert_eq!(place.robots.take().len(), 1, "robots heard of one monitor only");
}

#[tokio::test]
async fn a_test_that_cannot_run_names_its_code() {
    let place = Place::new().await;
    for (body, code) in [
        (json!({"type": "http"}), 410),
        (json!({"type": "http", "target": "ftp://a/"}), 411),
        (json!({"type": "http", "target": "http://a/", "timeout": "0s"}), 454),
        (json!({"type": "gopher", "target": "gopher://a/"}), 100),
        (json!({"target": "http://a/"}), 101),
    ] {
        let problem = place.post("/tests", body).await.assert_problem(422, "");
        assert_eq!(problem["errors"][0]["code"], code, "{problem}");
    }
}

async fn raw(place: &Place, content_type: Option<&str>, body: impl Into<Body>) -> support::Answer {
    let mut request =
        Request::post("/api/v1/monitors").header(header::AUTHORIZATION, format!("Bearer {}", place.admin));
    if let Some(content_type) = content_type {
        request = request.header(header::CONTENT_TYPE, content_type);
    }
    place.send(request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn bodies_that_are_no_json_object_are_refused_in_one_sentence() {
    let place = Place::new().await;
    let json = Some("application/json");
    raw(&place, json, "").await.assert_problem(400, "empty");
    raw(&place, json, "{").await.assert_problem(400, "not valid JSON");
    raw(&place, json, "[1]").await.assert_problem(400, "must be a JSON object");
    raw(&place, json, "null").await.assert_problem(400, "must be a JSON object");
    raw(&place, json, vec![b'{', 0xff, b'}']).await.assert_problem(400, "not valid JSON");
    raw(&place, json, "{\"name\": NaN}").await.assert_problem(400, "not valid JSON");
    raw(&place, json, "{\"name\":\"a\",\"name\":\"b\"}").await.assert_problem(400, "name stands twice");
    raw(&place, json, format!("{{\"http\":{}", "[".repeat(10_000))).await.assert_problem(400, "deeper than 32");
    raw(&place, json, format!("{{\"name\":\"{}\"}}", "x".repeat(10 << 20))).await.assert_problem(413, "1024 KiB");
    raw(&place, None, "{}").await.assert_problem(415, "Content-Type: application/json");
    raw(&place, Some("text/plain"), "{}").await.assert_problem(415, "Content-Type: application/json");
    raw(&place, Some("application/x-www-form-urlencoded"), "name=a")
        .await
        .assert_problem(415, "Content-Type: application/json");
    assert_eq!(place.get("/monitors").await.json()["items"], json!([]));
}

#[tokio::test]
async fn unknown_paths_methods_and_ids_are_problems_too() {
    let place = Place::new().await;
    place.get("/nothing").await.assert_problem(404, "Nothing is served");
    place.get("").await.assert_problem(404, "Nothing is served");
    place.call(Method::PUT, "/monitors", Some(json!({}))).await.assert_problem(405, "does not take this method");
    let answer = place.call(Method::DELETE, "/status-codes", None).await;
    answer.assert_problem(405, "does not take this method");
    assert!(answer.header("allow").contains("GET"), "{:?}", answer.headers);
    for path in [
        "/monitors/x",
        "/monitors/mon_00000000000000000000000000",
        "/monitors/inc_00000000000000000000000000",
        "/monitors/%00",
        "/monitors/..%2f..%2fetc",
    ] {
        place.get(path).await.assert_problem(404, "There is no such monitor");
    }
    place.get("/incidents/inc_00000000000000000000000000").await.assert_problem(404, "no such incident");
    place.get("/contacts/x").await.assert_problem(404, "no such contact");
    place.get("/status-codes/service/9999").await.assert_problem(404, "no such status code");
    place.get("/status-codes/service/99999999").await.assert_problem(404, "no such status code");
    place.call(Method::DELETE, "/tokens/x", None).await.assert_problem(404, "no such token");
    place.call(Method::POST, "/channels/x/test", None).await.assert_problem(404, "no such channel");
}

#[tokio::test]
async fn wrong_query_parameters_are_named() {
    let place = Place::new().await;
    let id = place.monitor("shop").await["id"].as_str().unwrap().to_owned();
    for (path, field) in [
        ("/monitors?limit=0".to_owned(), "limit"),
        ("/monitors?limit=1001".to_owned(), "limit"),
        ("/monitors?limit=x".to_owned(), "limit"),
        ("/monitors?limit=5&limit=6".to_owned(), "limit"),
        ("/monitors?colour=red".to_owned(), "colour"),
        ("/monitors?family=pet".to_owned(), "family"),
        ("/monitors?status=great".to_owned(), "status"),
        ("/monitors?sort=colour".to_owned(), "sort"),
        ("/monitors?after=x".to_owned(), "after"),
        ("/incidents?state=maybe".to_owned(), "state"),
        ("/incidents?monitor=x".to_owned(), "monitor"),
        (format!("/monitors/{id}/results?after=%00"), "after"),
        (format!("/monitors/{id}/series?from=yesterday"), "from"),
        (format!("/monitors/{id}/series?from=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z"), "from"),
        (format!("/monitors/{id}/series?points=501"), "points"),
    ] {
        let problem = place.get(&path).await.assert_problem(400, field);
        assert_eq!(problem["errors"][0]["field"], field, "{path}: {problem}");
    }
}

#[tokio::test]
async fn a_cursor_of_another_list_is_refused() {
    let place = Place::new().await;
    for name in ["a", "b", "c"] {
        place.monitor(name).await;
    }
    let next = place.get("/monitors?limit=1").await.json()["next"].as_str().unwrap().to_owned();
    assert_eq!(place.get(&format!("/monitors?limit=1&after={next}")).await.json()["items"][0]["name"], "b");
    place.get(&format!("/monitors?sort=-since&after={next}")).await.assert_problem(400, "another list");
    place.get(&format!("/incidents?after={next}")).await.assert_problem(400, "another list");
}

#[tokio::test]
async fn wrong_contacts_and_tokens_are_named() {
    let place = Place::new().await;
    for (body, field) in [
        (json!({}), "name"),
        (json!({"name": "ops", "channels": "none"}), "channels"),
        (json!({"name": "ops", "channels": [{"type": "pigeon"}]}), "channels[0].type"),
        (json!({"name": "ops", "channels": [{"type": "webhook"}]}), "channels[0].url"),
        (json!({"name": "ops", "channels": [{"type": "webhook", "url": "ftp://a"}]}), "channels[0].url"),
        (json!({"name": "ops", "channels": [{"type": "webhook", "url": "http://u:p@a/"}]}), "channels[0].url"),
        (
            json!({"name": "ops", "channels": [{"type": "webhook", "url": "http://a/", "secret": "short"}]}),
            "channels[0].secret",
        ),
        (
            json!({"name": "ops", "channels": [{"type": "webhook", "url": "http://a/", "id": "cha_x"}]}),
            "channels[0].id",
        ),
        (
            json!({"name": "ops", "channels": [{"type": "webhook", "url": "http://a/", "id": "cha_00000000000000000000000000"}]}),
            "channels[0].id",
        ),
        (json!({"name": "ops", "phone": "1"}), "phone"),
    ] {
        let problem = place.post("/contacts", body.clone()).await.assert_problem(422, field);
        assert_eq!(problem["errors"][0]["field"], field, "{body}: {problem}");
    }
    for (body, field) in [
        (json!({"scope": "read"}), "name"),
        (json!({"name": "ci"}), "scope"),
        (json!({"name": "ci", "scope": "root"}), "scope"),
        (json!({"name": "ci", "scope": "read", "secret": "x"}), "secret"),
    ] {
        let problem = place.post("/tokens", body.clone()).await.assert_problem(422, field);
        assert_eq!(problem["errors"][0]["field"], field, "{body}: {problem}");
    }
}
