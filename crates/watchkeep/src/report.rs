//! The report of one test for a person: the verdict first, then why, then the numbers.

use std::{fmt::Write, time::Duration};

use anstyle::{AnsiColor, Style};
use watchkeep_catalogue::Severity;
use watchkeep_model::TestResult;

use crate::output::{inert, wrapped};

/// Characters of the bar of phases.
const BAR: usize = 40;

/// The shape that goes with a severity, so that colour never stands alone.
fn shape(severity: Severity) -> (&'static str, AnsiColor) {
    match severity {
        Severity::Operational => ("●", AnsiColor::Green),
        Severity::Degraded => ("▲", AnsiColor::Yellow),
        Severity::Down => ("◆", AnsiColor::Red),
        Severity::Misconfigured => ("⬡", AnsiColor::Magenta),
        Severity::Inactive | Severity::Pending => ("○", AnsiColor::Blue),
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Operational => "Operational",
        Severity::Degraded => "Degraded",
        Severity::Down => "Down",
        Severity::Misconfigured => "Misconfigured",
        Severity::Inactive => "Inactive",
        Severity::Pending => "Pending",
    }
}

/// The whole report.
pub(crate) fn text(result: &TestResult) -> String {
    let mut out = String::new();
    let code = result.verdict.code;
    let severity = code.severity(result.subject.family);
    let (shape, colour) = shape(severity);
    let style = Style::new().bold().fg_color(Some(colour.into()));
    let _ = writeln!(out, "{style}{shape} {} {code}{style:#}  {}", word(severity), inert(&result.subject.target));
    let entry = result.entry().filter(|_| !code.is_operational());
    if let Some(entry) = entry {
        let _ = writeln!(out, "  {}", entry.summary);
    }
    if let Some(detail) = &result.verdict.detail {
        let _ = writeln!(out, "{}", wrapped(&format!("Detail: {}", inert(detail)), "  "));
    }
    phases(&mut out, result);
    for line in result.observed.lines() {
        let _ = writeln!(out, "  {}", inert(&line));
    }
    if let Some(entry) = entry {
        let dim = Style::new().dimmed();
        let remedy = wrapped(&format!("What to do: {}", entry.remedy), "  ");
        let _ = writeln!(out, "{dim}{remedy}{dim:#}");
    }
    out
}

fn milliseconds(duration: Duration) -> String {
    let value = duration.as_secs_f64() * 1000.0;
    if value < 10.0 { format!("{value:.1} ms") } else { format!("{value:.0} ms") }
}

/// The phases as one bar, each with its share, and their durations beside it.
fn phases(out: &mut String, result: &TestResult) {
    const NAMES: [(&str, char); 5] =
        [("DNS", '░'), ("connect", '▒'), ("TLS", '▓'), ("first byte", '█'), ("transfer", '▄')];
    let measured: Vec<_> =
        NAMES.iter().zip(result.phases.in_order()).filter_map(|(name, (_, phase))| Some((*name, phase?))).collect();
    let total: Duration = measured.iter().map(|(_, phase)| *phase).sum();
    if total.is_zero() {
        return;
    }
    let mut bar = String::new();
    let mut legend = Vec::new();
    let (mut past, mut drawn) = (Duration::ZERO, 0);
    for ((name, fill), phase) in measured {
        // Where each phase ends is rounded, not how long it is: so the bar is always full.
        past += phase;
        let end = (past.as_secs_f64() / total.as_secs_f64() * BAR as f64).round() as usize;
        bar.extend(std::iter::repeat_n(fill, end - drawn));
        drawn = end;
        legend.push(format!("{fill} {name} {}", milliseconds(phase)));
    }
    let _ = writeln!(out, "  {bar}  {}", milliseconds(result.duration));
    let _ = writeln!(out, "  {}", legend.join("  "));
}
