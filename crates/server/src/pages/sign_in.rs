//! Signing in and out, and the page behind the one-time link of the first start.

use std::{net::SocketAddr, sync::Arc};

use askama::Template;
use axum::{
    extract::{ConnectInfo, Path, State as Shared},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use watchkeep_model::Name;

use super::{
    fault::Fault,
    form::Form,
    frame::{page, page_with},
};
use crate::{
    App,
    api::Query,
    auth::{ClaimRefused, Password, SignInRefused, SignedIn},
};

/// A name that is longer than any can be is not sent back, in bytes.
const LONGEST_SHOWN: usize = 1_000;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    next: &'a str,
    name: &'a str,
    problem: String,
    /// Nobody has chosen a password yet: the link from the start is needed first.
    is_unclaimed: bool,
}

/// A path of this installation and nothing else, so that signing in leads nowhere foreign.
fn local(next: &str) -> &str {
    let is_path =
        next.starts_with('/') && !next.starts_with("//") && !next.contains(|c: char| c == '\\' || c.is_control());
    if is_path { next } else { "/" }
}

pub(super) async fn form(
    Shared(app): Shared<Arc<App>>,
    person: Option<SignedIn>,
    mut query: Query,
) -> Result<Response, Fault> {
    let next: String = query.take("next").unwrap_or_default();
    if person.is_some() {
        return Ok(Redirect::to(local(&next)).into_response());
    }
    let is_unclaimed = !app.store.has_users().await?;
    Ok(page(&SignInPage { next: local(&next), name: "", problem: String::new(), is_unclaimed }))
}

pub(super) async fn sign_in(
    Shared(app): Shared<Arc<App>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    form: Form,
) -> Result<Response, Fault> {
    let next = local(form.text("next"));
    let (name, password) = (form.text("name"), form.raw("password"));
    match app.auth.sign_in(&*app.store, name, password, peer.ip(), Timestamp::now()).await {
        Ok(cookie) => Ok((cookie, Redirect::to(next)).into_response()),
        Err(SignInRefused::Store(error)) => Err(error.into()),
        Err(refused) => {
            let problem = sentence(&refused);
            let name = if name.len() <= LONGEST_SHOWN { name } else { "" };
            let page = SignInPage { next, name, problem, is_unclaimed: false };
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
    }
}

/// An error's words as a sentence of its own.
fn sentence(error: &impl ToString) -> String {
    let text = error.to_string();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

pub(super) async fn sign_out(Shared(app): Shared<Arc<App>>, person: SignedIn) -> Result<Response, Fault> {
    let cookie = app.auth.sign_out(&*app.store, &person).await?;
    Ok((cookie, Redirect::to("/sign-in")).into_response())
}

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage<'a> {
    secret: &'a str,
    works: bool,
    name: &'a str,
    problems: Vec<String>,
}

pub(super) async fn setup(Shared(app): Shared<Arc<App>>, Path(secret): Path<String>) -> Result<Response, Fault> {
    let works = app.auth.setup_link_works(&*app.store, &secret, Timestamp::now()).await?;
    let page = SetupPage { secret: &secret, works, name: "", problems: Vec::new() };
    Ok(page_with(if works { StatusCode::OK } else { StatusCode::NOT_FOUND }, &page))
}

pub(super) async fn claim(
    Shared(app): Shared<Arc<App>>,
    Path(secret): Path<String>,
    form: Form,
) -> Result<Response, Fault> {
    let name = form.text("name");
    let mut problems = Vec::new();
    let parsed: Result<Name, _> = name.parse();
    if let Err(error) = &parsed {
        problems.push(format!("The name {error}."));
    }
    let password = Password::parse(form.raw("password"));
    if let Err(error) = &password {
        problems.push(format!("The password {error}."));
    }
    if form.raw("password") != form.raw("repeated") {
        problems.push("The two passwords differ.".to_owned());
    }
    let (Ok(parsed), Ok(password), true) = (parsed, password, problems.is_empty()) else {
        return Ok(page_with(
            StatusCode::UNPROCESSABLE_ENTITY,
            &SetupPage { secret: &secret, works: true, name, problems },
        ));
    };
    match app.auth.claim(&*app.store, &secret, parsed, password, Timestamp::now()).await {
        Ok(cookie) => Ok((cookie, Redirect::to("/")).into_response()),
        Err(ClaimRefused::Link) => {
            let page = SetupPage { secret: &secret, works: false, name, problems: Vec::new() };
            Ok(page_with(StatusCode::NOT_FOUND, &page))
        }
        Err(ClaimRefused::Store(error)) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_nowhere_foreign() {
        for path in ["/", "/monitors/mon_1?a=b"] {
            assert_eq!(local(path), path);
        }
        for foreign in
            ["", "//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/\r\nX: y"]
        {
            assert_eq!(local(foreign), "/");
        }
    }
}
