//! Tokens for programs: made and revoked, by the API and the pages alike.
//! The secret leaves this room once.

use jiff::Timestamp;
use watchkeep_model::{Invalid, Name, Object, OrgId, Reader, Scope, Token, TokenId, to_the_microsecond};
use watchkeep_store::{NewToken, Put, StoreError};

use crate::{
    App,
    api::Problem,
    auth::{NewSecret, fresh_id},
};

/// Why a token was not made or revoked.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The input is wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// There is no such token.
    #[error("there is no such token")]
    Missing,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Invalid(invalid) => Self::invalid(&invalid),
            TokenError::Missing => Self::missing("token"),
            TokenError::Store(error) => error.into(),
        }
    }
}

/// Makes a token; the secret is shown now or never.
///
/// # Errors
/// Why not.
pub async fn create(app: &App, org: &OrgId, input: Object, now: Timestamp) -> Result<(Token, NewSecret), TokenError> {
    let (name, scope) = parse(input)?;
    let secret = NewSecret::with_prefix("wkt_");
    let token = Token {
        id: fresh_id(),
        org: org.clone(),
        name,
        scope,
        created_at: to_the_microsecond(now),
        last_used_at: None,
    };
    app.store.create_token(NewToken { token: token.clone(), hash: secret.hash() }).await?;
    Ok((token, secret))
}

fn parse(input: Object) -> Result<(Name, Scope), Invalid> {
    let mut reader = Reader::new(input);
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

/// Revokes a token: it stops working at once.
///
/// # Errors
/// Why not.
pub async fn revoke(app: &App, org: &OrgId, id: &TokenId) -> Result<(), TokenError> {
    match app.store.delete_token(org, id).await? {
        Put::Missing => Err(TokenError::Missing),
        Put::Done | Put::Conflict => Ok(()),
    }
}
