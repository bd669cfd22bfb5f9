//! Validates the options of an HTTP(S) test: the one place that says what is wrong with them.
//! Each problem names its field and, where the catalogue has one, the code in which the test would end.

use std::str::FromStr;

use http::{Method, Uri, header};
use url::Url;
use watchkeep_catalogue::{StatusCode, service};

use super::{DEFAULT_BODY, DEFAULT_REDIRECTS, HttpVersion, Options, Proxy};
use crate::{
    ByteSize, Credentials, Limits, Reader, TlsSettings,
    request::{Codes, read_headers, take_user},
};

const MISSING: StatusCode = service::HTTP_PARAMETER_MISSING;
const UNKNOWN_PROTOCOL: StatusCode = service::HTTP_UNKNOWN_PROTOCOL;

/// What cannot be sent has no code of its own.
const CODES: Codes = Codes { missing: MISSING, unsendable: None };

const LARGEST_BODY: ByteSize = ByteSize::bytes(1 << 30);
const MOST_CONDITIONS: usize = 50;

/// The canonical target and the options, from a test's object.
pub(crate) fn read(target: Option<&str>, _: Limits, reader: &mut Reader) -> Option<(String, Options)> {
    let before = reader.problem_count();
    let url = read_url(target, reader);
    let options = reader.nested("http", read_options);
    let (mut url, mut options) = url.zip(options)?;
    options.credentials = Credentials::take(&mut url, options.credentials, CODES, reader);
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

fn read_options(reader: &mut Reader) -> Option<Options> {
    let before = reader.problem_count();
    let headers = read_headers(reader, &[], CODES);
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
        credentials: Credentials::read(reader, CODES),
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

fn read_proxy(reader: &mut Reader) -> Option<Proxy> {
    let text = reader.text("proxy")?;
    let parsed = Url::parse(&text).ok().filter(|url| url.scheme() == "http" && url.host().is_some());
    let Some(mut url) = parsed else {
        reader.problem("proxy", "must be the URL of an HTTP proxy, such as http://proxy.example:3128");
        return None;
    };
    match take_user(&mut url) {
        Ok(credentials) => Some(Proxy { url, credentials }),
        Err(message) => {
            reader.problem_with_code("proxy", message, MISSING);
            None
        }
    }
}
