//! All routes on one page: the API, the pages, health, and what is wrapped around them.
//! Layers run from the outside in: headers, panics, compression, clarity, origin, then the handler's own limits.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, StatusCode},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use jiff::Timestamp;
use serde_json::json;
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer};

use crate::{
    App,
    api::{self, LARGEST_BODY, Problem},
    auth::same_origin,
    legible, live, pages, shield,
};

/// What answers at once must be done within this time.
const QUICK: Duration = Duration::from_secs(30);

/// Everything that Watchkeep serves.
pub fn router(app: Arc<App>) -> Router {
    let (quick, patient) = api::router(&app);
    let document = axum::body::Bytes::from(api::document().to_json().unwrap_or_default());
    let described = get(move || async move { ([("content-type", "application/json")], document) });
    let quick = quick.route("/openapi.json", described).layer(from_fn(to_the_end)).layer(from_fn(in_time));
    let api = quick.merge(patient).fallback(no_route).method_not_allowed_fallback(no_method);
    let pages =
        pages::router().route("/docs/api", get(api::reference)).layer(from_fn(to_the_end)).layer(from_fn(in_time));
    Router::new()
        .nest("/api/v1", api)
        .route("/live", get(live::page_stream))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .merge(pages)
        .fallback(no_route)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(from_fn(same_origin))
        .layer(from_fn(legible::only))
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(Arc::clone(&app), shield::headers))
        .with_state(app)
}

/// What changes something is done to its end, also when its client goes away or its time is over: what is stored
/// must get to the board and to the robots.
async fn to_the_end(request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    match tokio::spawn(next.run(request)).await {
        Ok(response) => response,
        Err(error) => match error.try_into_panic() {
            // The panic is handled further out, as anybody's.
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Problem::timed_out().into_response(),
        },
    }
}

async fn in_time(request: Request, next: Next) -> Response {
    tokio::time::timeout(QUICK, next.run(request)).await.unwrap_or_else(|_| Problem::timed_out().into_response())
}

async fn no_route(State(_): State<Arc<App>>, headers: HeaderMap) -> Response {
    if wants_page(&headers) { pages::not_found() } else { Problem::no_route().into_response() }
}

/// Whether a browser asks for something to look at.
fn wants_page(headers: &HeaderMap) -> bool {
    headers.get("accept").and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains("text/html"))
}

async fn no_method() -> Problem {
    Problem::no_method()
}

fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    // The panic's own message is in the log: the runtime's hook wrote it.
    Problem::bug().into_response()
}

/// 200 as soon as requests are served.
async fn healthz() -> &'static str {
    "ok\n"
}

/// 200 once robots and storage work; otherwise 503 with the reasons.
async fn readyz(State(app): State<Arc<App>>) -> Response {
    let storage = tokio::time::timeout(Duration::from_secs(5), app.store.next_due(Timestamp::now())).await;
    let storage = match storage {
        Err(_) => Some("the storage does not answer".to_owned()),
        Ok(Err(error)) => Some(error.to_string()),
        Ok(Ok(_)) => None,
    };
    let pipeline = app.health.fault();
    let ready = storage.is_none() && pipeline.is_none();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({"ready": ready, "storage": storage.as_deref().unwrap_or("ok"), "results": pipeline.as_deref().unwrap_or("ok"), "at": Timestamp::now()});
    (status, Json(body)).into_response()
}
