//! How states, times and figures are shown: the same word, shape and form on every page.
//! Colour never stands alone; exact times are behind relative ones.

use jiff::{SignedDuration, Timestamp};
use watchkeep_catalogue::{Family, Severity, StatusCode, find};

use crate::Entry;

/// A status code with its word and shape.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) code: i16,
    pub(super) family: &'static str,
    pub(super) class: &'static str,
    pub(super) word: &'static str,
    /// Worst first, as lists are ordered.
    pub(super) rank: u8,
    /// The inner part of a 16 by 16 SVG.
    pub(super) shape: &'static str,
}

impl State {
    pub(super) fn of(family: Family, code: StatusCode) -> Self {
        let (class, word, rank, shape) = match (code, code.severity(family)) {
            (StatusCode::CREATED, _) => (
                "created",
                "Not activated",
                6,
                r#"<rect x="2" y="6" width="12" height="4" rx="1" fill="none" stroke="currentColor" stroke-width="1.5"/>"#,
            ),
            (_, Severity::Down) => ("down", "Down", 0, r#"<path d="M8 1l7 7-7 7-7-7z"/>"#),
            (_, Severity::Degraded) => ("degraded", "Degraded", 1, r#"<path d="M8 1.5l7 12.5H1z"/>"#),
            (_, Severity::Misconfigured) => (
                "misconfigured",
                "Misconfigured",
                2,
                r#"<path d="M10.6 3.5L8 2 2.8 5v6L8 14l5.2-3V6.5" fill="none" stroke="currentColor" stroke-width="2"/>"#,
            ),
            (_, Severity::Pending) => (
                "pending",
                "Waiting for the first result",
                4,
                r#"<circle cx="8" cy="8" r="5.5" fill="none" stroke="currentColor" stroke-width="2"/>"#,
            ),
            (_, Severity::Operational) => ("operational", "Operational", 3, r#"<circle cx="8" cy="8" r="6.5"/>"#),
            (_, Severity::Inactive) => ("paused", "Paused", 5, r#"<path d="M3 2h4v12H3zM9 2h4v12H9z"/>"#),
        };
        Self { code: code.number(), family: family.as_str(), class, word, rank, shape }
    }

    /// Of a monitor now.
    pub(super) fn now(entry: &Entry) -> Self {
        Self::of(entry.family, entry.status().code)
    }
}

/// The catalogue's line for a code.
pub(super) fn summary(family: Family, code: StatusCode) -> &'static str {
    find(family, code).map_or("A status that this version does not know.", |entry| entry.summary)
}

/// A moment, seen from now.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    /// For machines, RFC 3339.
    pub(super) iso: String,
    /// The exact time, in UTC.
    pub(super) exact: String,
    /// How long ago, in words.
    pub(super) ago: String,
}

impl Moment {
    pub(super) fn new(at: Timestamp, now: Timestamp) -> Self {
        let seconds = at.as_second();
        let whole = Timestamp::from_second(seconds).unwrap_or(at);
        let passed = length(now.duration_since(at));
        let ago = if passed.is_empty() { "just now".to_owned() } else { format!("{passed} ago") };
        Self { iso: at.to_string(), exact: whole.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(), ago }
    }
}

/// A length of time in its largest unit, `3 min` for instance; empty below one second.
pub(super) fn length(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        ..=0 => String::new(),
        1..=59 => format!("{seconds} s"),
        60..=3_599 => format!("{} min", seconds / 60),
        3_600..=86_399 => format!("{} h", seconds / 3_600),
        86_400.. => format!("{} d", seconds / 86_400),
    }
}

/// Milliseconds for people.
pub(super) fn latency(milliseconds: f64) -> String {
    if milliseconds < 10.0 {
        format!("{milliseconds:.1} ms")
    } else if milliseconds < 1_000.0 {
        format!("{milliseconds:.0} ms")
    } else {
        format!("{:.1} s", milliseconds / 1_000.0)
    }
}

/// A percentage of uptime with as many decimals as matter: never rounded up to 100.
pub(super) fn percentage(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(whole) if whole >= 100.0 => "100 %".to_owned(),
        Some(part) => format!("{:.2} %", (part * 100.0).floor() / 100.0),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_for_people() {
        assert_eq!([0.42, 9.96, 12.3, 999.4, 1_250.0].map(latency), ["0.4 ms", "10.0 ms", "12 ms", "999 ms", "1.2 s"]);
        let shares = [None, Some(100.0), Some(99.999), Some(0.0)];
        assert_eq!(shares.map(percentage), ["–", "100 %", "99.99 %", "0.00 %"]);
    }

    #[test]
    fn moments_are_relative_and_exact() {
        let now: Timestamp = "2026-11-24T10:00:00.5Z".parse().unwrap();
        let ago = |seconds| Moment::new(now - SignedDuration::from_secs(seconds), now).ago;
        let words = ["just now", "59 s ago", "1 min ago", "1 h ago", "2 d ago"];
        assert_eq!([0, 59, 119, 3_600, 200_000].map(ago), words);
        assert_eq!(ago(-5), "just now", "clocks differ a little");
        assert_eq!(Moment::new(now, now).exact, "2026-11-24 10:00:00 UTC");
    }

    #[test]
    fn every_state_has_its_own_word_shape_and_rank() {
        let codes = [0, -1, -2, -3, 100, 102, 451].map(|code| State::of(Family::Service, StatusCode::new(code)));
        let distinct = |part: fn(&State) -> String| {
            codes.iter().map(part).collect::<std::collections::BTreeSet<_>>().len() == codes.len()
        };
        assert!(distinct(|state| state.word.to_owned()) && distinct(|state| state.shape.to_owned()));
        assert!(distinct(|state| state.rank.to_string()) && distinct(|state| state.class.to_owned()));
    }
}
