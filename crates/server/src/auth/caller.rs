//! Who calls the API: a token or a signed-in person, and what they may do.
//! A handler asks for [`CanRead`], [`CanWrite`] or [`CanAdmin`]; nothing else lets it know an organisation.

use std::sync::Arc;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use jiff::Timestamp;
use watchkeep_model::{OrgId, Scope, TokenId, UserId};

use super::{random::hash_of, session::signed_in};
use crate::{App, api::Problem};

/// Who calls.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The organisation whose things they see.
    pub org: OrgId,
    /// What they may do.
    pub scope: Scope,
    /// By what they were recognised.
    pub identity: Identity,
}

/// By what a caller was recognised.
#[derive(Clone, Debug)]
pub enum Identity {
    /// A bearer token.
    Token(TokenId),
    /// A session cookie.
    User(UserId),
}

/// A caller who may look.
#[derive(Clone, Debug)]
pub struct CanRead(pub Caller);
/// A caller who may change monitors, contacts and incidents.
#[derive(Clone, Debug)]
pub struct CanWrite(pub Caller);
/// A caller who may do everything.
#[derive(Clone, Debug)]
pub struct CanAdmin(pub Caller);

async fn caller(headers: &HeaderMap, app: &App) -> Result<Caller, Problem> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let secret = bearer(value.to_str().unwrap_or_default()).ok_or_else(Problem::unauthenticated)?;
        // Looked up by hash: the time that it takes says nothing about the secret.
        let token = app.store.token(hash_of(secret), Timestamp::now()).await?.ok_or_else(Problem::unauthenticated)?;
        return Ok(Caller { org: token.org, scope: token.scope, identity: Identity::Token(token.id) });
    }
    let person = signed_in(app, headers).await?.ok_or_else(Problem::unauthenticated)?;
    Ok(Caller { org: person.org, scope: Scope::Admin, identity: Identity::User(person.user) })
}

/// Whether whoever sent these headers may come in no longer: the token was revoked, the session has ended. A store
/// that does not answer says nothing about it.
pub(crate) async fn has_ended(headers: &HeaderMap, app: &App) -> bool {
    caller(headers, app).await.is_err_and(|problem| problem.status() == StatusCode::UNAUTHORIZED)
}

/// The token of `Bearer TOKEN` (RFC 6750, 2.1); the scheme's case does not matter.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

async fn caller_with(scope: Scope, parts: &Parts, app: &App) -> Result<Caller, Problem> {
    let caller = caller(&parts.headers, app).await?;
    if caller.scope < scope { Err(Problem::forbidden(scope)) } else { Ok(caller) }
}

impl FromRequestParts<Arc<App>> for CanRead {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        caller_with(Scope::Read, parts, app).await.map(Self)
    }
}

impl FromRequestParts<Arc<App>> for CanWrite {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        caller_with(Scope::Write, parts, app).await.map(Self)
    }
}

impl FromRequestParts<Arc<App>> for CanAdmin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        caller_with(Scope::Admin, parts, app).await.map(Self)
    }
}
