//! The pictures: spark lines, the latency of a day, the history bar, and the phases of one test, all as SVG.
//! Pure: points and times come in, coordinates go out; colours are the style sheet's.

use std::fmt::Write;

use jiff::{SignedDuration, Timestamp};
use watchkeep_catalogue::{Family, Severity};
use watchkeep_store::StatusInterval;

use super::shown::{State, latency, length};
use crate::Point;

/// Seconds of the range that charts of a monitor show.
pub(super) const DAY: i64 = 86_400;

/// A line through points, broken where nothing was measured, in a box of the given size.
struct Trace {
    line: String,
    area: String,
    failures: Vec<f32>,
}

/// The times that a box's width stands for, in seconds since 1970.
#[derive(Clone, Copy)]
struct Span {
    from: i64,
    until: i64,
}

impl Span {
    fn x(self, at: i64, width: f32) -> f32 {
        let length = (self.until - self.from).max(1) as f32;
        (at - self.from) as f32 / length * width
    }
}

/// Draws points whose largest value is `most` at the top. A gap is a distance of more than three usual ones.
fn trace(points: &[Point], span: Span, most: f32, width: f32, height: f32) -> Trace {
    let mut distances: Vec<i64> = points.windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    distances.sort_unstable();
    let usual = distances.get(distances.len() / 2).copied().unwrap_or(1);
    let mut trace = Trace { line: String::new(), area: String::new(), failures: Vec::new() };
    for piece in points.chunk_by(|one, other| other.at - one.at <= usual * 3) {
        let place =
            |point: &Point| (span.x(point.at, width), height - point.mean_ms / most.max(0.001) * (height - 1.0));
        // Writing to a String cannot fail.
        for (index, point) in piece.iter().enumerate() {
            let (x, y) = place(point);
            let _ = write!(trace.line, "{}{x:.1} {y:.1}", if index == 0 { "M" } else { "L" });
        }
        if let (Some(first), Some(last)) = (piece.first(), piece.last()) {
            let (left, right) = (place(first).0, place(last).0);
            let _ = write!(trace.area, "M{left:.1} {height:.1}");
            for point in piece {
                let (x, y) = place(point);
                let _ = write!(trace.area, "L{x:.1} {y:.1}");
            }
            let _ = write!(trace.area, "L{right:.1} {height:.1}Z");
        }
    }
    let failed = points.iter().filter(|point| point.worst >= Severity::Degraded);
    trace.failures = failed.map(|point| span.x(point.at, width)).collect();
    trace
}

fn largest(points: &[Point]) -> f32 {
    points.iter().map(|point| point.mean_ms).fold(0.0, f32::max)
}

/// The small line of a list: no axis, from the oldest point to the newest.
pub(super) struct Spark {
    pub(super) line: String,
    pub(super) area: String,
    pub(super) failures: Vec<String>,
}

impl Spark {
    pub(super) const WIDTH: f32 = 120.0;
    pub(super) const HEIGHT: f32 = 24.0;
    /// Where the marks of failures begin.
    pub(super) const FOOT: f32 = 19.0;

    /// `None` as long as there are fewer than two points.
    pub(super) fn new(points: &[Point]) -> Option<Self> {
        let (first, last) = (points.first()?, points.last()?);
        if first.at == last.at {
            return None;
        }
        let span = Span { from: first.at, until: last.at };
        let trace = trace(points, span, largest(points), Self::WIDTH, Self::HEIGHT);
        let failures = trace.failures.iter().map(|x| format!("{x:.1}")).collect();
        Some(Self { line: trace.line, area: trace.area, failures })
    }
}

/// The latency of the last 24 hours, or of as much as there is, with the times of failure behind it.
pub(super) struct DayChart {
    /// How long ago the left edge is.
    pub(super) begins: String,
    pub(super) line: String,
    pub(super) area: String,
    /// Left edge, width and class of each stretch of failure.
    pub(super) bands: Vec<Band>,
    /// Height and label of each line of the grid.
    pub(super) ticks: Vec<(String, String)>,
    /// Times and mean latencies, for whoever cannot see the picture.
    pub(super) table: Vec<(String, String)>,
}

