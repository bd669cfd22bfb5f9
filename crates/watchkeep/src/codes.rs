//! `watchkeep codes`: the catalogue, whole or one code explained.

use std::{fmt::Write, process::ExitCode};

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use serde_json::{Value, json};
use watchkeep_catalogue::{Entry, Family, all};

use crate::output;

pub(crate) fn command() -> Command {
    let families = Family::ALL.map(Family::as_str);
    Command::new("codes")
        .about("Lists the status codes, or explains one")
        .arg(
            Arg::new("code")
                .value_name("CODE")
                .allow_negative_numbers(true)
                .value_parser(value_parser!(i16))
                .help("Explain this code in every family that has it"),
        )
        .arg(Arg::new("family").long("family").value_parser(families).help("Only this family"))
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print JSON"))
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
        return Err(format!("there is no status code {code}; `watchkeep codes` lists them all"));
    }
    let text = match (arguments.get_flag("json"), wanted) {
        (true, _) => found.iter().map(|entry| object(entry)).collect::<Value>().to_string() + "\n",
        (false, Some(_)) => found.iter().map(|entry| explained(entry)).collect::<Vec<_>>().join("\n"),
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

fn explained(entry: &Entry) -> String {
    format!(
        "{} ({}, {}): {}\n\n  {}\n\n  What to do: {}\n",
        entry.code, entry.family, entry.severity, entry.summary, entry.explanation, entry.remedy
    )
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
