//! The WebSocket test: its options and how they are written; `read` validates them, `observed` is what it saw.
//! The codes that a bad option leads to are those of the catalogue's `websocket` section.

mod observed;
mod read;

use http::HeaderMap;
use serde_json::json;
use url::Url;
use watchkeep_catalogue::{StatusCode, service};

pub use observed::{Close, Frame, Kind, Observed, Side};
pub(crate) use read::read;

use crate::{
    Credentials, Endpoint, Exchange, Exposure, Field, Object, Shape, TlsSettings,
    request::{HEADERS, write_headers},
};

/// The code of a test whose time limits cannot be used.
pub(crate) const LIMITS_CODE: StatusCode = service::WEBSOCKET_REQUEST_FAILED;

/// What a person may set.
pub const FIELDS: &[Field] = &[
    HEADERS,
    Field {
        name: "subprotocol",
        flag: None,
        label: "Sub-protocols",
        help: "Offered to the server, the preferred one first; it must choose one of them (otherwise 522).",
        default: "",
        shape: Shape::List,
    },
    Exchange::SEND,
    Exchange::SEND_HEX,
    Exchange::EXPECT,
    Exchange::EXPECT_HEX,
    Exchange::ENCODING,
    Credentials::BASIC,
    Credentials::BEARER,
    TlsSettings::CA_FILE,
    TlsSettings::INSECURE,
    TlsSettings::CLIENT_CERT,
    TlsSettings::TLS_MIN,
];

/// Valid options of a WebSocket test.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// What is opened: ws or wss, without credentials and fragment.
    pub url: Url,
    /// Its host and port.
    pub endpoint: Endpoint,
    /// Extra headers of the opening handshake; those of credentials among them are marked sensitive.
    pub headers: HeaderMap,
    /// The sub-protocols that are offered, the preferred one first.
    pub subprotocols: Vec<Box<str>>,
    /// What is said, and what must be answered. With nothing of it the server must answer a ping.
    pub exchange: Exchange,
    /// Who asks.
    pub credentials: Option<Credentials>,
    /// What is asked of TLS.
    pub tls: TlsSettings,
}

impl Options {
    /// Whether the connection is made through TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.url.scheme() == "wss"
    }

    /// The object that is read back as the same options; fields at their default are left out.
    pub(crate) fn write(&self, exposure: Exposure) -> Object {
        let mut object = Object::new();
        write_headers(&self.headers, exposure, &mut object);
        if !self.subprotocols.is_empty() {
            object.insert("subprotocol".to_owned(), json!(self.subprotocols));
        }
        self.exchange.write(&mut object);
        if let Some(credentials) = &self.credentials {
            credentials.write(exposure, &mut object);
        }
        self.tls.write(&mut object);
        object
    }
}
