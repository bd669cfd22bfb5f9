//! Signing in and out, and claiming a fresh installation by its one-time link.
//! Whatever is wrong with a sign-in, the answer is the same and takes as long.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use watchkeep_model::{Name, OrgId, Session, TokenHash, User, UserId};
use watchkeep_store::{Store, StoreError};

use super::{Auth, NewSecret, Password, SessionCookie, SignedIn, fresh_id, random::hash_of, session::LIFETIME_SECONDS};

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInRefused {
    /// Name or password; which one is not said.
    #[error("this name and password do not belong together")]
    Wrong,
    /// Too many wrong guesses.
    #[error("too many attempts; try again in {} seconds", .0.as_secs().max(1))]
    Wait(SignedDuration),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why no first user was made.
#[derive(Debug, thiserror::Error)]
pub enum ClaimRefused {
    /// Wrong, used or expired link, or there is a user already.
    #[error("this set-up link does not work any more; restart watchkeep to get a new one if nobody can sign in")]
    Link,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Auth {
    /// Begins a session for whoever knows the name and password. `address` is where the request comes from.
    ///
    /// # Errors
    /// Why not, fit for the form.
    pub async fn sign_in(
        &self,
        store: &dyn Store,
        name: &str,
        password: &str,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<SessionCookie, SignInRefused> {
        // Nobody can be called what is no name; such a text is not remembered either.
        let parsed: Option<Name> = name.trim().parse().ok();
        let user = match &parsed {
            None => None,
            Some(name) => {
                self.throttle.begin(name.as_str(), address, now).map_err(SignInRefused::Wait)?;
                store.user_by_name(name.as_str()).await?
            }
        };
        let kept = user.as_ref().map(|user| user.password_hash.clone());
        match (self.verify_password(password, kept).await, user, parsed) {
            (true, Some(user), Some(name)) => {
                self.throttle.succeeded(name.as_str(), address);
                Ok(self.begin(store, user.id, user.org, now).await?)
            }
            _ => Err(SignInRefused::Wrong),
        }
    }

    /// Ends a session.
    ///
    /// # Errors
    /// The store's.
    pub async fn sign_out(&self, store: &dyn Store, person: &SignedIn) -> Result<SessionCookie, StoreError> {
        store.delete_session(person.session).await?;
        Ok(self.cookie.gone())
    }

    /// Whether the set-up link with this secret would still work.
    ///
    /// # Errors
    /// The store's.
    pub async fn setup_link_works(&self, store: &dyn Store, secret: &str, now: Timestamp) -> Result<bool, StoreError> {
        store.setup_link_works(hash_of(secret), now).await
    }

    /// Makes the first user by the set-up link and signs them in.
    ///
    /// # Errors
    /// Why not, fit for the form.
    pub async fn claim(
        &self,
        store: &dyn Store,
        secret: &str,
        name: Name,
        password: Password,
        now: Timestamp,
    ) -> Result<SessionCookie, ClaimRefused> {
        let link = hash_of(secret);
        // Asked before the expensive hash, so that nobody can make this machine hash at will.
        if !store.setup_link_works(link, now).await? {
            return Err(ClaimRefused::Link);
        }
        let org = store.default_org().await?;
        let Some(password_hash) = self.hash_password(password).await else { return Err(StoreError::Closed.into()) };
        let user = User { id: fresh_id(), org: org.clone(), name, password_hash, created_at: now };
        let id = user.id.clone();
        if !store.claim(link, user, now).await? {
            return Err(ClaimRefused::Link);
        }
        Ok(self.begin(store, id, org, now).await?)
    }

    /// Every sign-in has a session of its own: a cookie from before it never becomes a signed-in one.
    async fn begin(
        &self,
        store: &dyn Store,
        user: UserId,
        org: OrgId,
        now: Timestamp,
    ) -> Result<SessionCookie, StoreError> {
        let secret = NewSecret::with_prefix("");
        let expires_at = now.saturating_add(SignedDuration::from_secs(LIFETIME_SECONDS)).unwrap_or(now);
        let hash: TokenHash = secret.hash();
        store.create_session(Session { hash, user, org, expires_at }).await?;
        Ok(self.cookie.of_secret(&secret))
    }
}
