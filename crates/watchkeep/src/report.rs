//! The report of one test for a person: the verdict first, then why, then the numbers.

use std::{fmt::Write, time::Duration};

use anstyle::{AnsiColor, Style};
use watchkeep_catalogue::Severity;
use watchkeep_model::{Observed, TestResult, http};

use crate::output::inert;

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
    if let Some(entry) = result.entry().filter(|_| !code.is_operational()) {
        let detail = result.verdict.detail.as_deref().map(|detail| format!(" ({})", inert(detail))).unwrap_or_default();
        let _ = writeln!(out, "  {}{detail}", entry.summary.trim_end_matches('.'));
    }
    phases(&mut out, result);
    match &result.observed {
        Observed::Nothing => {}
        Observed::Http(seen) => http_lines(&mut out, seen),
    }
    if let Some(entry) = result.entry().filter(|_| !code.is_operational()) {
        let dim = Style::new().dimmed();
        let _ = writeln!(out, "{dim}  {}{dim:#}", entry.remedy);
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
    for ((name, fill), phase) in measured {
        let share = phase.as_secs_f64() / total.as_secs_f64();
        let cells = (share * BAR as f64).round() as usize;
        bar.extend(std::iter::repeat_n(fill, cells));
        legend.push(format!("{fill} {name} {}", milliseconds(phase)));
    }
    let _ = writeln!(out, "  {bar}  {}", milliseconds(result.duration));
    let _ = writeln!(out, "  {}", legend.join("  "));
}

fn http_lines(out: &mut String, seen: &http::Observed) {
    let mut facts = Vec::new();
    if let Some(status) = seen.http_status {
        let version = seen.http_version.map(|version| format!("HTTP/{} ", version.as_str())).unwrap_or_default();
        facts.push(format!("{version}{status}"));
        facts.push(format!("{} bytes", seen.bytes));
    }
    facts.extend(seen.ip.map(|ip| format!("from {ip}")));
    if !facts.is_empty() {
        let _ = writeln!(out, "  {}", facts.join(", "));
    }
    for redirect in &seen.redirects {
        let _ = writeln!(out, "  redirected ({}) to {}", redirect.status, inert(&redirect.url));
    }
    if let Some(tls) = &seen.tls {
        let _ = writeln!(out, "  {} {}", tls.version, inert(&tls.cipher));
    }
    if let Some(seen) = &seen.certificate {
        let left = match seen.days_left {
            days if days < 0 => format!("expired {} days ago", -days),
            1 => "1 day left".to_owned(),
            days => format!("{days} days left"),
        };
        let _ = writeln!(
            out,
            "  certificate {}, issued by {}, {left}",
            inert(&seen.certificate.subject),
            inert(&seen.certificate.issuer)
        );
    }
    for remark in &seen.remarks {
        let _ = writeln!(out, "  {remark}");
    }
}
