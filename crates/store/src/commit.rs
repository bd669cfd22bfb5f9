//! The one transaction in which results, states, incidents and the events to tell are stored.

use async_trait::async_trait;
pub use watchkeep_model::{IncidentChange, StateChange};
use watchkeep_model::{LocationName, MonitorId, RecordedResult, RobotSequence};

use crate::StoreError;

/// Everything that one batch of results leads to.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// How far this robot's results have come with this commit.
    pub mark: Option<RobotMark>,
    /// The results, in the order of their start.
    pub results: Vec<RecordedResult>,
    /// The states that changed.
    pub states: Vec<StateChange>,
}

/// How far a robot's results have come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RobotMark {
    /// Where the robot stands; its identity for now.
    pub robot: LocationName,
    /// Its newest result.
    pub sequence: RobotSequence,
}

/// What became of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommitOutcome {
    /// All of it is stored.
    Stored,
    /// Nothing is stored: the states of these monitors were changed by somebody else meanwhile.
    Conflict(Vec<MonitorId>),
}

/// Stores commits.
#[async_trait]
pub trait Commits {
    /// Stores all of it or nothing. Results of monitors that are gone are dropped silently.
    async fn commit(&self, commit: Commit) -> Result<CommitOutcome, StoreError>;

    /// How far each robot's results had come, at the last commit.
    async fn robot_marks(&self) -> Result<Vec<RobotMark>, StoreError>;
}
