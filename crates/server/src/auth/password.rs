//! Passwords: what is long enough, and Argon2id hashing off the async threads.
//! An unknown name costs as much time as a wrong password, so that nobody can find out names by the clock.

use std::{fmt, sync::OnceLock};

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use watchkeep_model::Secret;

use super::{Auth, random_bytes};

/// A password that is long enough to be kept.
pub struct Password(Secret);

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Fewer than 10 characters.
    #[error("must have 10 characters at least")]
    TooShort,
    /// More than 1,000 bytes.
    #[error("must have 1000 bytes at most")]
    TooLong,
}

impl Password {
    /// Takes a password that a person chose.
    ///
    /// # Errors
    /// When it is too short or too long; which characters it has is the person's own business.
    pub fn parse(text: &str) -> Result<Self, WeakPassword> {
        if text.chars().count() < 10 {
            Err(WeakPassword::TooShort)
        } else if text.len() > LONGEST {
            Err(WeakPassword::TooLong)
        } else {
            Ok(Self(Secret::new(text)))
        }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Longest text that is hashed, in bytes.
const LONGEST: usize = 1_000;

impl Auth {
    /// The hash of a new password, in PHC string form. `None` only when the process is shutting down.
    pub(super) async fn hash_password(&self, password: Password) -> Option<String> {
        let _permit = self.hashing.acquire().await.ok()?;
        tokio::task::spawn_blocking(move || hash(&password.0)).await.ok()
    }

    /// Whether `password` is the one behind `kept`. Without `kept` the answer is no, after as much work.
    pub(super) async fn verify_password(&self, password: &str, kept: Option<String>) -> bool {
        if password.len() > LONGEST {
            return false;
        }
        let Ok(_permit) = self.hashing.acquire().await else { return false };
        let password = Secret::new(password);
        let verified = tokio::task::spawn_blocking(move || {
            let known = kept.is_some();
            let kept = kept.unwrap_or_else(|| nobodys_hash().to_owned());
            let parsed = PasswordHash::new(&kept);
            let right = parsed
                .is_ok_and(|parsed| Argon2::default().verify_password(password.expose().as_bytes(), &parsed).is_ok());
            known && right
        });
        verified.await.unwrap_or(false)
    }
}

fn hash(password: &Secret) -> String {
    let salt = random_bytes::<16>();
    #[expect(
        clippy::expect_used,
        reason = "with the default parameters and a salt of 16 bytes, hashing fails only beyond 4 GiB of input"
    )]
    let hash = Argon2::default()
        .hash_password_with_salt(password.expose().as_bytes(), &salt)
        .expect("the parameters are valid");
    hash.to_string()
}

/// The hash of a password that nobody has, with the same parameters as all others.
fn nobodys_hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| hash(&Secret::new(&format!("{:x?}", random_bytes::<16>()))))
}