/// A stretch of failure behind the chart.
pub(super) struct Band {
    pub(super) x: String,
    pub(super) width: String,
    pub(super) class: &'static str,
}

impl DayChart {
    pub(super) const WIDTH: f32 = 720.0;
    pub(super) const HEIGHT: f32 = 160.0;

    /// `None` as long as nothing was measured in these 24 hours.
    pub(super) fn new(points: &[Point], intervals: &[StatusInterval], family: Family, now: Timestamp) -> Option<Self> {
        let begin = now.as_second() - DAY;
        let points: Vec<Point> = points.iter().copied().filter(|point| point.at >= begin).collect();
        // A young monitor fills the width too.
        let span = Span { from: points.first()?.at, until: now.as_second() };
        let step = nice_step(largest(&points));
        let most = step * (largest(&points) / step).ceil().max(1.0);
        let trace = trace(&points, span, most, Self::WIDTH, Self::HEIGHT);
        let bands = intervals.iter().filter_map(|interval| {
            let state = State::of(family, interval.code);
            let is_failure = interval.code.severity(family) >= Severity::Degraded;
            let is_seen = is_failure && interval.until.as_second() >= span.from;
            let left = span.x(interval.from.as_second().max(span.from), Self::WIDTH);
            let right = span.x(interval.until.as_second(), Self::WIDTH);
            let width = (right - left).max(1.0);
            is_seen.then(|| Band { x: format!("{left:.1}"), width: format!("{width:.1}"), class: state.class })
        });
        let lines = (1..=(most / step).round() as u16).map(|n| {
            let value = f32::from(n) * step;
            (format!("{:.1}", Self::HEIGHT - value / most * (Self::HEIGHT - 1.0)), latency(value.into()))
        });
        let table = points.iter().map(|point| (time_of_day(point.at), latency(point.mean_ms.into())));
        Some(Self {
            begins: length(SignedDuration::from_secs(span.until - span.from)),
            line: trace.line,
            area: trace.area,
            bands: bands.collect(),
            ticks: lines.collect(),
            table: table.collect(),
        })
    }
}

/// A step of 1, 2 or 5 times a power of ten that makes two to five lines up to `most`.
fn nice_step(most: f32) -> f32 {
    let power = 10_f32.powf((most.max(0.01) / 2.0).log10().floor());
    [5.0, 2.0, 1.0].into_iter().map(|factor| factor * power).find(|step| step * 2.0 <= most).unwrap_or(power)
}

fn time_of_day(seconds: i64) -> String {
    Timestamp::from_second(seconds).map(|at| at.strftime("%H:%M UTC").to_string()).unwrap_or_default()
}

/// One slice of the history bar: the worst state of half an hour.
pub(super) struct Slice {
    pub(super) x: u16,
    pub(super) y: u16,
    pub(super) height: u16,
    pub(super) class: &'static str,
    pub(super) title: String,
}

/// Slices of the history bar.
const SLICES: u16 = 48;

