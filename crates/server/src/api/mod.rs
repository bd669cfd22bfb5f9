//! The HTTP API under `/api/v1`: one file per noun, each handler with its OpenAPI description.
//! Handlers take requests apart and put answers together; what happens is in `monitors` and `contacts`.

mod body;
mod catalogue;
mod contacts;
mod deliveries;
mod history;
mod idempotency;
mod incidents;
mod monitors;
mod openapi;
mod problem;
mod query;
mod reference;
mod schema;
mod series;
mod tests;
mod tokens;
mod version;
pub mod view;

use std::sync::Arc;

use axum::{Router, middleware::from_fn_with_state};
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};
use watchkeep_model::{Id, Prefix};

pub use body::{JsonObject, LARGEST_BODY};
pub use idempotency::Answers;
pub use problem::{FieldError, Problem};
pub use query::{Cursor, Query};
pub(crate) use reference::reference;

use crate::{App, live};

/// The routes that answer at once, relative to `/api/v1`.
fn quick() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default()
        .routes(routes!(catalogue::list))
        .routes(routes!(catalogue::show))
        .routes(routes!(monitors::list))
        .routes(routes!(monitors::show, monitors::change, monitors::replace, monitors::delete))
        .routes(routes!(monitors::activate))
        .routes(routes!(monitors::pause))
        .routes(routes!(monitors::test))
        .routes(routes!(history::results))
        .routes(routes!(history::events))
        .routes(routes!(history::uptime))
        .routes(routes!(series::series))
        .routes(routes!(incidents::list))
        .routes(routes!(incidents::show))
        .routes(routes!(contacts::list))
        .routes(routes!(contacts::show, contacts::change, contacts::replace, contacts::delete))
        .routes(routes!(contacts::test_channel))
        .routes(routes!(deliveries::list))
        .routes(routes!(tokens::list))
        .routes(routes!(tokens::revoke))
}

/// The routes that create something and may be repeated with an `Idempotency-Key`.
fn creating() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default()
        .routes(routes!(monitors::create))
        .routes(routes!(contacts::create))
        .routes(routes!(tokens::create))
}

/// The routes that may take as long as a test, or for ever.
fn patient() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::default().routes(routes!(tests::run)).routes(routes!(live::events))
}

/// The API's routes relative to `/api/v1`: those that answer at once, and those that may take long.
pub(crate) fn router(app: &Arc<App>) -> (Router<Arc<App>>, Router<Arc<App>>) {
    let repeatable = from_fn_with_state(Arc::clone(app), idempotency::once);
    let creating = Router::from(creating()).layer(repeatable);
    (Router::from(quick()).merge(creating), patient().into())
}

/// The OpenAPI 3.1 description of all of them.
#[must_use]
pub fn document() -> OpenApi {
    let collected = quick().merge(creating()).merge(patient());
    openapi::completed(collected.into_openapi())
}

/// The identifier in a path. Whatever is no identifier names nothing: the same answer as for a missing one.
fn id_in_path<K: Prefix>(text: &str) -> Result<Id<K>, Problem> {
    text.parse().map_err(|_| Problem::missing(K::NOUN))
}
