//! Whether results can be kept at the moment, for `/readyz` and the pages.
//! Written by the pipeline, read by anybody.

use std::sync::{Mutex, PoisonError};

/// The pipeline's own state.
#[derive(Debug, Default)]
pub struct Health {
    fault: Mutex<Option<String>>,
}

impl Health {
    /// Why results cannot be kept, if they cannot.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes a fault; true when it is another one than before.
    pub(super) fn failing(&self, reason: String) -> bool {
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        fault.replace(reason.clone()) != Some(reason)
    }

    /// Notes that all is well; true when it was not before.
    pub(super) fn well(&self) -> bool {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
    }
}
