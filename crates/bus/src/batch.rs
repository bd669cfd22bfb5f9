//! A batch of results on its way from a robot to whoever judges and keeps them.
//! Its numbers say which results were seen already.

use watchkeep_model::{LocationName, RecordedResult, RobotSequence};

/// Results of one robot, in the order in which it had them.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Where the robot stands; its identity.
    pub robot: LocationName,
    /// The number of the last result. Those before it have the numbers just below, without a gap.
    pub last: RobotSequence,
    /// The results; empty batches are never sent.
    pub results: Vec<RecordedResult>,
}
