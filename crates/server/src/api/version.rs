//! `ETag` and `If-Match`: a change says which version it was made on, and is refused when that is not the newest.
//! Versions are whole numbers; the tag is the number in quotes (RFC 9110, 8.8.3 and 13.1.1).

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, header, request::Parts},
};

use super::Problem;

/// The versions that a request takes: its `If-Match`, if any.
#[derive(Debug)]
pub(super) struct IfMatch(Option<Vec<u64>>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else { return Ok(Self(None)) };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Self(None));
        }
        // A tag that never was one of ours matches nothing.
        let versions =
            text.split(',').filter_map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"').parse().ok());
        Ok(Self(Some(versions.collect())))
    }
}

impl IfMatch {
    /// The versions that the change may be made on; any when there is no condition.
    #[must_use]
    pub(super) fn versions(&self) -> Option<&[u64]> {
        self.0.as_deref()
    }
}

/// The header of a version.
#[must_use]
pub(super) fn etag(version: u64) -> [(HeaderName, HeaderValue); 1] {
    let value = HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"0\""));
    [(header::ETAG, value)]
}
