//! What a receiver's answer leads to. How long the pauses are is read from the store, not waited for.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

mod support;

use std::time::Duration;

use support::{House, SOON, pause};
use watchkeep_lab::{
    ca::{Authority, Profile},
    raw::{Act, ClosedPort, Peer},
    receiver::{Mood, Receiver},
    tls,
};
use watchkeep_store::Delivery;

const HOUR: Duration = Duration::from_secs(3_600);

/// What the first try at a receiver in this mood leads to.
async fn first_try(mood: Mood) -> Delivery {
    let receiver = Receiver::start().await;
    receiver.set_mood(mood);
    let (delivery, house) = first_try_at(&receiver.url()).await;
    assert_eq!(receiver.requests().len(), 1);
    drop(house);
    delivery
}

async fn first_try_at(url: &str) -> (Delivery, House) {
    let house = House::new().await;
    let contact = house.contact(&[url.to_owned()]).await;
    let mut shop = house.monitor(&contact).await;
    let worker = house.worker();
    house.change(&mut shop, 451).await;
    house.deliveries_when(|all| all.iter().any(|delivery| delivery.attempts > 0)).await;
    worker.stop(SOON).await;
    (house.deliveries().await.remove(0), house)
}

#[tokio::test]
async fn a_pause_that_the_receiver_asks_for_is_kept() {
    for (status, asked, least, most) in [
        (429, "7200", HOUR * 2 - SOON, HOUR * 2),
        (503, "60", Duration::from_secs(60) - SOON, Duration::from_secs(60)),
        // A date in the far future is as good as six hours.
        (503, "Fri, 31 Dec 2100 23:59:59 GMT", HOUR * 6 - SOON, HOUR * 6),
        // One in the past, or a text that is none, is as good as nothing.
        (503, "Sun, 06 Nov 1994 08:49:37 GMT", Duration::ZERO, Duration::from_secs(2)),
        (500, "soon", Duration::ZERO, Duration::from_secs(2)),
    ] {
        let delivery = first_try(Mood::Header(status, "retry-after", asked)).await;
        let pause = pause(&delivery);
        assert!((least..=most).contains(&pause), "{status} {asked}: {pause:?}");
        assert_eq!(delivery.last_outcome, Some(format!("the receiver answered {status}")));
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    // Named by the receiver, the other one must not hear of the message, its signature and its token.
    let elsewhere = Receiver::start().await;
    let location: &'static str = elsewhere.url().leak();
    for status in [301, 302, 307, 308] {
        let delivery = first_try(Mood::Header(status, "location", location)).await;
        assert!(pause(&delivery) <= Duration::from_secs(2), "{delivery:?}");
        assert_eq!(delivery.last_outcome, Some(format!("the receiver answered {status}")));
    }
    assert!(elsewhere.requests().is_empty());
}

#[tokio::test]
async fn receivers_that_break_off_are_tried_again() {
    let closed = ClosedPort::new();
    let closes = Peer::start(vec![Act::ReadHead]).await;
    let mail = Peer::start(vec![Act::ReadSome, Act::send("220 mail.example ESMTP\r\n")]).await;
    let resets = Peer::start(vec![Act::ReadHead, Act::Reset]).await;
    let endless = Peer::start(vec![
        Act::ReadHead,
        Act::send("HTTP/1.1 200 OK\r\n"),
        Act::Flood(b"x-more: and more\r\n".repeat(64)),
    ])
    .await;
    let authority = Authority::new();
    let expired = Profile { ends: -1, ..Profile::good() };
    let untrusted = tls::Server::start(&authority.issue(&expired), tls::Offer::default()).await;
    for (url, part) in [
        (format!("http://{}/", closed.address()), "no connection to"),
        (closes.url("http"), "the exchange failed"),
        (resets.url("http"), "the exchange failed"),
        (mail.url("http"), "the exchange failed"),
        (endless.url("http"), "the exchange failed"),
        (mail.url("https"), "the TLS connection failed"),
        (untrusted.url(), "the TLS connection failed"),
    ] {
        let (delivery, _) = first_try_at(&url).await;
        let outcome = delivery.last_outcome.clone().unwrap();
        assert!(outcome.starts_with(part), "{url}: {outcome}");
        assert!(!outcome.contains('\n') && outcome.len() < 300, "{outcome}");
        assert!(pause(&delivery) <= Duration::from_secs(2), "{url}: {delivery:?}");
    }
}
