//! Random identifiers and secrets, from the operating system.
//! A secret is shown once; what is kept is its SHA-256.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use watchkeep_model::{Id, Prefix, TokenHash};

/// `N` random bytes.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(
        clippy::expect_used,
        reason = "getrandom(2) cannot fail once the kernel has booted; without it nothing here may go on"
    )]
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A new identifier of any kind.
#[must_use]
pub fn fresh_id<K: Prefix>() -> Id<K> {
    Id::from_random(random_bytes())
}

/// SHA-256 of a secret that came in.
pub(crate) fn hash_of(secret: &str) -> TokenHash {
    TokenHash(Sha256::digest(secret.as_bytes()).into())
}

/// A secret that was just made: 256 random bits as URL-safe text.
pub struct NewSecret {
    text: String,
}

impl NewSecret {
    /// A secret whose text begins with `prefix`, so that people and scanners recognise what it is.
    #[must_use]
    pub fn with_prefix(prefix: &str) -> Self {
        Self { text: format!("{prefix}{}", BASE64_URL_SAFE_NO_PAD.encode(random_bytes::<32>())) }
    }

    /// What is kept of it.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        hash_of(&self.text)
    }

    /// The text: shown once, to whom it belongs.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for NewSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewSecret(…)")
    }
}
