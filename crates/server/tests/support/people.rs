//! People for tests: whoever claims a fresh installation, and the cookie of their browser.
//! Nothing here goes through pages; those have tests of their own.

use axum::{
    http::{Method, Request, header},
    response::IntoResponse,
};
use jiff::Timestamp;
use watchkeep_server::auth::{Password, SessionCookie, first_start};

use super::Place;

pub const PASSWORD: &str = "correct horse battery";

/// The `Cookie` header that a browser sends after it got this one.
pub fn cookie(cookie: SessionCookie) -> (String, String) {
    let response = (cookie, "").into_response();
    let set = response.headers()[header::SET_COOKIE].to_str().unwrap().to_owned();
    (set.split(';').next().unwrap().to_owned(), set)
}

/// An unclaimed place, and the secret of its set-up link.
pub async fn unclaimed(public_url: &str) -> (Place, String) {
    let place = Place::at(public_url).await;
    let secret = set_up(&place).await;
    (place, secret)
}

/// Makes a place unclaimed; the secret of its set-up link.
async fn set_up(place: &Place) -> String {
    let tokens = place.app.store.tokens(&place.org).await.unwrap();
    for token in tokens {
        place.app.store.delete_token(&place.org, &token.id).await.unwrap();
    }
    let public_url = &place.app.public_url;
    let first = first_start(&*place.app.store, public_url, None, Timestamp::now()).await.unwrap();
    let link = first.setup_link.unwrap();
    assert!(link.as_str().starts_with(&format!("{public_url}setup/")), "{link}");
    link.path_segments().unwrap().next_back().unwrap().to_owned()
}

pub async fn claimed() -> (Place, String) {
    let place = Place::new().await;
    let session = claim(&place).await;
    (place, session)
}

/// Claims a place, whose tokens end with that; the cookie of whoever did.
pub async fn claim(place: &Place) -> String {
    let secret = set_up(place).await;
    let password = Password::parse(PASSWORD).unwrap();
    let (app, name) = (&place.app, "Ada".parse().unwrap());
    let session = app.auth.claim(&*app.store, &secret, name, password, Timestamp::now()).await.unwrap();
    cookie(session).0
}

pub fn with_cookie(method: Method, path: &str, cookie: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header(header::COOKIE, cookie).header(header::HOST, "127.0.0.1:8080")
}
