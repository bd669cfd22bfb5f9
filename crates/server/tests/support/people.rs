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
    let tokens = place.app.store.tokens(&place.org).await.unwrap();
    for token in tokens {
        place.app.store.delete_token(&place.org, &token.id).await.unwrap();
    }
    let first = first_start(&*place.app.store, &place.app.public_url, None, Timestamp::now()).await.unwrap();
    let link = first.setup_link.unwrap();
    assert!(link.as_str().starts_with(&format!("{public_url}setup/")), "{link}");
    let secret = link.path_segments().unwrap().next_back().unwrap().to_owned();
    (place, secret)
}

pub async fn claimed() -> (Place, String) {
    let (place, secret) = unclaimed("http://127.0.0.1:8080/").await;
    let password = Password::parse(PASSWORD).unwrap();
    let session = place
        .app
        .auth
        .claim(&*place.app.store, &secret, "Ada".parse().unwrap(), password, Timestamp::now())
        .await
        .unwrap();
    (place, cookie(session).0)
}

pub fn with_cookie(method: Method, path: &str, cookie: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header(header::COOKIE, cookie).header(header::HOST, "127.0.0.1:8080")
}
