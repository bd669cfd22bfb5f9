//! Validates the options of a WebSocket test: the one place that says what is wrong with them.
//! A test without a host lacks a parameter; what cannot be sent is a fault of the robot's side.

use http::{HeaderMap, HeaderName, Uri, header};
use serde_json::Value;
use url::Url;
use watchkeep_catalogue::{StatusCode, service};

use super::Options;
use crate::{
    Credentials, Endpoint, Exchange, Limits, Payload, Reader, TestType, TlsSettings,
    request::{Codes, read_headers},
};

const MISSING: StatusCode = service::NOT_ENOUGH_PARAMETERS;
const UNUSABLE: StatusCode = service::WEBSOCKET_REQUEST_FAILED;
const CODES: Codes = Codes { missing: UNUSABLE, unsendable: Some(UNUSABLE) };

/// Headers that make the opening handshake (RFC 6455, 4.1).
const RESERVED: [HeaderName; 5] = [
    header::SEC_WEBSOCKET_KEY,
    header::SEC_WEBSOCKET_VERSION,
    header::SEC_WEBSOCKET_PROTOCOL,
    header::SEC_WEBSOCKET_EXTENSIONS,
    header::SEC_WEBSOCKET_ACCEPT,
];

const MOST_SUBPROTOCOLS: usize = 20;

/// What stands under the type's own name.
struct Own {
    headers: HeaderMap,
    subprotocols: Vec<Box<str>>,
    exchange: Exchange,
    credentials: Option<Credentials>,
    tls: TlsSettings,
}

/// The canonical target and the options, from a test's object.
pub(crate) fn read(target: Option<&str>, _: Limits, reader: &mut Reader) -> Option<(String, Options)> {
    let before = reader.problem_count();
    let place = read_target(target, reader);
    let own = reader.nested("websocket", |reader| Own {
        headers: read_headers(reader, &RESERVED, CODES),
        subprotocols: read_subprotocols(reader),
        exchange: read_exchange(reader),
        credentials: Credentials::read(reader, CODES),
        tls: TlsSettings::read(reader),
    });
    let (mut url, endpoint) = place?;
    let credentials = Credentials::take(&mut url, own.credentials, CODES, reader);
    let Own { headers, subprotocols, exchange, tls, .. } = own;
    let options = Options { url, endpoint, headers, subprotocols, exchange, credentials, tls };
    (reader.problem_count() == before).then(|| (options.url.to_string(), options))
}

fn read_target(target: Option<&str>, reader: &mut Reader) -> Option<(Url, Endpoint)> {
    let text = target.map(str::trim).unwrap_or_default();
    if text.is_empty() {
        let message = "is missing; give the URL to test, such as wss://chat.example/socket";
        reader.problem_with_code("target", message, MISSING);
        return None;
    }
    let mut url = match Url::parse(text) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            let message = "is not a complete URL; begin it with wss:// or ws://";
            reader.problem_with_code("target", message, UNUSABLE);
            return None;
        }
        Err(url::ParseError::EmptyHost) => {
            reader.problem_with_code("target", "has no host; write wss://HOST/PATH", MISSING);
            return None;
        }
        Err(error) => {
            reader.problem_with_code("target", format_args!("is not a URL: {error}"), UNUSABLE);
            return None;
        }
    };
    if !TestType::Websocket.schemes().contains(&url.scheme()) {
        let shown: String = url.scheme().chars().take(20).collect();
        let message = format!("has the scheme {shown}; a WebSocket test needs ws or wss");
        reader.problem_with_code("target", message, UNUSABLE);
        return None;
    }
    // A fragment has no meaning in WebSocket URLs (RFC 6455, 3).
    url.set_fragment(None);
    if url.as_str().parse::<Uri>().is_err() {
        let message = "is too long or has characters that cannot be sent in a request";
        reader.problem_with_code("target", message, UNUSABLE);
        return None;
    }
    let host = url.host_str().unwrap_or_default().parse();
    let port = url.port_or_known_default().unwrap_or_default();
    match host {
        Ok(host) if port != 0 => Some((url, Endpoint { host, port })),
        Ok(_) => {
            reader.problem_with_code("target", "must have a port from 1 to 65535", UNUSABLE);
            None
        }
        Err(message) => {
            reader.problem_with_code("target", format_args!("has a host that cannot be used: it {message}"), UNUSABLE);
            None
        }
    }
}

fn read_exchange(reader: &mut Reader) -> Exchange {
    let exchange = Exchange::read(reader);
    if let Some(Payload::Text { bytes, .. }) = &exchange.send
        && str::from_utf8(bytes).is_err()
    {
        let message = "is sent as a text message, which is UTF-8; give these bytes as send_hex";
        reader.problem_with_code("send", message, UNUSABLE);
    }
    if exchange.encoding.is_some() && exchange.expect.is_none() {
        reader.problem("encoding", "says how a message is read, and none is read without expect or expect_hex");
    }
    exchange
}

/// One name, or a list of them. Each is a token, and each is there once (RFC 6455, 4.1).
fn read_subprotocols(reader: &mut Reader) -> Vec<Box<str>> {
    let given = match reader.take("subprotocol") {
        None => return Vec::new(),
        Some(Value::Array(entries)) => entries,
        Some(other) => vec![other],
    };
    if given.len() > MOST_SUBPROTOCOLS {
        let message = format!("must have {MOST_SUBPROTOCOLS} entries at most");
        reader.problem_with_code("subprotocol", message, UNUSABLE);
        return Vec::new();
    }
    let mut names: Vec<Box<str>> = Vec::with_capacity(given.len());
    for (index, entry) in given.iter().enumerate() {
        let field = format!("subprotocol[{index}]");
        match entry.as_str() {
            Some(name) if names.iter().any(|known| **known == *name) => {
                reader.problem_with_code(&field, "is given twice", UNUSABLE);
            }
            Some(name) if is_token(name) => names.push(name.into()),
            _ => {
                let message = "must be the name of a sub-protocol, such as mqtt: letters, digits and !#$%&'*+-.^_`|~";
                reader.problem_with_code(&field, message, UNUSABLE);
            }
        }
    }
    names
}

/// The longest name of a sub-protocol.
const LONGEST_TOKEN: usize = 200;

/// A token (RFC 9110, 5.6.2).
fn is_token(text: &str) -> bool {
    let is_of_one = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=LONGEST_TOKEN).contains(&text.len()) && text.bytes().all(is_of_one)
}
