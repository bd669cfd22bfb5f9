//! Registries that misbehave: slow, endless, cut at every byte, in fragments, in contradiction. Each ends in a code.
//! Nothing here may hang or panic, and what is long is named with its bound.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod domain_support;
mod support;

use std::time::Duration;

use domain_support::{fixture, just, observed, run_on, run_with, whois};
use serde_json::json;
use support::expect;
use watchkeep_lab::raw::{Act, ClosedPort, Peer};
use watchkeep_probe::{Prober, ProberOptions};

/// Longer than any limit of these tests.
const SLOW: Duration = Duration::from_millis(100);

async fn asked(peer: &Peer, limit: &str) -> watchkeep_model::TestResult {
    let options = json!({"whois": peer.address().to_string()});
    run_with("shop.org", options, json!({"timeout": limit, "connect_timeout": limit})).await
}

#[tokio::test]
async fn domain_code_500_a_server_that_drips() {
    let peer = Peer::start(vec![Act::ReadSome, Act::Drip(fixture("org_registered"), SLOW)]).await;
    expect(&asked(&peer, "300ms").await, 500, "not complete within 300ms");
    let silent = Peer::start(vec![Act::Hang]).await;
    expect(&asked(&silent, "300ms").await, 500, "0 bytes came");
    let dripping = Peer::start(vec![Act::ReadHead, Act::Drip(b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), SLOW)]).await;
    let options = json!({"rdap": dripping.url("http")});
    let limits = json!({"timeout": "300ms", "connect_timeout": "300ms"});
    expect(&run_with("shop.example", options, limits).await, 500, "within 300ms");
}

#[tokio::test]
async fn domain_code_501_a_server_without_end() {
    let peer = Peer::start(vec![Act::ReadSome, Act::Flood(b"Domain Name: shop.org\r\n".to_vec())]).await;
    expect(&asked(&peer, "5s").await, 501, "longer than 262144 bytes");
    let binary = Peer::start(vec![Act::ReadSome, Act::send((0..=255).cycle().take(9_999).collect::<Vec<u8>>())]).await;
    expect(&asked(&binary, "5s").await, 501, "nothing in its answer is known");
}

#[tokio::test]
async fn every_cut_ends_in_a_code() {
    let whole = fixture("io_unprotected");
    for end in 0..whole.len() {
        let peer = whois(&whole[..end]).await;
        let options = json!({"whois": peer.address().to_string()});
        let result = run_with("shop.io", options, json!({})).await;
        let code = result.verdict.code.number();
        let expected: &[i16] = if end == 0 { &[500] } else { &[0, 501, 511] };
        assert!(expected.contains(&code), "cut at {end}: {code} {:?}", result.verdict.detail);
    }
}

#[tokio::test]
async fn fragments_of_one_byte_are_one_answer() {
    let answer = b"Domain Name: SHOP.ORG\r\nDomain Status: clientHold\r\n".to_vec();
    let peer = Peer::start(vec![Act::ReadSome, Act::Drip(answer, Duration::from_millis(1))]).await;
    expect(&asked(&peer, "5s").await, 514, "clientHold");
    let reset = Peer::start(vec![Act::ReadSome, Act::Reset]).await;
    expect(&asked(&reset, "5s").await, 500, "broke before the answer");
}

fn thin(referral: &str) -> Vec<u8> {
    String::from_utf8(fixture("com_registered")).unwrap().replace("whois.registrar.example", referral).into_bytes()
}

/// The registry's word counts before the registrar's, and is enough without it.
#[tokio::test]
async fn sources_that_contradict() {
    let prober = Prober::new(ProberOptions::default()).unwrap();
    let registrar = whois(fixture("registrar_registered")).await;
    let registry = whois(thin(&registrar.address().to_string())).await;
    let result = run_on(&prober, "shop.com", json!({"whois": registry.address().to_string()})).await;
    expect(&result, 0, "");
    let seen = observed(&result);
    assert_eq!(seen.expires_at.unwrap().strftime("%Y").to_string(), "2046");
    assert!(seen.remarks.iter().any(|remark| remark.0.contains("tells another end, 2045-01-01")), "{:?}", seen.remarks);

    let closed = ClosedPort::new();
    let registry = whois(thin(&closed.address().to_string())).await;
    let result = run_on(&prober, "shop.com", json!({"whois": registry.address().to_string()})).await;
    expect(&result, 0, "");
    let remarks = &observed(&result).remarks;
    assert!(
        remarks.iter().any(|remark| remark.0.contains("added nothing") && remark.0.contains("refused")),
        "{remarks:?}"
    );
}

#[tokio::test]
async fn whois_counts_where_rdap_is_a_page() {
    let page = just(200, "text/html", "<html>maintenance</html>").await;
    let server = whois(fixture("org_registered")).await;
    let options = json!({"rdap": page.url("/"), "whois": server.address().to_string()});
    let result = run_with("shop.org", options, json!({})).await;
    expect(&result, 0, "");
    let notable = result.notable.as_ref().unwrap();
    assert!(notable.expires_at.is_some() && notable.attributes.is_empty());
    assert!(observed(&result).source.as_ref().unwrap().to_string().starts_with("whois "));
}
