//! Organisations, users, sessions, tokens, the set-up link.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Row, Transaction, params};
use watchkeep_model::{OrgId, Session, Token, TokenHash, TokenId, User};

use super::{
    SqliteStore,
    columns::{execute, get, maybe_time_at, parsed, row, rows, time_at},
};
use crate::{Accounts, NewToken, Put, SetupLink, StoreError};

/// A token's last use is noted no more often than this.
const NOTED_EVERY: SignedDuration = SignedDuration::from_secs(60);

/// Makes the one organisation of a new database.
pub(super) fn ensure_org(connection: &Connection) -> Result<(), StoreError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| StoreError::Engine { doing: "make an identifier", reason: error.to_string() })?;
    let sql = "INSERT INTO org (id, created_at) SELECT $1, unixepoch() * 1000000 WHERE NOT EXISTS (SELECT 1 FROM org)";
    execute(connection, "make the organisation", sql, [OrgId::from_random(bytes).as_str()]).map(drop)
}

fn is_unclaimed(connection: &Connection) -> Result<bool, StoreError> {
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM user) AND NOT EXISTS (SELECT 1 FROM token) AS unclaimed";
    row(connection, sql, [], |row| get(row, "unclaimed")).map(Option::unwrap_or_default)
}

fn link_works(connection: &Connection, link: TokenHash, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM setup_link WHERE hash = $1 AND expires_at > $2) AND NOT EXISTS (SELECT 1 FROM user) AS works";
    row(connection, sql, params![link.0, now.as_microsecond()], |row| get(row, "works")).map(Option::unwrap_or_default)
}

fn insert_token(transaction: &Transaction<'_>, new: &NewToken) -> Result<(), StoreError> {
    let sql = "INSERT INTO token (id, org, name, scope, hash, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
    let NewToken { token, hash } = new;
    let (id, org, name, scope) = (token.id.as_str(), token.org.as_str(), token.name.as_str(), token.scope.as_str());
    execute(transaction, "store a token", sql, params![id, org, name, scope, hash.0, token.created_at.as_microsecond()])
        .map(drop)
}

/// What signing in goes by: the name without regard to case.
fn sign_in(name: &str) -> String {
    name.trim().to_lowercase()
}

fn token(row: &Row<'_>) -> Result<Token, StoreError> {
    Ok(Token {
        id: parsed(row, "id")?,
        org: parsed(row, "org")?,
        name: parsed(row, "name")?,
        scope: parsed(row, "scope")?,
        created_at: time_at(row, "created_at")?,
        last_used_at: maybe_time_at(row, "last_used_at")?,
    })
}

fn user(row: &Row<'_>) -> Result<User, StoreError> {
    Ok(User {
        id: parsed(row, "id")?,
        org: parsed(row, "org")?,
        name: parsed(row, "name")?,
        password_hash: get(row, "password_hash")?,
        created_at: time_at(row, "created_at")?,
    })
}

#[async_trait]
impl Accounts for SqliteStore {
    async fn create_org(&self, id: &OrgId, now: Timestamp) -> Result<(), StoreError> {
        let id = id.clone();
        self.writer
            .write("make an organisation", move |transaction| {
                let sql = "INSERT INTO org (id, created_at) VALUES ($1, $2)";
                execute(transaction, "make an organisation", sql, params![id.as_str(), now.as_microsecond()]).map(drop)
            })
            .await
    }

    async fn default_org(&self) -> Result<OrgId, StoreError> {
        let found = self
            .readers
            .read(|connection| {
                row(connection, "SELECT id FROM org ORDER BY rowid LIMIT 1", [], |row| parsed(row, "id"))
            })
            .await?;
        found.ok_or_else(|| StoreError::Corrupt { what: "its organisations", reason: "there is none".to_owned() })
    }

    async fn is_unclaimed(&self) -> Result<bool, StoreError> {
        self.readers.read(is_unclaimed).await
    }

    async fn has_users(&self) -> Result<bool, StoreError> {
        let exist = |connection: &Connection| {
            row(connection, "SELECT EXISTS (SELECT 1 FROM user) AS exist", [], |row| get(row, "exist"))
        };
        self.readers.read(exist).await.map(Option::unwrap_or_default)
    }

    async fn put_setup_link(&self, link: SetupLink) -> Result<(), StoreError> {
        self.writer
            .write("store the set-up link", move |transaction| {
                let sql = "INSERT INTO setup_link (only, hash, expires_at) VALUES (1, $1, $2)
                           ON CONFLICT (only) DO UPDATE SET hash = excluded.hash, expires_at = excluded.expires_at";
                execute(
                    transaction,
                    "store the set-up link",
                    sql,
                    params![link.hash.0, link.expires_at.as_microsecond()],
                )
                .map(drop)
            })
            .await
    }

