//! The opening handshake (RFC 6455, 4): the request, and what the answer to it must have. No I/O.
//! What browsers refuse is refused here too: they want a sub-protocol chosen where one was asked for.

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Version, header, response::Parts};
use http_body_util::Empty;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use url::Position;
use watchkeep_model::{Verdict, websocket::Options};

use super::robots_side;
use crate::{Step, location::told, outside::shown};

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("Watchkeep/", env!("CARGO_PKG_VERSION")));

/// What a server adds to the key before it proves that it has read it.
const SALT: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The request, and the proof that its answer must bring.
pub(super) struct Opening {
    pub(super) request: Request<Empty<Bytes>>,
    pub(super) proof: String,
}

impl Opening {
    /// The request that the test describes, with 16 random bytes as its key.
    pub(super) fn new(options: &Options, key: [u8; 16]) -> Step<Self> {
        let key = BASE64_STANDARD.encode(key);
        let mut request = Request::new(Empty::new());
        let target = &options.url[Position::BeforePath..Position::AfterQuery];
        *request.uri_mut() = target.parse().map_err(|_| unsendable("the URL"))?;
        let authority = &options.url[Position::BeforeHost..Position::AfterPort];
        let headers = request.headers_mut();
        headers.insert(header::HOST, value(authority, "the URL")?);
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        headers.insert(header::SEC_WEBSOCKET_KEY, value(&key, "the key")?);
        if !options.subprotocols.is_empty() {
            let offered = value(&options.subprotocols.join(", "), "the sub-protocol")?;
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, offered);
        }
        headers.insert(header::USER_AGENT, USER_AGENT);
        headers.extend(options.headers.clone());
        if let Some(credentials) = &options.credentials {
            let authorization = credentials.authorization().map_err(|_| unsendable("the credentials"))?;
            headers.insert(header::AUTHORIZATION, authorization);
        }
        Ok(Self { request, proof: proof(&key) })
    }
}

fn value(text: &str, what: &str) -> Step<HeaderValue> {
    HeaderValue::from_str(text).map_err(|_| unsendable(what))
}

fn unsendable(what: &str) -> Verdict {
    robots_side(format!("{what} cannot be sent in a request"))
}

/// By what a server shows that it has read the key (RFC 6455, 4.2.2).
fn proof(key: &str) -> String {
    BASE64_STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, format!("{key}{SALT}").as_bytes()))
}

/// What is wrong with an answer of another status than 101.
pub(super) fn refusal(head: &Parts, options: &Options) -> String {
    let reason = head.status.canonical_reason().map(|reason| format!(" {reason}")).unwrap_or_default();
    let status = format!("the server answered with status {}{reason} instead of 101", head.status.as_u16());
    if let Some(location) = head.headers.get(header::LOCATION).filter(|_| head.status.is_redirection()) {
        let location = String::from_utf8_lossy(location.as_bytes());
        return format!("{status}; it leads to {}, and redirects are not followed", told(&options.url, &location));
    }
    match list(&head.headers, &header::SEC_WEBSOCKET_VERSION) {
        versions if versions.is_empty() || versions == "13" => status,
        versions => format!("{status}; it speaks version {} of the protocol, the robot 13", shown(&versions)),
    }
}

/// The sub-protocol that the server chose, when its answer of status 101 is right; otherwise what is wrong with it.
pub(super) fn agreed(head: &Parts, proof: &str, options: &Options) -> Result<Option<Box<str>>, String> {
    if head.version < Version::HTTP_11 {
        return Err("the answer is of HTTP/1.0, in which there is no upgrade".to_owned());
    }
    let headers = &head.headers;
    let upgrade = list(headers, &header::UPGRADE);
    if !upgrade.eq_ignore_ascii_case("websocket") {
        return Err(wrong("Upgrade", &upgrade, "websocket"));
    }
    let connection = list(headers, &header::CONNECTION);
    if !connection.split(',').any(|token| token.trim().eq_ignore_ascii_case("upgrade")) {
        return Err(wrong("Connection", &connection, "upgrade"));
    }
    let accept = list(headers, &header::SEC_WEBSOCKET_ACCEPT);
    if accept.trim() != proof {
        return Err(wrong("Sec-WebSocket-Accept", &accept, proof));
    }
    let extensions = list(headers, &header::SEC_WEBSOCKET_EXTENSIONS);
    if !extensions.is_empty() {
        return Err(format!("the server uses the extension {}, which was not offered", shown(&extensions)));
    }
    let chosen = list(headers, &header::SEC_WEBSOCKET_PROTOCOL);
    match options.subprotocols.iter().find(|offered| ***offered == *chosen) {
        Some(offered) => Ok(Some(offered.clone())),
        None if !chosen.is_empty() => {
            Err(format!("the server chose the sub-protocol {}, which was not offered", shown(&chosen)))
        }
        None if options.subprotocols.is_empty() => Ok(None),
        None => Err(format!("the server chose no sub-protocol; offered was {}", options.subprotocols.join(", "))),
    }
}

