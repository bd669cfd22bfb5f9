//! `/tests`: one test now, nothing stored.

use std::sync::Arc;

use axum::{Json, extract::State};
use tokio::sync::Semaphore;
use watchkeep_model::{Test, TestResult};

use super::{
    JsonObject, Problem,
    schema::{ResultOutput, TestInput},
};
use crate::{App, auth::CanWrite};

/// Tests that are run at the same time for callers; more are refused rather than queued.
const AT_ONCE: usize = 32;
static RUNNING: Semaphore = Semaphore::const_new(AT_ONCE);

/// Test once
///
/// Runs one test now and answers with its result. Nothing is stored and nobody is told. The egress policy
/// is that of the robots.
#[utoipa::path(
    post, path = "/tests", tag = "tests",
    request_body = TestInput,
    responses((status = 200, description = "The result, whatever its code.", body = ResultOutput)),
)]
pub(super) async fn run(
    State(app): State<Arc<App>>,
    _: CanWrite,
    JsonObject(body): JsonObject,
) -> Result<Json<TestResult>, Problem> {
    let test = Test::parse(body)?;
    let Ok(_permit) = RUNNING.try_acquire() else {
        return Err(Problem::too_many(
            format_args!("{AT_ONCE} tests are under way already; try again in a moment."),
            2,
        ));
    };
    Ok(Json(app.tester.run(&test).await))
}
