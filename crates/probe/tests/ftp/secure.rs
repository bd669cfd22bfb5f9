//! TLS: implicit and explicit, good and bad, and what somebody in between could try.

use openssl::ssl::SslVersion;
use serde_json::{Value, json};
use watchkeep_lab::{
    ca::{Authority, DAY, Identity, KeyKind, Profile, self_signed},
    raw::{Act, Peer},
    tls::{Offer, Server},
};

use crate::{ann, expect, observed, run, run_briefly, saying, script};

/// Options of Ann's that trust this authority.
fn trusting(authority: &Authority, more: Value) -> Value {
    let mut options = ann(more);
    options["ca_file"] = json!(authority.file().to_str().unwrap());
    options
}

fn implicit(server: &Server) -> String {
    format!("ftps://localhost:{}", server.address().port())
}

/// A server that switches to TLS after AUTH TLS, and then goes on with these replies after a command each.
async fn upgrading(identity: &Identity, offer: Offer, replies: &[&str]) -> Server {
    let before = vec![Act::send("220 a\r\n"), Act::ReadSome, Act::send("234 go\r\n")];
    let mut after = vec![Act::ReadSome];
    after.extend(script(replies));
    Server::upgrading(identity, offer, before, after).await
}

fn explicit(server: &Server) -> String {
    format!("ftp://localhost:{}", server.address().port())
}

#[tokio::test]
async fn code_0_implicit_and_explicit() {
    let authority = Authority::new();
    let identity = authority.issue(&Profile::good());
    let server = Server::scripted(&identity, Offer::default(), script(&["220 a", "331 b", "230 c", "221 d"])).await;
    let result = run(&implicit(&server), trusting(&authority, json!({}))).await;
    expect(&result, 0, "");
    assert_eq!(observed(&result).tls.as_ref().unwrap().version, "TLSv1.3");
    assert_eq!(observed(&result).certificate.as_ref().unwrap().days_left, 89);
    assert!(result.phases.tls.is_some());

    let server = upgrading(&identity, Offer::default(), &["331 b", "230 c", "221 d"]).await;
    let result = run(&explicit(&server), trusting(&authority, json!({"tls": "explicit"}))).await;
    expect(&result, 0, "");
    assert!(observed(&result).certificate.is_some() && result.phases.tls.is_some());
    let said: Vec<_> = observed(&result).dialogue.iter().filter_map(|spoken| spoken.command.as_deref()).collect();
    assert_eq!(said, ["AUTH TLS", "USER ann", "PASS ********", "QUIT"]);
    let parts: std::time::Duration = result.phases.in_order().into_iter().filter_map(|(_, phase)| phase).sum();
    assert!(parts <= result.duration, "{parts:?} of {:?}", result.duration);
}

/// What browsers accept beyond modern libraries is accepted here too, on a second connection.
#[tokio::test]
async fn code_0_old_cipher_suites() {
    let authority = Authority::new();
    let identity = authority.issue(&Profile { key: KeyKind::Rsa(2048), ..Profile::good() });
    let old = || Offer {
        versions: (SslVersion::TLS1_2, SslVersion::TLS1_2),
        ciphers: Some("ECDHE-RSA-AES128-SHA"),
        ..Offer::default()
    };
    let server = Server::scripted(&identity, old(), script(&["220 a", "230 b", "221 c"])).await;
    let upgrading = upgrading(&identity, old(), &["230 b", "221 c"]).await;
    for (target, tls) in [(implicit(&server), "implicit"), (explicit(&upgrading), "explicit")] {
        let result = run(&target, trusting(&authority, json!({"tls": tls}))).await;
        expect(&result, 0, "");
        assert!(observed(&result).tls.as_ref().unwrap().legacy);
        assert_eq!(observed(&result).remarks.len(), 1);
    }
}

#[tokio::test]
async fn code_480_certificates() {
    let authority = Authority::new();
    let expired = authority.issue(&Profile { begins: -30 * DAY, ends: -DAY, ..Profile::good() });
    let other = authority.issue(&Profile { names: vec!["other.example".to_owned()], ..Profile::good() });
    for (identity, words) in [
        (expired, "TLS: "),
        (other, "is not for localhost"),
        (self_signed(&Profile::good()), "signed by itself"),
        (Authority::new().issue(&Profile::good()), "not a trusted authority"),
    ] {
        let server = Server::scripted(&identity, Offer::default(), script(&["220 a", "230 b"])).await;
        let result = run(&implicit(&server), trusting(&authority, json!({}))).await;
        expect(&result, 480, words);
        assert!(observed(&result).certificate.is_some(), "{words}");
        expect(&run(&implicit(&server), ann(json!({"insecure": true}))).await, 0, "");
        let server = upgrading(&identity, Offer::default(), &["230 b"]).await;
        expect(&run(&explicit(&server), trusting(&authority, json!({"tls": "explicit"}))).await, 480, words);
    }
}

