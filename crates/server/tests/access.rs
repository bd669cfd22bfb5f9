//! Who may come in: tokens and scopes, other organisations, sign-in, sessions, the first start, other sites.
//! What is refused is refused in the same words, whatever the reason that could help a guesser.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::net::{IpAddr, Ipv4Addr};

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use support::{
    Place,
    people::{PASSWORD, claimed, cookie, unclaimed, with_cookie},
};
use watchkeep_model::Scope;
use watchkeep_server::auth::{Bootstrap, ClaimRefused, FirstStartError, Password, SignInRefused, first_start};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

#[tokio::test]
async fn without_a_token_nothing_is_shown() {
    let place = Place::new().await;
    let id = place.monitor("shop").await["id"].as_str().unwrap().to_owned();
    for (method, path) in [
        (Method::GET, "/monitors".to_owned()),
        (Method::POST, "/monitors".to_owned()),
        (Method::GET, format!("/monitors/{id}")),
        (Method::PATCH, format!("/monitors/{id}")),
        (Method::PUT, format!("/monitors/{id}")),
        (Method::DELETE, format!("/monitors/{id}")),
        (Method::POST, format!("/monitors/{id}/activate")),
        (Method::POST, format!("/monitors/{id}/pause")),
        (Method::POST, format!("/monitors/{id}/test")),
        (Method::GET, format!("/monitors/{id}/results")),
        (Method::GET, format!("/monitors/{id}/events")),
        (Method::GET, format!("/monitors/{id}/uptime")),
        (Method::GET, format!("/monitors/{id}/series")),
        (Method::POST, "/tests".to_owned()),
        (Method::GET, "/incidents".to_owned()),
        (Method::GET, "/contacts".to_owned()),
        (Method::POST, "/contacts".to_owned()),
        (Method::GET, "/deliveries".to_owned()),
        (Method::GET, "/tokens".to_owned()),
        (Method::POST, "/tokens".to_owned()),
        (Method::GET, "/events".to_owned()),
    ] {
        for value in [None, Some("Bearer wrong"), Some("Basic YTpi"), Some("Bearer"), Some("Bearer ")] {
            let mut request = Request::builder().method(method.clone()).uri(format!("/api/v1{path}"));
            if let Some(value) = value {
                request = request.header(header::AUTHORIZATION, value);
            }
            let answer = place.send(request.body(Body::from("{\"what\": 1}")).unwrap()).await;
            answer.assert_problem(401, "valid token");
            assert_eq!(answer.header("www-authenticate"), "Bearer", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn scopes_hold() {
    let place = Place::new().await;
    let (read, write) = (place.token(Scope::Read).await, place.token(Scope::Write).await);
    let body = Some(json!({"type": "http", "name": "a", "target": "http://a/"}));
    place.call_as(&read, Method::POST, "/monitors", body.clone()).await.assert_problem(403, "scope write");
    place
        .call_as(&read, Method::POST, "/tests", Some(json!({"type": "http", "target": "http://a/"})))
        .await
        .assert_problem(403, "scope write");
    assert_eq!(place.call_as(&read, Method::GET, "/monitors", None).await.status, StatusCode::OK);
    assert_eq!(place.call_as(&write, Method::POST, "/monitors", body).await.status, StatusCode::CREATED);
    place.call_as(&write, Method::GET, "/tokens", None).await.assert_problem(403, "scope admin");
    place
        .call_as(&write, Method::POST, "/tokens", Some(json!({"name": "x", "scope": "admin"})))
        .await
        .assert_problem(403, "scope admin");
}

#[tokio::test]
async fn a_token_is_shown_once_and_stops_when_revoked() {
    let place = Place::new().await;
    let created = place.post("/tokens", json!({"name": "ci", "scope": "read"})).await.json();
    let secret = created["token"].as_str().unwrap().to_owned();
    assert_eq!(place.call_as(&secret, Method::GET, "/monitors", None).await.status, StatusCode::OK);
    let list = place.get("/tokens").await;
    assert!(!list.text().contains(&secret));
    let listed =
        list.json()["items"].as_array().unwrap().iter().find(|token| token["id"] == created["id"]).unwrap().clone();
    assert!(listed["last_used_at"].is_string());
    let path = format!("/tokens/{}", created["id"].as_str().unwrap());
    assert_eq!(place.call(Method::DELETE, &path, None).await.status, StatusCode::NO_CONTENT);
    place.call_as(&secret, Method::GET, "/monitors", None).await.assert_problem(401, "valid token");
    place.call(Method::DELETE, &path, None).await.assert_problem(404, "no such token");
}

#[tokio::test]
async fn another_organisations_things_are_missing() {
    let place = Place::new().await;
    let monitor = place.monitor("shop").await["id"].as_str().unwrap().to_owned();
    let contact = place
        .post("/contacts", json!({"name": "ops", "channels": [{"type": "webhook", "url": "http://a/"}]}))
        .await
        .json();
    let (channel, contact) =
        (contact["channels"][0]["id"].as_str().unwrap().to_owned(), contact["id"].as_str().unwrap().to_owned());
    let stranger = place.stranger().await;
    let none = "mon_00000000000000000000000000";
    for (method, path, body) in [
        (Method::GET, "", None),
        (Method::DELETE, "", None),
        (Method::PATCH, "", Some(json!({"name": "mine"}))),
        (Method::PUT, "", Some(json!({"type": "http", "name": "mine", "target": "http://a/"}))),
        (Method::POST, "/pause", None),
        (Method::POST, "/activate", None),
        (Method::POST, "/test", None),
        (Method::GET, "/results", None),
        (Method::GET, "/events", None),
        (Method::GET, "/uptime", None),
        (Method::GET, "/series", None),
    ] {
        let theirs =
            place.call_as(&stranger, method.clone(), &format!("/monitors/{monitor}{path}"), body.clone()).await;
        let missing = place.call_as(&stranger, method.clone(), &format!("/monitors/{none}{path}"), body).await;
        theirs.assert_problem(404, "no such monitor");
        assert_eq!(theirs.body, missing.body, "{method} {path}");
    }
    place
        .call_as(&stranger, Method::GET, &format!("/contacts/{contact}"), None)
        .await
        .assert_problem(404, "no such contact");
    place
        .call_as(&stranger, Method::DELETE, &format!("/contacts/{contact}"), None)
        .await
        .assert_problem(404, "no such contact");
    place
        .call_as(&stranger, Method::POST, &format!("/channels/{channel}/test"), None)
        .await
        .assert_problem(404, "no such channel");
    place
        .call_as(&stranger, Method::GET, &format!("/events?monitor={monitor}"), None)
        .await
        .assert_problem(404, "no such monitor");
    let theirs = json!({"type": "http", "name": "a", "target": "http://a/", "contacts": [contact]});
    place.call_as(&stranger, Method::POST, "/monitors", Some(theirs)).await.assert_problem(422, "contacts");
    assert_eq!(place.call_as(&stranger, Method::GET, "/monitors", None).await.json()["items"], json!([]));
    assert_eq!(place.get(&format!("/monitors/{monitor}")).await.json()["name"], "shop");
}

#[tokio::test]
async fn the_setup_link_makes_one_user() {
    let (place, secret) = unclaimed("https://watch.example/base/").await;
    let (store, auth, now) = (&*place.app.store, &place.app.auth, Timestamp::now());
    let claim = |secret: &str| {
        let secret = secret.to_owned();
        async move { auth.claim(store, &secret, "Ada".parse().unwrap(), Password::parse(PASSWORD).unwrap(), now).await }
    };
    assert!(matches!(claim("wrong").await, Err(ClaimRefused::Link)));
    assert!(auth.setup_link_works(store, &secret, now).await.unwrap());
    assert!(
        !auth.setup_link_works(store, &secret, now + SignedDuration::from_hours(25)).await.unwrap(),
        "it ends after a day"
    );
    let (_, set) = cookie(claim(&secret).await.unwrap());
    for part in ["__Host-watchkeep_session=", "; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
        assert!(set.contains(part), "{part} is not in {set}");
    }
    assert!(matches!(claim(&secret).await, Err(ClaimRefused::Link)), "it works once");
    let again = first_start(store, &place.app.public_url, Some(&"x".repeat(40)), now).await.unwrap();
    assert_eq!((again.setup_link, again.bootstrap), (None, Some(Bootstrap::Ignored)));
}

#[tokio::test]
async fn a_bootstrap_token_works_only_on_a_fresh_installation() {
    let (place, _) = unclaimed("http://127.0.0.1:8080/").await;
    let (store, url) = (&*place.app.store, &place.app.public_url);
    for weak in ["", "short", "0123456789 0123456789 0123456789 0123456789", &"ü".repeat(40)] {
        let refused = first_start(store, url, Some(weak), Timestamp::now()).await;
        assert!(matches!(refused, Err(FirstStartError::WeakToken)), "{weak:?}");
    }
    let token = "0123456789abcdef0123456789abcdef";
    let first = first_start(store, url, Some(token), Timestamp::now()).await.unwrap();
    assert_eq!(first.bootstrap, Some(Bootstrap::Created));
    assert_eq!(place.call_as(token, Method::GET, "/tokens", None).await.status, StatusCode::OK);
    let second = first_start(store, url, Some("fedcba9876543210fedcba9876543210"), Timestamp::now()).await.unwrap();
    assert_eq!(second.bootstrap, Some(Bootstrap::Ignored));
    assert!(second.setup_link.is_some(), "there is a token, and still nobody who can see the pages");
    place
        .call_as("fedcba9876543210fedcba9876543210", Method::GET, "/tokens", None)
        .await
        .assert_problem(401, "valid token");
}

#[tokio::test]
async fn so_many_guesses_at_once_are_no_way_around_the_pauses() {
    let (place, _) = claimed().await;
    let (store, auth, now) = (&*place.app.store, &place.app.auth, Timestamp::now());
    let guesses = (0..20).map(|_| auth.sign_in(store, "ada", "wrong password", HERE, now));
    let outcomes = futures_util::future::join_all(guesses).await;
    let evaluated = outcomes.iter().filter(|outcome| matches!(outcome, Err(SignInRefused::Wrong))).count();
    assert_eq!(evaluated, 5);
}

#[tokio::test]
async fn signing_in_and_out() {
    let (place, _) = claimed().await;
    let (store, auth, now) = (&*place.app.store, &place.app.auth, Timestamp::now());
    let (session, set) = cookie(auth.sign_in(store, " ada ", PASSWORD, HERE, now).await.unwrap());
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax") && !set.contains("Secure"), "{set}");
    let answer = place.send(with_cookie(Method::GET, "/api/v1/tokens", &session).body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK, "a signed-in person is the administrator");

    for (name, password) in
        [("ada", "wrong password"), ("bob", PASSWORD), ("", ""), ("ada\0", PASSWORD), (&"x".repeat(100_000), PASSWORD)]
    {
        let refused = auth.sign_in(store, name, password, HERE, now).await;
        assert!(matches!(refused, Err(SignInRefused::Wrong)));
    }
    let other = with_cookie(Method::GET, "/api/v1/monitors", "watchkeep_session=x; a=b").body(Body::empty()).unwrap();
    place.send(other).await.assert_problem(401, "sign in");
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let (place, _) = claimed().await;
    let (store, auth, now) = (&*place.app.store, &place.app.auth, Timestamp::now());
    for name in ["ada", "nobody"] {
        for _ in 0..5 {
            assert!(matches!(auth.sign_in(store, name, "wrong password", HERE, now).await, Err(SignInRefused::Wrong)));
        }
        assert!(matches!(auth.sign_in(store, name, PASSWORD, HERE, now).await, Err(SignInRefused::Wait(_))), "{name}");
    }
    let elsewhere = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
    assert!(auth.sign_in(store, "ada", PASSWORD, elsewhere, now).await.is_ok());
    assert!(auth.sign_in(store, "ada", PASSWORD, HERE, now + SignedDuration::from_mins(16)).await.is_ok());
}

#[tokio::test]
async fn other_sites_cannot_act_in_a_persons_name() {
    let (place, session) = claimed().await;
    let body = || Body::from(json!({"type": "http", "name": "a", "target": "http://a/"}).to_string());
    let post =
        || with_cookie(Method::POST, "/api/v1/monitors", &session).header(header::CONTENT_TYPE, "application/json");
    for request in [
        post(),
        post().header("sec-fetch-site", "cross-site"),
        post().header("sec-fetch-site", "same-site").header(header::ORIGIN, "http://127.0.0.1:8080"),
        post().header(header::ORIGIN, "http://evil.example"),
        post().header(header::ORIGIN, "http://127.0.0.1:9999"),
        post().header(header::ORIGIN, "null"),
        post().header(header::ORIGIN, "http://evil.example").header(header::AUTHORIZATION, "Basic eDp5"),
    ] {
        place.send(request.body(body()).unwrap()).await.assert_problem(403, "another site");
    }
    for request in
        [post().header("sec-fetch-site", "same-origin"), post().header(header::ORIGIN, "http://127.0.0.1:8080")]
    {
        assert_eq!(place.send(request.body(body()).unwrap()).await.status, StatusCode::CREATED);
    }
}
