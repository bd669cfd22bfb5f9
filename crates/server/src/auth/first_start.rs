//! The first start: a one-time link for a person, or a token from the environment for a script.
//! The link is offered until there is a user, the token works only as long as there is neither user nor token.

use jiff::{SignedDuration, Timestamp};
use url::Url;
use watchkeep_model::{Name, Scope, Token};
use watchkeep_store::{NewToken, SetupLink, Store, StoreError};

use super::{NewSecret, fresh_id, random::hash_of};

/// How long the set-up link works.
const LINK_WORKS: SignedDuration = SignedDuration::from_hours(24);
/// Fewest characters of a token from the environment.
const FEWEST_CHARACTERS: usize = 32;

/// What the operator is to be told about signing in.
#[derive(Debug, PartialEq, Eq)]
pub struct FirstStart {
    /// Where the first user is made, while there is none.
    pub setup_link: Option<Url>,
    /// What became of the token from the environment; none when there was none.
    pub bootstrap: Option<Bootstrap>,
}

/// What became of the token from the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bootstrap {
    /// It is an administrator's token now.
    Created,
    /// Somebody can sign in already: it was ignored.
    Ignored,
}

/// Why the first start could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum FirstStartError {
    /// The token from the environment is too easily guessed.
    #[error(
        "WATCHKEEP_BOOTSTRAP_TOKEN must have {FEWEST_CHARACTERS} characters at least, without spaces; give a longer random text, or leave it out"
    )]
    WeakToken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Prepares signing in. `bootstrap` is the value of `WATCHKEEP_BOOTSTRAP_TOKEN`, if set.
///
/// # Errors
/// When the token is too short (and would have been used), or the store fails.
pub async fn first_start(
    store: &dyn Store,
    public_url: &Url,
    bootstrap: Option<&str>,
    now: Timestamp,
) -> Result<FirstStart, FirstStartError> {
    let weak = |text: &str| text.len() < FEWEST_CHARACTERS || !text.bytes().all(|byte| byte.is_ascii_graphic());
    if bootstrap.is_some_and(weak) && store.is_unclaimed().await? {
        return Err(FirstStartError::WeakToken);
    }
    // A token alone lets nobody see the pages: the link is offered until there is a user.
    if store.has_users().await? {
        return Ok(FirstStart { setup_link: None, bootstrap: bootstrap.map(|_| Bootstrap::Ignored) });
    }
    let secret = NewSecret::with_prefix("");
    let expires_at = now.saturating_add(LINK_WORKS).unwrap_or(now);
    store.put_setup_link(SetupLink { hash: secret.hash(), expires_at }).await?;
    let mut setup_link = public_url.clone();
    setup_link.set_path(&format!("{}/setup/{}", public_url.path().trim_end_matches('/'), secret.expose()));
    let bootstrap = match bootstrap {
        None => None,
        Some(text) => Some(create(store, text, now).await?),
    };
    Ok(FirstStart { setup_link: Some(setup_link), bootstrap })
}

async fn create(store: &dyn Store, text: &str, now: Timestamp) -> Result<Bootstrap, StoreError> {
    let org = store.default_org().await?;
    #[expect(clippy::unwrap_used, reason = "a constant that parses")]
    let name: Name = "bootstrap".parse().unwrap();
    let token = Token { id: fresh_id(), org, name, scope: Scope::Admin, created_at: now, last_used_at: None };
    let created = store.bootstrap(NewToken { token, hash: hash_of(text) }).await?;
    Ok(if created { Bootstrap::Created } else { Bootstrap::Ignored })
}
