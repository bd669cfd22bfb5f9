//! Running one ping, as the command line and the robots do, in a network of the test's own.
#![allow(
    clippy::needless_pass_by_value,
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    reason = "shared by test binaries that each use a part; tests fail by panicking"
)]

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use serde_json::{Value, json};
use tokio::task::JoinSet;
use watchkeep_lab::{
    echo::{Answer, Request, Responder},
    namespace::Namespace,
};
use watchkeep_model::{LocationName, Observed, Test, TestResult, icmp};
use watchkeep_probe::{Prober, ProberOptions};

use crate::support::{expect, parse_as};

pub const FOUR: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
pub const SIX: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
/// Another host: of the loopback network, and one that the test must set up.
pub const OTHER_FOUR: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));
pub const OTHER_SIX: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 9));

/// A ping with these options: four echoes shortly after one another, and not long to wait.
pub fn parse(target: &str, options: Value, extra: Value) -> Test {
    let over = |mut usual: Value, own: Value| {
        usual.as_object_mut().unwrap().extend(own.as_object().cloned().unwrap_or_default());
        usual
    };
    let (options, extra) = (over(json!({"interval": "10ms"}), options), over(json!({"timeout": "400ms"}), extra));
    parse_as("icmp", target, options, extra)
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

/// So many pings at the same time, to either version's own address; each is answered.
pub async fn burst(count: usize) {
    let prober = Arc::new(prober());
    let mut tests = JoinSet::new();
    for index in 0..count {
        let (prober, target) = (Arc::clone(&prober), if index % 2 == 0 { "127.0.0.1" } else { "::1" });
        let test = parse(target, json!({"count": 2}), json!({"timeout": "20s"}));
        tests.spawn(async move { prober.run(&test, &LocationName::local()).await });
    }
    for result in tests.join_all().await {
        expect(&result, 0, "");
    }
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
