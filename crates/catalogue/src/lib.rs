//! The status codes: every (family, code) with its name, severity, explanation and remedy.
//! The sections in `sections/*.toml` are the source; `generated.rs` is written from them by `cargo xtask gen`.

mod generated;

pub use generated::{Section, certificate, domain, server, service};

use std::fmt;

/// What kind of thing a monitor watches. The same number may mean different things in two families.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// Something reached over the network and tested by a robot.
    Service,
    /// A machine whose agent reports.
    Server,
    /// An SSL/TLS certificate.
    Certificate,
    /// A registered domain name.
    Domain,
}

impl Family {
    /// All families, in the order in which people read them.
    pub const ALL: [Self; 4] = [Self::Service, Self::Server, Self::Certificate, Self::Domain];

    /// The word used in configuration, API and webhooks.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Server => "server",
            Self::Certificate => "certificate",
            Self::Domain => "domain",
        }
    }

    /// The family that a word names, if any.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.as_str() == word)
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How much a status matters to whoever is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Every condition was met.
    Operational,
    /// Nobody watches: never activated, or paused.
    Inactive,
    /// Activated, no result yet.
    Pending,
    /// The test itself cannot run; says nothing about the target.
    Misconfigured,
    /// It answers, but not as it should.
    Degraded,
    /// It does not do its job.
    Down,
}

impl Severity {
    /// All severities, mildest first.
    pub const ALL: [Self; 6] =
        [Self::Operational, Self::Inactive, Self::Pending, Self::Misconfigured, Self::Degraded, Self::Down];

    /// The word used in API, webhooks and pages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operational => "operational",
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Misconfigured => "misconfigured",
            Self::Degraded => "degraded",
            Self::Down => "down",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A numeric status code. Whether a family knows it is answered by [`find`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StatusCode(i16);

impl StatusCode {
    /// The last test or report met every condition; the same in every family.
    pub const OPERATIONAL: Self = Self(0);
    /// Created and never activated; the same in every family.
    pub const CREATED: Self = Self(-1);
    /// Paused by the user; the same in every family.
    pub const PAUSED: Self = Self(-2);
    /// Activated, and no result has come yet; the same in every family.
    pub const PENDING: Self = Self(-3);

    /// Wraps a number as it stands in the contract.
    #[must_use]
    pub const fn new(number: i16) -> Self {
        Self(number)
    }

    /// The number as it stands in the contract.
    #[must_use]
    pub const fn number(self) -> i16 {
        self.0
    }

    /// True for 0 only.
    #[must_use]
    pub const fn is_operational(self) -> bool {
        self.0 == 0
    }

    /// How grave this code is in `family`. A code that the catalogue does not know (a newer robot's)
    /// counts as [`Severity::Down`], so that it is never hidden.
    #[must_use]
    pub fn severity(self, family: Family) -> Severity {
        find(family, self).map_or(Severity::Down, |entry| entry.severity)
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One entry of the catalogue. The key is (family, code).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The family in which the code has this meaning.
    pub family: Family,
    /// The number.
    pub code: StatusCode,
    /// The part of the catalogue that the entry stands in.
    pub section: Section,
    /// A stable `snake_case` identifier.
    pub name: &'static str,
    /// One line for people.
    pub summary: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// What was seen, and the likely causes.
    pub explanation: &'static str,
    /// What the user does next.
    pub remedy: &'static str,
    /// The version of Watchkeep that first reported it.
    pub since: &'static str,
}

impl Entry {
    /// Numbers from 600 on are Watchkeep's own extensions of the catalogue.
    #[must_use]
    pub const fn is_extension(&self) -> bool {
        self.code.number() >= 600
    }
}

/// Every entry, ordered by family and code.
#[must_use]
pub fn all() -> &'static [Entry] {
    generated::ENTRIES
}

/// The entry of a code in a family.
#[must_use]
pub fn find(family: Family, code: StatusCode) -> Option<&'static Entry> {
    let entries = all();
    entries.binary_search_by_key(&(family, code), |entry| (entry.family, entry.code)).ok().map(|index| &entries[index])
}
