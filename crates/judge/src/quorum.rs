//! Quorum: what the confirmed views of all locations make us believe of a monitor.
//! `k` of its `n` locations must fail before it counts as failing.

use jiff::Timestamp;
use watchkeep_catalogue::{Family, Severity, StatusCode};
use watchkeep_model::{Belief, LocationName, LocationView, MonitorSettings, MonitorState};

/// What the locations agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Consensus<'a> {
    pub(crate) belief: Belief,
    pub(crate) code: StatusCode,
    pub(crate) detail: Option<&'a str>,
    /// Since when enough locations are failing; for failures only.
    pub(crate) failing_since: Option<Timestamp>,
}

/// What the views in `state` agree on. `None` when too little is known to believe anything else than before.
pub(crate) fn consensus<'a>(
    settings: &MonitorSettings,
    state: &'a MonitorState,
    family: Family,
) -> Option<Consensus<'a>> {
    // One location is the usual case, and no list needs to be made for it.
    if let [only] = settings.locations.as_slice() {
        let view = state.locations.get(only)?;
        let belief = Belief::from_severity(view.code.severity(family));
        let failing_since = belief.is_failure().then_some(view.since);
        let known = belief != Belief::Pending;
        return known.then_some(Consensus { belief, code: view.code, detail: view.detail.as_deref(), failing_since });
    }
    let views: Vec<_> = settings
        .locations
        .iter()
        .filter_map(|name| state.locations.get(name))
        .map(|view| (view.code.severity(family), view))
        .collect();
    let needed = usize::from(settings.confirm.locations).clamp(1, settings.locations.len().max(1));
    let count = |severity| views.iter().filter(|(seen, _)| *seen == severity).count();
    let (down, degraded) = (count(Severity::Down), count(Severity::Degraded));
    let (misconfigured, operational) = (count(Severity::Misconfigured), count(Severity::Operational));
    let failing = down + degraded;
    let severity = if down >= needed {
        Severity::Down
    } else if failing >= needed {
        Severity::Degraded
    } else if state.incident.is_some() && failing + misconfigured >= needed {
        // A location that cannot test says nothing about the target, so it does not end an incident either.
        (misconfigured >= needed).then_some(Severity::Misconfigured)?
    } else if operational > 0 {
        Severity::Operational
    } else if misconfigured > 0 {
        Severity::Misconfigured
    } else {
        return None;
    };
    let (code, detail) = headline(&views, severity, state.code)?;
    let mut beginnings: Vec<_> =
        views.iter().filter(|(seen, _)| *seen >= Severity::Degraded).map(|(_, view)| view.since).collect();
    beginnings.sort_unstable();
    let belief = Belief::from_severity(severity);
    let failing_since = beginnings.get(needed - 1).copied().filter(|_| belief.is_failure());
    Some(Consensus { belief, code, detail, failing_since })
}

/// The code that stands for all views of a severity: the one that stood so far if it is still seen, so that
/// locations with different codes do not take turns; otherwise the newest. Where locations agree on no more than
/// "degraded" while some say "down", a degraded one speaks if there is one.
fn headline<'a>(
    views: &[(Severity, &'a LocationView)],
    severity: Severity,
    so_far: StatusCode,
) -> Option<(StatusCode, Option<&'a str>)> {
    let speakers = || views.iter().filter(|(seen, _)| *seen == severity).map(|(_, view)| *view);
    let kept = speakers().find(|view| view.code == so_far);
    let chosen = kept.or_else(|| speakers().max_by_key(|view| (view.seen_at, view.code)))?;
    Some((chosen.code, chosen.detail.as_deref()))
}

/// The locations whose view is of the same kind as `belief`: who sees it.
pub(crate) fn witnesses(state: &MonitorState, belief: Belief, family: Family) -> Vec<LocationName> {
    let sees = |view: &LocationView| {
        let seen = Belief::from_severity(view.code.severity(family));
        seen == belief || (seen.is_failure() && belief.is_failure())
    };
    state.locations.iter().filter(|(_, view)| sees(view)).map(|(name, _)| name.clone()).collect()
}
