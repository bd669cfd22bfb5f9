//! The HTTP(S) test: its options and how they are written; `read` validates them, `observed` is what it saw.
//! The codes that a bad option leads to are those of the catalogue's `http` section.

mod observed;
mod read;

use http::{HeaderMap, Method};
use serde::{Serialize, Serializer};
use serde_json::json;
use url::Url;
use watchkeep_catalogue::{StatusCode, service};

pub use observed::{Observed, Redirect};
pub(crate) use read::read;

use crate::{
    AcceptStatus, ByteSize, Credentials, Exposure, Field, JsonCondition, Object, Pattern, Secret, Shape, TlsSettings,
    request::{HEADERS, write_headers},
};

/// The code of a test whose time limits cannot be used.
pub(crate) const LIMITS_CODE: StatusCode = service::HTTP_TIME_LIMIT_NOT_COMPUTABLE;

/// What a person may set.
pub const FIELDS: &[Field] = &[
    Field {
        name: "method",
        flag: None,
        label: "Method",
        help: "The request's method.",
        default: "GET",
        shape: Shape::Choice(&["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
    },
    HEADERS,
    Field {
        name: "body",
        flag: None,
        label: "Body",
        help: "Sent with the request.",
        default: "",
        shape: Shape::LongText,
    },
    Field {
        name: "accept_status",
        flag: None,
        label: "Accepted statuses",
        help: "The HTTP statuses that count as right, after redirects (otherwise 414).",
        default: "200-399",
        shape: Shape::Text,
    },
    Field {
        name: "require",
        flag: None,
        label: "Required words",
        help: "Each must stand in the body (otherwise 412). /…/ or /…/i makes a regular expression.",
        default: "",
        shape: Shape::List,
    },
    Field {
        name: "forbid",
        flag: None,
        label: "Forbidden words",
        help: "None may stand in the body (otherwise 413). /…/ or /…/i makes a regular expression.",
        default: "",
        shape: Shape::List,
    },
    Field {
        name: "json_path",
        flag: None,
        label: "JSON conditions",
        help: "PATH=VALUE pairs that must hold in a JSON body (otherwise 412).",
        default: "",
        shape: Shape::List,
    },
    Field {
        name: "max_redirects",
        flag: None,
        label: "Redirects",
        help: "How many are followed, 0 to 50; with 0 the first reply counts.",
        default: "10",
        shape: Shape::Number,
    },
    Field {
        name: "max_body",
        flag: None,
        label: "Largest body",
        help: "A larger one, unpacked, ends the test with 450.",
        default: "10MiB",
        shape: Shape::Size,
    },
    Field {
        name: "http_version",
        flag: None,
        label: "HTTP version",
        help: "Use only this version instead of what the server prefers.",
        default: "",
        shape: Shape::Choice(&["1.0", "1.1", "2"]),
    },
    Credentials::BASIC,
    Credentials::BEARER,
    Field {
        name: "proxy",
        flag: None,
        label: "Proxy",
        help: "The http:// URL of a proxy to go through.",
        default: "",
        shape: Shape::Secret,
    },
    TlsSettings::CA_FILE,
    TlsSettings::INSECURE,
    TlsSettings::CLIENT_CERT,
    TlsSettings::TLS_MIN,
];

/// Valid options of an HTTP(S) test.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// What is fetched: http or https, with a host, without credentials and fragment.
    pub url: Url,
    /// The request's method.
    pub method: Method,
    /// Extra headers; those of credentials among them are marked sensitive.
    pub headers: HeaderMap,
    /// The request's body.
    pub body: Option<Box<str>>,
    /// The final statuses that count as right.
    pub accept_status: AcceptStatus,
    /// What must stand in the body.
    pub require: Vec<Pattern>,
    /// What must not stand in the body.
    pub forbid: Vec<Pattern>,
    /// What must hold in a JSON body.
    pub json_path: Vec<JsonCondition>,
    /// How many redirects are followed; with 0 the first reply counts, whatever its status.
    pub max_redirects: u8,
    /// The most bytes of body, after decompression.
    pub max_body: ByteSize,
    /// The only version to speak, if not negotiated.
    pub http_version: Option<HttpVersion>,
    /// Who asks.
    pub credentials: Option<Credentials>,
    /// The proxy to go through.
    pub proxy: Option<Proxy>,
    /// What is asked of TLS.
    pub tls: TlsSettings,
}

/// A version of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HttpVersion {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
    /// HTTP/2
    Http2,
}

impl HttpVersion {
    /// The number as people write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "1.0",
            Self::Http11 => "1.1",
            Self::Http2 => "2",
        }
    }
}

impl Serialize for HttpVersion {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// An HTTP proxy, reached in clear text; `https` targets go through CONNECT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Its URL without credentials.
    pub url: Url,
    /// User and password for it.
    pub credentials: Option<(Box<str>, Secret)>,
}

/// Redirects that are followed unless the test says otherwise.
const DEFAULT_REDIRECTS: u8 = 10;
/// The largest body unless the test says otherwise.
const DEFAULT_BODY: ByteSize = ByteSize::bytes(10 << 20);

impl Options {
    /// A plain request for a page: every option at its default.
    #[must_use]
    pub fn get(url: Url) -> Self {
        Self {
            url,
            method: Method::GET,
            headers: HeaderMap::new(),
            body: None,
            accept_status: AcceptStatus::default(),
            require: Vec::new(),
            forbid: Vec::new(),
            json_path: Vec::new(),
            max_redirects: DEFAULT_REDIRECTS,
            max_body: DEFAULT_BODY,
            http_version: None,
            credentials: None,
            proxy: None,
            tls: TlsSettings::default(),
        }
    }

    /// The object that is read back as the same options; fields at their default are left out.
    pub(crate) fn write(&self, exposure: Exposure) -> Object {
        let mut object = Object::new();
        let mut set = |name: &str, value: serde_json::Value| {
            object.insert(name.to_owned(), value);
        };
        set("method", json!(self.method.as_str()));
        if let Some(body) = &self.body {
            set("body", json!(body));
        }
        set("accept_status", json!(self.accept_status.to_string()));
        for (name, patterns) in [("require", &self.require), ("forbid", &self.forbid)] {
            if !patterns.is_empty() {
                set(name, patterns.iter().map(Pattern::as_str).collect());
            }
        }
        if !self.json_path.is_empty() {
            set("json_path", self.json_path.iter().map(JsonCondition::as_str).collect());
        }
        set("max_redirects", json!(self.max_redirects));
        set("max_body", json!(self.max_body));
        if let Some(version) = self.http_version {
            set("http_version", json!(version));
        }
        if let Some(proxy) = &self.proxy {
            set("proxy", json!(proxy.write(exposure)));
        }
        write_headers(&self.headers, exposure, &mut object);
        if let Some(credentials) = &self.credentials {
            credentials.write(exposure, &mut object);
        }
        self.tls.write(&mut object);
        object
    }
}

impl Proxy {
    fn write(&self, exposure: Exposure) -> String {
        let Some((user, password)) = &self.credentials else { return self.url.to_string() };
        if exposure == Exposure::Shown {
            return Secret::MASK.to_owned();
        }
        let mut url = self.url.clone();
        // Both setters fail only on URLs that cannot have a host; a proxy's always has one.
        // They leave `%` as it is, which would be read back as the beginning of an escape.
        let _ = url.set_username(&user.replace('%', "%25"));
        let _ = url.set_password(Some(&password.expose().replace('%', "%25")));
        url.to_string()
    }
}
