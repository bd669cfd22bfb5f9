//! What a test type hands back: a verdict, the phases, and what it observed.

use std::time::Duration;

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
    /// How long the target took to answer, where that is another time than from the beginning of the test to its end.
    pub(crate) response_time: Option<Duration>,
}

impl<O> Finding<O> {
    /// A finding with nothing out of the ordinary.
    pub(crate) fn new(verdict: Verdict, phases: Phases, observed: O) -> Self {
        Self { verdict, phases, observed, notable: None, response_time: None }
    }

    /// The same finding with what was observed wrapped.
    pub(crate) fn map<P>(self, wrap: impl FnOnce(O) -> P) -> Finding<P> {
        Finding {
            verdict: self.verdict,
            phases: self.phases,
            observed: wrap(self.observed),
            notable: self.notable,
            response_time: self.response_time,
        }
    }
}
