//! The HTTP test over TLS: good and bad certificates, broken handshakes, old servers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::time::Duration;

use openssl::{hash::MessageDigest, ssl::SslVersion};
use serde_json::{Value, json};
use support::{expect, observed, run, run_with};
use watchkeep_lab::{
    ca::{Authority, DAY, KeyKind, Profile, self_signed},
    http::Proxy,
    nginx::Nginx,
    raw::{Act, Peer},
    register::{Register, Standing},
    tls::{Offer, Server},
};
use watchkeep_model::http::HttpVersion;

fn trusting(authority: &Authority) -> Value {
    json!({"ca_file": authority.file().to_str().unwrap()})
}

#[tokio::test]
async fn code_0_nginx_over_tls() {
    let authority = Authority::new();
    let Some(nginx) = Nginx::start_tls(&authority.issue(&Profile::good())) else { return };
    let result = run(&nginx.url(), trusting(&authority)).await;
    expect(&result, 0, "");
    let seen = observed(&result);
    let certificate = seen.certificate.as_ref().unwrap();
    assert_eq!(certificate.days_left, 89);
    assert_eq!(certificate.certificate.names, ["localhost", "127.0.0.1", "::1"]);
    assert_eq!(certificate.certificate.fingerprint.len(), 64);
    assert!(!seen.tls.as_ref().unwrap().legacy);
    assert!(result.phases.tls.is_some());
}

#[tokio::test]
async fn code_0_versions_and_protocols() {
    let authority = Authority::new();
    let identity = authority.issue_through_intermediate(&Profile::good());
    let server = Server::start(&identity, Offer { http2: true, ..Offer::default() }).await;
    for (version, seen) in
        [(None, HttpVersion::Http2), (Some("1.1"), HttpVersion::Http11), (Some("2"), HttpVersion::Http2)]
    {
        let mut options = trusting(&authority);
        options["http_version"] = json!(version);
        options["require"] = json!(["secure page"]);
        let result = run(&server.url(), options).await;
        expect(&result, 0, "");
        assert_eq!(observed(&result).http_version, Some(seen));
    }
    let old =
        Server::start(&identity, Offer { versions: (SslVersion::TLS1_2, SslVersion::TLS1_2), ..Offer::default() })
            .await;
    let result = run(&old.url(), trusting(&authority)).await;
    expect(&result, 0, "");
    assert_eq!(observed(&result).tls.as_ref().unwrap().version, "TLSv1.2");
}

#[tokio::test]
async fn code_0_closed_without_farewell() {
    let authority = Authority::new();
    let server =
        Server::start(&authority.issue(&Profile::good()), Offer { abrupt_end: true, ..Offer::default() }).await;
    let mut options = trusting(&authority);
    options["require"] = json!(["secure page"]);
    expect(&run(&server.url(), options).await, 0, "");
}

#[tokio::test]
async fn code_0_through_a_proxy() {
    let authority = Authority::new();
    let server = Server::start(&authority.issue(&Profile::good()), Offer::default()).await;
    let proxy = Proxy::start(None).await;
    let mut options = trusting(&authority);
    options["proxy"] = json!(proxy.url());
    expect(&run(&server.url(), options).await, 0, "");
    assert_eq!(proxy.requests(), 1);
}

#[tokio::test]
async fn code_415_broken_handshakes() {
    // A TLS record with the alert "internal error" (RFC 8446, 6).
    let alert = vec![0x15, 3, 3, 0, 2, 2, 80];
    for (script, words) in [
        (vec![Act::ReadSome, Act::send("HTTP/1.1 400 Bad Request\r\n\r\n")], "does not speak TLS"),
        (vec![Act::send("220 mail.example ESMTP\r\n")], "does not speak TLS"),
        (vec![Act::ReadSome], "closed the connection in the middle"),
        (vec![Act::ReadSome, Act::Send(vec![0x16, 3, 3]), Act::Reset], "middle of the handshake"),
        (vec![Act::ReadSome, Act::Send(alert)], "InternalError"),
    ] {
        let peer = Peer::start(script).await;
        expect(&run(&peer.url("https"), json!({})).await, 415, words);
    }
}

