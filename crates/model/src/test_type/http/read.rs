//! Validates the options of an HTTP(S) test: the one place that says what is wrong with them.
//! Each problem names its field and, where the catalogue has one, the code in which the test would end.

use std::str::FromStr;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use percent_encoding::percent_decode_str;
use url::Url;
use watchkeep_catalogue::{StatusCode, service};

use super::{Credentials, HttpVersion, Options, Proxy};
use crate::{ByteSize, Limits, Reader, Secret, TlsSettings};

const MISSING: StatusCode = service::HTTP_PARAMETER_MISSING;
const UNKNOWN_PROTOCOL: StatusCode = service::HTTP_UNKNOWN_PROTOCOL;

const LARGEST_BODY: ByteSize = ByteSize::bytes(1 << 30);
const DEFAULT_BODY: ByteSize = ByteSize::bytes(10 << 20);
const DEFAULT_REDIRECTS: u8 = 10;
const MOST_CONDITIONS: usize = 50;

/// The canonical target and the options, from a test's object.
pub(crate) fn read(target: Option<&str>, _: Limits, reader: &mut Reader) -> Option<(String, Options)> {
    let before = reader.problem_count();
    let url = read_url(target, reader);
    let options = reader.nested("http", read_options);
    let (mut url, mut options) = url.zip(options)?;
    match take_credentials(&mut url) {
        Ok(None) => {}
        Ok(Some(_)) if options.credentials.is_some() => {
            reader.problem(
                "target",
                "has a user and password although the options have credentials too; keep one of them",
            );
        }
        Ok(credentials) => {
            options.credentials = credentials.map(|(user, password)| Credentials::Basic { user, password });
        }
        Err(message) => reader.problem_with_code("target", message, MISSING),
    }
    url.set_fragment(None);
    options.url = url;
    (reader.problem_count() == before).then(|| (options.url.to_string(), options))
}

fn read_url(target: Option<&str>, reader: &mut Reader) -> Option<Url> {
    let text = target.map(str::trim).unwrap_or_default();
    if text.is_empty() {
        reader.problem_with_code("target", "is missing; give the URL to test, such as https://example.org/", MISSING);
        return None;
    }
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            reader.problem_with_code("target", "is not a complete URL; begin it with https:// or http://", MISSING);
            return None;
        }
        Err(error) => {
            reader.problem_with_code("target", format_args!("is not a URL: {error}"), MISSING);
            return None;
        }
    };
    if !matches!(url.scheme(), "http" | "https") {
        let shown: String = url.scheme().chars().take(20).collect();
        reader.problem_with_code(
            "target",
            format_args!("has the scheme {shown}; an HTTP test needs http or https"),
            UNKNOWN_PROTOCOL,
        );
        return None;
    }
    if url.as_str().parse::<Uri>().is_err() {
        reader.problem_with_code("target", "is too long or has characters that cannot be sent in a request", MISSING);
        return None;
    }
    Some(url)
}

/// Removes `user:password@` from a URL.
fn take_credentials(url: &mut Url) -> Result<Option<(Box<str>, Secret)>, &'static str> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let Some(password) = url.password() else {
        return Err("has a user without a password; write https://user:password@host/");
    };
    let decode = |text| percent_decode_str(text).decode_utf8_lossy();
    let credentials = (decode(url.username()).into(), Secret::new(&decode(password)));
    // Both setters fail only on URLs that cannot have a host; an http URL always has one.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Ok(Some(credentials))
}

fn read_options(reader: &mut Reader) -> Option<Options> {
    let before = reader.problem_count();
    let headers = read_headers(reader);
    let body = reader.text("body");
    let method = reader.parse::<MethodName>("method").map_or(Method::GET, |method| method.0);
    // Of a request that has no body as a rule, the header is only a peculiarity.
    let declares_body =
        headers.contains_key(header::CONTENT_TYPE) && [Method::POST, Method::PUT, Method::PATCH].contains(&method);
    if body.as_deref() == Some("") || (body.is_none() && declares_body) {
        reader.problem_with_code(
            "body",
            "is declared but absent; give the body, or leave out body and Content-Type",
            MISSING,
        );
    }
    let options = Options {
        url: placeholder(),
        method,
        headers,
        body: body.map(String::into_boxed_str),
        accept_status: reader.parse("accept_status").unwrap_or_default(),
        require: reader.list("require", MOST_CONDITIONS).unwrap_or_default(),
        forbid: reader.list("forbid", MOST_CONDITIONS).unwrap_or_default(),
        json_path: reader.list("json_path", MOST_CONDITIONS).unwrap_or_default(),
        max_redirects: reader
            .number("max_redirects", 0, 50)
            .map_or(DEFAULT_REDIRECTS, |n| u8::try_from(n).unwrap_or(u8::MAX)),
        max_body: read_max_body(reader),
        http_version: read_version(reader),
        credentials: read_credentials(reader),
        proxy: read_proxy(reader),
        tls: TlsSettings::read(reader),
    };
    (reader.problem_count() == before).then_some(options)
}

