//! The overview: what is down first, then the rest as a list that follows every change.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State as Shared, response::Response};
use jiff::Timestamp;
use watchkeep_model::OrgId;

use super::{
    chart::Spark,
    fault::Fault,
    frame::{Link, Section, page},
    shown::{self, Moment, State},
};
use crate::{
    App, Counts, Entry, Filter, Point,
    api::{Query, view::shown_detail},
    auth::SignedIn,
};

/// Most rows of one page; a search narrows it down.
const MOST_ROWS: usize = 200;

/// A monitor in the list.
pub(super) struct Row<'a> {
    id: &'a str,
    name: &'a str,
    /// What the list is ordered by, within one state.
    sort: String,
    target: &'a str,
    state: State,
    summary: &'static str,
    detail: &'a str,
    is_failure: bool,
    since: Moment,
    latency: String,
    spark: Option<Spark>,
}

impl<'a> Row<'a> {
    fn new(entry: &'a Entry, now: Timestamp) -> Self {
        let status = entry.status();
        let state = State::now(entry);
        let points: Vec<Point> = entry.recent.points().collect();
        Self {
            id: entry.id.as_str(),
            name: entry.name.as_str(),
            sort: entry.name.as_str().to_lowercase(),
            target: entry.target(),
            is_failure: state.rank <= 2,
            state,
            summary: shown::summary(entry.family, status.code),
            detail: shown_detail(entry).unwrap_or_default(),
            since: Moment::new(status.since, now),
            latency: entry
                .last
                .as_ref()
                .map(|last| shown::latency(last.duration.as_secs_f64() * 1_000.0))
                .unwrap_or_default(),
            spark: Spark::new(&points),
        }
    }
}

#[derive(Template)]
#[template(path = "row.html")]
struct RowPage<'a> {
    row: Row<'a>,
}

/// The row of a monitor as it stands in the list, for pages that are open.
pub(crate) fn row(entry: &Entry, now: Timestamp) -> String {
    RowPage { row: Row::new(entry, now) }.render().unwrap_or_default()
}

/// The sentence at the top: the worst first.
fn verdict(counts: &Counts) -> String {
    let monitors = |n: usize| if n == 1 { "1 monitor".to_owned() } else { format!("{n} monitors") };
    let are = |n: usize| if n == 1 { "is" } else { "are" };
    let failing = [(counts.down, "down"), (counts.degraded, "degraded"), (counts.misconfigured, "misconfigured")];
    let mut failing = failing.into_iter().filter(|&(n, _)| n > 0);
    if let Some((n, word)) = failing.next() {
        if counts.all == 1 {
            return format!("The monitor is {word}.");
        }
        let first = format!("{n} of {} {} {word}", monitors(counts.all), are(n));
        let others = failing.map(|(n, word)| format!(", {n} {} {word}", are(n)));
        return others.fold(first, |sentence, other| sentence + &other) + ".";
    }
    match (counts.operational, counts.all) {
        (_, 0) => "Nothing is watched yet.".to_owned(),
        (0, _) if counts.pending > 0 => format!("Waiting for the first result of {}.", monitors(counts.pending)),
        (0, all) => format!("No test runs: {} {} paused or not activated.", monitors(all), are(all)),
        (1, 1) => "The monitor is operational.".to_owned(),
        (up, all) if up == all => format!("All {all} monitors are operational."),
        (up, _) => format!("All is well: {} {} operational.", monitors(up), are(up)),
    }
}

/// A choice among the states, with how many monitors have it.
struct Choice {
    label: &'static str,
    word: &'static str,
    count: usize,
    is_here: bool,
}

fn choices(counts: &Counts, here: &str) -> Vec<Choice> {
    let all = [
        ("All", "", counts.all),
        ("Down", "down", counts.down),
        ("Degraded", "degraded", counts.degraded),
        ("Misconfigured", "misconfigured", counts.misconfigured),
        ("Waiting", "pending", counts.pending),
        ("Operational", "operational", counts.operational),
    ];
    let wanted = |word: &str, count: usize| word.is_empty() || word == here || count > 0;
    all.into_iter()
        .filter(|(_, word, count)| wanted(word, *count))
        .map(|(label, word, count)| Choice { label, word, count, is_here: word == here })
        .collect()
}

#[derive(Template)]
#[template(path = "summary.html")]
struct Summary {
    verdict: String,
    mood: &'static str,
    choices: Vec<Choice>,
    text: String,
}

impl Summary {
    fn new(counts: &Counts, status: &str, text: &str) -> Self {
        let mood = match counts {
            Counts { down: 1.., .. } => "down",
            Counts { degraded: 1.., .. } => "degraded",
            Counts { misconfigured: 1.., .. } => "misconfigured",
            Counts { operational: 1.., .. } => "operational",
            _ => "pending",
        };
        Self { verdict: verdict(counts), mood, choices: choices(counts, status), text: text.to_owned() }
    }
}

/// The top of the overview, for pages that are open and show everything.
pub(crate) fn summary(app: &App, org: &OrgId) -> String {
    Summary::new(&app.board.counts(org), "", "").render().unwrap_or_default()
}

#[derive(Template)]
#[template(path = "overview.html")]
struct Overview<'a> {
    links: [Link; 5],
    summary: Summary,
    rows: Vec<Row<'a>>,
    total: usize,
    hidden: usize,
    is_filtered: bool,
    status: &'a str,
    text: &'a str,
}

pub(super) async fn show(Shared(app): Shared<Arc<App>>, person: SignedIn, mut query: Query) -> Result<Response, Fault> {
    let text: String = query.take("q").unwrap_or_default();
    let status: String = query.take("status").unwrap_or_default();
    query.finish()?;
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let filter = Filter { text: some(&text), status: some(&status), ..Filter::default() };
    let mut entries = app.board.list(&person.org, &filter);
    // Stable: within one state they stay by name.
    entries.sort_by_key(|entry| State::now(entry).rank);
    let now = Timestamp::now();
    let counts = app.board.counts(&person.org);
    let rows: Vec<_> = entries.iter().take(MOST_ROWS).map(|entry| Row::new(entry, now)).collect();
    Ok(page(&Overview {
        links: Section::Overview.links(),
        summary: Summary::new(&counts, &status, &text),
        hidden: entries.len() - rows.len(),
        rows,
        total: counts.all,
        is_filtered: !text.is_empty() || !status.is_empty(),
        status: &status,
        text: &text,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_says_the_worst_first() {
        let none = Counts::default();
        let cases = [
            (none, "Nothing is watched yet."),
            (Counts { all: 1, operational: 1, ..none }, "The monitor is operational."),
            (Counts { all: 12, operational: 12, ..none }, "All 12 monitors are operational."),
            (Counts { all: 3, operational: 2, inactive: 1, ..none }, "All is well: 2 monitors are operational."),
            (
                Counts { all: 12, operational: 10, down: 1, degraded: 1, ..none },
                "1 of 12 monitors is down, 1 is degraded.",
            ),
            (Counts { all: 1, misconfigured: 1, ..none }, "The monitor is misconfigured."),
            (Counts { all: 2, pending: 2, ..none }, "Waiting for the first result of 2 monitors."),
            (Counts { all: 1, inactive: 1, ..none }, "No test runs: 1 monitor is paused or not activated."),
        ];
        for (counts, expected) in cases {
            assert_eq!(verdict(&counts), expected);
        }
    }
}
