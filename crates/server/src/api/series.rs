//! `/monitors/{id}/series`: latency and availability over time, in equal steps, for charts.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use watchkeep_catalogue::{Family, StatusCode};
use watchkeep_store::TimeRange;

use super::{Problem, Query, monitors::entry_in_path, query::Moment};
use crate::{
    App,
    auth::CanRead,
    figures::{percentile, window_start},
};

/// Most results that one series is made of; beyond that they are thinned evenly.
const MOST_RESULTS: usize = 200_000;
/// The longest range, in hours.
const LONGEST_HOURS: i64 = 400 * 24;

/// Latency and availability over a range.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SeriesView {
    /// The beginning of the range.
    from: String,
    /// Its end.
    until: String,
    /// Length of a step, in seconds.
    step_seconds: f64,
    /// The steps in which there was a result, oldest first.
    items: Vec<StepView>,
}

/// One step of a series. Latencies are milliseconds.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct StepView {
    /// The beginning of the step.
    at: String,
    /// How many results.
    count: usize,
    /// Percentage of results that were not down.
    availability: f64,
    /// The shortest.
    min: f32,
    /// The mean.
    avg: f32,
    /// Half are shorter.
    p50: f32,
    /// 95 of 100 are shorter.
    p95: f32,
    /// 99 of 100 are shorter.
    p99: f32,
    /// The longest.
    max: f32,
}

/// Latency and availability
///
/// Rolled up into equal steps; steps without a result are left out.
#[utoipa::path(
    get, path = "/monitors/{id}/series", tag = "history",
    params(
        ("id" = String, Path, description = "The monitor's id."),
        ("from" = Option<String>, Query, description = "Beginning of the range, RFC 3339; 24 hours before the end when absent."),
        ("until" = Option<String>, Query, description = "End of the range, RFC 3339; now when absent."),
        ("points" = Option<u32>, Query, description = "Number of steps, 1 to 500; 100 when absent."),
    ),
    responses((status = 200, description = "The series.", body = SeriesView)),
)]
pub(super) async fn series(
    State(app): State<Arc<App>>,
    CanRead(caller): CanRead,
    Path(id): Path<String>,
    mut query: Query,
) -> Result<Json<SeriesView>, Problem> {
    let entry = entry_in_path(&app, &caller, &id)?;
    let until = query.take::<Moment>("until").map_or_else(Timestamp::now, |moment| moment.0);
    let from = query.take::<Moment>("from").map_or_else(|| window_start(until, 24), |moment| moment.0);
    let points = query.take::<Points>("points").map_or(100, |points| points.0);
    if from >= until {
        query.problem("from", "must be before the end of the range");
    } else if until.duration_since(from) > SignedDuration::from_hours(LONGEST_HOURS) {
        query.problem("from", "must be 400 days before the end of the range at most");
    }
    query.finish()?;
    let range = TimeRange { from, until };
    let results = app.store.latencies(&entry.id, range, MOST_RESULTS).await?;
    let step_ms = (until.as_millisecond() - from.as_millisecond()).max(1).unsigned_abs().div_ceil(points);
    let items = steps(&results, from, step_ms, entry.family);
    let step_seconds = SignedDuration::from_millis(step_ms.try_into().unwrap_or(i64::MAX)).as_secs_f64();
    Ok(Json(SeriesView { from: from.to_string(), until: until.to_string(), step_seconds, items }))
}

struct Points(u64);

impl std::str::FromStr for Points {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().ok().filter(|n| (1..=500).contains(n)).map(Self).ok_or("must be a whole number from 1 to 500")
    }
}

fn steps(results: &[(Timestamp, f32, StatusCode)], from: Timestamp, step_ms: u64, family: Family) -> Vec<StepView> {
    let index = |at: Timestamp| (at.as_millisecond() - from.as_millisecond()).max(0).unsigned_abs() / step_ms;
    let chunks = results.chunk_by(|one, other| index(one.0) == index(other.0));
    chunks
        .map(|chunk| {
            let mut latencies: Vec<f32> = chunk.iter().map(|&(_, latency, _)| latency).collect();
            latencies.sort_by(f32::total_cmp);
            let down = chunk
                .iter()
                .filter(|&&(_, _, code)| code.severity(family) == watchkeep_catalogue::Severity::Down)
                .count();
            let offset = SignedDuration::from_millis((index(chunk[0].0) * step_ms).try_into().unwrap_or(i64::MAX));
            StepView {
                at: from.saturating_add(offset).unwrap_or(from).to_string(),
                count: chunk.len(),
                availability: 100.0 * (chunk.len() - down) as f64 / chunk.len() as f64,
                min: latencies[0],
                avg: latencies.iter().sum::<f32>() / latencies.len() as f32,
                p50: percentile(&latencies, 50),
                p95: percentile(&latencies, 95),
                p99: percentile(&latencies, 99),
                max: latencies[latencies.len() - 1],
            }
        })
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn steps_have_exact_percentiles() {
        let from = Timestamp::from_second(1_000).unwrap();
        let at = |n: i64| Timestamp::from_millisecond(1_000_000 + n * 10).unwrap();
        let results: Vec<_> =
            (0..200_u8).map(|n| (at(n.into()), f32::from(n % 100) + 1.0, StatusCode::OPERATIONAL)).collect();
        let steps = steps(&results, from, 1_000, Family::Service);
        assert_eq!(steps.len(), 2);
        let first = &steps[0];
        assert_eq!(
            (first.count, first.min, first.p50, first.p95, first.p99, first.max),
            (100, 1.0, 50.0, 95.0, 99.0, 100.0)
        );
        assert_eq!(first.availability, 100.0);
        assert_eq!(steps[1].at, "1970-01-01T00:16:41Z");
    }
}