/// The last 24 hours as slices, oldest first. The height tells the state too, so that colour is not needed.
pub(super) fn history(intervals: &[StatusInterval], family: Family, now: Timestamp) -> Vec<Slice> {
    // In milliseconds, and up to this very one: a change that has just come is in the last slice.
    let end = |interval: &StatusInterval| interval.until.as_millisecond().max(interval.from.as_millisecond() + 1);
    let length = DAY * 1_000 / i64::from(SLICES);
    let begin = now.as_millisecond() + 1 - DAY * 1_000;
    (0..SLICES)
        .map(|n| {
            let (from, until) = (begin + i64::from(n) * length, begin + i64::from(n + 1) * length);
            let worst = intervals
                .iter()
                .filter(|interval| interval.from.as_millisecond() < until && end(interval) > from)
                .min_by_key(|interval| State::of(family, interval.code).rank);
            let (class, height, what) = match worst {
                None => ("nodata", 12, "No data".to_owned()),
                Some(interval) => {
                    let state = State::of(family, interval.code);
                    let height = match interval.code.severity(family) {
                        Severity::Down => 32,
                        Severity::Degraded => 26,
                        Severity::Misconfigured => 20,
                        Severity::Operational => 20,
                        Severity::Inactive | Severity::Pending => 12,
                    };
                    (state.class, height, format!("{} ({})", state.word, state.code))
                }
            };
            let title = format!(
                "{}–{}: {what}",
                time_of_day(from / 1_000).trim_end_matches(" UTC"),
                time_of_day(until / 1_000)
            );
            Slice { x: n * 10, y: 32 - height, height, class, title }
        })
        .collect()
}

/// One phase in the bar of a test.
pub(super) struct PhasePart {
    pub(super) x: String,
    pub(super) width: String,
    pub(super) class: &'static str,
}

/// The phases of a test as parts of a bar that is 100 wide for the longest test.
pub(super) fn phase_parts(phases: &watchkeep_model::Phases, longest: f64) -> Vec<PhasePart> {
    let mut left = 0.0;
    let mut parts = Vec::new();
    for (name, phase) in phases.in_order() {
        let Some(phase) = phase else { continue };
        let width = phase.as_secs_f64() / longest.max(0.000_001) * 100.0;
        let class = match name {
            "dns_ms" => "phase-1",
            "connect_ms" => "phase-2",
            "tls_ms" => "phase-3",
            "first_byte_ms" => "phase-4",
            _ => "phase-5",
        };
        parts.push(PhasePart { x: format!("{left:.2}"), width: format!("{width:.2}"), class });
        left += width;
    }
    parts
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use watchkeep_catalogue::StatusCode;

    use super::*;

    fn point(at: i64, mean_ms: f32) -> Point {
        Point { at, mean_ms, worst: Severity::Operational }
    }

    #[test]
    fn a_gap_is_a_gap() {
        let regular: Vec<_> = (0..10).map(|n| point(n * 60, 5.0)).collect();
        assert_eq!(Spark::new(&regular).unwrap().line.matches('M').count(), 1);
        let broken: Vec<_> = (0..10).map(|n| point(if n < 5 { n * 60 } else { n * 60 + 3_600 }, 5.0)).collect();
        assert_eq!(Spark::new(&broken).unwrap().line.matches('M').count(), 2);
        assert!(Spark::new(&regular[..1]).is_none());
        assert!(Spark::new(&[]).is_none());
    }

    #[test]
    fn lines_of_the_grid_are_round_and_few() {
        for most in [0.03, 0.7, 1.0, 4.9, 5.0, 17.0, 99.0, 1_234.0, 60_000.0] {
            let step = nice_step(most);
            let count = (most / step).ceil();
            assert!((1.0..=6.0).contains(&count), "{most} in steps of {step}");
        }
    }

    #[test]
    fn the_history_shows_the_worst_of_each_slice() {
        let now = Timestamp::from_second(1_000_000_000).unwrap();
        let at = |before: i64| Timestamp::from_second(now.as_second() - before).unwrap();
        let interval =
            |from, until, code| StatusInterval { from: at(from), until: at(until), code: StatusCode::new(code) };
        let intervals =
            [interval(7_199, 3_000, 0), interval(3_000, 2_990, 451), interval(2_990, 0, 0), interval(0, 0, 102)];
        let slices = history(&intervals, Family::Service, now);
        assert_eq!(slices.len(), 48);
        let classes: Vec<_> = slices.iter().map(|slice| slice.class).collect();
        assert_eq!(classes[..44], ["nodata"; 44]);
        assert_eq!(classes[44..], ["operational", "operational", "down", "degraded"]);
    }
}