#[tokio::test]
async fn code_480_handshakes() {
    let plain = saying(&["220 a"]).await;
    let target = format!("ftps://{}", plain.address());
    expect(&run(&target, json!({})).await, 480, "TLS: the server does not speak TLS on this port");
    let silent = Peer::start(vec![Act::Hang]).await;
    let result = run_briefly(&format!("ftps://{}", silent.address()), json!({})).await;
    expect(&result, 480, "did not finish the TLS handshake within 300ms");
    let reset = Peer::start(vec![Act::ReadSome, Act::Reset]).await;
    expect(&run(&format!("ftps://{}", reset.address()), json!({})).await, 480, "reset before the TLS handshake");
    let greeted = |then: Act| vec![Act::send("220 a\r\n"), Act::ReadSome, Act::send("234 go\r\n"), Act::ReadSome, then];
    for (then, words) in [
        (Act::send("500 what\r\n"), "TLS: the server does not speak TLS on this port"),
        (Act::Hang, "did not finish the TLS handshake within 300ms"),
        (Act::send(""), "closed the connection in the middle of the handshake"),
    ] {
        let peer = Peer::start(greeted(then)).await;
        expect(&run_briefly(&peer.url("ftp"), json!({"tls": "explicit"})).await, 480, words);
    }
    let authority = Authority::new();
    let offer = Offer {
        versions: (SslVersion::TLS1_1, SslVersion::TLS1_1),
        ciphers: Some("ALL:@SECLEVEL=0"),
        ..Offer::default()
    };
    let server = Server::scripted(&authority.issue(&Profile::good()), offer, script(&["220 a"])).await;
    expect(&run(&implicit(&server), trusting(&authority, json!({}))).await, 480, "TLS: ");
}

/// Replies that come in clear text after AUTH TLS must not be taken for ones that came over TLS.
#[tokio::test]
async fn code_480_replies_smuggled_in_before_tls() {
    for (smuggled, words) in
        [("230 you are in\r\n", "TLS: 16 bytes came in clear text"), ("2", "TLS: 1 byte came in clear text")]
    {
        let peer = Peer::start(vec![
            Act::send("220 a\r\n"),
            Act::ReadSome,
            Act::send(format!("234 go\r\n{smuggled}")),
            Act::Hang,
        ])
        .await;
        let result = run(&peer.url("ftp"), ann(json!({"tls": "explicit"}))).await;
        expect(&result, 480, words);
        assert_eq!(observed(&result).welcome, None);
    }
}

/// Nothing secret goes over the wire when the server will not have TLS.
#[tokio::test]
async fn code_482_no_tls_no_password() {
    let peer = saying(&["220 a", "502 no TLS here", "331 b", "230 c"]).await;
    let result = run(&peer.url("ftp"), ann(json!({"tls": "explicit"}))).await;
    expect(&result, 482, "AUTH TLS was answered 502 no TLS here");
    assert_eq!(observed(&result).dialogue.len(), 2);
}

#[tokio::test]
async fn code_0_listing_over_tls() {
    let authority = Authority::new();
    let identity = authority.issue(&Profile::good());
    let data = Server::scripted(&identity, Offer::default(), vec![Act::send("-rw 1 a\r\n-rw 1 b\r\n")]).await;
    let port = format!("229 (|||{}|)", data.address().port());
    let replies = ["220 a", "230 b", "200 c", "200 d", &port, "150 e\r\n226 f", "221 g"];
    let server = Server::scripted(&identity, Offer::default(), script(&replies)).await;
    let result = run(&implicit(&server), trusting(&authority, json!({"list": true}))).await;
    expect(&result, 0, "");
    assert_eq!(observed(&result).entries, Some(2));
}

#[tokio::test]
async fn data_connections_are_secured_or_told() {
    let authority = Authority::new();
    let identity = authority.issue(&Profile::good());
    let plain = Peer::start(vec![Act::send("-rw 1 a\r\n")]).await;
    let port = format!("229 (|||{}|)", plain.address().port());
    for (end, code, words) in [
        ("226 f", 480, "TLS on the data connection: the server does not speak TLS on this port"),
        ("522 session reuse required", 482, "LIST was answered 522 session reuse required; a server may demand"),
    ] {
        let end = format!("150 e\r\n{end}");
        let replies = ["220 a", "230 b", "200 c", "200 d", &port, &end, "221 g"];
        let server = Server::scripted(&identity, Offer::default(), script(&replies)).await;
        expect(&run(&implicit(&server), trusting(&authority, json!({"list": true}))).await, code, words);
    }
}
