//! Waits for a turn at a server that all monitors of its names share.

use tokio::time::{Instant, sleep_until};
use watchkeep_model::Test;

use crate::{
    Prober,
    net::deadline::{Deadline, Passed},
    registries::Turn,
};

/// Waits, at most until the deadline; the error says why there is no turn.
pub(super) async fn wait(prober: &Prober, test: &Test, server: &str, deadline: Deadline) -> Result<(), String> {
    let patience = test.limits.total.duration() / 2;
    let turn = prober.registries.manners().turn(server, Instant::now(), patience);
    let at = match turn {
        Turn::At(at) => at,
        Turn::BackedOff(left) => {
            let left = left.as_secs() + 1;
            return Err(format!("it limits how often it may be asked, and is left alone for {left} s more"));
        }
        Turn::Crowded => {
            return Err("the robot has more questions for it than it asks within the time limit".to_owned());
        }
    };
    deadline.bound(sleep_until(at)).await.map_err(|Passed(limit)| format!("no turn at it within {limit}"))
}
