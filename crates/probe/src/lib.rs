//! One test → one result: a [`Prober`] runs tests of every type and never fails; a failing target is a value.
//! `test_type/` has one file or folder per type, `net/` the ways through the network that they share.

mod answer;
mod certificate;
mod finding;
mod location;
mod net;
mod outside;
mod registries;
mod test_type;

use std::{sync::Arc, time::Instant};

use jiff::Timestamp;
use watchkeep_catalogue::service;
use watchkeep_model::{
    EgressPolicy, Invalid, LocationName, Observed, Phases, Test, TestResult, TestSubject, Verdict, to_the_microsecond,
    unusable,
};

pub(crate) use finding::{Finding, Step};

use crate::{
    certificate::Certificates,
    net::{icmp::Pinger, resolve::Names, tls::Tls},
    registries::Registries,
};

/// What a prober may be told.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProberOptions {
    /// Which addresses may be connected to.
    pub egress: EgressPolicy,
}

/// Why a prober could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ProberError {
    /// The TLS library refused its own defaults.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// Not even the built-in authorities could be used.
    #[error("the trusted certificate authorities cannot be used: {0}")]
    Roots(String),
}

/// Runs tests. Holds what they share: names already resolved, TLS configurations, sockets for pings, the
/// egress policy.
pub struct Prober {
    egress: EgressPolicy,
    names: Names,
    tls: Tls,
    certificates: Certificates,
    pinger: Pinger,
    registries: Registries,
}

impl Prober {
    /// A prober with nothing cached yet. Trust roots are loaded by the first test that needs them.
    ///
    /// # Errors
    /// When the TLS library cannot be set up, which is a fault of the build.
    pub fn new(options: ProberOptions) -> Result<Self, ProberError> {
        Ok(Self {
            egress: options.egress,
            names: Names::new(),
            tls: Tls::new()?,
            certificates: Certificates::default(),
            pinger: Pinger::default(),
            registries: Registries::default(),
        })
    }

    /// Runs one test to its end, at most for its time limit.
    pub async fn run(&self, test: &Test, location: &LocationName) -> TestResult {
        let started_at = to_the_microsecond(Timestamp::now());
        let start = Instant::now();
        let mut finding = test_type::run(self, test).await;
        let elapsed = start.elapsed();
        // A test that repeats itself is as long as one repetition.
        let duration = finding.response_time.map_or(elapsed, |_| finding.phases.sum());
        let response_time = finding.response_time.unwrap_or(elapsed);
        if let Some(limit) = test.limits.slow_after
            && finding.verdict.code.is_operational()
            && response_time > limit.duration()
        {
            // Rounded up, so that the figure is above the limit even where they are close.
            let milliseconds = response_time.as_micros().div_ceil(1_000);
            let detail = format!("took {milliseconds} ms; the limit is {limit}");
            finding.verdict = Verdict::new(service::RESPONSE_TOO_SLOW, detail);
        }
        TestResult {
            subject: Arc::clone(&test.subject),
            location: location.clone(),
            started_at,
            verdict: finding.verdict,
            duration,
            phases: finding.phases,
            observed: finding.observed,
            notable: finding.notable,
        }
    }
}

/// The result of a test that cannot run, because its settings are not those of a valid test: an unknown
/// type (100), a missing parameter, contradicting limits.
#[must_use]
pub fn refused(subject: Arc<TestSubject>, invalid: &Invalid, location: &LocationName, now: Timestamp) -> TestResult {
    let (code, detail) = unusable(invalid, subject.family);
    TestResult {
        subject,
        location: location.clone(),
        started_at: now,
        verdict: Verdict::new(code, detail),
        duration: std::time::Duration::ZERO,
        phases: Phases::default(),
        observed: Observed::Nothing,
        notable: None,
    }
}
