//! Who may come in: bearer tokens for programs, sessions for people, and the first start.
//! Secrets are kept as hashes only; this room never logs one.

mod caller;
mod first_start;
mod password;
mod random;
mod same_origin;
mod session;
mod sign_in;
mod throttle;

pub use caller::{Caller, CanAdmin, CanRead, CanWrite, Identity};
pub use first_start::{Bootstrap, FirstStart, FirstStartError, first_start};
pub use password::{Password, WeakPassword};
pub use random::{NewSecret, fresh_id};
pub use session::{SessionCookie, SignedIn};
pub use sign_in::{ClaimRefused, SignInRefused};

pub(crate) use caller::has_ended;
pub(crate) use random::random_bytes;
pub(crate) use same_origin::same_origin;

use tokio::sync::Semaphore;
use url::Url;

/// Sign-in and what it needs between two requests.
pub struct Auth {
    /// Each password hash takes 19 MiB and some 20 ms of a core: only so many at once.
    hashing: Semaphore,
    throttle: throttle::Throttle,
    cookie: session::CookieForm,
}

/// Passwords that are hashed at the same time.
const HASHES_AT_ONCE: usize = 2;

impl Auth {
    /// Sign-in for an installation that people reach at `public_url`: with https, cookies are never sent
    /// in clear text.
    #[must_use]
    pub fn new(public_url: &Url) -> Self {
        Self {
            hashing: Semaphore::new(HASHES_AT_ONCE),
            throttle: throttle::Throttle::default(),
            cookie: session::CookieForm::of(public_url),
        }
    }
}
