//! Registries of the lab: RDAP services and WHOIS servers that say what a test wants, and tests that ask them.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::needless_pass_by_value,
    clippy::unwrap_used,
    clippy::panic,
    reason = "shared by test binaries that each use a part; tests fail by panicking"
)]

use serde_json::{Value, json};
use watchkeep_lab::{
    dns,
    http::{Server, reply},
    raw::{Act, Peer},
};
use watchkeep_model::{LocationName, Observed, Test, TestResult, domain};
use watchkeep_probe::Prober;

use crate::support::{parse_as, run_as};

/// A domain test with these options.
pub fn with(target: &str, options: Value, extra: Value) -> Test {
    parse_as("domain", target, options, extra)
}

/// The result of one test by a prober that other tests use too.
pub async fn run_on(prober: &Prober, target: &str, options: Value) -> TestResult {
    prober.run(&with(target, options, json!({})), &LocationName::local()).await
}

/// The result of one test by a prober of its own.
pub async fn run_with(target: &str, options: Value, extra: Value) -> TestResult {
    run_as("domain", target, options, extra).await
}

/// The same of shop.example.
pub async fn run(options: Value) -> TestResult {
    run_with("shop.example", options, json!({})).await
}

/// What an RDAP service says of shop.example.
pub async fn of(server: &Server) -> TestResult {
    run(json!({"rdap": server.url("/")})).await
}

/// The same with blocklists.
pub async fn blocklists(server: &Server, dns: &dns::Server, lists: &[&str]) -> TestResult {
    let options = json!({"rdap": server.url("/"), "blocklists": lists});
    run_with("shop.example", options, json!({"resolver": dns.address().to_string()})).await
}

/// An RDAP service that has shop.example, with some members replaced.
pub async fn rdap(changes: Value) -> Server {
    let mut body = json!({
        "objectClassName": "domain", "ldhName": "SHOP.EXAMPLE", "status": ["client transfer prohibited", "active"],
        "events": [{"eventAction": "expiration", "eventDate": "2046-01-31T00:00:00Z"},
                   {"eventAction": "registration", "eventDate": "2001-01-31T00:00:00Z"}],
        "entities": [{"roles": ["registrar"], "vcardArray": ["vcard", [["fn", {}, "text", "Registrar Ltd"]]]}],
        "nameservers": [{"ldhName": "NS1.HOST.EXAMPLE"}, {"ldhName": "ns2.host.example"}],
        "secureDNS": {"delegationSigned": false}
    });
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    Server::start(move |request| {
        let body = body.clone();
        async move {
            let accepts = request.headers().get("accept").and_then(|value| value.to_str().ok()).unwrap_or_default();
            let is_right = request.uri().path().contains("/domain/shop.") && accepts.contains("application/rdap+json");
            let status = if is_right { 200 } else { 400 };
            reply(status, ("content-type", "application/rdap+json"), body.to_string())
        }
    })
    .await
}

/// The same with these statuses.
pub async fn rdap_saying(statuses: &[&str]) -> Server {
    rdap(json!({"status": statuses})).await
}

/// A server that gives one answer.
pub async fn just(status: u16, kind: &'static str, body: &'static str) -> Server {
    Server::start(move |_| async move { reply(status, ("content-type", kind), body) }).await
}

/// A WHOIS server that gives one answer.
pub async fn whois(answer: impl Into<Vec<u8>>) -> Peer {
    Peer::start(vec![Act::ReadSome, Act::send(answer)]).await
}

/// An answer of a WHOIS server, kept beside the tests.
pub fn fixture(file: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/whois/{file}.txt", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What a domain test saw.
pub fn observed(result: &TestResult) -> &domain::Observed {
    match &result.observed {
        Observed::Domain(observed) => observed,
        other => panic!("{other:?}"),
    }
}
