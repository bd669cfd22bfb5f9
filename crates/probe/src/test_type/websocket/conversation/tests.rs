//! Which answers end a test, and in which words.
#![allow(clippy::needless_pass_by_value, clippy::unwrap_used, reason = "tests fail by panicking")]

use watchkeep_model::{Expectation, Object, Options, Test};

use super::*;

fn exchange(own: serde_json::Value) -> Exchange {
    let test: Object =
        serde_json::from_value(serde_json::json!({"type": "websocket", "target": "ws://a.example/", "websocket": own}))
            .unwrap();
    match Test::parse(test).unwrap().options {
        Options::Websocket(options) => options.exchange,
        other => unreachable!("{other:?}"),
    }
}

fn expecting(word: &str) -> Exchange {
    Exchange { expect: Some(Expectation::Text(word.parse().unwrap())), ..Exchange::default() }
}

fn text(content: &str) -> Said {
    Said { kind: Kind::Text, content: content.into() }
}

fn said(kind: Kind, content: &[u8]) -> Said {
    Said { kind, content: content.into() }
}

fn failed(turn: Turn) -> (i16, String) {
    match turn {
        Turn::Failed(verdict) => told(verdict),
        other => unreachable!("{other:?}"),
    }
}

fn told(verdict: Verdict) -> (i16, String) {
    (verdict.code.number(), verdict.detail.unwrap().into_owned())
}

const LIMIT: Span = Span::seconds(10);

#[test]
fn what_is_said_first_follows_from_the_test() {
    let ping = (Kind::Ping, OUR_PING);
    for (own, expected) in [
        (serde_json::json!({}), vec![ping]),
        (serde_json::json!({"send": "a\\n"}), vec![(Kind::Text, &b"a\n"[..]), ping]),
        (serde_json::json!({"send_hex": "00ff"}), vec![(Kind::Binary, &b"\x00\xff"[..]), ping]),
        (serde_json::json!({"send": "a", "expect": "b"}), vec![(Kind::Text, &b"a"[..])]),
        (serde_json::json!({"expect": "b"}), vec![]),
    ] {
        let exchange = exchange(own);
        assert_eq!(Conversation::new(&exchange).beginning(), expected, "{exchange:?}");
    }
}

#[test]
fn what_is_waited_for_ends_the_test() {
    let sending = exchange(serde_json::json!({"send": "a"}));
    let nothing = Exchange::default();
    let right = expecting("right");
    let bytes = exchange(serde_json::json!({"expect_hex": "ff00"}));
    let hex = exchange(serde_json::json!({"expect": "ok", "encoding": "hex"}));
    for (exchange, heard, is_done) in [
        (&nothing, said(Kind::Pong, OUR_PING), true),
        (&nothing, said(Kind::Pong, b""), false),
        (&nothing, text("hello"), false),
        (&sending, said(Kind::Pong, OUR_PING), true),
        (&sending, said(Kind::Pong, b"other"), false),
        (&sending, text(""), true),
        (&right, text("all right"), true),
        (&right, text("wrong"), false),
        (&right, said(Kind::Binary, b"\xff right"), true),
        (&right, said(Kind::Pong, OUR_PING), false),
        (&bytes, said(Kind::Binary, b"\x01\xff\x00"), true),
        (&bytes, text("ff00"), false),
        (&hex, text("6f 6B"), true),
    ] {
        let turn = Conversation::new(exchange).hear(heard.clone());
        assert_eq!(turn, if is_done { Turn::Done } else { Turn::GoOn }, "{heard:?} {exchange:?}");
    }
    assert_eq!(Conversation::new(&nothing).hear(said(Kind::Ping, b"p")), Turn::Pong(b"p".to_vec()));
}

#[test]
fn what_cannot_be_read_as_declared_is_invalid() {
    for (encoding, heard, words) in [
        ("hex", text("no hex"), "a message cannot be read as declared: it has something else than hexadecimal digits"),
        ("utf-8", said(Kind::Binary, b"ab\xff\xfe"), "it is not UTF-8 from byte 2 on"),
        ("hex", text("0"), "an odd number of hexadecimal digits, it begins with 0"),
    ] {
        let exchange = exchange(serde_json::json!({"expect": "ok", "encoding": encoding}));
        let (code, detail) = failed(Conversation::new(&exchange).hear(heard));
        assert_eq!(code, 527);
        assert!(detail.contains(words), "{detail}");
    }
}

