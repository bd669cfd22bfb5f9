//! What a test or a report yields: a code with its detail, phases, and what was observed.
//! The JSON form is the contract that the command line, the API and webhooks show alike.

use std::{borrow::Cow, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::{Serialize, Serializer, ser::SerializeStruct};
use watchkeep_catalogue::{Entry, StatusCode, find};

use crate::{LocationName, MonitorId, Notable, Observed, TestSubject};

/// The code in which a test ended, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The status code.
    pub code: StatusCode,
    /// What exactly happened, one sentence without a full stop; absent when the code says it all.
    pub detail: Option<Cow<'static, str>>,
}

impl Verdict {
    /// Every condition was met.
    pub const OPERATIONAL: Self = Self { code: StatusCode::OPERATIONAL, detail: None };

    /// A code with its reason.
    #[must_use]
    pub fn new(code: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: Some(detail.into()) }
    }
}

/// How long each phase of a test took, summed over redirects; `None` where a phase was not reached or
/// does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    /// Resolving the name.
    pub dns: Option<Duration>,
    /// Connecting.
    pub connect: Option<Duration>,
    /// The TLS handshake.
    pub tls: Option<Duration>,
    /// From the request to the first byte of the reply.
    pub first_byte: Option<Duration>,
    /// From the first byte to the last.
    pub transfer: Option<Duration>,
}

impl Phases {
    /// All of them together.
    #[must_use]
    pub fn sum(&self) -> Duration {
        self.in_order().into_iter().filter_map(|(_, phase)| phase).sum()
    }

    /// The phases in the order in which they happen, with their JSON names.
    #[must_use]
    pub const fn in_order(&self) -> [(&'static str, Option<Duration>); 5] {
        [
            ("dns_ms", self.dns),
            ("connect_ms", self.connect),
            ("tls_ms", self.tls),
            ("first_byte_ms", self.first_byte),
            ("transfer_ms", self.transfer),
        ]
    }
}

/// One result. `O` is what was observed: typed when it comes from a test, JSON when it comes from the store.
#[derive(Clone, Debug, PartialEq)]
pub struct TestResult<O = Observed> {
    /// What was tested.
    pub subject: Arc<TestSubject>,
    /// Where the robot stands.
    pub location: LocationName,
    /// When the test began.
    pub started_at: Timestamp,
    /// The code and its reason.
    pub verdict: Verdict,
    /// From beginning to end; of a test that repeats what it does, the sum of its phases: one repetition.
    pub duration: Duration,
    /// The parts of `duration`.
    pub phases: Phases,
    /// What was seen on the way.
    pub observed: O,
    /// What is worth an event of its own, for the judge; it is not kept.
    pub notable: Option<Box<Notable>>,
}

impl<O> TestResult<O> {
    /// The same result with what was observed in another form.
    pub fn map<P>(self, change: impl FnOnce(O) -> P) -> TestResult<P> {
        let Self { subject, location, started_at, verdict, duration, phases, observed, notable } = self;
        TestResult { subject, location, started_at, verdict, duration, phases, observed: change(observed), notable }
    }

    /// The catalogue's entry of the code; `None` for a code that only a newer version knows.
    #[must_use]
    pub fn entry(&self) -> Option<&'static Entry> {
        find(self.subject.family, self.verdict.code)
    }
}

impl<O: Serialize> Serialize for TestResult<O> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entry = self.entry();
        let severity = self.verdict.code.severity(self.subject.family);
        let mut fields = serializer.serialize_struct("TestResult", 13)?;
        fields.serialize_field("family", self.subject.family.as_str())?;
        fields.serialize_field("type", &*self.subject.test_type)?;
        fields.serialize_field("target", &*self.subject.target)?;
        fields.serialize_field("location", &self.location)?;
        fields.serialize_field("started_at", &to_the_microsecond(self.started_at))?;
        fields.serialize_field("code", &self.verdict.code.number())?;
        fields.serialize_field("name", entry.map_or("unknown", |entry| entry.name))?;
        fields.serialize_field("severity", severity.as_str())?;
        fields.serialize_field(
            "summary",
            entry.map_or("A status that this version does not know.", |entry| entry.summary),
        )?;
        fields.serialize_field("detail", &self.verdict.detail)?;
        fields.serialize_field("duration_ms", &milliseconds(self.duration))?;
        fields.serialize_field("phases", &self.phases)?;
        fields.serialize_field("observed", &self.observed)?;
        fields.end()
    }
}

impl Serialize for Phases {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Phases", 5)?;
        for (name, phase) in self.in_order() {
            fields.serialize_field(name, &phase.map(milliseconds))?;
        }
        fields.end()
    }
}

/// The same moment in whole microseconds, as times are kept. Clocks are read through it, so that a time is the same
/// before and after it was stored.
#[must_use]
pub fn to_the_microsecond(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// Milliseconds with microsecond steps.
fn milliseconds(duration: Duration) -> f64 {
    let microseconds = u32::try_from(duration.as_micros()).unwrap_or(u32::MAX);
    f64::from(microseconds) / 1000.0
}

/// A result on its way from a robot to the judge and the store.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedResult<O = Observed> {
    /// Whose result it is.
    pub monitor: MonitorId,
    /// 0 for the test that was due, 1 for its first re-test, and so on.
    pub attempt: u16,
    /// The result.
    pub result: TestResult<O>,
}

/// Numbers one robot's results since its start, so that what comes twice is counted once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RobotSequence {
    /// Grows with every start of the robot (milliseconds since 1970).
    pub epoch: u64,
    /// Grows by one with every result.
    pub number: u64,
}
