//! A real server: vsftpd, in clear text and over TLS.

use std::net::SocketAddr;

use serde_json::{Value, json};
use watchkeep_lab::{
    ca::{Authority, Profile},
    vsftpd::{DIRECTORY, FILE, FILE_SIZE, Vsftpd},
};
use watchkeep_model::{
    TestResult,
    ftp::{PathKind, SeenPath},
};

use crate::{ann, expect, observed, run};

async fn ask(address: SocketAddr, path: &str, options: Value) -> TestResult {
    run(&format!("ftp://{address}/{path}"), options).await
}

#[tokio::test]
async fn code_0_vsftpd() {
    let Some(vsftpd) = Vsftpd::start("anonymous_enable=YES") else { return };
    let address = vsftpd.address();
    let result = ask(address, "", json!({})).await;
    expect(&result, 0, "");
    let seen = observed(&result);
    assert!(seen.greeting.as_ref().unwrap().starts_with("220 (vsFTPd"), "{seen:?}");
    assert_eq!(seen.welcome.as_deref(), Some("230 Login successful."));
    assert_eq!(seen.dialogue.last().unwrap().reply.as_deref(), Some("221 Goodbye."));
    let result = ask(address, FILE, json!({"anonymous": true})).await;
    expect(&result, 0, "");
    assert_eq!(observed(&result).path, Some(SeenPath { kind: PathKind::File, size: Some(FILE_SIZE as u64) }));
    for (path, entries) in [("", 2), (&*format!("{DIRECTORY}/"), 2)] {
        let result = ask(address, path, json!({"user": "ftp", "list": true})).await;
        expect(&result, 0, "");
        assert_eq!(observed(&result).entries, Some(entries), "{path}");
    }
    expect(&ask(address, "", json!({"no_login": true})).await, 0, "");
}

#[tokio::test]
async fn code_482_vsftpd() {
    let Some(vsftpd) = Vsftpd::start("anonymous_enable=YES") else { return };
    let address = vsftpd.address();
    expect(&ask(address, "absent", json!({})).await, 482, "SIZE absent was answered 550 Could not get file size.");
    expect(&ask(address, "absent/", json!({})).await, 482, "CWD absent was answered 550 Failed to change directory.");
    expect(&ask(address, "", json!({"tls": "explicit"})).await, 482, "AUTH TLS was answered 530 Please login");
}

#[tokio::test]
async fn code_484_vsftpd() {
    let Some(vsftpd) = Vsftpd::start("anonymous_enable=YES") else { return };
    let result = ask(vsftpd.address(), "", ann(json!({}))).await;
    expect(&result, 484, "PASS ******** was answered 530 Login incorrect.");
}

#[tokio::test]
async fn code_485_vsftpd() {
    let Some(vsftpd) = Vsftpd::start("anonymous_enable=YES") else { return };
    for (path, options, words) in [
        (FILE, json!({"no_login": true}), "MLST page.txt was answered 530 Please login with USER and PASS."),
        ("inner/", json!({"no_login": true}), "CWD inner was answered 530 Please login with USER and PASS."),
        ("", json!({"no_login": true, "list": true}), "EPSV was answered 530 Please login with USER and PASS."),
    ] {
        expect(&ask(vsftpd.address(), path, options).await, 485, words);
    }
}

#[tokio::test]
async fn code_486_vsftpd() {
    let Some(vsftpd) = Vsftpd::start("anonymous_enable=NO") else { return };
    expect(&ask(vsftpd.address(), "", json!({})).await, 486, "was answered 530");
}

#[tokio::test]
async fn code_0_vsftpd_over_tls() {
    let authority = Authority::new();
    let identity = authority.issue(&Profile::good());
    let trusting =
        |tls: &str, list: bool| json!({"tls": tls, "list": list, "ca_file": authority.file().to_str().unwrap()});
    for (tls, settings) in [("explicit", ""), ("implicit", "implicit_ssl=YES\n")] {
        let settings = format!("{settings}anonymous_enable=YES\nrequire_ssl_reuse=NO");
        let Some(vsftpd) = Vsftpd::start_tls(&identity, &settings) else { return };
        for list in [false, true] {
            let result = ask(vsftpd.address(), "inner/", trusting(tls, list)).await;
            expect(&result, 0, "");
            let seen = observed(&result);
            assert!(seen.tls.is_some() && seen.certificate.is_some(), "{seen:?}");
            assert_eq!(seen.entries, list.then_some(2));
        }
    }
}

/// vsftpd demands a resumed session for data unless it is told otherwise; a login alone needs none.
#[tokio::test]
async fn code_482_vsftpd_demands_a_resumed_session() {
    let authority = Authority::new();
    let settings = "anonymous_enable=YES\nrequire_ssl_reuse=YES";
    let Some(vsftpd) = Vsftpd::start_tls(&authority.issue(&Profile::good()), settings) else { return };
    let trusting = |list: bool| json!({"tls": "explicit", "list": list, "ca_file": authority.file().to_str().unwrap()});
    expect(&ask(vsftpd.address(), "inner/", trusting(false)).await, 0, "");
    let result = ask(vsftpd.address(), "inner/", trusting(true)).await;
    expect(&result, 482, "LIST was answered 522 SSL connection failed: session reuse required");
}
