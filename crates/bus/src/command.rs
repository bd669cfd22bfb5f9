//! What a server tells its robots: which monitors they test, and when one is to be tested out of turn.
//! Plain values, so that they can travel between machines as well.

use std::sync::Arc;

use watchkeep_model::{Confirm, Invalid, MonitorId, Span, Test, TestSubject};

use watchkeep_catalogue::StatusCode;

/// One monitor as a robot knows it.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// Whose results these are.
    pub monitor: MonitorId,
    /// What its results are about; known even where the test is not.
    pub subject: Arc<TestSubject>,
    /// The test, or why this version cannot run it. Such a monitor still has a result at each interval.
    pub test: Result<Arc<Test>, Invalid>,
    /// Time between two tests.
    pub interval: Span,
    /// How failures are confirmed.
    pub confirm: Confirm,
    /// The code that this robot's location has confirmed ([`watchkeep_model::LocationView::code`]); `None`
    /// when nothing is known of the monitor yet.
    pub believed: Option<StatusCode>,
    /// When it is tested first.
    pub first: FirstTest,
}

/// When a monitor is tested first after it was given to a robot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum FirstTest {
    /// At its place in the interval: for the start of a server, which would otherwise test everything at once.
    #[default]
    WhenDue,
    /// Now: for what somebody has just made, changed or activated.
    AtOnce,
}

/// What a robot is told.
#[derive(Clone, Debug)]
pub enum Command {
    /// Test this monitor from now on. A monitor that it has already is replaced, and a test of the older
    /// settings that is under way counts no more.
    Put(Box<Assignment>),
    /// Test it no more; a test that is under way counts no more.
    Remove(MonitorId),
    /// Test it now, out of turn. Its later tests stay where they are.
    TestNow(MonitorId),
}
