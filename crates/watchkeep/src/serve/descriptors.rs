//! Shares out the descriptors that the system allows, so that no visitor takes those that tests need: a test without
//! one would say that its target is down.

use watchkeep_robot::RobotOptions;
use watchkeep_server::Server;

/// The most that is kept back for the database, logs and messages; a quarter where there is little.
const RESERVED: u64 = 512;
/// What one test holds at the same time: a connection, and a second one or a question to DNS.
const PER_TEST: u64 = 2;
/// Below it the operator should know.
const ENOUGH: u64 = 4_096;

/// What each part may have at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shares {
    pub(super) connections: usize,
    pub(super) tests: usize,
}

impl Shares {
    /// Raises the limit to what the system allows at most, and shares that out.
    pub(super) fn take() -> Self {
        let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or_else(|error| {
            tracing::warn!(%error, "the limit of open files could not be raised");
            // What every system allows.
            256
        });
        let shares = Self::of(limit);
        if limit < ENOUGH {
            let Self { connections, tests } = shares;
            tracing::warn!(
                limit,
                connections,
                tests,
                "few files may be open; raise the limit (ulimit -n, LimitNOFILE)"
            );
        }
        shares
    }

    fn of(limit: u64) -> Self {
        let rest = limit - RESERVED.min(limit / 4);
        let share = |most: usize, share: u64| most.min(usize::try_from(share).unwrap_or(most)).max(1);
        let connections = share(Server::MOST_CONNECTIONS, rest / 2);
        let tests = share(RobotOptions::MOST_IN_FLIGHT, (rest - rest / 2) / PER_TEST);
        Self { connections, tests }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_fit_into_any_limit() {
        for limit in [16, 64, 128, 256, 1_024, 4_096, 65_536, 1 << 20, u64::MAX] {
            let Shares { connections, tests } = Shares::of(limit);
            assert!(connections >= 1 && tests >= 1, "{limit}");
            let taken = connections as u64 + tests as u64 * PER_TEST;
            assert!(taken + RESERVED.min(limit / 4) <= limit, "{limit}: {taken}");
        }
    }

    #[test]
    fn where_there_is_enough_each_has_its_usual_most() {
        let plenty = Shares { connections: Server::MOST_CONNECTIONS, tests: RobotOptions::MOST_IN_FLIGHT };
        assert_eq!(Shares::of(1 << 20), plenty);
        assert_eq!(Shares::of(1_024), Shares { connections: 384, tests: 192 });
    }
}
