//! What stands around every page: the rail with its sections, and how a template becomes a response.

use askama::Template;
use axum::{
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};

use crate::api::Problem;

/// The parts of the dashboard, in the order of the rail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Overview,
    Incidents,
    Contacts,
    Tokens,
    Codes,
}

/// A link of the rail.
pub(super) struct Link {
    pub(super) path: &'static str,
    pub(super) label: &'static str,
    pub(super) is_here: bool,
}

impl Section {
    /// The links of the rail, this section marked.
    pub(super) fn links(self) -> [Link; 5] {
        [
            (Self::Overview, "/", "Overview"),
            (Self::Incidents, "/incidents", "Incidents"),
            (Self::Contacts, "/contacts", "Contacts"),
            (Self::Tokens, "/tokens", "API"),
            (Self::Codes, "/codes", "Codes"),
        ]
        .map(|(section, path, label)| Link { path, label, is_here: section == self })
    }
}

/// A page as a response.
pub(super) fn page(template: &impl Template) -> Response {
    page_with(StatusCode::OK, template)
}

/// The same with another status than 200.
pub(super) fn page_with(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            Problem::bug().into_response()
        }
    }
}
