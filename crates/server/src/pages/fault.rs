//! Pages for what cannot be shown or done: the same sentences as the API's problem documents.

use askama::Template;
use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::frame::page_with;
use crate::api::Problem;

/// Why a page cannot be shown.
pub(super) struct Fault(Problem);

impl<E> From<E> for Fault
where
    Problem: From<E>,
{
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl Fault {
    /// There is no such thing.
    pub(super) fn missing(noun: &str) -> Self {
        Self(Problem::missing(noun))
    }
}

#[derive(Template)]
#[template(path = "fault.html")]
struct FaultPage<'a> {
    status: u16,
    title: &'a str,
    detail: &'a str,
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let status = self.0.status();
        let page = FaultPage { status: status.as_u16(), title: self.0.title(), detail: self.0.detail() };
        page_with(status, &page)
    }
}

/// The page for a path at which nothing is.
pub(crate) fn not_found() -> Response {
    let status = StatusCode::NOT_FOUND;
    let page = FaultPage { status: status.as_u16(), title: "Not found", detail: "There is no page at this address." };
    page_with(status, &page)
}
