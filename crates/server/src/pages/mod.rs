//! The dashboard's pages, one file each: rendered on the server, readable without scripts.
//! `shown` and `chart` say how states, times and figures look; `assets` holds what browsers fetch beside the pages.

mod assets;
mod chart;
mod codes;
mod contacts;
mod fault;
mod form;
mod frame;
mod incidents;
mod monitor;
mod monitor_form;
mod overview;
mod shown;
mod sign_in;
mod timeline;
mod tokens;

use std::sync::Arc;

use axum::{
    Router,
    routing::{get, post},
};

use crate::App;

pub(crate) use fault::not_found;
pub(crate) use overview::{row, summary};

/// All pages.
pub(crate) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(overview::show))
        .route("/monitors/new", get(monitor_form::blank).post(monitor_form::create))
        .route("/monitors/{id}", get(monitor::show))
        .route("/monitors/{id}/edit", get(monitor_form::edit).post(monitor_form::change))
        .route("/monitors/{id}/activate", post(monitor::activate))
        .route("/monitors/{id}/pause", post(monitor::pause))
        .route("/monitors/{id}/test", post(monitor::test))
        .route("/monitors/{id}/delete", get(monitor::ask_to_delete).post(monitor::delete))
        .route("/incidents", get(incidents::list))
        .route("/incidents/{id}", get(incidents::show))
        .route("/contacts", get(contacts::list).post(contacts::create))
        .route("/contacts/{id}/delete", post(contacts::delete))
        .route("/channels/{id}/test", post(contacts::test_channel))
        .route("/tokens", get(tokens::list).post(tokens::create))
        .route("/tokens/{id}/revoke", post(tokens::revoke))
        .route("/codes", get(codes::list))
        .route("/codes/{family}/{code}", get(codes::show))
        .route("/sign-in", get(sign_in::form).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/setup/{secret}", get(sign_in::setup).post(sign_in::claim))
        .route("/assets/{name}", get(assets::serve))
}
