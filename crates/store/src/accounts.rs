//! Organisations, users, sessions, tokens, and the one-time link of the first start.

use async_trait::async_trait;
use jiff::Timestamp;
use watchkeep_model::{OrgId, Session, Token, TokenHash, TokenId, User};

use crate::{Put, StoreError};

/// A token with the hash of its secret.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// The token.
    pub token: Token,
    /// SHA-256 of its secret.
    pub hash: TokenHash,
}

/// The one-time link by which the first user is made.
#[derive(Clone, Copy, Debug)]
pub struct SetupLink {
    /// SHA-256 of the link's secret.
    pub hash: TokenHash,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// Keeps accounts.
#[async_trait]
pub trait Accounts {
    /// The organisation that exists from the first migration on.
    async fn default_org(&self) -> Result<OrgId, StoreError>;

    /// Makes another organisation.
    async fn create_org(&self, id: &OrgId, now: Timestamp) -> Result<(), StoreError>;

    /// Whether there is neither a user nor a token: nobody can sign in yet.
    async fn is_unclaimed(&self) -> Result<bool, StoreError>;

    /// Whether anybody has a name and a password.
    async fn has_users(&self) -> Result<bool, StoreError>;

    /// Remembers the link of the first start; an earlier one stops working.
    async fn put_setup_link(&self, link: SetupLink) -> Result<(), StoreError>;

    /// Makes the first user and uses the link up, in one transaction; false when the link is wrong, expired
    /// or used, or a user exists already.
    async fn claim(&self, link: TokenHash, user: User, now: Timestamp) -> Result<bool, StoreError>;

    /// Whether this link would still work.
    async fn setup_link_works(&self, link: TokenHash, now: Timestamp) -> Result<bool, StoreError>;

    /// The user of this sign-in name, compared without regard to case.
    async fn user_by_name(&self, name: &str) -> Result<Option<User>, StoreError>;

    /// Begins a session.
    async fn create_session(&self, session: Session) -> Result<(), StoreError>;

    /// The session of this hash, unless it has ended.
    async fn session(&self, hash: TokenHash, now: Timestamp) -> Result<Option<Session>, StoreError>;

    /// Ends a session.
    async fn delete_session(&self, hash: TokenHash) -> Result<(), StoreError>;

    /// Stores a new token.
    async fn create_token(&self, token: NewToken) -> Result<(), StoreError>;

    /// Stores the administrator token of a first start without a person; false when a user or token exists.
    async fn bootstrap(&self, token: NewToken) -> Result<bool, StoreError>;

    /// The token of this hash. Notes its use, at most once a minute.
    async fn token(&self, hash: TokenHash, now: Timestamp) -> Result<Option<Token>, StoreError>;

    /// One organisation's tokens.
    async fn tokens(&self, org: &OrgId) -> Result<Vec<Token>, StoreError>;

    /// Revokes a token.
    async fn delete_token(&self, org: &OrgId, id: &TokenId) -> Result<Put, StoreError>;
}
