//! Every code that needs neither TLS nor a data connection, each against a peer that causes it.

use std::time::Duration;

use serde_json::{Value, json};
use watchkeep_lab::{
    dns::{self, Answer},
    raw::{Act, ClosedPort, FullBacklog, Peer},
};
use watchkeep_model::ftp::{PathKind, SeenPath};

use crate::{ann, expect, observed, run, run_briefly, run_with, saying, script, support::refused};

#[tokio::test]
async fn code_0_whole_dialogue() {
    let replies =
        ["220 hello", "331 who", "230-in\r\n you are\r\n230 now", "250-a\r\n type=file;size=7; a\r\n250 b", "221 bye"];
    let peer = saying(&replies).await;
    let result = run(&peer.url("ftp"), ann(json!({"path": "a"}))).await;
    expect(&result, 0, "");
    let seen = observed(&result);
    assert_eq!(seen.ip, Some(peer.address().ip()));
    assert_eq!(seen.greeting.as_deref(), Some("220 hello"));
    assert_eq!(seen.welcome.as_deref(), Some("230 in you are now"));
    assert_eq!(seen.path, Some(SeenPath { kind: PathKind::File, size: Some(7) }));
    let spoken: Vec<_> =
        seen.dialogue.iter().map(|spoken| (spoken.command.as_deref(), spoken.reply.as_deref())).collect();
    assert_eq!(
        spoken,
        [
            (None, Some("220 hello")),
            (Some("USER ann"), Some("331 who")),
            (Some("PASS ********"), Some("230 in you are now")),
            (Some("MLST a"), Some("250 a type=file;size=7; a b")),
            (Some("QUIT"), Some("221 bye")),
        ]
    );
    let phases = result.phases;
    assert!(phases.dns.is_some() && phases.connect.is_some() && phases.first_byte.is_some());
    assert!(phases.transfer.is_some() && phases.tls.is_none());
    let parts: Duration = phases.in_order().into_iter().filter_map(|(_, phase)| phase).sum();
    assert!(parts <= result.duration, "{parts:?} of {:?}", result.duration);
}

/// Whatever becomes of the farewell, the test was good.
#[tokio::test]
async fn code_0_without_farewell() {
    let last_words: [(&str, Vec<Act>); 5] = [
        ("closed before QUIT", vec![]),
        ("closed after QUIT", vec![Act::ReadSome]),
        ("refused", vec![Act::ReadSome, Act::send("500 never\r\n")]),
        ("garbage", vec![Act::ReadSome, Act::send("???\r\n")]),
        ("silence", vec![Act::Hang]),
    ];
    for (name, end) in last_words {
        let acts = [vec![Act::send("220 a\r\n"), Act::ReadSome, Act::send("230 in\r\n")], end].concat();
        let peer = Peer::start(acts).await;
        // Nor is the time that it takes counted.
        let result = run_with(&peer.url("ftp"), ann(json!({})), json!({"slow_after": "900ms"})).await;
        assert_eq!(result.verdict.code.number(), 0, "{name}: {:?}", result.verdict);
    }
}

#[tokio::test]
async fn code_0_patience() {
    let peer = Peer::start(vec![
        Act::send("120 ready in 1 minute\r\n"),
        Act::send("220 ready\r\n"),
        Act::ReadSome,
        Act::send("150 thinking\r\n230 in\r\n"),
        Act::ReadSome,
    ])
    .await;
    expect(&run(&peer.url("ftp"), ann(json!({}))).await, 0, "");
}

/// The code of a test that cannot run, by the settings that lead to it.
fn refusal(target: &str, options: Value) -> i16 {
    refused(json!({"type": "ftp", "target": target, "ftp": options})).verdict.code.number()
}

