//! Whole dialogues, reply by reply: what is said, and in which code they end.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use serde_json::{Value, json};
use watchkeep_model::{Test, ftp::Options};

use super::{super::reply::Replies, *};

fn options(options: &Value) -> Options {
    let object = json!({"type": "ftp", "target": "ftp://files.example", "ftp": options});
    let test = Test::parse(object.as_object().unwrap().clone()).unwrap();
    match test.options {
        watchkeep_model::Options::Ftp(options) => options,
        other => panic!("{other:?}"),
    }
}

/// What a dialogue came to: everything said, what else was done, and the code with its detail.
#[derive(Debug, PartialEq)]
struct Course {
    said: Vec<String>,
    code: i16,
    detail: String,
}

/// Plays the replies, one line each, and grants whatever the dialogue wants of the network.
fn play(options: &Options, is_ipv4: bool, replies: &str, listing: &Result<u64, String>) -> (Course, Told) {
    let mut dialogue = Dialogue::new(options, is_ipv4);
    let mut said = Vec::new();
    let mut bytes = replies.as_bytes();
    let mut parser = Replies::default();
    let end = 'end: loop {
        let reply = parser.take(&mut bytes).unwrap().unwrap_or_else(|| panic!("no reply left after {said:?}"));
        let mut next = dialogue.hear(&reply);
        loop {
            match next {
                Err(verdict) => break 'end verdict,
                Ok(Next::Part) => break 'end Verdict::OPERATIONAL,
                Ok(Next::Hear) => break,
                Ok(Next::Say(command)) => {
                    said.push(command.to_string());
                    break;
                }
                Ok(Next::Secure) => {
                    said.push("(TLS)".to_owned());
                    next = Ok(dialogue.secured());
                }
                Ok(Next::Connect(port)) => {
                    said.push(format!("(data {port})"));
                    next = Ok(dialogue.connected());
                }
                Ok(Next::Receive) => {
                    dialogue.received(listing.clone());
                    break;
                }
            }
        }
    };
    let detail = end.detail.unwrap_or_default().into_owned();
    (Course { said, code: end.code.number(), detail }, dialogue.told)
}

fn course(given: &Value, replies: &[&str]) -> Course {
    play(&options(given), true, &(replies.join("\n") + "\n"), &Ok(3)).0
}

#[test]
fn good_dialogues_are_of_many_kinds() {
    let ann = || json!({"user": "ann", "password": "secret"});
    let with = |more: Value| {
        let mut all = ann();
        for (name, value) in more.as_object().unwrap() {
            all[name] = value.clone();
        }
        all
    };
    let said = |replies: &[&str], given: Value, expected: &[&str]| {
        let course = course(&given, replies);
        assert_eq!((course.code, course.detail.as_str()), (0, ""), "{replies:?}");
        assert_eq!(course.said, expected, "{replies:?}");
    };
    said(&["220 a"], json!({"no_login": true}), &[]);
    said(&["120 soon", "120 soon", "220 a"], json!({"no_login": true}), &[]);
    said(&["220 a", "331 b", "230 c"], json!({}), &["USER anonymous", "PASS watchkeep@"]);
    said(&["220 a", "331 b", "230 c"], ann(), &["USER ann", "PASS ********"]);
    said(&["220 a", "331 b", "202 c"], ann(), &["USER ann", "PASS ********"]);
    said(&["220 a", "230 b"], ann(), &["USER ann"]);
    said(&["220 a", "232 b"], ann(), &["USER ann"]);
    said(
        &["220 a", "150 wait", "331 b", "150 wait", "230 c"],
        json!({"user": "ftp"}),
        &["USER ftp", "PASS watchkeep@"],
    );
    said(&["220 a", "250 ok"], json!({"no_login": true, "path": "/pub/"}), &["CWD /pub"]);
    said(&["220 a", "230 b", "250 c"], with(json!({"path": "a b"})), &["USER ann", "MLST a b"]);
    said(
        &["220 a", "230 b", "500 c", "200 d", "213 1024"],
        with(json!({"path": "a"})),
        &["USER ann", "MLST a", "TYPE I", "SIZE a"],
    );
    said(
        &["220 a", "230 b", "229 c (|||21|)", "150 d", "226 e"],
        with(json!({"list": true})),
        &["USER ann", "EPSV", "(data 21)", "LIST"],
    );
    said(
        &["220 a", "230 b", "200 c", "500 d", "227 e 1,2,3,4,0,21", "125 f", "250 g"],
        with(json!({"list": true, "path": "/"})),
        &["USER ann", "CWD /", "EPSV", "PASV", "(data 21)", "LIST"],
    );
    said(
        &["220 a", "234 b", "331 c", "230 d", "200 e", "200 f", "229 (|||5|)", "150 g", "226 h"],
        with(json!({"list": true, "tls": "explicit"})),
        &["AUTH TLS", "(TLS)", "USER ann", "PASS ********", "PBSZ 0", "PROT P", "EPSV", "(data 5)", "LIST"],
    );
    said(&["220 a", "230 b"], json!({"tls": "implicit"}), &["USER anonymous"]);
}

