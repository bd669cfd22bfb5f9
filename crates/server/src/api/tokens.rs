//! `/tokens`: access for programs.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use jiff::Timestamp;
use watchkeep_model::{Invalid, Name, Object, Reader, Scope, Token, TokenId};
use watchkeep_store::{NewToken, Put};

use super::{
    JsonObject, Problem, id_in_path,
    schema::TokenInput,
    view::{Listed, TokenView},
};
use crate::{
    App,
    auth::{CanAdmin, NewSecret, fresh_id},
};

/// List tokens
///
/// Without their secrets.
#[utoipa::path(
    get, path = "/tokens", tag = "tokens",
    responses((status = 200, description = "All tokens.", body = Listed<TokenView>)),
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    CanAdmin(caller): CanAdmin,
) -> Result<Json<Listed<TokenView>>, Problem> {
    let tokens = app.store.tokens(&caller.org).await?;
    Ok(Json(Listed { items: tokens.into_iter().map(TokenView::from).collect(), next: None }))
}

/// Create a token
///
/// The answer is the only one that shows the secret.
#[utoipa::path(
    post, path = "/tokens", tag = "tokens",
    params(("Idempotency-Key" = Option<String>, Header, description = "A text of your choice: the same request with the same key creates nothing twice.")),
    request_body = TokenInput,
    responses((status = 201, description = "The new token, with its secret.", body = TokenView)),
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    CanAdmin(caller): CanAdmin,
    JsonObject(body): JsonObject,
) -> Result<(StatusCode, Json<TokenView>), Problem> {
    let (name, scope) = parse(body)?;
    let secret = NewSecret::with_prefix("wkt_");
    let token =
        Token { id: fresh_id(), org: caller.org, name, scope, created_at: Timestamp::now(), last_used_at: None };
    app.store.create_token(NewToken { token: token.clone(), hash: secret.hash() }).await?;
    Ok((StatusCode::CREATED, Json(TokenView::from(token).with_secret(secret.expose()))))
}

fn parse(body: Object) -> Result<(Name, Scope), Invalid> {
    let mut reader = Reader::new(body);
    let before = reader.problem_count();
    let name = reader.parse::<Name>("name");
    if name.is_none() && reader.problem_count() == before {
        reader.problem("name", "is missing; say what the token is for");
    }
    let before = reader.problem_count();
    let scope = reader.parse::<Scope>("scope");
    if scope.is_none() && reader.problem_count() == before {
        reader.problem("scope", "is missing; it may be read, write or admin");
    }
    Invalid::check(reader.into_problems())?;
    name.zip(scope).ok_or_else(|| Invalid::one("", "this is not a complete token"))
}

/// Revoke a token
///
/// It stops working at once.
#[utoipa::path(
    delete, path = "/tokens/{id}", tag = "tokens",
    params(("id" = String, Path, description = "The token's id (not its secret).")),
    responses((status = 204, description = "It is gone.")),
)]
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    CanAdmin(caller): CanAdmin,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id: TokenId = id_in_path(&id)?;
    match app.store.delete_token(&caller.org, &id).await? {
        Put::Missing => Err(Problem::missing("token")),
        Put::Done | Put::Conflict => Ok(StatusCode::NO_CONTENT),
    }
}
