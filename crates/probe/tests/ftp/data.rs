//! Listings: the data connection, and what can be wrong with it.

use serde_json::json;
use watchkeep_lab::raw::{Act, ClosedPort, FullBacklog, Peer};

use crate::{ann, expect, observed, run, run_briefly, run_with, saying};

/// EPSV's reply for a port.
fn extended(port: u16) -> String {
    format!("229 extended (|||{port}|)")
}

/// PASV's reply for a port, with an address that nothing may be sent to.
fn passive(port: u16) -> String {
    let [high, low] = port.to_be_bytes();
    format!("227 passive (192,0,2,7,{high},{low})")
}

#[tokio::test]
async fn code_0_listings() {
    let data = Peer::start(vec![Act::send("total 2\r\n-rw 1 a\r\n-rw 1 b\r\n")]).await;
    let port = data.address().port();
    let peer = saying(&["220 a", "230 b", &extended(port), "150 c\r\n226 d", "221 e"]).await;
    let result = run(&peer.url("ftp"), ann(json!({"list": true}))).await;
    expect(&result, 0, "");
    assert_eq!(observed(&result).entries, Some(2));
    // The address in PASV's reply is not the one that is connected to.
    let peer = saying(&["220 a", "230 b", "250 c", "500 d", &passive(port), "150 e\r\n226 f", "221 g"]).await;
    let result = run(&peer.url("ftp"), ann(json!({"list": true, "path": "pub/"}))).await;
    expect(&result, 0, "");
    assert_eq!(observed(&result).entries, Some(2));
    assert!(observed(&result).dialogue.iter().any(|spoken| spoken.command.as_deref() == Some("PASV")));
}

#[tokio::test]
async fn code_480_data_connections() {
    let closed = ClosedPort::new();
    let peer = saying(&["220 a", "230 b", &extended(closed.address().port())]).await;
    let result = run(&peer.url("ftp"), ann(json!({"list": true}))).await;
    expect(&result, 480, "no data connection: connection refused (127.0.0.1:");

    let full = FullBacklog::new();
    let peer = saying(&["220 a", "230 b", &extended(full.address().port())]).await;
    let result = run_briefly(&peer.url("ftp"), ann(json!({"list": true}))).await;
    expect(&result, 480, "no data connection: no answer from");

    for (data, words) in [
        (vec![Act::Hang], "the listing did not end within 1s"),
        (vec![Act::send("a\r\n"), Act::Hang], "the listing did not end within 1s"),
        (vec![Act::Flood(vec![b'x'; 100_000])], "the listing is larger than 16 MiB"),
        (vec![Act::send("a\r\n"), Act::Reset], "the data connection broke: Connection reset"),
    ] {
        let data = Peer::start(data).await;
        let replies = ["220 a", "230 b", &extended(data.address().port()), "150 c\r\n226 done"];
        let peer = saying(&replies).await;
        let limits = json!({"timeout": "1s", "connect_timeout": "1s"});
        expect(&run_with(&peer.url("ftp"), ann(json!({"list": true})), limits).await, 480, words);
    }
}

/// The listing is there, and the reply that it is complete never comes.
#[tokio::test]
async fn code_480_listing_without_an_end() {
    let data = Peer::start(vec![Act::send("a\r\n")]).await;
    let port = extended(data.address().port());
    for (end, words) in [
        (Act::Hang, "the reply to LIST did not come within 300ms"),
        (Act::ReadSome, "the reply to LIST did not come within 300ms"),
        (Act::send(""), "the server closed the connection before the reply to LIST"),
    ] {
        let peer =
            Peer::start([crate::script(&["220 a", "230 b", &port]), vec![Act::send("150 c\r\n"), end]].concat()).await;
        expect(&run_briefly(&peer.url("ftp"), ann(json!({"list": true}))).await, 480, words);
    }
}

#[tokio::test]
async fn code_482_listings() {
    let data = Peer::start(vec![Act::send("a\r\n")]).await;
    let port = extended(data.address().port());
    for (replies, words) in [
        (&["220 a", "230 b", "500 c", "502 d"][..], "PASV was answered 502 d"),
        (&["220 a", "230 b", "229 nowhere"], "EPSV was answered 229 nowhere"),
        (&["220 a", "230 b", "229 (|||0|)"], "EPSV was answered 229 (|||0|)"),
        (&["220 a", "230 b", "500 c", "227 (1,2,3,4,5)"], "PASV was answered 227 (1,2,3,4,5)"),
        (&["220 a", "230 b", &port, "425 no data connection"], "LIST was answered 425 no data connection"),
        (&["220 a", "230 b", &port, "550 no"], "LIST was answered 550 no"),
        (&["220 a", "230 b", &port, "226 out of sequence"], "LIST was answered 226 out of sequence"),
        (&["220 a", "230 b", &port, "150 c\r\n451 disk"], "LIST was answered 451 disk"),
    ] {
        let peer = saying(replies).await;
        expect(&run(&peer.url("ftp"), ann(json!({"list": true}))).await, 482, words);
    }
}
