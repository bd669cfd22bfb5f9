//! The certificate test: every code of its family, each against a server that causes it; STARTTLS, revocation, remarks.
#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value, reason = "tests fail by panicking")]

mod support;

use std::time::Duration;

use openssl::ssl::SslVersion;
use serde_json::{Value, json};
use support::{expect, refused, run_as};
use watchkeep_lab::{
    ca::{Authority, DAY, Extra, KeyKind, Profile, self_signed},
    dns::{self, Answer},
    http::{self, reply},
    nginx::Nginx,
    raw::{Act, ClosedPort, FullBacklog, Peer},
    register::{Register, Standing},
    tls::{Offer, Server},
};
use watchkeep_model::{Observed, TestResult, certificate};

async fn run_with(target: &str, options: Value, extra: Value) -> TestResult {
    run_as("certificate", target, options, extra).await
}

async fn run(target: &str, options: Value) -> TestResult {
    run_with(target, options, json!({})).await
}

fn observed(result: &TestResult) -> &certificate::Observed {
    match &result.observed {
        Observed::Certificate(observed) => observed,
        other => panic!("{other:?}"),
    }
}

fn trusting(authority: &Authority) -> Value {
    json!({"ca_file": authority.file().to_str().unwrap()})
}

/// `localhost:PORT` of an address, the name that the lab's certificates have.
fn named(address: std::net::SocketAddr) -> String {
    format!("localhost:{}", address.port())
}

const TLS12_ONLY: (SslVersion, SslVersion) = (SslVersion::TLS1_2, SslVersion::TLS1_2);

#[tokio::test]
async fn certificate_code_0_nginx() {
    let authority = Authority::new();
    let Some(nginx) = Nginx::start_tls(&authority.issue(&Profile::good())) else { return };
    let result = run(&named(nginx.address()), trusting(&authority)).await;
    expect(&result, 0, "");
    let seen = observed(&result);
    let certificate = seen.certificate.as_ref().unwrap();
    assert_eq!((certificate.days_left, seen.chain.len(), seen.verified_chain.len()), (89, 1, 2));
    assert!(seen.tls.is_some() && result.phases.tls.is_some());
    let notable = result.notable.as_ref().unwrap();
    assert_eq!(notable.expires_at, Some(certificate.certificate.not_after));
    assert_eq!(notable.attributes["names"], "127.0.0.1, ::1, localhost");
    assert!(["issuer", "key", "serial"].iter().all(|name| notable.attributes.contains_key(*name)), "{notable:?}");
    assert_eq!(notable.warn_days.days(), [30, 14, 7, 3, 1]);
}

#[tokio::test]
async fn certificate_code_0_with_an_intermediate_and_as_https() {
    let authority = Authority::new();
    let server = Server::start(&authority.issue_through_intermediate(&Profile::good()), Offer::default()).await;
    for target in [named(server.address()), format!("https://{}/", named(server.address()))] {
        let result = run(&target, trusting(&authority)).await;
        expect(&result, 0, "");
        let seen = observed(&result);
        assert_eq!((seen.chain.len(), seen.verified_chain.len()), (2, 3), "{target}");
        assert_eq!(seen.http_status, target.starts_with("https").then_some(200));
        assert!(seen.remarks.iter().any(|remark| remark.contains("Revocation could not be checked")), "{seen:?}");
    }
}

#[tokio::test]
async fn certificate_code_0_versions_are_tried_where_that_is_asked() {
    let authority = Authority::new();
    let server =
        Server::start(&authority.issue(&Profile::good()), Offer { versions: TLS12_ONLY, ..Offer::default() }).await;
    let mut options = trusting(&authority);
    options["scan"] = json!(true);
    let result = run(&named(server.address()), options).await;
    expect(&result, 0, "");
    let versions = &observed(&result).tls.as_ref().unwrap().versions;
    let accepted: Vec<_> = versions.iter().map(|seen| (seen.version, seen.accepted)).collect();
    assert!(
        accepted.contains(&("TLSv1.2", Some(true))) && accepted.contains(&("TLSv1.3", Some(false))),
        "{accepted:?}"
    );
}