    async fn claim(&self, link: TokenHash, user: User, now: Timestamp) -> Result<bool, StoreError> {
        self.writer
            .write("make the first user", move |transaction| {
                if !link_works(transaction, link, now)? {
                    return Ok(false);
                }
                let doing = "make the first user";
                execute(transaction, doing, "DELETE FROM setup_link", [])?;
                let sql = "INSERT INTO user (id, org, name, sign_in, password_hash, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
                let (id, org, name) = (user.id.as_str(), user.org.as_str(), user.name.as_str());
                let created = user.created_at.as_microsecond();
                let values = params![id, org, name, sign_in(name), user.password_hash, created];
                execute(transaction, doing, sql, values)?;
                Ok(true)
            })
            .await
    }

    async fn setup_link_works(&self, link: TokenHash, now: Timestamp) -> Result<bool, StoreError> {
        self.readers.read(move |connection| link_works(connection, link, now)).await
    }

    async fn user_by_name(&self, name: &str) -> Result<Option<User>, StoreError> {
        let name = sign_in(name);
        self.readers
            .read(move |connection| row(connection, "SELECT * FROM user WHERE sign_in = $1", [name], user))
            .await
    }

    async fn create_session(&self, session: Session) -> Result<(), StoreError> {
        self.writer
            .write("begin a session", move |transaction| {
                let sql = "INSERT INTO session (hash, user, expires_at) VALUES ($1, $2, $3)";
                let expires = session.expires_at.as_microsecond();
                execute(transaction, "begin a session", sql, params![session.hash.0, session.user.as_str(), expires])
                    .map(drop)
            })
            .await
    }

    async fn session(&self, hash: TokenHash, now: Timestamp) -> Result<Option<Session>, StoreError> {
        self.readers
            .read(move |connection| {
                let sql = "SELECT s.user, s.expires_at, u.org FROM session s JOIN user u ON u.id = s.user WHERE s.hash = $1 AND s.expires_at > $2";
                row(connection, sql, params![hash.0, now.as_microsecond()], |row| {
                    Ok(Session { hash, user: parsed(row, "user")?, org: parsed(row, "org")?, expires_at: time_at(row, "expires_at")? })
                })
            })
            .await
    }

    async fn delete_session(&self, hash: TokenHash) -> Result<(), StoreError> {
        self.writer
            .write("end a session", move |transaction| {
                execute(transaction, "end a session", "DELETE FROM session WHERE hash = $1", params![hash.0]).map(drop)
            })
            .await
    }

    async fn create_token(&self, new: NewToken) -> Result<(), StoreError> {
        self.writer.write("store a token", move |transaction| insert_token(transaction, &new)).await
    }

    async fn bootstrap(&self, new: NewToken) -> Result<bool, StoreError> {
        self.writer
            .write("store a token", move |transaction| {
                let is_first = is_unclaimed(transaction)?;
                if is_first {
                    insert_token(transaction, &new)?;
                }
                Ok(is_first)
            })
            .await
    }

    async fn token(&self, hash: TokenHash, now: Timestamp) -> Result<Option<Token>, StoreError> {
        let found = self
            .readers
            .read(move |connection| row(connection, "SELECT * FROM token WHERE hash = $1", params![hash.0], token))
            .await?;
        let is_news = |used: Timestamp| now.duration_since(used) >= NOTED_EVERY;
        if let Some(token) = found.as_ref().filter(|token| token.last_used_at.is_none_or(is_news)) {
            let id = token.id.clone();
            let noted = self.writer.write("note a token's use", move |transaction| {
                let sql = "UPDATE token SET last_used_at = $1 WHERE id = $2";
                execute(transaction, "note a token's use", sql, params![now.as_microsecond(), id.as_str()]).map(drop)
            });
            // A full disk does not make a token invalid.
            if let Err(error) = noted.await {
                tracing::warn!(%error, "the use of a token was not noted");
            }
        }
        Ok(found)
    }

    async fn tokens(&self, org: &OrgId) -> Result<Vec<Token>, StoreError> {
        let org = org.clone();
        self.readers
            .read(move |connection| {
                rows(connection, "SELECT * FROM token WHERE org = $1 ORDER BY id", [org.as_str()], token)
            })
            .await
    }

    async fn delete_token(&self, org: &OrgId, id: &TokenId) -> Result<Put, StoreError> {
        let (org, id) = (org.clone(), id.clone());
        self.writer
            .write("revoke a token", move |transaction| {
                let sql = "DELETE FROM token WHERE org = $1 AND id = $2";
                let count = execute(transaction, "revoke a token", sql, [org.as_str(), id.as_str()])?;
                Ok(if count == 0 { Put::Missing } else { Put::Done })
            })
            .await
    }
}