fn wrong(name: &str, value: &str, expected: &str) -> String {
    match value {
        "" => format!("the answer has no {name}; expected is {expected}"),
        _ => format!("the answer has the {name} {}; expected is {expected}", shown(value)),
    }
}

/// All values of a header as one; a header that may stand once is wrong then, if it stands twice.
fn list(headers: &HeaderMap, name: &HeaderName) -> String {
    let values = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    values.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
mod tests {
    use serde_json::{Value, json};
    use watchkeep_model::{Options as AnyOptions, Test};

    use super::*;

    fn options(target: &str, own: &Value) -> Options {
        let test = json!({"type": "websocket", "target": target, "websocket": own});
        let test = Test::parse(test.as_object().unwrap().clone()).unwrap();
        let AnyOptions::Websocket(options) = test.options else { panic!("not a test of this type") };
        options
    }

    /// The example of RFC 6455, 1.3.
    #[test]
    fn the_proof_is_that_of_the_rfc() {
        let plain = options("ws://server.example.com/chat", &json!({}));
        let opening = Opening::new(&plain, *b"the sample nonce").unwrap();
        assert_eq!(opening.request.headers()["sec-websocket-key"], "dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(opening.proof, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn requests_are_as_the_test_describes() {
        let own =
            json!({"subprotocol": ["mqtt", "chat"], "headers": {"Origin": "https://a.example", "Host": "b.example"}});
        let request = Opening::new(&options("wss://u:p@a.example:8443/x?y#z", &own), [0; 16]).unwrap().request;
        assert_eq!(request.uri(), "/x?y");
        for (name, value) in [
            ("host", "b.example"),
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-protocol", "mqtt, chat"),
            ("origin", "https://a.example"),
            ("authorization", "Basic dTpw"),
        ] {
            assert_eq!(request.headers()[name], value, "{name}");
        }
        let plain = Opening::new(&options("ws://a.example:80", &json!({"bearer": "t0k"})), [0; 16]).unwrap().request;
        assert_eq!((plain.uri().path(), &plain.headers()["host"]), ("/", &HeaderValue::from_static("a.example")));
        assert_eq!(plain.headers()["authorization"], "Bearer t0k");
        assert!(!plain.headers().contains_key("sec-websocket-protocol"));
        assert!(!plain.headers().contains_key("sec-websocket-extensions"));
    }

    fn head(status: u16, headers: &[(&str, &str)]) -> Parts {
        let mut response = http::Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        response.body(()).unwrap().into_parts().0
    }

    const UPGRADE: (&str, &str) = ("Upgrade", "websocket");
    const CONNECTION: (&str, &str) = ("Connection", "Upgrade");
    const ACCEPT: (&str, &str) = ("Sec-WebSocket-Accept", "proof");

    #[test]
    fn right_answers_are_agreed_to() {
        let asking = json!({"subprotocol": ["mqtt", "chat"]});
        for (own, headers, chosen) in [
            (json!({}), vec![UPGRADE, CONNECTION, ACCEPT], None),
            (json!({}), vec![("UPGRADE", "WebSocket"), ("connection", "keep-alive, UPGRADE"), ACCEPT], None),
            (json!({}), vec![UPGRADE, ("Connection", "keep-alive"), CONNECTION, ACCEPT], None),
            (json!({}), vec![UPGRADE, CONNECTION, ACCEPT, ("Content-Length", "0"), ("Set-Cookie", "a=b")], None),
            (json!({}), vec![UPGRADE, CONNECTION, ACCEPT, ("Sec-WebSocket-Extensions", "")], None),
            (asking, vec![UPGRADE, CONNECTION, ACCEPT, ("Sec-WebSocket-Protocol", "chat")], Some("chat")),
        ] {
            let agreed = agreed(&head(101, &headers), "proof", &options("ws://a.example/", &own));
            assert_eq!(agreed.as_ref().map(Option::as_deref), Ok(chosen), "{headers:?}");
        }
    }

    #[test]
    fn wrong_answers_are_told_apart() {
        let asking = json!({"subprotocol": "chat"});
        let good = [UPGRADE, CONNECTION, ACCEPT];
        let and = |more: &[(&'static str, &'static str)]| [&good[..], more].concat();
        for (own, headers, words) in [
            (json!({}), vec![CONNECTION, ACCEPT], "has no Upgrade; expected is websocket"),
            (json!({}), vec![("Upgrade", "h2c"), CONNECTION, ACCEPT], "has the Upgrade h2c"),
            (json!({}), vec![UPGRADE, ACCEPT], "has no Connection; expected is upgrade"),
            (json!({}), vec![UPGRADE, ("Connection", "close"), ACCEPT], "has the Connection close"),
            (json!({}), vec![UPGRADE, CONNECTION], "has no Sec-WebSocket-Accept; expected is proof"),
            (json!({}), vec![UPGRADE, CONNECTION, ("Sec-WebSocket-Accept", "PROOF")], "Sec-WebSocket-Accept PROOF;"),
            (json!({}), and(&[ACCEPT]), "Sec-WebSocket-Accept proof, proof;"),
            (json!({}), and(&[UPGRADE]), "has the Upgrade websocket, websocket"),
            (
                json!({}),
                and(&[("Sec-WebSocket-Extensions", "permessage-deflate")]),
                "extension permessage-deflate, which",
            ),
            (json!({}), and(&[("Sec-WebSocket-Protocol", "chat")]), "the sub-protocol chat, which was not offered"),
            (
                asking.clone(),
                and(&[("Sec-WebSocket-Protocol", "mqtt")]),
                "the sub-protocol mqtt, which was not offered",
            ),
            (
                asking.clone(),
                and(&[("Sec-WebSocket-Protocol", "Chat")]),
                "the sub-protocol Chat, which was not offered",
            ),
            (
                asking.clone(),
                and(&[("Sec-WebSocket-Protocol", "chat"), ("Sec-WebSocket-Protocol", "chat")]),
                "chat, chat",
            ),
            (asking, good.to_vec(), "chose no sub-protocol; offered was chat"),
        ] {
            let reason = agreed(&head(101, &headers), "proof", &options("ws://a.example/", &own)).unwrap_err();
            assert!(reason.contains(words), "{headers:?}: {reason}");
        }
        let mut old = head(101, &good);
        old.version = Version::HTTP_10;
        assert!(agreed(&old, "proof", &options("ws://a.example/", &json!({}))).unwrap_err().contains("HTTP/1.0"));
    }

    #[test]
    fn refusals_say_why() {
        let plain = options("ws://a.example/", &json!({}));
        for (status, headers, words) in [
            (404, vec![], "status 404 Not Found instead of 101"),
            (200, vec![], "status 200 OK instead of 101"),
            (599, vec![], "status 599 instead of 101"),
            (302, vec![("Location", "https://a.example/login")], "it leads to https://a.example/login, and redirects"),
            (301, vec![("Location", "//u:hidden@b.example/x")], "it leads to ws://b.example/x, and"),
            (302, vec![], "status 302 Found instead of 101"),
            (426, vec![("Sec-WebSocket-Version", "8"), ("Sec-WebSocket-Version", "7")], "it speaks version 8, 7 of"),
            (400, vec![("Sec-WebSocket-Version", "13")], "status 400 Bad Request instead of 101"),
        ] {
            let reason = refusal(&head(status, &headers), &plain);
            assert!(reason.contains(words) && !reason.contains("hidden"), "{reason}");
        }
    }
}
