//! `watchkeep codes`: the catalogue, whole or one code explained.

use std::{fmt::Write, process::ExitCode};

use anstyle::Style;
use clap::{Arg, ArgAction, ArgMatches, Command};
use serde_json::{Value, json};
use watchkeep_catalogue::{Entry, Family, all};

use crate::output;

pub(crate) fn command() -> Command {
    let families = Family::ALL.map(Family::as_str);
    Command::new("codes")
        .about("Lists the status codes, or explains one")
        .after_help("Exit status: 0 found, 2 no such code or wrong usage.")
        .arg(
            Arg::new("code")
                .value_name("CODE")
                .allow_negative_numbers(true)
                .value_parser(number)
                .help("Explain this code in every family that has it"),
        )
        .arg(Arg::new("family").long("family").value_name("FAMILY").value_parser(families).help("Only this family"))
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON"))
}

fn number(text: &str) -> Result<i16, &'static str> {
    text.parse().map_err(|_| "must be a whole number such as 451")
}

pub(crate) fn run(arguments: &ArgMatches) -> Result<ExitCode, String> {
    let wanted = arguments.get_one::<i16>("code");
    let family = arguments.get_one::<String>("family").and_then(|word| Family::parse(word));
    let found: Vec<&Entry> = all()
        .iter()
        .filter(|entry| wanted.is_none_or(|code| entry.code.number() == *code))
        .filter(|entry| family.is_none_or(|family| entry.family == family))
        .collect();
    if let (Some(code), true) = (wanted, found.is_empty()) {
        let place = family.map(|family| format!(" in the family {family}")).unwrap_or_default();
        return Err(format!("there is no status code {code}{place}; `watchkeep codes` lists them all"));
    }
    let text = match (arguments.get_flag("json"), wanted) {
        (true, _) => {
            output::json(&found.iter().map(|entry| object(entry)).collect::<Value>()).map_err(|e| e.to_string())?
        }
        (false, Some(_)) => explained(&found),
        (false, None) => listed(&found),
    };
    output::print(&text);
    Ok(ExitCode::SUCCESS)
}

fn object(entry: &Entry) -> Value {
    json!({
        "family": entry.family.as_str(),
        "code": entry.code.number(),
        "section": entry.section.as_str(),
        "name": entry.name,
        "severity": entry.severity.as_str(),
        "summary": entry.summary,
        "explanation": entry.explanation,
        "remedy": entry.remedy,
        "since": entry.since,
        "extension": entry.is_extension(),
    })
}

/// Each meaning once, whatever the number of families that share it.
fn explained(entries: &[&Entry]) -> String {
    let alike = |one: &Entry, other: &Entry| {
        (one.severity, one.summary, one.explanation, one.remedy)
            == (other.severity, other.summary, other.explanation, other.remedy)
    };
    let meanings: Vec<_> = entries.chunk_by(|one, other| alike(one, other)).filter_map(meaning).collect();
    meanings.join("\n")
}

fn meaning(entries: &[&Entry]) -> Option<String> {
    let first = entries.first()?;
    let families: Vec<_> = entries.iter().map(|entry| entry.family.as_str()).collect();
    let bold = Style::new().bold();
    let explanation = output::wrapped(first.explanation, "  ");
    let remedy = output::wrapped(&format!("What to do: {}", first.remedy), "  ");
    let (code, families, severity, summary) = (first.code, families.join(", "), first.severity, first.summary);
    Some(format!("{bold}{code} ({families}: {severity}){bold:#}  {summary}\n\n{explanation}\n\n{remedy}\n"))
}

fn listed(entries: &[&Entry]) -> String {
    let mut out = String::new();
    for entry in entries {
        let _ = writeln!(
            out,
            "{:>5}  {:<11}  {:<13}  {}",
            entry.code,
            entry.family.as_str(),
            entry.severity.as_str(),
            entry.summary
        );
    }
    out
}
