//! From results to a decision: which results count, what each location makes of them, and what all agree on.
//! Results are taken one by one, so a batch that arrives in two parts is decided like the whole.

use std::{borrow::Cow, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use watchkeep_catalogue::Severity;
use watchkeep_model::{Lifecycle, Monitor, MonitorState, RecordedResult, Telling, TestSubject};

use crate::{
    Decision,
    confirm::observe,
    draft::{Draft, Subject, Turn},
    notice::take_notice,
    quorum::{consensus, witnesses},
};

/// How far ahead a robot's clock may be. Results from further in the future change nothing.
pub const TOLERATED_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// What a decision is made on: a monitor and what is remembered of it.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot<'a> {
    /// What its owner wants.
    pub monitor: &'a Monitor,
    /// What is remembered, at the revision that the decision names.
    pub state: &'a MonitorState,
}

impl<'a> Snapshot<'a> {
    pub(crate) fn draft(&self, now: Timestamp) -> Draft<'a> {
        let Monitor { id, org, .. } = self.monitor;
        Draft::new(Subject { id, org, family: self.monitor.family() }, self.state, now)
    }
}

/// What these results of the snapshot's monitor change; `None` when they change nothing, which is the usual case.
///
/// Results are taken in the order of their start. One changes nothing when it is late or was seen already, lies more
/// than [`TOLERATED_SKEW`] in the future, began before the monitor was activated, comes from a location that the
/// monitor does not have, is about something else than it tests now, or when the monitor is not active. Such results
/// may still be worth keeping as history.
#[must_use]
pub fn decide(snapshot: &Snapshot<'_>, results: &[&RecordedResult], now: Timestamp) -> Option<Decision> {
    if snapshot.state.lifecycle != Lifecycle::Active {
        return None;
    }
    let mut draft = snapshot.draft(now);
    for recorded in in_order(results).iter() {
        if is_news(snapshot.monitor, draft.state(), recorded, now) {
            take(&mut draft, snapshot.monitor, recorded);
        }
    }
    draft.finish()
}

/// Raises the mark below which results of one location are late, after a result that was decided on.
///
/// [`decide`] raises it only with changes, so that a good result among many costs no write. Whoever keeps states in
/// memory calls this for every result; the revision stays, and the mark is stored with the next change.
pub fn mark_seen(state: &mut MonitorState, recorded: &RecordedResult, now: Timestamp) {
    let started_at = recorded.result.started_at;
    if let Some(view) = state.locations.get_mut(&recorded.result.location)
        && started_at > view.seen_at
        && started_at <= horizon(now)
    {
        view.seen_at = started_at;
    }
}

fn horizon(now: Timestamp) -> Timestamp {
    now.saturating_add(TOLERATED_SKEW).unwrap_or(Timestamp::MAX)
}

fn in_order<'s, 'r>(results: &'s [&'r RecordedResult]) -> Cow<'s, [&'r RecordedResult]> {
    if results.is_sorted_by_key(|recorded| recorded.result.started_at) {
        return Cow::Borrowed(results);
    }
    let mut results = results.to_vec();
    results.sort_by_key(|recorded| recorded.result.started_at);
    Cow::Owned(results)
}

fn is_news(monitor: &Monitor, state: &MonitorState, recorded: &RecordedResult, now: Timestamp) -> bool {
    let result = &recorded.result;
    let severity = result.verdict.code.severity(monitor.family());
    let horizon = horizon(now);
    // A mark from the far future was left by a clock that has been put back since: it proves nothing.
    let proves = |mark: Timestamp| mark <= horizon;
    let late = match state.locations.get(&result.location) {
        Some(view) => result.started_at <= view.seen_at && proves(view.seen_at),
        None => result.started_at < state.since && proves(state.since),
    };
    !late
        && result.started_at <= horizon
        && recorded.monitor == monitor.id
        && monitor.settings.locations.contains(&result.location)
        && same_subject(&monitor.settings.test.subject, &result.subject)
        && !matches!(severity, Severity::Inactive | Severity::Pending)
}

fn same_subject(wanted: &Arc<TestSubject>, found: &Arc<TestSubject>) -> bool {
    Arc::ptr_eq(wanted, found) || wanted == found
}

fn take(draft: &mut Draft<'_>, monitor: &Monitor, recorded: &RecordedResult) {
    let stepped = take_status(draft, monitor, recorded);
    if let Some(notable) = &recorded.result.notable {
        take_notice(draft, &recorded.result, notable, stepped);
    }
}

/// Takes what a result says of the status; whether a step was made of it.
fn take_status(draft: &mut Draft<'_>, monitor: &Monitor, recorded: &RecordedResult) -> bool {
    let family = monitor.family();
    let result = &recorded.result;
    let view = draft.state().locations.get(&result.location);
    let doubt = view.and_then(|view| view.doubt);
    let observed = observe(view, recorded, family, monitor.settings.confirm.retries);
    let stepped = observed.is_some();
    if let Some(view) = observed {
        draft.step().locations.insert(result.location.clone(), view);
    }
    let state = draft.state();
    let Some(found) = consensus(&monitor.settings, state, family) else { return stepped };
    if (found.belief, found.code) == (state.belief, state.code) {
        return stepped;
    }
    // A failure began with the first test that showed it, not with the one that confirmed it.
    let begun = match doubt {
        Some(doubt) if !result.verdict.code.is_operational() => doubt.since,
        _ => result.started_at,
    };
    let since = if state.belief.is_failure() { begun } else { found.failing_since.unwrap_or(begun) };
    let turn = Turn {
        lifecycle: state.lifecycle,
        belief: found.belief,
        code: found.code,
        detail: found.detail.map(str::to_owned),
        since,
        witnesses: witnesses(state, found.belief, family),
        telling: Telling::Tell,
    };
    if !stepped {
        draft.step();
    }
    draft.turn(turn);
    true
}
