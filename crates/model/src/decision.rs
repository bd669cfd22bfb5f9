//! What one decision about a monitor changes: its state, its incident, and what is told of it.
//! The judge makes these values, the store keeps them; neither knows the other.

use crate::{Event, Incident, IncidentEntry, IncidentId, MonitorId, MonitorState, Telling};

/// One monitor's change of state, with everything that goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateChange {
    /// Whose state.
    pub monitor: MonitorId,
    /// The revision that was decided on.
    pub expected_revision: u64,
    /// The new state; its revision is higher.
    pub state: MonitorState,
    /// What happens to its incidents, in this order. Several results that arrive together may end one
    /// incident and begin the next.
    pub incidents: Vec<IncidentChange>,
    /// The events, in the order in which they are told.
    pub events: Vec<(Event, Telling)>,
}

/// What happens to an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IncidentChange {
    /// A new one, its first entry included.
    Open(Incident),
    /// It goes on under another code.
    Note {
        /// Which one.
        id: IncidentId,
        /// The new step; the incident takes its code.
        entry: IncidentEntry,
    },
    /// It is over.
    Resolve {
        /// Which one.
        id: IncidentId,
        /// The last step; the incident is resolved at its time.
        entry: IncidentEntry,
    },
}
