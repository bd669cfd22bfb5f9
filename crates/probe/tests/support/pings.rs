//! Running one ping, as the command line and the robots do, in a network of the test's own.
#![allow(
    clippy::needless_pass_by_value,
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "shared by test binaries that each use a part; tests fail by panicking"
)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::{Value, json};
use watchkeep_lab::{
    echo::{Answer, Request, Responder},
    namespace::Namespace,
};
use watchkeep_model::{LocationName, Observed, Test, TestResult, icmp};
use watchkeep_probe::{Prober, ProberOptions};

pub const FOUR: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub const SIX: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
/// Another host: of the loopback network, and one that the test must set up.
pub const OTHER_FOUR: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));
pub const OTHER_SIX: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 9));

/// A ping with these options: four echoes shortly after one another, and not long to wait.
pub fn parse(target: &str, options: Value, extra: Value) -> Test {
    let mut object = json!({"type": "icmp", "target": target, "timeout": "400ms", "icmp": {"interval": "10ms"}});
    for (name, value) in options.as_object().cloned().unwrap_or_default() {
        object["icmp"][name] = value;
    }
    for (name, value) in extra.as_object().cloned().unwrap_or_default() {
        object[name] = value;
    }
    Test::parse(object.as_object().unwrap().clone()).unwrap_or_else(|invalid| panic!("{target}: {invalid}"))
}

pub fn prober() -> Prober {
    Prober::new(ProberOptions::default()).unwrap()
}

/// The result of one ping of a prober of its own.
pub async fn run(target: &str, options: Value, extra: Value) -> TestResult {
    prober().run(&parse(target, options, extra), &LocationName::local()).await
}

/// The result of one ping of a host that answers as the script says.
pub async fn run_against(
    target: IpAddr,
    options: Value,
    script: impl FnMut(&Request) -> Vec<Answer> + Send + 'static,
) -> TestResult {
    let _responder = Responder::start(target, script);
    run(&target.to_string(), options, json!({})).await
}

/// What a ping saw.
pub fn observed(result: &TestResult) -> &icmp::Observed {
    match &result.observed {
        Observed::Icmp(observed) => observed,
        other => panic!("{other:?}"),
    }
}

/// Once for each version, in a network where the system itself answers no echoes.
pub fn for_both(work: impl AsyncFn(IpAddr, IpAddr) + Send + Sync) {
    for (target, other) in [(FOUR, OTHER_FOUR), (SIX, OTHER_SIX)] {
        Namespace::run(async |namespace| {
            namespace.answer_no_echoes();
            namespace.ip(&format!("address add {OTHER_SIX}/128 dev lo"));
            work(target, other).await;
        });
    }
}
