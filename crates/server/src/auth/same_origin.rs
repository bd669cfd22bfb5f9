//! Keeps other sites' pages from acting in the name of a signed-in person (cross-site request forgery).
//! A browser says where a request comes from, in `Sec-Fetch-Site` or `Origin`; both must say: from here.

use axum::{
    extract::Request,
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use url::Url;

use super::session::has_cookie;
use crate::api::Problem;

/// Refuses what changes something when it comes from another site.
pub(crate) async fn same_origin(request: Request, next: Next) -> Response {
    let headers = request.headers();
    // A token says who asks; beside a cookie it may be the browser that added something of its own.
    let is_program = headers.contains_key(header::AUTHORIZATION) && !has_cookie(headers);
    if is_safe(request.method()) || is_program {
        return next.run(request).await;
    }
    let from_here = match origin(request.headers()) {
        Origin::Here => true,
        Origin::Elsewhere => false,
        // No browser of today; without a cookie there is nothing to abuse.
        Origin::Unsaid => !has_cookie(request.headers()),
    };
    if from_here { next.run(request).await } else { Problem::cross_site().into_response() }
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

enum Origin {
    Here,
    Elsewhere,
    Unsaid,
}

fn origin(headers: &HeaderMap) -> Origin {
    if let Some(site) = headers.get("sec-fetch-site") {
        return if site == "same-origin" { Origin::Here } else { Origin::Elsewhere };
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return Origin::Unsaid };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let origin = origin.to_str().ok().and_then(|text| Url::parse(text).ok());
    match (origin, host) {
        (Some(origin), Some(host)) if authority(&origin).is_some_and(|own| own.eq_ignore_ascii_case(host)) => {
            Origin::Here
        }
        _ => Origin::Elsewhere,
    }
}

/// Host and port as they stand in a `Host` header: the scheme's own port is left out.
fn authority(origin: &Url) -> Option<String> {
    let host = origin.host_str()?;
    Some(origin.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn only_the_own_origin_is_here() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            pairs.iter().map(|&(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect::<HeaderMap>()
        };
        for (pairs, here) in [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site"), ("host", "a"), ("origin", "http://a")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("host", "127.0.0.1:8080"), ("origin", "http://127.0.0.1:8080")], true),
            (&[("host", "watch.example"), ("origin", "https://watch.example")], true),
            (&[("host", "watch.example"), ("origin", "https://evil.example")], false),
            (&[("host", "watch.example"), ("origin", "https://watch.example:8443")], false),
            (&[("host", "watch.example"), ("origin", "null")], false),
            (&[("origin", "http://a")], false),
        ] {
            assert_eq!(matches!(origin(&headers(pairs)), Origin::Here), here, "{pairs:?}");
        }
    }
}