/// Stands in [`Options::url`] until the target has been read.
fn placeholder() -> Url {
    #[expect(clippy::unwrap_used, reason = "a constant that parses")]
    Url::parse("http://placeholder.invalid/").unwrap()
}

struct MethodName(Method);

impl FromStr for MethodName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // TRACE echoes credentials and CONNECT is no request for a resource (RFC 9110, 9.3).
        match Method::from_bytes(text.as_bytes()) {
            Ok(Method::TRACE | Method::CONNECT) => Err("must not be TRACE or CONNECT"),
            Ok(method) if text.len() <= 20 => Ok(Self(method)),
            _ => Err("must be an HTTP method, such as GET"),
        }
    }
}

fn read_headers(reader: &mut Reader) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in reader.object("headers").unwrap_or_default() {
        let shown: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
        let field = format!("headers.{shown}");
        let Ok(parsed) = HeaderName::from_bytes(name.as_bytes()) else {
            reader.problem(&field, "is not a header name");
            continue;
        };
        // These frame the message or the connection, which the robot decides.
        if [
            header::CONTENT_LENGTH,
            header::TRANSFER_ENCODING,
            header::CONNECTION,
            header::UPGRADE,
            header::TE,
            header::TRAILER,
        ]
        .contains(&parsed)
        {
            reader.problem(&field, "is set by the robot itself; leave it out");
            continue;
        }
        let Some(mut value) = value.as_str().and_then(|text| HeaderValue::from_str(text).ok()) else {
            reader.problem(&field, "must be a text without control characters or line breaks");
            continue;
        };
        value.set_sensitive(is_sensitive(&parsed));
        if headers.insert(parsed, value).is_some() {
            reader.problem(&field, "is given twice; names are the same whatever their case");
        }
    }
    if headers.len() > 100 {
        reader.problem("headers", "must have 100 entries at most");
    }
    headers
}

/// What the names of headers with secrets have in them; `HeaderName` is in lower case.
const SECRETIVE: [&str; 9] = ["auth", "cookie", "credential", "key", "pass", "secret", "session", "signature", "token"];

fn is_sensitive(name: &HeaderName) -> bool {
    SECRETIVE.iter().any(|word| name.as_str().contains(word))
}

fn read_max_body(reader: &mut Reader) -> ByteSize {
    let size = reader.parse::<ByteSize>("max_body").unwrap_or(DEFAULT_BODY);
    if size > LARGEST_BODY || size.as_bytes() == 0 {
        reader.problem("max_body", format_args!("must be from 1B to {LARGEST_BODY}"));
    }
    size
}

fn read_version(reader: &mut Reader) -> Option<HttpVersion> {
    let text = reader.text("http_version")?;
    match text.as_str() {
        "1.0" => Some(HttpVersion::Http10),
        "1.1" => Some(HttpVersion::Http11),
        "2" | "2.0" => Some(HttpVersion::Http2),
        _ => {
            reader.problem_with_code(
                "http_version",
                "must be 1.0, 1.1 or 2; this robot has no other",
                UNKNOWN_PROTOCOL,
            );
            None
        }
    }
}

fn read_credentials(reader: &mut Reader) -> Option<Credentials> {
    let basic = reader.text("basic");
    let bearer = reader.text("bearer");
    match (basic, bearer) {
        (None, None) => None,
        (Some(_), Some(_)) => {
            reader.problem("bearer", "cannot stand beside basic; keep one of them");
            None
        }
        (Some(basic), None) => {
            let Some((user, password)) = basic.split_once(':') else {
                reader.problem_with_code("basic", "has a user without a password; write USER:PASSWORD", MISSING);
                return None;
            };
            Some(Credentials::Basic { user: user.into(), password: Secret::new(password) })
        }
        (None, Some(token)) => {
            if token.is_empty() {
                reader.problem_with_code("bearer", "is empty; give the token", MISSING);
            } else if HeaderValue::from_str(&token).is_err() {
                reader.problem("bearer", "must not contain control characters or line breaks");
            }
            Some(Credentials::Bearer(Secret::new(&token)))
        }
    }
}

fn read_proxy(reader: &mut Reader) -> Option<Proxy> {
    let text = reader.text("proxy")?;
    let parsed = Url::parse(&text).ok().filter(|url| url.scheme() == "http" && url.host().is_some());
    let Some(mut url) = parsed else {
        reader.problem("proxy", "must be the URL of an HTTP proxy, such as http://proxy.example:3128");
        return None;
    };
    match take_credentials(&mut url) {
        Ok(credentials) => Some(Proxy { url, credentials }),
        Err(message) => {
            reader.problem_with_code("proxy", message, MISSING);
            None
        }
    }
}