/// Before its first byte the server has not begun a handshake.
#[tokio::test]
async fn code_451_reset_before_the_handshake() {
    for script in [vec![Act::Reset], vec![Act::ReadSome, Act::Reset]] {
        let peer = Peer::start(script).await;
        expect(&run(&peer.url("https"), json!({})).await, 451, "reset before the TLS handshake");
    }
}

#[tokio::test]
async fn code_415_client_certificate_demanded() {
    let authority = Authority::new();
    let offer = Offer { client_authority: Some(authority.certificate().clone()), ..Offer::default() };
    let identity = authority.issue(&Profile::good());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("client.pem");
    std::fs::write(&file, authority.issue(&Profile { for_clients_only: true, ..Profile::good() }).pem()).unwrap();
    for versions in [(SslVersion::TLS1_2, SslVersion::TLS1_2), (SslVersion::TLS1_3, SslVersion::TLS1_3)] {
        let server = Server::start(&identity, Offer { versions, ..offer.clone() }).await;
        let mut options = trusting(&authority);
        let refused = run(&server.url(), options.clone()).await;
        assert!([415, 417, 450].contains(&refused.verdict.code.number()), "{:?}", refused.verdict);
        options["client_cert"] = json!(file.to_str().unwrap());
        expect(&run(&server.url(), options).await, 0, "");
    }
    let server = Server::start(&identity, offer).await;
    expect(
        &run(&server.url(), json!({"client_cert": "/nonexistent.pem"})).await,
        415,
        "/nonexistent.pem cannot be read",
    );
}

#[tokio::test]
async fn code_416_invalid_certificates() {
    let authority = Authority::new();
    let named =
        |names: &[&str]| Profile { names: names.iter().map(|&name| name.to_owned()).collect(), ..Profile::good() };
    for (profile, words) in [
        (Profile { begins: -30 * DAY, ends: -DAY, ..Profile::good() }, "expired at"),
        (Profile { begins: DAY, ends: 30 * DAY, ..Profile::good() }, "not valid before"),
        (named(&["other.example", "www.other.example"]), "is not for localhost; it names"),
        (named(&[]), "is not for localhost"),
        (named(&["*.localhost"]), "is not for localhost"),
        (Profile { for_clients_only: true, ..Profile::good() }, "not made for servers"),
        (Profile { key: KeyKind::Rsa(1024), ..Profile::good() }, "too weak"),
    ] {
        let server = Server::start(&authority.issue(&profile), Offer::default()).await;
        let result = run(&server.url(), trusting(&authority)).await;
        expect(&result, 416, words);
        if !words.contains("weak") {
            assert!(observed(&result).certificate.is_some(), "{words}");
        }
        if !words.contains("weak") {
            let mut anyway = trusting(&authority);
            anyway["insecure"] = json!(true);
            expect(&run(&server.url(), anyway).await, 0, "");
        }
    }
    let weak = self_signed(&Profile { digest: MessageDigest::sha1(), key: KeyKind::Rsa(2048), ..Profile::good() });
    let server = Server::start(&weak, Offer::default()).await;
    let result = run(&server.url(), json!({})).await;
    assert!([416, 418].contains(&result.verdict.code.number()), "{:?}", result.verdict);
}

/// Of what the server brings along; responders and lists are asked by the certificate test.
#[tokio::test]
async fn code_416_revoked_by_a_stapled_answer() {
    let authority = Authority::new();
    let Some(register) = Register::of(&authority.identity()) else { return };
    let identity = authority.issue(&Profile::good());
    for (standing, code, words) in [(Standing::Revoked, 416, "revoked"), (Standing::Good, 0, "")] {
        let staple = Some(register.answer(&identity.chain[0], standing, &authority.identity()));
        let server = Server::start(&identity, Offer { staple, ..Offer::default() }).await;
        expect(&run(&server.url(), trusting(&authority)).await, code, words);
    }
}