#[test]
fn code_101_not_enough_parameters() {
    for target in ["", "ftp://", "ftps://", "ftp://:21", "ftp:///path", "ftp://ann:pw@/path", "ftp://ann@host"] {
        assert_eq!(refusal(target, json!({})), 101, "{target}");
    }
    assert_eq!(refusal("ftp://host", json!({"user": "ann"})), 101);
    assert_eq!(refusal("ftp://host", json!({"password": "pw"})), 101);
}

#[tokio::test]
async fn code_102_slow() {
    let peer = Peer::start(vec![
        Act::send("220 a\r\n"),
        Act::ReadSome,
        Act::Drip(b"230 in\r\n".to_vec(), Duration::from_millis(10)),
        Act::ReadSome,
    ])
    .await;
    let limited = |limit: &str| json!({"slow_after": limit});
    expect(&run_with(&peer.url("ftp"), ann(json!({})), limited("50ms")).await, 102, "the limit is 50ms");
    expect(&run_with(&peer.url("ftp"), ann(json!({})), limited("4s")).await, 0, "");
}

#[tokio::test]
async fn code_480_names() {
    let dns = dns::Server::start([("silent.example", Answer::Silence)]).await;
    for (name, words) in [("absent.example", "does not exist"), ("silent.example", "no DNS server answered")] {
        let extra = json!({"resolver": dns.address().to_string(), "timeout": "1s", "connect_timeout": "1s"});
        let result = run_with(&format!("ftp://{name}"), json!({}), extra).await;
        expect(&result, 480, words);
        assert_eq!(result.phases.connect, None);
    }
}

#[tokio::test]
async fn code_480_time_limits() {
    let full = FullBacklog::new();
    expect(&run_briefly(&format!("ftp://{}", full.address()), json!({})).await, 480, "no answer from 127.0.0.1");
    let pause = Duration::from_millis(50);
    let drip = |text: &str| Act::Drip(text.as_bytes().to_vec(), pause);
    let greeted = |then: Act| vec![Act::send("220 a\r\n"), Act::ReadSome, then];
    for (acts, words) in [
        (vec![Act::Hang], "the greeting did not come within 300ms"),
        (vec![drip("220 a slow greeting\r\n")], "the greeting was not complete within 300ms"),
        (vec![drip("220-a\r\n220-slow\r\n220 greeting\r\n")], "the greeting was not complete within 300ms"),
        (vec![Act::send("120 wait\r\n"), Act::Hang], "the greeting did not come within 300ms"),
        (greeted(Act::Hang), "the reply to USER ann did not come within 300ms"),
        (greeted(drip("331 password, please\r\n")), "the reply to USER ann was not complete within 300ms"),
        (
            vec![Act::send("220 a\r\n"), Act::ReadSome, Act::send("331 b\r\n"), Act::ReadSome, Act::Hang],
            "the reply to PASS ******** did not come within 300ms",
        ),
    ] {
        let peer = Peer::start(acts).await;
        let result = run_briefly(&peer.url("ftp"), ann(json!({}))).await;
        expect(&result, 480, words);
        assert!(result.duration < Duration::from_secs(3), "{:?}", result.duration);
    }
}

#[tokio::test]
async fn code_480_connection_lost() {
    for (acts, words) in [
        (vec![], "the server closed the connection before the greeting"),
        (vec![Act::send("22")], "the server closed the connection in the middle of the greeting"),
        (vec![Act::send("220 hello")], "the server closed the connection in the middle of the greeting"),
        (vec![Act::Reset], "the greeting"),
        (vec![Act::send("220 a\r\n"), Act::ReadSome], "the server closed the connection before the reply to USER ann"),
        (
            vec![Act::send("220 a\r\n"), Act::ReadSome, Act::Reset],
            "the connection broke before the reply to USER ann: Connection reset",
        ),
        (script(&["220 a", "331 b"]), "the server closed the connection before the reply to PASS ********"),
    ] {
        let peer = Peer::start(acts).await;
        expect(&run(&peer.url("ftp"), ann(json!({}))).await, 480, words);
    }
}