/// What each protocol says before TLS begins, from the server's side.
fn dialogues() -> Vec<(&'static str, Vec<Act>)> {
    let talk = |lines: &[&[u8]]| -> Vec<Act> {
        let acts = lines.iter().enumerate().flat_map(|(index, line)| {
            let waits = (index > 0).then_some(Act::ReadSome);
            waits.into_iter().chain([Act::Send(line.to_vec())])
        });
        acts.collect()
    };
    let asked = |answer: &[u8]| vec![Act::ReadSome, Act::Send(answer.to_vec())];
    vec![
        ("smtp", talk(&[b"220 mail.example ESMTP\r\n", b"250-mail.example\r\n250 STARTTLS\r\n", b"220 go ahead\r\n"])),
        ("pop3", talk(&[b"+OK ready\r\n", b"+OK begin\r\n"])),
        ("ftp", talk(&[b"220 ready\r\n", b"234 begin\r\n"])),
        ("postgresql", asked(b"S")),
        ("ldap", asked(b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00")),
    ]
}

#[tokio::test]
async fn certificate_code_0_starttls() {
    let authority = Authority::new();
    let identity = authority.issue(&Profile::good());
    for (protocol, prologue) in dialogues() {
        let server = Server::start(&identity, Offer { prologue, ..Offer::default() }).await;
        let mut options = trusting(&authority);
        options["starttls"] = json!(protocol);
        let result = run(&named(server.address()), options).await;
        expect(&result, 0, "");
        let seen = observed(&result);
        assert!(seen.starttls.is_some() && seen.certificate.is_some(), "{protocol}");
    }
}

#[test]
fn certificate_code_410_parameter_missing() {
    for target in [json!(null), json!(""), json!(":443"), json!("host:0"), json!("a b:443")] {
        let result = refused(json!({"family": "certificate", "target": target}));
        expect(&result, 410, "target");
    }
}

#[test]
fn certificate_code_411_unknown_protocol() {
    expect(&refused(json!({"family": "certificate", "target": "gopher://a.example/"})), 411, "target");
    let starttls = json!({"family": "certificate", "target": "a.example:1", "certificate": {"starttls": "gopher"}});
    expect(&refused(starttls), 411, "starttls");
}

#[tokio::test]
async fn certificate_code_414_forbidden_status() {
    let authority = Authority::new();
    let identity = authority.issue(&Profile::good());
    let server =
        Server::serving(&identity, Offer::default(), |_| async { reply(503, ("retry-after", "9"), "busy") }).await;
    let target = format!("https://{}/", named(server.address()));
    let result = run(&target, trusting(&authority)).await;
    expect(&result, 414, "503");
    assert_eq!(observed(&result).http_status, Some(503));
    let mut options = trusting(&authority);
    options["accept_status"] = json!("503");
    expect(&run(&target, options).await, 0, "");
    expect(&run(&named(server.address()), trusting(&authority)).await, 0, "");
}

#[tokio::test]
async fn certificate_code_415_broken_handshakes() {
    // A TLS record with the alert "internal error" (RFC 8446, 6).
    let alert = vec![0x15, 3, 3, 0, 2, 2, 80];
    for (script, words) in [
        (vec![Act::ReadSome], "closed the connection in the middle"),
        (vec![Act::ReadSome, Act::Send(vec![0x16, 3, 3]), Act::Reset], "middle of the handshake"),
        (vec![Act::ReadSome, Act::Send(alert)], "InternalError"),
    ] {
        let peer = Peer::start(script).await;
        expect(&run(&peer.address().to_string(), json!({})).await, 415, words);
    }
}

#[tokio::test]
async fn certificate_code_416_invalid() {
    let authority = Authority::new();
    let names =
        |names: &[&str]| Profile { names: names.iter().map(|&name| name.to_owned()).collect(), ..Profile::good() };
    for (profile, words) in [
        (Profile { begins: -30 * DAY, ends: -1, ..Profile::good() }, "expired at"),
        (Profile { begins: DAY, ends: 30 * DAY, ..Profile::good() }, "not valid before"),
        (names(&["other.example"]), "is not for localhost; it names other.example"),
        (names(&[]), "is not for localhost"),
        (Profile { for_clients_only: true, ..Profile::good() }, "not made for servers"),
        (Profile { key: KeyKind::Rsa(1024), ..Profile::good() }, "too weak"),
        (Profile { extras: vec![Extra::UnknownCritical], ..Profile::good() }, "critical extension"),
    ] {
        let server = Server::start(&authority.issue(&profile), Offer::default()).await;
        let result = run(&named(server.address()), trusting(&authority)).await;
        expect(&result, 416, words);
        assert!(observed(&result).certificate.is_some(), "{words}");
    }
    // The same server by the name that the certificate has.
    let server = Server::start(&authority.issue(&names(&["other.example"])), Offer::default()).await;
    let mut options = trusting(&authority);
    options["server_name"] = json!("other.example");
    expect(&run(&named(server.address()), options).await, 0, "");
}

#[tokio::test]
async fn certificate_code_416_revoked_by_a_stapled_answer() {
    let authority = Authority::new();
    let Some(register) = Register::of(&authority.identity()) else { return };
    let identity = authority.issue(&Profile::good());
    let subject = identity.chain[0].clone();
    for (standing, code, words) in
        [(Standing::Revoked, 416, "revoked"), (Standing::Good, 0, ""), (Standing::Unknown, 0, "")]
    {
        let staple = Some(register.answer(&subject, standing, &authority.identity()));
        let server = Server::start(&identity, Offer { staple, ..Offer::default() }).await;
        let result = run(&named(server.address()), trusting(&authority)).await;
        expect(&result, code, words);
        assert_eq!(observed(&result).ocsp.is_some(), code == 0, "a revoked one ends the handshake: {standing:?}");
    }
    // An answer that is signed by a stranger is no answer.
    let stranger = Authority::new();
    let staple = Some(register.answer(&subject, Standing::Revoked, &stranger.identity()));
    let server = Server::start(&identity, Offer { staple, ..Offer::default() }).await;
    let result = run(&named(server.address()), trusting(&authority)).await;
    expect(&result, 0, "");
    assert!(observed(&result).remarks.iter().any(|remark| remark.contains("is of no use")), "{result:?}");
}

/// A server of documents, and its URL with the life of the program: the lab's profiles take such texts.
async fn documents(body: impl Fn() -> Vec<u8> + Send + Sync + 'static) -> (http::Server, &'static str) {
    let server = http::Server::start(move |_| {
        let body = body();
        async move { http::ok(body) }
    })
    .await;
    let url: &'static str = Box::leak(server.url("/").into_boxed_str());
    (server, url)
}

#[tokio::test]
async fn certificate_code_416_revoked_by_responder_and_by_list() {
    let authority = Authority::new();
    let Some(register) = Register::of(&authority.identity()) else { return };
    for kind in ["responder", "list"] {
        for (standing, code) in [(Standing::Revoked, 416), (Standing::Good, 0)] {
            let shelf = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
            let told = std::sync::Arc::clone(&shelf);
            let (_server, url) = documents(move || told.lock().unwrap().clone()).await;
            let extra = if kind == "list" { Extra::List(url) } else { Extra::Responder(url) };
            let identity = authority.issue(&Profile { extras: vec![extra], ..Profile::good() });
            let subject = &identity.chain[0];
            *shelf.lock().unwrap() = match kind {
                "list" => register.list(subject, standing),
                _ => register.answer(subject, standing, &authority.identity()),
            };
            let busy = |_| async { reply(503, ("retry-after", "9"), "busy") };
            let site = Server::serving(&identity, Offer::default(), busy).await;
            let result = run(&named(site.address()), trusting(&authority)).await;
            expect(&result, code, if code == 0 { "" } else { "revoked" });
            // A page that is refused comes after a certificate that is revoked.
            let as_page = run(&format!("https://{}/", named(site.address())), trusting(&authority)).await;
            expect(&as_page, if code == 0 { 414 } else { code }, "");
            assert!(observed(&result).ocsp.is_some(), "{kind} {standing:?}: {result:?}");
        }
    }
}

#[tokio::test]
async fn certificate_code_0_where_nobody_can_say_whether_it_is_revoked() {
    let authority = Authority::new();
    let (_server, url) = documents(|| b"<html>".to_vec()).await;
    let nobody = ClosedPort::new();
    let closed: &'static str = Box::leak(format!("http://{}/", nobody.address()).into_boxed_str());
    for extra in [Extra::Responder(url), Extra::List(url), Extra::Responder(closed)] {
        let identity = authority.issue(&Profile { extras: vec![extra], ..Profile::good() });
        let site = Server::start(&identity, Offer::default()).await;
        let result = run(&named(site.address()), trusting(&authority)).await;
        expect(&result, 0, "");
        let remarks = &observed(&result).remarks;
        assert!(remarks.iter().any(|remark| remark.starts_with("Revocation could not be checked")), "{remarks:?}");
    }
}

#[tokio::test]
async fn certificate_code_417_no_common_version_or_cipher() {
    let authority = Authority::new();
    let identity = authority.issue(&Profile { key: KeyKind::Rsa(2048), ..Profile::good() });
    let old = (SslVersion::TLS1_1, SslVersion::TLS1_1);
    for (versions, ciphers) in [(old, "ALL:!aNULL:@SECLEVEL=0"), (TLS12_ONLY, "DHE-RSA-AES128-GCM-SHA256")] {
        let offer = Offer { versions, ciphers: Some(ciphers), ..Offer::default() };
        let server = Server::start(&identity, offer).await;
        expect(&run(&named(server.address()), trusting(&authority)).await, 417, "");
    }
    let server = Server::start(&identity, Offer { versions: TLS12_ONLY, ..Offer::default() }).await;
    let mut options = trusting(&authority);
    options["tls_min"] = json!("1.3");
    expect(&run(&named(server.address()), options).await, 417, "");
}

#[tokio::test]
async fn certificate_code_418_untrusted() {
    let authority = Authority::new();
    let mut incomplete = authority.issue_through_intermediate(&Profile::good());
    incomplete.chain.truncate(1);
    for (identity, words) in [
        (Authority::new().issue(&Profile::good()), "not a trusted authority of that name"),
        (self_signed(&Profile::good()), "signed by itself"),
        (self_signed(&Profile { is_authority: true, ..Profile::good() }), "signed by itself"),
        (incomplete, "sent no intermediate certificate"),
    ] {
        let server = Server::start(&identity, Offer::default()).await;
        let result = run(&named(server.address()), trusting(&authority)).await;
        expect(&result, 418, words);
        assert!(observed(&result).certificate.is_some() && result.notable.is_some(), "{words}");
    }
    let server = Server::start(&authority.issue(&Profile::good()), Offer::default()).await;
    let bundle = json!({"ca_file": "/nonexistent.pem"});
    expect(&run(&named(server.address()), bundle).await, 418, "/nonexistent.pem cannot be read");
}

#[tokio::test]
async fn certificate_code_419_connect_timeout() {
    let limit = json!({"connect_timeout": "300ms"});
    let stalled = Peer::start(vec![Act::ReadSome, Act::Hang]).await;
    expect(&run_with(&stalled.address().to_string(), json!({}), limit.clone()).await, 419, "within 300ms");
    let full = FullBacklog::new();
    expect(&run_with(&full.address().to_string(), json!({}), limit).await, 419, "within 300ms");
}

#[tokio::test]
async fn certificate_code_420_operation_timeout() {
    let limits = json!({"timeout": "400ms", "connect_timeout": "300ms"});
    let silent = Peer::start(vec![Act::Hang]).await;
    let drip = Peer::start(vec![Act::Drip(b"220 mail.example\r\n".to_vec(), Duration::from_millis(100))]).await;
    for peer in [&silent, &drip] {
        let result = run_with(&peer.address().to_string(), json!({"starttls": "smtp"}), limits.clone()).await;
        expect(&result, 420, "within 400ms");
    }
    let authority = Authority::new();
    let identity = authority.issue(&Profile::good());
    let site = Server::scripted(&identity, Offer::default(), vec![Act::ReadHead, Act::Hang]).await;
    let target = format!("https://{}/", named(site.address()));
    let limits = json!({"timeout": "1s", "connect_timeout": "900ms"});
    expect(&run_with(&target, trusting(&authority), limits).await, 420, "within 1s");
}

#[tokio::test]
async fn certificate_code_450_broken_dialogues() {
    for (protocol, script) in [
        ("smtp", vec![Act::send("220 mail.example\r\n"), Act::ReadSome]),
        ("imap", vec![Act::send("* OK")]),
        ("pop3", vec![Act::send("+OK\r\n"), Act::ReadSome, Act::Reset]),
    ] {
        let peer = Peer::start(script).await;
        expect(&run(&peer.address().to_string(), json!({"starttls": protocol})).await, 450, "");
    }
    // A dialogue of every protocol that ends after any of its bytes ends with a code, and never hangs.
    for (protocol, acts) in dialogues() {
        let Some(Act::Send(first)) = acts.iter().find(|act| matches!(act, Act::Send(_))) else { continue };
        for end in 0..first.len() {
            let script = if protocol == "postgresql" || protocol == "ldap" {
                vec![Act::ReadSome, Act::Send(first[..end].to_vec())]
            } else {
                vec![Act::Send(first[..end].to_vec())]
            };
            let peer = Peer::start(script).await;
            let result = run(&peer.address().to_string(), json!({"starttls": protocol})).await;
            let code = result.verdict.code.number();
            assert!([415, 450, 451].contains(&code), "{protocol} cut at {end}: {:?}", result.verdict);
        }
    }
}

#[tokio::test]
async fn certificate_code_451_refused() {
    let closed = ClosedPort::new();
    expect(&run(&closed.address().to_string(), json!({})).await, 451, "connection refused");
    let reset = Peer::start(vec![Act::Reset]).await;
    expect(&run(&reset.address().to_string(), json!({})).await, 451, "reset before the TLS handshake");
}

#[tokio::test]
async fn certificate_code_452_names() {
    let server = dns::Server::start([("silent.example", Answer::Silence)]).await;
    let network = json!({"resolver": server.address().to_string(), "timeout": "1s", "connect_timeout": "500ms"});
    for (target, words) in [("absent.example:443", "NXDOMAIN"), ("silent.example:443", "no DNS server answered")] {
        expect(&run_with(target, json!({}), network.clone()).await, 452, words);
    }
}

#[tokio::test]
async fn certificate_code_453_another_protocol() {
    let stranger = Peer::start(vec![Act::send("SSH-2.0-OpenSSH_9.2\r\n"), Act::Hang]).await;
    expect(&run(&stranger.address().to_string(), json!({"starttls": "smtp"})).await, 453, "");
    let authority = Authority::new();
    let identity = authority.issue(&Profile::good());
    let away = |_| async { reply(302, ("location", "ftp://files.example/"), "") };
    let server = Server::serving(&identity, Offer::default(), away).await;
    let target = format!("https://{}/", named(server.address()));
    expect(&run(&target, trusting(&authority)).await, 453, "ftp");
}

#[test]
fn certificate_code_454_limits() {
    let limits = json!({"family": "certificate", "target": "a.example", "timeout": "1s", "connect_timeout": "2s"});
    expect(&refused(limits), 454, "connect_timeout");
}

#[tokio::test]
async fn certificate_code_470_no_certificate() {
    for (options, script) in [
        (json!({}), vec![Act::ReadSome, Act::send("HTTP/1.1 400 Bad Request\r\n\r\n")]),
        (json!({}), vec![Act::send("220 mail.example ESMTP\r\n"), Act::ReadSome]),
        (
            json!({"starttls": "smtp"}),
            vec![Act::send("220 mail.example\r\n"), Act::ReadSome, Act::send("250 mail.example\r\n"), Act::ReadSome],
        ),
        (json!({"starttls": "postgresql"}), vec![Act::ReadSome, Act::send("N")]),
        (json!({"starttls": "pop3"}), vec![Act::send("+OK\r\n"), Act::ReadSome, Act::send("-ERR no\r\n")]),
    ] {
        let peer = Peer::start(script).await;
        expect(&run(&peer.address().to_string(), options).await, 470, "");
    }
}