#[test]
fn wrong_replies_have_their_codes() {
    let ann = || json!({"user": "ann", "password": "secret"});
    let skipping = |path: &str| json!({"no_login": true, "path": path});
    let listing = |tls: &str| json!({"user": "ann", "password": "secret", "list": true, "tls": tls});
    for (given, replies, code, detail) in [
        // The greeting.
        (ann(), &["421 Too many"][..], 482, "the greeting was 421 Too many"),
        (ann(), &["530 No"], 482, "the greeting was 530 No"),
        (ann(), &["230 in already"], 482, "the greeting was 230 in already"),
        (ann(), &["150 x"], 482, "the greeting was 150 x"),
        (ann(), &["120 x"; 11], 482, "the greeting was 120 x"),
        (ann(), &["220-a\n220 b", "500 c"], 482, "USER ann was answered 500 c"),
        // The login.
        (ann(), &["220 a", "530 no"], 484, "USER ann was answered 530 no"),
        (ann(), &["220 a", "331 b", "530 no"], 484, "PASS ******** was answered 530 no"),
        (ann(), &["220 a", "331 b", "430 no"], 484, "PASS ******** was answered 430 no"),
        (ann(), &["220 a", "331 b", "530-no\n secret is wrong\n530 bye"], 484, "530 no ******** is wrong bye"),
        (json!({}), &["220 a", "530 no"], 486, "USER anonymous was answered 530 no"),
        (json!({"anonymous": true}), &["220 a", "331 b", "530 no"], 486, "PASS watchkeep@ was answered 530 no"),
        (json!({"user": "ftp"}), &["220 a", "331 b", "530 no"], 486, "530 no"),
        (json!({"user": "FTP", "password": "x"}), &["220 a", "331 b", "530 no"], 486, "530 no"),
        (ann(), &["220 a", "332 b"], 485, "USER ann was answered 332 b; the server asks for an account"),
        (ann(), &["220 a", "331 b", "332 c"], 485, "PASS ******** was answered 332 c; the server asks for an account"),
        (ann(), &["220 a", "421 bye"], 482, "USER ann was answered 421 bye"),
        (ann(), &["220 a", "220 again"], 482, "USER ann was answered 220 again"),
        (ann(), &["220 a", "331 b", "331 c"], 482, "PASS ******** was answered 331 c"),
        (ann(), &["220 a", "331 b", "503 c"], 482, "PASS ******** was answered 503 c"),
        // Commands after it, and without it.
        (skipping("a"), &["220 a", "530 no"], 485, "MLST a was answered 530 no; the test leaves the login out"),
        (skipping("a/"), &["220 a", "532 no"], 485, "CWD a was answered 532 no; the test leaves the login out"),
        (skipping("a"), &["220 a", "500 b", "530 no"], 485, "TYPE I was answered 530 no"),
        (skipping("a"), &["220 a", "503 no"], 482, "MLST a was answered 503 no"),
        (json!({"no_login": true, "list": true}), &["220 a", "530 no"], 485, "EPSV was answered 530 no"),
        (json!({"path": "a"}), &["220 a", "230 b", "530 c"], 482, "MLST a was answered 530 c"),
        (json!({"path": "a"}), &["220 a", "230 b", "532 c"], 482, "MLST a was answered 532 c"),
        (json!({"path": "a"}), &["220 a", "230 b", "550 c"], 482, "MLST a was answered 550 c"),
        (json!({"path": "a"}), &["220 a", "230 b", "502 c", "200 d", "550 e"], 482, "SIZE a was answered 550 e"),
        (json!({"path": "a"}), &["220 a", "230 b", "502 c", "200 d", "213 x"], 482, "SIZE a was answered 213 x"),
        (json!({"path": "a"}), &["220 a", "230 b", "502 c", "500 d"], 482, "TYPE I was answered 500 d"),
        (json!({"path": "a/"}), &["220 a", "230 b", "550 c"], 482, "CWD a was answered 550 c"),
        // TLS.
        (json!({"tls": "explicit"}), &["220 a", "530 b"], 482, "AUTH TLS was answered 530 b"),
        (json!({"tls": "explicit", "no_login": true}), &["220 a", "530 b"], 482, "AUTH TLS was answered 530 b"),
        (json!({"tls": "explicit"}), &["220 a", "200 b"], 482, "AUTH TLS was answered 200 b"),
        (listing("implicit"), &["220 a", "230 b", "503 c"], 482, "PBSZ 0 was answered 503 c"),
        (listing("implicit"), &["220 a", "230 b", "200 c", "536 d"], 482, "PROT P was answered 536 d"),
        // The listing.
        (listing("none"), &["220 a", "230 b", "229 x"], 482, "EPSV was answered 229 x"),
        (listing("none"), &["220 a", "230 b", "421 x"], 482, "EPSV was answered 421 x"),
        (listing("none"), &["220 a", "230 b", "530 x"], 482, "EPSV was answered 530 x"),
        (listing("none"), &["220 a", "230 b", "522 c", "502 d"], 482, "PASV was answered 502 d"),
        (listing("none"), &["220 a", "230 b", "522 c", "227 d"], 482, "PASV was answered 227 d"),
        (listing("none"), &["220 a", "230 b", "229 (|||5|)", "425 c"], 482, "LIST was answered 425 c"),
        (listing("none"), &["220 a", "230 b", "229 (|||5|)", "226 c"], 482, "LIST was answered 226 c"),
        (listing("none"), &["220 a", "230 b", "229 (|||5|)", "150 c", "426 d"], 482, "LIST was answered 426 d"),
        (
            listing("implicit"),
            &["220 a", "230 b", "200 c", "200 d", "229 (|||5|)", "150 e", "522 f"],
            482,
            "LIST was answered 522 f; a server may demand here that the TLS session",
        ),
    ] {
        let course = course(&given, replies);
        assert_eq!(course.code, code, "{replies:?}: {}", course.detail);
        assert!(course.detail.contains(detail), "{replies:?}: {}", course.detail);
    }
}

