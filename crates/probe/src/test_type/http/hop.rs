//! One hop of a fetch: the request for a URL, and where a redirect leads. No I/O.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, Version, header};
use http_body_util::Full;
use url::{Position, Url};
use watchkeep_catalogue::service;
use watchkeep_model::{
    Credentials, Secret, Verdict,
    http::{HttpVersion, Options},
};

use super::connection::Route;
use crate::{Step, location::told};

/// The longest URL that is followed, in bytes; a redirect that grows it for ever ends here.
const LONGEST_URL: usize = 8 * 1024;
const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("Watchkeep/", env!("CARGO_PKG_VERSION")));

/// What is asked for next.
#[derive(Debug)]
pub(super) struct Hop {
    url: Url,
    method: Method,
    body: Option<Bytes>,
}

impl Hop {
    /// The request that the test describes.
    pub(super) fn first(options: &Options) -> Self {
        let body = options.body.as_ref().map(|body| Bytes::copy_from_slice(body.as_bytes()));
        Self { url: options.url.clone(), method: options.method.clone(), body }
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// The request as it must be addressed on this kind of connection.
    pub(super) fn request(&self, options: &Options, route: Route) -> Step<Request<Full<Bytes>>> {
        let unsendable = || Verdict::new(service::HTTP_CLIENT_ERROR, "the URL cannot be sent in a request");
        let target = match route {
            Route::Direct => &self.url[Position::BeforePath..Position::AfterQuery],
            Route::Proxied | Route::Http2 => &self.url[..Position::AfterQuery],
        };
        let uri: Uri = target.parse().map_err(|_| unsendable())?;
        let mut request = Request::new(Full::new(self.body.clone().unwrap_or_default()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        *request.version_mut() = match (route, options.http_version) {
            (Route::Http2, _) => Version::HTTP_2,
            (_, Some(HttpVersion::Http10)) => Version::HTTP_10,
            _ => Version::HTTP_11,
        };
        let headers = request.headers_mut();
        headers.insert(header::USER_AGENT, USER_AGENT);
        headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate, br"));
        if route != Route::Http2 {
            let authority = &self.url[Position::BeforeHost..Position::AfterPort];
            headers.insert(header::HOST, HeaderValue::from_str(authority).map_err(|_| unsendable())?);
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        self.add_own(options, headers)?;
        // HTTP/2 has no Host: the name asked for stands in the URL (RFC 9113, 8.3.1).
        if route == Route::Http2
            && let Some(host) = headers.remove(header::HOST)
        {
            *request.uri_mut() = self.addressed_to(&host).ok_or_else(unsendable)?;
        }
        let headers = request.headers_mut();
        if let (Route::Proxied, Some((user, password))) =
            (route, options.proxy.as_ref().and_then(|proxy| proxy.credentials.as_ref()))
        {
            headers.insert(header::PROXY_AUTHORIZATION, basic(user, password)?);
        }
        Ok(request)
    }

    /// The URL with another host.
    fn addressed_to(&self, host: &HeaderValue) -> Option<Uri> {
        let target = &self.url[Position::BeforePath..Position::AfterQuery];
        Uri::builder().scheme(self.url.scheme()).authority(host.as_bytes()).path_and_query(target).build().ok()
    }

    /// The test's own headers and credentials; the sensitive ones only for the origin that they were given for.
    fn add_own(&self, options: &Options, headers: &mut HeaderMap) -> Step<()> {
        let is_home = is_same_origin(&self.url, &options.url);
        for (name, value) in &options.headers {
            let is_about_body =
                [header::CONTENT_TYPE, header::CONTENT_ENCODING, header::CONTENT_LANGUAGE].contains(name);
            let is_private = value.is_sensitive() || *name == header::HOST;
            // What is about a body goes with it when a redirect drops it.
            let is_dropped = is_about_body && self.body.is_none() && options.body.is_some();
            if (is_home || !is_private) && !is_dropped {
                headers.insert(name.clone(), value.clone());
            }
        }
        if let Some(credentials) = options.credentials.as_ref().filter(|_| is_home) {
            headers.insert(header::AUTHORIZATION, authorization(credentials)?);
        }
        Ok(())
    }

    /// Where a redirect leads, for a detail: without the credentials that the server may have put there.
    pub(super) fn told(&self, location: &str) -> String {
        told(&self.url, location)
    }

    /// The hop that a redirect leads to (RFC 9110, 15.4).
    pub(super) fn follow(&self, options: &Options, status: StatusCode, location: &str) -> Step<Self> {
        let broken = |reason: &str| {
            let detail = format!("the redirect to {} {reason}", self.told(location));
            Verdict::new(service::HTTP_CLIENT_ERROR, detail)
        };
        let mut url = self.url.join(location).map_err(|_| broken("is not a URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            let detail = format!("a redirect leads to {}, which is neither http nor https", self.told(location));
            return Err(Verdict::new(service::HTTP_PROTOCOL_NOT_SUPPORTED, detail));
        }
        if url.as_str().len() > LONGEST_URL {
            return Err(broken(&format!("is longer than {LONGEST_URL} bytes")));
        }
        // The server may not choose who the robot is. Both setters fail only on URLs without a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url.set_fragment(None);
        let becomes_get = match status {
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::POST,
            StatusCode::SEE_OTHER => self.method != Method::HEAD,
            _ => false,
        };
        let leaves_home = !is_same_origin(&url, &options.url);
        let (method, body) = if becomes_get { (Method::GET, None) } else { (self.method.clone(), self.body.clone()) };
        if leaves_home && body.is_some() && url.scheme() == "http" && self.url.scheme() == "https" {
            return Err(broken("would send the body in clear text"));
        }
        Ok(Self { url, method, body })
    }
}

/// Whether two http or https URLs have the same origin (RFC 6454, 4), without a copy of either.
fn is_same_origin(one: &Url, other: &Url) -> bool {
    (one.scheme(), one.host(), one.port_or_known_default())
        == (other.scheme(), other.host(), other.port_or_known_default())
}

/// Where a reply leads, when it is a redirect that says where to. Servers write locations in UTF-8 too.
pub(super) fn location(status: StatusCode, headers: &HeaderMap) -> Option<Cow<'_, str>> {
    let redirects = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
    headers.get(header::LOCATION).filter(|_| redirects).map(|value| String::from_utf8_lossy(value.as_bytes()))
}

/// `Basic` credentials (RFC 7617).
pub(super) fn basic(user: &str, password: &Secret) -> Step<HeaderValue> {
    authorization(&Credentials::Basic { user: user.into(), password: password.clone() })
}

fn authorization(credentials: &Credentials) -> Step<HeaderValue> {
    let value = credentials.authorization();
    value.map_err(|_| Verdict::new(service::HTTP_CLIENT_ERROR, "the credentials cannot be sent in a header"))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
mod tests {
    use serde_json::json;
    use watchkeep_model::{Options as AnyOptions, Test};

    use super::*;

    fn options(extra: &serde_json::Value) -> Options {
        let test = json!({"type": "http", "target": "https://a.example/x?y#z", "http": extra});
        let test = Test::parse(test.as_object().unwrap().clone()).unwrap();
        let AnyOptions::Http(options) = test.options else { panic!("not a test of this type") };
        options
    }

    #[test]
    fn methods_follow_the_status() {
        let posting = options(&json!({"method": "POST", "body": "b"}));
        for (status, method, keeps_body) in [
            (301, Method::GET, false),
            (302, Method::GET, false),
            (303, Method::GET, false),
            (307, Method::POST, true),
            (308, Method::POST, true),
        ] {
            let hop = Hop::first(&posting).follow(&posting, StatusCode::from_u16(status).unwrap(), "/next").unwrap();
            assert_eq!((hop.method, hop.body.is_some()), (method, keeps_body), "{status}");
        }
    }

    #[test]
    fn credentials_stay_at_home() {
        let private = options(&json!({"basic": "u:p", "headers": {"X-Api-Key": "k", "X-Plain": "p", "Cookie": "c"}}));
        for (location, at_home) in [
            ("/next", true),
            ("https://a.example:443/", true),
            ("https://b.example/", false),
            ("https://a.example:8443/", false),
            ("http://a.example/", false),
            ("//b.example/", false),
        ] {
            let hop = Hop::first(&private).follow(&private, StatusCode::FOUND, location).unwrap();
            let headers = hop.request(&private, Route::Direct).unwrap().headers().clone();
            for name in ["authorization", "x-api-key", "cookie"] {
                assert_eq!(headers.contains_key(name), at_home, "{name} to {location}");
            }
            assert!(headers.contains_key("x-plain"), "{location}");
        }
    }

    #[test]
    fn what_is_about_a_body_goes_with_it() {
        let typed = json!({"Content-Type": "text/plain"});
        let has_type = |options: &Options, hop: &Hop| {
            hop.request(options, Route::Direct).unwrap().headers().contains_key(header::CONTENT_TYPE)
        };
        let posting = options(&json!({"method": "POST", "body": "b", "headers": typed}));
        let hop = Hop::first(&posting);
        assert!(has_type(&posting, &hop));
        assert!(has_type(&posting, &hop.follow(&posting, StatusCode::TEMPORARY_REDIRECT, "/next").unwrap()));
        assert!(!has_type(&posting, &hop.follow(&posting, StatusCode::SEE_OTHER, "/next").unwrap()));
        let getting = options(&json!({"headers": typed}));
        assert!(has_type(&getting, &Hop::first(&getting)), "a header that was given is sent");
    }

    #[test]
    fn redirects_end_where_they_must() {
        let plain = options(&json!({}));
        let hop = Hop::first(&plain);
        for (location, code) in [
            ("ftp://a.example/", 453),
            ("file:///etc/passwd", 453),
            ("javascript:alert(1)", 453),
            ("http://[", 450),
            (&*format!("/{}", "x".repeat(LONGEST_URL)), 450),
        ] {
            let Err(verdict) = hop.follow(&plain, StatusCode::FOUND, location) else {
                panic!("{location} was followed")
            };
            assert_eq!(verdict.code.number(), code, "{location}");
        }
        let next = hop.follow(&plain, StatusCode::FOUND, "http://u:p@b.example/#f").unwrap();
        assert_eq!(next.url().as_str(), "http://b.example/");
    }

    #[test]
    fn details_are_told_without_credentials() {
        let plain = options(&json!({}));
        let hop = Hop::first(&plain);
        for (location, told) in [
            ("/next?x", "/next?x"),
            ("https://u:hidden@b.example/x", "https://b.example/x"),
            ("//u:hidden@b.example/x", "https://b.example/x"),
            ("ftp://u:hidden@b.example/x", "ftp://b.example/x"),
            ("http://u:hidden@[", "…@["),
            ("http://u:hid/den@b.example/", "…@b.example/"),
            ("x:u:hidden@b.example", "…@b.example"),
            ("/users/@me", "https://a.example/users/@me"),
        ] {
            assert_eq!(hop.told(location), told);
        }
        let long = format!("http://u:hidden@b.example/{}", "x".repeat(LONGEST_URL));
        for location in ["ftp://u:hidden@b.example/", "http://u:hidden@[", &long] {
            let detail = hop.follow(&plain, StatusCode::FOUND, location).unwrap_err().detail.unwrap();
            assert!(!detail.contains("hidden"), "{detail}");
        }
    }

    #[test]
    fn requests_are_addressed_by_route() {
        let plain = options(&json!({}));
        let hop = Hop::first(&plain);
        let uri = |route| hop.request(&plain, route).unwrap().uri().to_string();
        assert_eq!(uri(Route::Direct), "/x?y");
        assert_eq!(uri(Route::Proxied), "https://a.example/x?y");
        assert_eq!(uri(Route::Http2), "https://a.example/x?y");
        assert!(!hop.request(&plain, Route::Http2).unwrap().headers().contains_key("host"));
        let named = options(&json!({"headers": {"Host": "other.example"}}));
        let request = Hop::first(&named).request(&named, Route::Http2).unwrap();
        assert_eq!(request.uri(), "https://other.example/x?y");
        assert!(!request.headers().contains_key("host"));
        let request = Hop::first(&named).request(&named, Route::Direct).unwrap();
        assert_eq!(
            (request.uri().to_string(), &request.headers()["host"]),
            ("/x?y".to_owned(), &"other.example".parse::<HeaderValue>().unwrap())
        );
    }

    #[test]
    fn locations_are_read_as_servers_write_them() {
        let headers =
            |bytes: &[u8]| HeaderMap::from_iter([(header::LOCATION, HeaderValue::from_bytes(bytes).unwrap())]);
        let plain = options(&json!({}));
        for (written, expected) in [
            ("/café".as_bytes(), "https://a.example/caf%C3%A9"),
            (b"  /x  ", "https://a.example/x"),
            (b"?q", "https://a.example/x?q"),
            (b"//B.Example:443/", "https://b.example/"),
            (b"", "https://a.example/x?y"),
        ] {
            let headers = headers(written);
            let location = location(StatusCode::FOUND, &headers).unwrap();
            let next = Hop::first(&plain).follow(&plain, StatusCode::FOUND, &location).unwrap();
            assert_eq!(next.url().as_str(), expected);
        }
        assert!(location(StatusCode::OK, &headers(b"/x")).is_none());
        assert!(location(StatusCode::FOUND, &HeaderMap::new()).is_none());
    }
}
