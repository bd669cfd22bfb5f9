//! Refuses requests that cannot be read in one way only, before any handler looks at them: a path that is no text,
//! and two names of the host (RFC 9112, 3.2).

use axum::{
    extract::Request,
    http::header,
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::api::Problem;

/// Lets a request through whose path and host are clear.
pub(crate) async fn only(request: Request, next: Next) -> Response {
    if !is_text(request.uri().path()) {
        return Problem::unclear("The path is not UTF-8 with percent-encoding.").into_response();
    }
    if request.headers().get_all(header::HOST).iter().nth(1).is_some() {
        return Problem::unclear("The header Host stands twice.").into_response();
    }
    next.run(request).await
}

/// Whether the decoded path is UTF-8. A percent sign that begins no code stands for itself, as in URLs everywhere.
fn is_text(path: &str) -> bool {
    let mut decoded = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        let code = match rest {
            [b'%', high, low, ..] => hexadecimal(*high).zip(hexadecimal(*low)),
            _ => None,
        };
        match code {
            Some((high, low)) => {
                decoded.push(high << 4 | low);
                rest = &rest[3..];
            }
            None => {
                decoded.push(*first);
                rest = tail;
            }
        }
    }
    std::str::from_utf8(&decoded).is_ok()
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::is_text;

    #[test]
    fn paths_that_are_no_text_are_found() {
        for path in ["/", "/a%20b", "/%C3%A9", "/%zz", "/100%", "/%", "/%4", "/%00"] {
            assert!(is_text(path), "{path}");
        }
        for path in ["/%ff", "/%C3", "/a%C3%28", "/%e2%82"] {
            assert!(!is_text(path), "{path}");
        }
    }
}
