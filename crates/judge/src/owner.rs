//! The owner's own changes: activating, pausing, other settings; and settings that this version cannot read.
//! They become history and are not told: who acts knows.

use jiff::Timestamp;
use watchkeep_catalogue::{Family, StatusCode};
use watchkeep_model::{
    Belief, Invalid, Lifecycle, LocationName, Monitor, MonitorId, MonitorState, OrgId, Telling, unusable,
};

use crate::{
    Decision, Snapshot,
    draft::{Draft, Subject, Turn},
    notice::{keep_locations, knows_others},
};

/// The owner wants the monitor tested. `None` when it is active already.
#[must_use]
pub fn activate(snapshot: &Snapshot<'_>, now: Timestamp) -> Option<Decision> {
    match snapshot.state.lifecycle {
        Lifecycle::Active => None,
        Lifecycle::Created | Lifecycle::Paused => begin_afresh(snapshot, Lifecycle::Active, None, now),
    }
}

/// The owner wants no tests for now. `None` when the monitor is not active. An open incident is resolved quietly.
#[must_use]
pub fn pause(snapshot: &Snapshot<'_>, now: Timestamp) -> Option<Decision> {
    match snapshot.state.lifecycle {
        Lifecycle::Active => begin_afresh(snapshot, Lifecycle::Paused, Some("monitoring was paused"), now),
        Lifecycle::Created | Lifecycle::Paused => None,
    }
}

/// The owner changed the settings from those of the snapshot to those of `after`. Another test begins afresh: it is
/// pending, an open incident is resolved quietly, and nothing is known of ends and attributes. `None` when the state
/// stays as it is.
#[must_use]
pub fn settings_changed(snapshot: &Snapshot<'_>, after: &Monitor, now: Timestamp) -> Option<Decision> {
    let state = snapshot.state;
    if snapshot.monitor.settings.test != after.settings.test {
        return match state.lifecycle {
            Lifecycle::Active => {
                let decision = begin_afresh(snapshot, Lifecycle::Active, Some("the test was changed"), now);
                decision.map(|mut decision| {
                    decision.state.known = None;
                    decision
                })
            }
            Lifecycle::Created | Lifecycle::Paused => {
                state.known.as_ref()?;
                let mut draft = snapshot.draft(now);
                draft.step().known = None;
                draft.finish()
            }
        };
    }
    let stays = |location: &LocationName| after.settings.locations.contains(location);
    let is_known = state.known.as_deref().is_some_and(|known| knows_others(known, stays));
    if state.locations.keys().all(stays) && !is_known {
        return None;
    }
    let mut draft = snapshot.draft(now);
    let state = draft.step();
    state.locations.retain(|location, _| stays(location));
    if let Some(known) = &mut state.known {
        keep_locations(known, stays);
    }
    draft.finish()
}

/// The stored settings of a monitor are none that this version can read, a newer version's test type for instance:
/// when it is active, it is misconfigured (and contacts are told). `None` when that is known.
#[must_use]
pub fn unreadable(
    id: &MonitorId,
    org: &OrgId,
    family: Family,
    state: &MonitorState,
    invalid: &Invalid,
    now: Timestamp,
) -> Option<Decision> {
    let (code, detail) = unusable(invalid, family);
    if state.lifecycle != Lifecycle::Active || (state.belief, state.code) == (Belief::Misconfigured, code) {
        return None;
    }
    let mut draft = Draft::new(Subject { id, org, family }, state, now);
    draft.step().locations.clear();
    draft.turn(Turn {
        lifecycle: Lifecycle::Active,
        belief: Belief::Misconfigured,
        code,
        detail: Some(detail),
        since: now,
        witnesses: Vec::new(),
        telling: Telling::Tell,
    });
    draft.finish()
}

/// Forgets what was found so far and waits for the first result under another lifecycle.
fn begin_afresh(
    snapshot: &Snapshot<'_>,
    lifecycle: Lifecycle,
    reason: Option<&str>,
    now: Timestamp,
) -> Option<Decision> {
    let mut draft = snapshot.draft(now);
    let state = draft.step();
    state.locations.clear();
    if state.lifecycle == lifecycle && state.belief == Belief::Pending {
        // Still waiting, but for results of the new test: those of the old one began too early to count.
        state.since = now;
        return draft.finish();
    }
    draft.turn(Turn {
        lifecycle,
        belief: Belief::Pending,
        code: StatusCode::PENDING,
        detail: reason.map(str::to_owned),
        since: now,
        witnesses: Vec::new(),
        telling: Telling::Keep,
    });
    draft.finish()
}
