//! What a test type hands back: a verdict, the phases, and what it observed.

use watchkeep_model::{Notable, Phases, Verdict};

/// One part of a test: it goes on, or it ends the test with a verdict.
pub(crate) type Step<T> = Result<T, Verdict>;

/// The outcome of a test of one type.
pub(crate) struct Finding<O> {
    pub(crate) verdict: Verdict,
    pub(crate) phases: Phases,
    pub(crate) observed: O,
    /// What is worth an event of its own; few types have such a thing.
    pub(crate) notable: Option<Box<Notable>>,
}

impl<O> Finding<O> {
    /// The same finding with what was observed wrapped.
    pub(crate) fn map<P>(self, wrap: impl FnOnce(O) -> P) -> Finding<P> {
        Finding { verdict: self.verdict, phases: self.phases, observed: wrap(self.observed), notable: self.notable }
    }
}
