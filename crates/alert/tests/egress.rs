//! Where messages may go: the policy is asked about the very address that would be connected to.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use std::sync::Arc;

use support::{House, SOON, pause};
use watchkeep_lab::receiver::Receiver;
use watchkeep_model::EgressPolicy;
use watchkeep_store::Delivery;

async fn first_try(url: &str, egress: EgressPolicy) -> Delivery {
    let house = House::new().await;
    let contact = house.contact(&[url.to_owned()]).await;
    let mut shop = house.monitor(&contact).await;
    house.change(&mut shop, 451).await;
    let worker = house.worker_with(Arc::clone(&house.store), egress);
    house.deliveries_when(|all| all.iter().any(|delivery| delivery.attempts > 0)).await;
    worker.stop(SOON).await;
    house.deliveries().await.remove(0)
}

#[track_caller]
fn assert_forbidden(url: &str, delivery: &Delivery) {
    let outcome = delivery.last_outcome.as_deref().unwrap();
    assert!(outcome.starts_with("the egress policy forbids"), "{url}: {outcome}");
    // The policy or the name may change: it is tried again.
    assert!(pause(delivery) <= SOON);
}

#[tokio::test]
async fn where_organisations_share_an_installation_this_machine_is_out_of_reach() {
    let receiver = Receiver::start().await;
    let port = receiver.address().port();
    // Every spelling of the same address.
    for host in
        ["127.0.0.1", "localhost", "LOCALHOST", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::ffff:127.0.0.1]"]
    {
        let url = format!("http://{host}:{port}/hook");
        assert_forbidden(&url, &first_try(&url, EgressPolicy::PublicOnly).await);
    }
    assert!(receiver.requests().is_empty());
    let reached = first_try(&receiver.url(), EgressPolicy::OwnNetworks).await;
    assert_eq!(reached.last_outcome.as_deref(), Some("the receiver answered 204"));
}

#[tokio::test]
async fn metadata_services_are_always_out_of_reach() {
    for host in ["169.254.169.254", "2852039166", "[fe80::1]", "[::ffff:169.254.169.254]", "[fd00:ec2::254]", "0.0.0.0"]
    {
        let url = format!("http://{host}/latest/meta-data/");
        for egress in [EgressPolicy::OwnNetworks, EgressPolicy::PublicOnly] {
            assert_forbidden(&url, &first_try(&url, egress).await);
        }
    }
}
