//! What the tests of a prober share about registries and blocklists, so that many monitors are one polite client.

mod manners;
mod tried;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use self::{
    manners::{Manners, Turn},
    tried::{Kind, Tried},
};

/// Shared by all tests of a prober.
#[derive(Debug, Default)]
pub(crate) struct Registries {
    manners: Mutex<Manners>,
    tried: Mutex<Tried>,
}

impl Registries {
    /// How servers may be asked.
    pub(crate) fn manners(&self) -> MutexGuard<'_, Manners> {
        self.manners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which blocklists were tried.
    pub(crate) fn tried(&self) -> MutexGuard<'_, Tried> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
