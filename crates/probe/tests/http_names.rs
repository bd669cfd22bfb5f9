//! Names and addresses: what DNS servers may do wrong, which address is taken, which targets are no hosts.
//! Rows 9, 10 and 11 of the list of faults.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use hickory_proto::rr::RecordType;
use serde_json::{Value, json};
use support::{expect, observed, run, run_with};
use watchkeep_lab::{
    dns::{self, Answer},
    http::{Server, ok},
    raw::FullBacklog,
};

const FOUR: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const SIX: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

fn asking(dns: &dns::Server) -> Value {
    json!({"resolver": dns.address().to_string(), "timeout": "10s"})
}

#[tokio::test]
async fn fault_09_dns_answers_that_lead_to_the_server() {
    let server = Server::page("hello").await;
    let port = server.address().port();
    let dns = dns::Server::start([
        ("plain.example", Answer::Addresses(vec![FOUR], 60)),
        ("ttl0.example", Answer::Addresses(vec![FOUR], 0)),
        ("ttl31.example", Answer::Addresses(vec![FOUR], 1 << 31)),
        ("long.example", Answer::OverTcp(vec![FOUR])),
        ("alias.example", Answer::Alias("second.example")),
        ("second.example", Answer::Alias("plain.example")),
        ("half.example", Answer::SilentFor(RecordType::AAAA, vec![FOUR])),
    ])
    .await;
    for name in ["plain", "ttl0", "ttl31", "long", "alias", "half"] {
        let result = run_with(&format!("http://{name}.example:{port}/"), json!({}), asking(&dns)).await;
        expect(&result, 0, "");
        assert_eq!(observed(&result).ip, Some(FOUR), "{name}");
    }
}

#[tokio::test]
async fn fault_09_dns_answers_that_lead_nowhere() {
    let dns = dns::Server::start([
        ("longer.example", Answer::TooLong),
        ("chain.example", Answer::AliasForEver),
        ("ping.example", Answer::Alias("pong.example")),
        ("pong.example", Answer::Alias("ping.example")),
        ("dangling.example", Answer::Alias("absent.example")),
        ("garbage.example", Answer::Garbage),
    ])
    .await;
    for name in ["longer", "chain", "ping", "dangling", "garbage"] {
        let result = run_with(&format!("http://{name}.example:1/"), json!({}), asking(&dns)).await;
        expect(&result, 452, &format!("{name}.example"));
        assert!(result.phases.dns.is_some() && result.phases.connect.is_none());
    }
}

/// The name exists for one version of IP only.
#[tokio::test]
async fn fault_10_one_version_of_ip_only() {
    let six = Server::start_on(SIX, 0, |_| async { ok("six") }).await;
    let port = six.address().port();
    let dns = dns::Server::start([("six.example", Answer::Addresses(vec![SIX], 60))]).await;
    let target = format!("http://six.example:{port}/");
    let result = run_with(&target, json!({"require": ["six"]}), asking(&dns)).await;
    expect(&result, 0, "");
    assert_eq!(observed(&result).ip, Some(SIX));
    let mut only_four = asking(&dns);
    only_four["ip"] = json!("4");
    expect(&run_with(&target, json!({}), only_four).await, 452, "has no IPv4 address");
    expect(&run(&format!("http://[::1]:{port}/"), json!({})).await, 0, "");
}

/// IPv6 leads nowhere, and the test goes on over IPv4 after the head start (RFC 8305).
#[tokio::test]
async fn fault_09_happy_eyeballs_leave_a_black_hole() {
    let server = Server::page("four").await;
    let port = server.address().port();
    let Some(hole) = FullBacklog::on_ipv6(port) else { panic!("[::1]:{port} is taken") };
    let dns = dns::Server::start([("both.example", Answer::Addresses(vec![SIX, FOUR], 60))]).await;
    let result = run_with(&format!("http://both.example:{port}/"), json!({}), asking(&dns)).await;
    expect(&result, 0, "");
    assert_eq!(observed(&result).ip, Some(FOUR));
    let connect = result.phases.connect.unwrap();
    assert!(connect >= Duration::from_millis(200), "the head start was not given: {connect:?}");
    assert!(connect < Duration::from_secs(2), "{connect:?}");
    // With IPv6 alone there is nothing to fall back to.
    let mut only_six = asking(&dns);
    only_six["ip"] = json!("6");
    only_six["connect_timeout"] = json!("300ms");
    expect(
        &run_with(&format!("http://both.example:{port}/"), json!({}), only_six).await,
        419,
        &hole.address().ip().to_string(),
    );
}

#[tokio::test]
async fn fault_10_addresses_of_every_kind() {
    let server = Server::page("hello").await;
    let port = server.address().port();
    for (host, code, words) in [
        ("127.0.0.1", 0, ""),
        ("[::ffff:127.0.0.1]", 0, ""),
        ("0x7f.1", 0, ""),
        ("0.0.0.0", 451, "not the address of one host"),
        ("255.255.255.255", 451, "not the address of one host"),
        ("224.0.0.1", 451, "not the address of one host"),
        ("[ff02::1]", 451, "not the address of one host"),
        ("[fe80::1]", 451, "link-local"),
    ] {
        expect(&run(&format!("http://{host}:{port}/"), json!({})).await, code, words);
    }
}

#[tokio::test]
async fn fault_11_names_of_every_spelling() {
    let longest = format!("{}.{}.{}.{}", "a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61));
    let longest: &'static str = longest.leak();
    let server = Server::page("hello").await;
    let port = server.address().port();
    let dns = dns::Server::start([
        ("shop.example", Answer::Addresses(vec![FOUR], 60)),
        ("xn--bcher-kva.example", Answer::Addresses(vec![FOUR], 60)),
        ("my_shop.example", Answer::Addresses(vec![FOUR], 60)),
        (longest, Answer::Addresses(vec![FOUR], 60)),
    ])
    .await;
    for (host, shown) in [
        ("shop.example.", "shop.example."),
        ("SHOP.Example", "shop.example"),
        ("sh%6Fp.example", "shop.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("my_shop.example", "my_shop.example"),
        (longest, longest),
    ] {
        let result = run_with(&format!("http://{host}:{port}/"), json!({}), asking(&dns)).await;
        expect(&result, 0, "");
        assert_eq!(&*result.subject.target, format!("http://{shown}:{port}/"));
    }
    let fixed = json!({"resolve": ["SHOP.example.:127.0.0.1"]});
    expect(&run_with(&format!("http://shop.example:{port}/"), json!({}), fixed.clone()).await, 0, "");
    expect(&run_with(&format!("http://shop.example.:{port}/"), json!({}), fixed).await, 0, "");
    for host in [format!("{}.example", "a".repeat(64)), format!("{longest}.toolong")] {
        expect(&run_with(&format!("http://{host}:{port}/"), json!({}), asking(&dns)).await, 452, "");
    }
}