#[tokio::test]
async fn code_418_untrusted_certificates() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let mut incomplete = authority.issue_through_intermediate(&Profile::good());
    incomplete.chain.truncate(1);
    for (identity, words) in [
        (stranger.issue(&Profile::good()), "not a trusted authority of that name"),
        (self_signed(&Profile::good()), "signed by itself"),
        (self_signed(&Profile { is_authority: true, ..Profile::good() }), "signed by itself"),
        (incomplete, "sent no intermediate certificate"),
    ] {
        let server = Server::start(&identity, Offer::default()).await;
        let result = run(&server.url(), trusting(&authority)).await;
        expect(&result, 418, words);
        assert!(observed(&result).certificate.is_some(), "{words}");
    }
    let server = Server::start(&authority.issue(&Profile::good()), Offer::default()).await;
    expect(&run(&server.url(), json!({"ca_file": "/nonexistent.pem"})).await, 418, "/nonexistent.pem cannot be read");
    expect(&run(&server.url(), json!({})).await, 418, "not a trusted authority");
}

#[tokio::test]
async fn code_419_stalled_handshake() {
    let peer = Peer::start(vec![Act::ReadSome, Act::Hang]).await;
    expect(&run_with(&peer.url("https"), json!({}), json!({"connect_timeout": "300ms"})).await, 419, "within 300ms");
    let drip = Peer::start(vec![Act::ReadSome, Act::Drip(vec![22; 100], Duration::from_millis(50))]).await;
    let result = run_with(&drip.url("https"), json!({}), json!({"connect_timeout": "300ms"})).await;
    assert!([415, 419].contains(&result.verdict.code.number()), "{:?}", result.verdict);
}

/// Servers restricted to one version and suite: operational exactly where Chromium opens them.
#[tokio::test]
async fn code_417_and_legacy_by_suite() {
    let authority = Authority::new();
    let identity = authority.issue(&Profile { key: KeyKind::Rsa(2048), ..Profile::good() });
    let (tls10, tls11, tls12) = (SslVersion::TLS1, SslVersion::TLS1_1, SslVersion::TLS1_2);
    for (version, ciphers, outcome) in [
        (tls12, "ECDHE-RSA-AES128-GCM-SHA256", Some(false)),
        (tls12, "ECDHE-RSA-AES128-SHA", Some(true)),
        (tls12, "AES128-SHA", Some(true)),
        (tls12, "AES128-GCM-SHA256", Some(true)),
        (tls12, "DHE-RSA-AES128-GCM-SHA256", None),
        (tls12, "AES128-SHA256", None),
        (tls12, "ECDHE-RSA-AES128-SHA256", None),
        (tls11, "ALL:@SECLEVEL=0", None),
        (tls10, "ALL:@SECLEVEL=0", None),
    ] {
        let server = Server::start(
            &identity,
            Offer { versions: (version, version), ciphers: Some(ciphers), ..Offer::default() },
        )
        .await;
        let result = run(&server.url(), trusting(&authority)).await;
        match outcome {
            None => expect(&result, 417, ""),
            Some(legacy) => {
                expect(&result, 0, "");
                let seen = observed(&result);
                assert_eq!(seen.tls.as_ref().unwrap().legacy, legacy, "{ciphers}");
                assert_eq!(seen.remarks.len(), usize::from(legacy), "{ciphers}");
                assert!(seen.certificate.is_some());
            }
        }
    }
}

#[tokio::test]
async fn code_417_by_the_tests_own_minimum() {
    let authority = Authority::new();
    let server = Server::start(
        &authority.issue(&Profile::good()),
        Offer { versions: (SslVersion::TLS1_2, SslVersion::TLS1_2), ..Offer::default() },
    )
    .await;
    let mut options = trusting(&authority);
    options["tls_min"] = json!("1.3");
    expect(&run(&server.url(), options).await, 417, "");
}

/// The chain of a legacy server is judged like any other.
#[tokio::test]
async fn code_418_on_a_legacy_server() {
    let identity = self_signed(&Profile { key: KeyKind::Rsa(2048), ..Profile::good() });
    let offer =
        Offer { versions: (SslVersion::TLS1_2, SslVersion::TLS1_2), ciphers: Some("AES128-SHA"), ..Offer::default() };
    let server = Server::start(&identity, offer).await;
    expect(&run(&server.url(), json!({})).await, 418, "signed by itself");
}

#[tokio::test]
async fn code_453_no_common_protocol() {
    let authority = Authority::new();
    let server = Server::start(&authority.issue(&Profile::good()), Offer::default()).await;
    let mut options = trusting(&authority);
    options["http_version"] = json!("2");
    expect(&run(&server.url(), options).await, 453, "");
}
