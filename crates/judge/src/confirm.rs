//! Confirmation: when a failure counts, and what a robot does to find out.
//! Robots and the judge ask the same rule, so they cannot disagree.

use std::time::Duration;

use watchkeep_catalogue::{Family, Severity, StatusCode};
use watchkeep_model::{Belief, Confirm, Doubt, LocationView, RecordedResult};

/// What a robot does after a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Test again, to confirm.
    Retest {
        /// The pause before it, from the end of the test that failed.
        after: Duration,
        /// The number of that re-test.
        attempt: u16,
    },
    /// The result counts; the next test is the next regular one.
    Regular,
}

/// What follows a result of severity `found`, the `attempt`-th of its series, where `believed` was confirmed last.
#[must_use]
pub fn after_result(confirm: &Confirm, believed: Severity, found: Severity, attempt: u16) -> Next {
    if counts(confirm.retries, believed, found, attempt) {
        Next::Regular
    } else {
        Next::Retest { after: confirm.delay.duration(), attempt: attempt + 1 }
    }
}

/// Whether a result counts: a good one always, a failure after enough re-tests, and a failure that is no graver
/// than what is confirmed already.
fn counts(retries: u16, believed: Severity, found: Severity, attempt: u16) -> bool {
    found == Severity::Operational || attempt >= retries || (believed >= Severity::Misconfigured && believed >= found)
}

/// A location's view after one more of its results, and since when that result's condition has lasted.
/// `None` when the view stays as it is.
pub(crate) fn observe(
    view: Option<&LocationView>,
    recorded: &RecordedResult,
    family: Family,
    retries: u16,
) -> Option<LocationView> {
    let (started_at, verdict) = (recorded.result.started_at, &recorded.result.verdict);
    let found = verdict.code.severity(family);
    let believed = view.map_or(StatusCode::PENDING, |view| view.code);
    let doubt = view.and_then(|view| view.doubt);
    let failures = doubt.map_or(0, |doubt| doubt.failures);
    // Failures in a row confirm each other even where the robot did not number them as re-tests, because it was
    // started again in between.
    let attempt = recorded.attempt.max(failures);
    let detail = || verdict.detail.as_deref().map(str::to_owned);
    if !counts(retries, believed.severity(family), found, attempt) {
        let since = doubt.map_or(started_at, |doubt| doubt.since);
        let doubt = Some(Doubt { since, failures: failures.saturating_add(1) });
        return Some(match view {
            Some(view) => LocationView { seen_at: started_at, doubt, ..view.clone() },
            None => LocationView { seen_at: started_at, code: StatusCode::PENDING, detail: None, since, doubt },
        });
    }
    match view {
        Some(view) if view.code == verdict.code && view.doubt.is_none() => None,
        Some(view) if kind(view.code, family) == kind(verdict.code, family) => Some(LocationView {
            seen_at: started_at,
            code: verdict.code,
            detail: detail(),
            since: view.since,
            doubt: None,
        }),
        _ => {
            let since = match doubt {
                Some(doubt) if found != Severity::Operational => doubt.since,
                _ => started_at,
            };
            Some(LocationView { seen_at: started_at, code: verdict.code, detail: detail(), since, doubt: None })
        }
    }
}

/// The kind of a code for which a view remembers one beginning: degraded and down are both failing.
fn kind(code: StatusCode, family: Family) -> Belief {
    match Belief::from_severity(code.severity(family)) {
        Belief::Degraded => Belief::Down,
        other => other,
    }
}