#[test]
fn pasv_is_of_ipv4_alone() {
    let options = options(&json!({"list": true}));
    let (course, _) = play(&options, false, "220 a\n230 b\n500 c\n", &Ok(0));
    assert_eq!((course.code, course.detail.as_str()), (482, "EPSV was answered 500 c"));
}

#[test]
fn faults_of_the_data_connection_are_told_with_the_reply() {
    let options = options(&json!({"list": true}));
    let fault = Err("the data connection broke".to_owned());
    let begins = "220 a\n230 b\n229 (|||5|)\n150 c\n";
    let (course, _) = play(&options, true, &format!("{begins}226 done\n"), &fault);
    assert_eq!((course.code, course.detail.as_str()), (480, "the data connection broke"));
    let (course, _) = play(&options, true, &format!("{begins}426 d\n"), &fault);
    assert_eq!(course.detail, "LIST was answered 426 d; the data connection broke");
}

#[test]
fn what_replies_tell_is_kept() {
    let dir = options(&json!({"list": true, "path": "a/"}));
    let (_, told) = play(&dir, true, "220-hello\n220 there\n230 in\n250 b\n229 (|||5|)\n150 c\n226 d\n", &Ok(3));
    assert_eq!(told.greeting.as_deref(), Some("220 hello there"));
    assert_eq!(told.welcome.as_deref(), Some("230 in"));
    assert_eq!(told.path, Some(SeenPath { kind: PathKind::Directory, size: None }));
    assert_eq!(told.entries, Some(3));
    let file = options(&json!({"path": "a"}));
    let (_, told) = play(&file, true, "220\n230\n250-x\n type=file;size=7; a\n250 y\n", &Ok(0));
    assert_eq!(told.greeting.as_deref(), Some("220"));
    assert_eq!(told.path, Some(SeenPath { kind: PathKind::File, size: Some(7) }));
    assert_eq!(told.entries, None);
}
