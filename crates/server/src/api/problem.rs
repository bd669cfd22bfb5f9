//! What the API says when it cannot do what was asked: RFC 9457 problem documents, one clear sentence each.
//! Every refusal of the API is one of these, from a syntax error to a missing monitor.

use std::{fmt::Display, time::Duration};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use watchkeep_model::{Invalid, Scope};
use watchkeep_store::StoreError;

/// A problem document (RFC 9457). `errors` lists every field that is wrong, where fields are.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Identifies the kind of problem; a place in the API's reference.
    #[serde(rename = "type")]
    #[schema(example = "/docs/api#invalid-input")]
    kind: String,
    /// The kind of problem in a few words.
    #[schema(example = "Invalid input")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 422)]
    status: u16,
    /// What is wrong with this very request, and what to do.
    detail: String,
    /// Every field that is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// After how many seconds it is worth trying again.
    #[serde(skip)]
    retry_after: Option<u32>,
}

/// One field that is wrong.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FieldError {
    /// Path of the field, dots between levels.
    #[schema(example = "http.accept_status")]
    field: String,
    /// What is wrong and what to do.
    message: String,
    /// The status code in which a test with this input would end, where the catalogue names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<i16>,
}

impl Problem {
    fn new(status: StatusCode, slug: &str, title: &'static str, detail: impl Display) -> Self {
        let kind = format!("/docs/api#{slug}");
        Self { kind, title, status: status.as_u16(), detail: detail.to_string(), errors: Vec::new(), retry_after: None }
    }

    /// Fields that are wrong; 422.
    #[must_use]
    pub fn invalid(invalid: &Invalid) -> Self {
        let detail = format!("{invalid}");
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-input", "Invalid input", detail);
        problem.errors = invalid.problems().iter().map(FieldError::from).collect();
        problem
    }

    /// Query parameters that are wrong; 400.
    #[must_use]
    pub fn invalid_query(invalid: &Invalid) -> Self {
        let mut problem = Self::new(StatusCode::BAD_REQUEST, "invalid-query", "Invalid query", invalid);
        problem.errors = invalid.problems().iter().map(FieldError::from).collect();
        problem
    }

    /// A body that is not what the API takes; 400.
    #[must_use]
    pub fn malformed(detail: impl Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed-body", "Malformed body", detail)
    }

    /// A request that can be read in more than one way, or in none; 400.
    #[must_use]
    pub fn unclear(detail: impl Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "unclear-request", "Unclear request", detail)
    }

    /// A body in which one field stands twice; 400.
    #[must_use]
    pub fn duplicate_field(field: &str) -> Self {
        let mut problem =
            Self::malformed(format_args!("The field {field} stands twice in the body; leave one of them out."));
        problem.errors.push(FieldError { field: field.to_owned(), message: "stands twice".to_owned(), code: None });
        problem
    }

    /// A body that is larger than the API takes; 413.
    #[must_use]
    pub fn too_large(bound: usize) -> Self {
        let detail = format!("The body is larger than {} KiB, which is the most that is taken here.", bound / 1024);
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "Body too large", detail)
    }

    /// A body that takes too long to arrive; 408.
    #[must_use]
    pub fn late(limit: Duration) -> Self {
        let detail = format!("The body did not arrive within {} s; send it again.", limit.as_secs());
        Self::new(StatusCode::REQUEST_TIMEOUT, "late-body", "Late body", detail)
    }

    /// A body of another kind than JSON; 415.
    #[must_use]
    pub fn not_json() -> Self {
        let detail = "The body must be JSON; send the header Content-Type: application/json.";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json", "Not JSON", detail)
    }

    /// Nobody is known by this token or session; 401.
    #[must_use]
    pub fn unauthenticated() -> Self {
        let detail = "Send a valid token in the header Authorization: Bearer TOKEN, or sign in.";
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "Not authenticated", detail)
    }

    /// The caller may not do this; 403.
    #[must_use]
    pub fn forbidden(needed: Scope) -> Self {
        let detail = format!("This needs a token with the scope {needed}.");
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
    }

    /// The request came from another site's page; 403.
    #[must_use]
    pub fn cross_site() -> Self {
        let detail = "This request came from another site; changes are only taken from this installation's own pages or with a token.";
        Self::new(StatusCode::FORBIDDEN, "cross-site", "Cross-site request", detail)
    }

    /// There is no such thing, or it belongs to somebody else; 404.
    #[must_use]
    pub fn missing(noun: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", format_args!("There is no such {noun}."))
    }

    /// Nothing is served at this path; 404.
    #[must_use]
    pub fn no_route() -> Self {
        let detail = "Nothing is served at this path; see /docs/api for what there is.";
        Self::new(StatusCode::NOT_FOUND, "not-found", "Not found", detail)
    }

    /// The path is right and the method is not; 405.
    #[must_use]
    pub fn no_method() -> Self {
        let detail = "This path does not take this method; the Allow header names those that it takes.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "Method not allowed", detail)
    }

    /// It does not fit what things are like now; 409.
    #[must_use]
    pub fn conflict(detail: impl Display) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "Conflict", detail)
    }

    /// It was changed since the caller read it; 412.
    #[must_use]
    pub fn stale() -> Self {
        let detail =
            "It was changed since you read it (If-Match names another version); read it again and repeat your change.";
        Self::new(StatusCode::PRECONDITION_FAILED, "stale-version", "Changed meanwhile", detail)
    }

    /// Too many of these; 429.
    #[must_use]
    pub fn too_many(detail: impl Display, retry_after_seconds: u32) -> Self {
        let mut problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many", "Too many requests", detail);
        problem.retry_after = Some(retry_after_seconds);
        problem
    }

    /// It took too long; 503.
    #[must_use]
    pub fn timed_out() -> Self {
        let detail = "The server could not answer in time; try again.";
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Unavailable", detail);
        problem.retry_after = Some(1);
        problem
    }

    /// Our own mistake; 500.
    #[must_use]
    pub fn bug() -> Self {
        let detail = "The server made a mistake, which is in its log; please report it.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error", detail)
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The kind of problem in a few words.
    #[must_use]
    pub fn title(&self) -> &str {
        self.title
    }

    /// What is wrong, as a sentence for people.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl From<&watchkeep_model::Problem> for FieldError {
    fn from(problem: &watchkeep_model::Problem) -> Self {
        Self {
            field: problem.field.clone(),
            message: problem.message.clone(),
            code: problem.code.map(watchkeep_catalogue::StatusCode::number),
        }
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        Self::invalid(&invalid)
    }
}

/// The reason goes to the log; the caller learns that it is not theirs.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the store failed");
        let detail = "The storage does not work at the moment; try again. The reason is in the server's log.";
        let mut problem =
            Self::new(StatusCode::SERVICE_UNAVAILABLE, "storage-unavailable", "Storage unavailable", detail);
        problem.retry_after = Some(1);
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
