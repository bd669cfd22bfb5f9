//! The report of one test for a person: the verdict first, then why, then the numbers.

use std::{fmt::Write, time::Duration};

use anstyle::{AnsiColor, Style};
use watchkeep_catalogue::Severity;
use watchkeep_model::{Observed, TestResult, http};

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
    match &result.observed {
        Observed::Nothing => {}
        Observed::Http(seen) => http_lines(&mut out, seen),
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

/// A number with its noun.
fn counted(number: u64, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

fn http_lines(out: &mut String, seen: &http::Observed) {
    match (seen.http_status, seen.ip) {
        (Some(status), ip) => {
            let version = seen.http_version.map(|version| format!("HTTP/{} ", version.as_str())).unwrap_or_default();
            let from = ip.map(|ip| format!(" from {ip}")).unwrap_or_default();
            let _ = writeln!(out, "  {version}{status}, {}{from}", counted(seen.bytes, "byte", "bytes"));
        }
        (None, Some(ip)) => {
            let _ = writeln!(out, "  address {ip}");
        }
        (None, None) => {}
    }
    for redirect in &seen.redirects {
        let _ = writeln!(out, "  redirected ({}) to {}", redirect.status, inert(&redirect.url));
    }
    if let Some(tls) = &seen.tls {
        let _ = writeln!(out, "  {} {}", tls.version, inert(&tls.cipher));
    }
    if let Some(seen) = &seen.certificate {
        let days = |number: i64| counted(number.unsigned_abs(), "day", "days");
        // Days are whole ones: minus one is the first day after the end.
        let left = match seen.days_left {
            -1 => "expired within the last 24 hours".to_owned(),
            past if past < 0 => format!("expired {} ago", days(past + 1)),
            left => format!("{} left", days(left)),
        };
        let (subject, issuer) = (inert(&seen.certificate.subject), inert(&seen.certificate.issuer));
        let until = seen.certificate.not_after.strftime("%Y-%m-%d");
        let _ = writeln!(out, "  certificate {subject}, issued by {issuer}, {left} ({until})");
    }
    for remark in &seen.remarks {
        let _ = writeln!(out, "  {remark}");
    }
}
