//! What a request carries beside its URL, headers and credentials; shared by the test types that speak HTTP.
//! Each of them says in which codes a test ends whose headers or credentials cannot be used.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{self, InvalidHeaderValue},
};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use url::Url;
use watchkeep_catalogue::StatusCode;

use crate::{Exposure, Field, Object, Reader, Secret, Shape};

/// The field of the headers.
pub(crate) const HEADERS: Field = Field {
    name: "headers",
    flag: Some("header"),
    label: "Headers",
    help: "Sent with the request, one 'Name: value' each.",
    default: "",
    shape: Shape::Headers,
};

/// The codes of what cannot be used.
#[derive(Clone, Copy)]
pub(crate) struct Codes {
    /// Something lacks its other half.
    pub(crate) missing: StatusCode,
    /// Something cannot be sent, where the type has a code for that.
    pub(crate) unsendable: Option<StatusCode>,
}

impl Codes {
    /// Notes that `field` cannot be sent.
    fn refuse(self, reader: &mut Reader, field: &str, message: &str) {
        match self.unsendable {
            Some(code) => reader.problem_with_code(field, message, code),
            None => reader.problem(field, message),
        }
    }
}

/// Headers that frame the message or the connection, which the robot decides.
const FRAMING: [HeaderName; 6] = [
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
];

/// Reads the field `headers`; those that frame the message are refused, and the type's own `reserved` ones too.
pub(crate) fn read_headers(reader: &mut Reader, reserved: &[HeaderName], codes: Codes) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in reader.object("headers").unwrap_or_default() {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
        let field = format!("headers.{shown}");
        let Ok(parsed) = HeaderName::from_bytes(name.as_bytes()) else {
            codes.refuse(reader, &field, "is not a header name");
            continue;
        };
        if FRAMING.contains(&parsed) || reserved.contains(&parsed) {
            codes.refuse(reader, &field, "is set by the robot itself; leave it out");
            continue;
        }
        let Some(mut value) = value.as_str().and_then(|text| HeaderValue::from_str(text).ok()) else {
            codes.refuse(reader, &field, "must be a text without control characters or line breaks");
            continue;
        };
        value.set_sensitive(is_sensitive(&parsed));
        if headers.insert(parsed, value).is_some() {
            codes.refuse(reader, &field, "is given twice; names are the same whatever their case");
        }
    }
    if headers.len() > 100 {
        codes.refuse(reader, "headers", "must have 100 entries at most");
    }
    headers
}

/// Writes the field `headers`; values with secrets are masked where they are shown.
pub(crate) fn write_headers(headers: &HeaderMap, exposure: Exposure, object: &mut Object) {
    if headers.is_empty() {
        return;
    }
    let shown = |value: &HeaderValue| match exposure {
        Exposure::Shown if value.is_sensitive() => json!(Secret::MASK),
        _ => json!(value.to_str().unwrap_or_default()),
    };
    let pairs = headers.iter().map(|(name, value)| (name.as_str().to_owned(), shown(value)));
    object.insert("headers".to_owned(), Value::Object(pairs.collect()));
}

/// What the names of headers with secrets have in them; `HeaderName` is in lower case.
const SECRETIVE: [&str; 9] = ["auth", "cookie", "credential", "key", "pass", "secret", "session", "signature", "token"];

fn is_sensitive(name: &HeaderName) -> bool {
    SECRETIVE.iter().any(|word| name.as_str().contains(word))
}

/// What identifies the robot to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// HTTP basic authentication (RFC 7617).
    Basic {
        /// The user's name; it has no colon.
        user: Box<str>,
        /// The password.
        password: Secret,
    },
    /// A bearer token (RFC 6750).
    Bearer(Secret),
}

impl Credentials {
    /// The field of user and password.
    pub const BASIC: Field = Field {
        name: "basic",
        flag: None,
        label: "User and password",
        help: "USER:PASSWORD for HTTP basic authentication.",
        default: "",
        shape: Shape::Secret,
    };
    /// The field of a token.
    pub const BEARER: Field = Field {
        name: "bearer",
        flag: None,
        label: "Bearer token",
        help: "Sent as 'Authorization: Bearer …'.",
        default: "",
        shape: Shape::Secret,
    };

    /// What stands in the header `Authorization`, marked as sensitive.
    ///
    /// # Errors
    /// For a token with characters that no header has; none that was validated has them.
    pub fn authorization(&self) -> Result<HeaderValue, InvalidHeaderValue> {
        let text = match self {
            Self::Basic { user, password } => {
                format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{}", password.expose())))
            }
            Self::Bearer(token) => format!("Bearer {}", token.expose()),
        };
        let mut value = HeaderValue::from_str(&text)?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// Reads the fields `basic` and `bearer`, of which one may be given.
    pub(crate) fn read(reader: &mut Reader, codes: Codes) -> Option<Self> {
        let basic = reader.text("basic");
        let bearer = reader.text("bearer");
        match (basic, bearer) {
            (None, None) => None,
            (Some(_), Some(_)) => {
                codes.refuse(reader, "bearer", "cannot stand beside basic; keep one of them");
                None
            }
            (Some(basic), None) => {
                let Some((user, password)) = basic.split_once(':') else {
                    let message = "has a user without a password; write USER:PASSWORD";
                    reader.problem_with_code("basic", message, codes.missing);
                    return None;
                };
                Some(Self::Basic { user: user.into(), password: Secret::new(password) })
            }
            (None, Some(token)) => {
                if token.is_empty() {
                    reader.problem_with_code("bearer", "is empty; give the token", codes.missing);
                } else if HeaderValue::from_str(&token).is_err() {
                    codes.refuse(reader, "bearer", "must not contain control characters or line breaks");
                }
                Some(Self::Bearer(Secret::new(&token)))
            }
        }
    }

    /// Moves the credentials of the target's URL to those of the options, where they may stand alone.
    pub(crate) fn take(url: &mut Url, given: Option<Self>, codes: Codes, reader: &mut Reader) -> Option<Self> {
        match take_user(url) {
            Ok(None) => return given,
            Ok(Some(_)) if given.is_some() => codes.refuse(
                reader,
                "target",
                "has a user and password although the options have credentials too; keep one of them",
            ),
            Ok(Some((user, password))) => return Some(Self::Basic { user, password }),
            Err(message) => reader.problem_with_code("target", message, codes.missing),
        }
        given
    }

    /// Writes the field that they stand in.
    pub(crate) fn write(&self, exposure: Exposure, object: &mut Object) {
        let (name, value) = match self {
            // Masked as a whole, so that the mask can be told from a changed password.
            Self::Basic { user, password } => {
                ("basic", json!(exposure.of(&Secret::new(&format!("{user}:{}", password.expose())))))
            }
            Self::Bearer(token) => ("bearer", json!(exposure.of(token))),
        };
        object.insert(name.to_owned(), value);
    }
}

/// Removes `user:password@` from a URL.
pub(crate) fn take_user(url: &mut Url) -> Result<Option<(Box<str>, Secret)>, &'static str> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let Some(password) = url.password() else {
        return Err("has a user without a password; write user:password@ before the host");
    };
    let decode = |text| percent_decode_str(text).decode_utf8_lossy();
    let user = (decode(url.username()).into(), Secret::new(&decode(password)));
    // Both setters fail only on URLs that cannot have a host; those of tests and proxies always have one.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Ok(Some(user))
}