#[test]
fn a_close_frame_is_an_answer_that_is_not_expected() {
    let nothing = Exchange::default();
    let right = expecting("right");
    for (exchange, heard, content, code, words) in [
        (&nothing, vec![], &b""[..], 526, "the server closed the WebSocket with no code before the pong"),
        (
            &right,
            vec!["wrong", "worse"],
            b"\x03\xf0go away",
            526,
            "with 1008 (go away) before a message with right; 2 messages came, the last begins with worse",
        ),
        (&right, vec![""], b"\x03\xe8", 526, "with 1000 before a message with right; 1 message came, it is empty"),
        (&right, vec![], b"\x03\xed", 527, "a close frame has the code 1005"),
    ] {
        let mut conversation = Conversation::new(exchange);
        for message in heard {
            assert_eq!(conversation.hear(text(message)), Turn::GoOn);
        }
        let (found, detail) = failed(conversation.hear(said(Kind::Close, content)));
        assert_eq!(found, code);
        assert!(detail.contains(words), "{detail}");
    }
}

#[test]
fn the_end_of_the_time_is_told_by_what_came() {
    let right = expecting("right");
    let nothing = Exchange::default();
    let sending = exchange(serde_json::json!({"send": "a"}));
    for (exchange, heard, is_cut, code, detail) in [
        (&nothing, vec![], false, 525, "no pong came within 10s"),
        (&nothing, vec!["a"], false, 525, "no pong came within 10s; 1 message came, it begins with a"),
        (&sending, vec![], false, 525, "neither a message nor a pong came within 10s"),
        (&right, vec![], false, 525, "no message came within 10s"),
        (&right, vec![], true, 525, "no message came within 10s; a message had begun and was not complete"),
        (
            &right,
            vec!["a", "b"],
            false,
            526,
            "a message with right did not come within 10s; 2 messages came, the last begins with b",
        ),
    ] {
        let mut conversation = Conversation::new(exchange);
        for message in heard {
            assert_eq!(conversation.hear(text(message)), Turn::GoOn);
        }
        assert_eq!(told(conversation.late(LIMIT, is_cut)), (code, detail.to_owned()));
    }
}

#[test]
fn losses_and_bounds_have_their_codes() {
    let right = expecting("right");
    let conversation = Conversation::new(&right);
    let reset = || io::Error::from(io::ErrorKind::ConnectionReset);
    for (verdict, code, words) in [
        (
            conversation.lost(&Lost::Closed, false),
            524,
            "the server closed the connection without a close frame, before",
        ),
        (
            conversation.lost(&Lost::Closed, true),
            524,
            "in the middle of a message without a close frame, before a mess",
        ),
        (conversation.lost(&Lost::Broken(reset()), false), 524, "the connection broke, before a message with right: "),
        (conversation.lost(&Lost::Unsent(reset()), false), 524, "sending failed, before a message with right: "),
        (conversation.too_much("more than 5 frames"), 526, "more than 5 frames came and a message with right did not"),
        (conversation.breached(Breach::Masked), 527, "a frame is masked"),
        (conversation.breached(Breach::LargeMessage(9)), 526, "a message is larger than 1048576 bytes"),
    ] {
        let (found, detail) = told(verdict);
        assert_eq!(found, code, "{detail}");
        assert!(detail.contains(words), "{detail}");
    }
}

#[test]
fn a_dialogue_is_kept_where_the_test_failed() {
    let exchange = exchange(serde_json::json!({"send": "hi", "expect": "right"}));
    let hold = |verdict: Option<&Verdict>| {
        let mut conversation = Conversation::new(&exchange);
        conversation.beginning();
        conversation.hear(said(Kind::Ping, b"p"));
        conversation.hear(said(Kind::Binary, &[0xff; 4_000]));
        for _ in 0..100 {
            conversation.hear(text("x\u{1b}\r\ny"));
        }
        let mut observed = Observed::default();
        conversation.tell(verdict, &mut observed);
        observed
    };
    let observed = hold(Some(&Verdict::new(service::WEBSOCKET_NO_RESPONSE, "")));
    let lines: Vec<_> = observed.dialogue.iter().take(5).map(Frame::line).collect();
    assert_eq!(lines[..3], ["→ text, 2 bytes: hi", "← ping, 1 byte: p", "→ pong, 1 byte: p"]);
    assert!(lines[3].starts_with("← binary, 4000 bytes: ffff") && lines[3].ends_with('…'), "{}", lines[3]);
    assert_eq!(lines[4], "← text, 5 bytes: x y");
    assert_eq!((observed.dialogue.len(), observed.messages, observed.bytes), (MOST_LINES, 101, 4_500));
    assert_eq!(observed.reply.as_deref(), Some("x y"));
    assert_eq!(hold(None).dialogue, []);
}
