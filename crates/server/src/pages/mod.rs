//! The dashboard's pages.
//! Rendered on the server; they work without scripts.

use std::sync::Arc;

use axum::{Router, response::Response};

use crate::App;

/// All pages.
pub(crate) fn router() -> Router<Arc<App>> {
    Router::new()
}

/// The page for a path at which nothing is.
pub(crate) fn not_found() -> Response {
    axum::response::IntoResponse::into_response(axum::http::StatusCode::NOT_FOUND)
}