#[tokio::test]
async fn code_480_forbidden_by_the_egress_policy() {
    for target in ["ftp://169.254.169.254", "ftp://[::ffff:169.254.169.254]/", "0.0.0.0:21"] {
        expect(&run(target, json!({})).await, 480, "egress policy");
    }
}

#[tokio::test]
async fn code_481_not_ftp() {
    let flood = |begin: &str, text: &str| vec![Act::send(begin), Act::Flood(text.repeat(200).into_bytes())];
    let no_code = "the greeting is not FTP: it does not begin with a three-digit code";
    for (acts, words) in [
        (vec![Act::send("SSH-2.0-OpenSSH_9.2\r\n"), Act::Hang], "three-digit code (\"SSH-2.0-OpenSSH_9.2\")"),
        (vec![Act::send("* OK IMAP ready\r\n"), Act::Hang], no_code),
        (vec![Act::send("+OK POP3 ready\r\n"), Act::Hang], no_code),
        (vec![Act::send("HTTP/1.1 400 Bad Request\r\n\r\n")], no_code),
        (vec![Act::send("\x1b[31mred\u{202e}\r\n")], "(\"[31mred\")"),
        (vec![Act::Send(vec![74, 0, 0, 0, 10, 53, 46, 55]), Act::Hang], no_code),
        (vec![Act::Send(vec![0; 100]), Act::Hang], no_code),
        (vec![Act::send("\r\n220 late\r\n"), Act::Hang], no_code),
        (vec![Act::send("2200 too long\r\n"), Act::Hang], no_code),
        (vec![Act::send("22\r\n"), Act::Hang], no_code),
        (vec![Act::send("099 small\r\n"), Act::Hang], "its code is 99, and codes are from 100 to 599"),
        (vec![Act::send("631 large\r\n"), Act::Hang], "its code is 631"),
        (vec![Act::send("220-a\r\n")], "the greeting has several lines and no end"),
        (vec![Act::send("220-a\r\n221 b\r\n 220 c\r\n220")], "the greeting has several lines and no end"),
        (flood("220 ", "x"), "a line of it is longer than 4096 bytes"),
        (flood("220-a\r\n", "220-b\r\n"), "it has more than 512 lines and no end"),
        (flood("220-a\r\n", &format!("{}\r\n", "x".repeat(1000))), "it is larger than 65536 bytes and has no end"),
        (flood("", "\u{0}"), no_code),
        (
            vec![Act::send("220 a\r\n"), Act::ReadSome, Act::send("hello ann\r\n"), Act::Hang],
            "the reply to USER ann is not FTP: it does not begin with a three-digit code (\"hello ann\")",
        ),
        (
            vec![Act::send("220 a\r\n"), Act::ReadSome, Act::send("230-in\r\n")],
            "the reply to USER ann has several lines and no end",
        ),
    ] {
        let peer = Peer::start(acts).await;
        expect(&run(&peer.url("ftp"), ann(json!({}))).await, 481, words);
    }
}

#[tokio::test]
async fn code_482_wrong_replies() {
    for (options, replies, words) in [
        (ann(json!({})), &["421 too many connections"][..], "the greeting was 421 too many connections"),
        (ann(json!({})), &["554 no service"], "the greeting was 554 no service"),
        (ann(json!({})), &["220 smtp.example ESMTP", "502 what"], "USER ann was answered 502 what"),
        (ann(json!({})), &["220 a", "250 out of sequence"], "USER ann was answered 250 out of sequence"),
        (ann(json!({})), &["220 a", "331 b", "421 bye"], "PASS ******** was answered 421 bye"),
        (ann(json!({"path": "a"})), &["220 a", "230 b", "550 gone"], "MLST a was answered 550 gone"),
        (ann(json!({"path": "a"})), &["220 a", "230 b", "500 c", "200 d", "550 gone"], "SIZE a was answered 550 gone"),
        (ann(json!({"path": "a/"})), &["220 a", "230 b", "550 gone"], "CWD a was answered 550 gone"),
        (json!({"tls": "explicit"}), &["220 a", "502 no"], "AUTH TLS was answered 502 no"),
    ] {
        let peer = saying(replies).await;
        let result = run(&peer.url("ftp"), options).await;
        expect(&result, 482, words);
        assert_eq!(observed(&result).dialogue.len(), replies.len());
    }
}

