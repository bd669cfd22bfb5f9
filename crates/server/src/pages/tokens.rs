//! Access for programs: tokens, made and revoked.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State as Shared},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use serde_json::json;
use watchkeep_model::Object;

use super::{
    fault::Fault,
    form::Form,
    frame::{Link, Section, page, page_with},
    shown::Moment,
};
use crate::{
    App,
    auth::SignedIn,
    tokens::{self as desk, TokenError},
};

struct TokenRow {
    id: String,
    name: String,
    scope: &'static str,
    created: Moment,
    used: Option<Moment>,
}

#[derive(Template)]
#[template(path = "tokens.html")]
struct TokensPage<'a> {
    links: [Link; 5],
    tokens: Vec<TokenRow>,
    /// The secret that was just made.
    fresh: &'a str,
    public_url: &'a str,
    problems: Vec<String>,
    name: &'a str,
}

async fn rows(app: &App, person: &SignedIn) -> Result<Vec<TokenRow>, Fault> {
    let now = Timestamp::now();
    let tokens = app.store.tokens(&person.org).await?;
    let row = |token: watchkeep_model::Token| TokenRow {
        id: token.id.to_string(),
        name: token.name.to_string(),
        scope: token.scope.as_str(),
        created: Moment::new(token.created_at, now),
        used: token.last_used_at.map(|at| Moment::new(at, now)),
    };
    Ok(tokens.into_iter().map(row).collect())
}

fn empty<'a>(app: &'a App, tokens: Vec<TokenRow>) -> TokensPage<'a> {
    let public_url = app.public_url.as_str().trim_end_matches('/');
    TokensPage { links: Section::Tokens.links(), tokens, fresh: "", public_url, problems: Vec::new(), name: "" }
}

pub(super) async fn list(Shared(app): Shared<Arc<App>>, person: SignedIn) -> Result<Response, Fault> {
    Ok(page(&empty(&app, rows(&app, &person).await?)))
}

pub(super) async fn create(Shared(app): Shared<Arc<App>>, person: SignedIn, form: Form) -> Result<Response, Fault> {
    let mut input = Object::new();
    input.insert("name".to_owned(), json!(form.text("name")));
    input.insert("scope".to_owned(), json!(form.text("scope")));
    match desk::create(&app, &person.org, input, Timestamp::now()).await {
        Ok((_, secret)) => {
            let tokens = rows(&app, &person).await?;
            Ok(page(&TokensPage { fresh: secret.expose(), ..empty(&app, tokens) }))
        }
        Err(TokenError::Invalid(invalid)) => {
            let problems = invalid.problems().iter().map(ToString::to_string).collect();
            let tokens = rows(&app, &person).await?;
            let page = TokensPage { problems, name: form.text("name"), ..empty(&app, tokens) };
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn revoke(
    Shared(app): Shared<Arc<App>>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let id = id.parse().map_err(|_| TokenError::Missing)?;
    desk::revoke(&app, &person.org, &id).await?;
    Ok(Redirect::to("/tokens").into_response())
}
