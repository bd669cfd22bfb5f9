//! Accounts: users, their sessions, and tokens for programs. Only hashes of secrets are kept.

use std::{fmt, str::FromStr};

use jiff::Timestamp;

use crate::{Name, OrgId, TokenId, UserId};

/// What a token may do; each scope includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Look.
    Read,
    /// Change monitors, contacts, incidents.
    Write,
    /// Everything, users and tokens included.
    Admin,
}

impl Scope {
    /// The word used in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Scope {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "read" => Ok(Self::Read),
            "write" => Ok(Self::Write),
            "admin" => Ok(Self::Admin),
            _ => Err("must be read, write or admin"),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// SHA-256 of a random secret. Enough for secrets of 128 bits and more, which nobody can guess;
/// passwords are hashed with Argon2id instead.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

/// A token for programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its identifier (not the secret).
    pub id: TokenId,
    /// Its owner.
    pub org: OrgId,
    /// What people call it.
    pub name: Name,
    /// What it may do.
    pub scope: Scope,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

/// A person who signs in.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// Its identifier.
    pub id: UserId,
    /// Its organisation.
    pub org: OrgId,
    /// The name to sign in with.
    pub name: Name,
    /// Argon2id, in PHC string form.
    pub password_hash: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

/// A signed-in browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Hash of the cookie's value.
    pub hash: TokenHash,
    /// Who signed in.
    pub user: UserId,
    /// The user's organisation.
    pub org: OrgId,
    /// When it ends.
    pub expires_at: Timestamp,
}
