//! `/tokens`: access for programs.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use jiff::Timestamp;
use watchkeep_model::TokenId;

use super::{
    JsonObject, Problem, id_in_path,
    schema::TokenInput,
    view::{Listed, TokenView},
};
use crate::{App, auth::CanAdmin, tokens as desk};

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
    let (token, secret) = desk::create(&app, &caller.org, body, Timestamp::now()).await?;
    Ok((StatusCode::CREATED, Json(TokenView::from(token).with_secret(secret.expose()))))
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
    desk::revoke(&app, &caller.org, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