#[tokio::test]
async fn code_483_port_closed() {
    let closed = ClosedPort::new();
    for options in [json!({}), json!({"tls": "explicit"}), json!({"tls": "implicit"})] {
        expect(&run(&closed.address().to_string(), options).await, 483, "connection refused (127.0.0.1:");
    }
}

#[tokio::test]
async fn code_484_login_refused() {
    for (replies, words) in [
        (&["220 a", "530 no such user"][..], "USER ann was answered 530 no such user"),
        (&["220 a", "331 b", "530 wrong"], "PASS ******** was answered 530 wrong"),
        (&["220 a", "331 b", "530-wrong\r\n530 really"], "530 wrong really"),
    ] {
        let peer = saying(replies).await;
        expect(&run(&format!("ftp://ann:s3cret@{}", peer.address()), json!({})).await, 484, words);
    }
}

#[tokio::test]
async fn code_485_login_required() {
    for (options, replies, words) in [
        (json!({"no_login": true, "path": "a"}), &["220 a", "530 log in"][..], "MLST a was answered 530 log in"),
        (json!({"no_login": true, "path": "a/"}), &["220 a", "532 account"], "CWD a was answered 532 account"),
        (json!({"no_login": true, "list": true}), &["220 a", "530 log in"], "EPSV was answered 530 log in"),
        (ann(json!({})), &["220 a", "331 b", "332 account"], "PASS ******** was answered 332 account"),
    ] {
        let peer = saying(replies).await;
        expect(&run(&peer.url("ftp"), options).await, 485, words);
    }
    let peer = saying(&["220 a", "221 bye"]).await;
    expect(&run(&peer.url("ftp"), json!({"no_login": true})).await, 0, "");
}

#[tokio::test]
async fn code_486_anonymous_disabled() {
    for (options, replies, words) in [
        (json!({}), &["220 a", "530 no"][..], "USER anonymous was answered 530 no"),
        (json!({"anonymous": true}), &["220 a", "331 b", "530 no"], "PASS watchkeep@ was answered 530 no"),
        (json!({"user": "ftp"}), &["220 a", "331 b", "530 no"], "PASS watchkeep@ was answered 530 no"),
        (
            json!({"user": "anonymous", "password": "me"}),
            &["220 a", "331 b", "530 no"],
            "PASS ******** was answered 530",
        ),
    ] {
        let peer = saying(replies).await;
        expect(&run(&peer.url("ftp"), options).await, 486, words);
    }
}

/// A server may repeat the password in whatever it says.
#[tokio::test]
async fn passwords_are_nowhere_in_a_result() {
    for replies in [
        &["220 a", "331 b", "530 s3cret is wrong"][..],
        &["220 a", "331 b", "s3cret?"],
        &["220 a", "331 b", "230 welcome with s3cret", "550 s3cret"],
        &["220 s3cret", "331 s3cret", "230-s3cret\r\n230 s3cret", "250-s3cret\r\n size=1; s3cret\r\n250 s3cret"],
    ] {
        let peer = saying(replies).await;
        let target = format!("ftp://ann:s3cret@{}/file", peer.address());
        let result = run(&target, json!({})).await;
        let told = serde_json::to_string(&result).unwrap() + &result.observed.lines().join("\n");
        assert!(!told.contains("s3cret") && told.contains("********"), "{told}");
        assert!(!format!("{result:?}").contains("s3cret"));
    }
}
