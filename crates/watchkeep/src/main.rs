//! The command line of Watchkeep. Each command has a file of its own; no rules live here.
#![expect(clippy::print_stderr, reason = "a command-line tool speaks by printing")]

mod check;
mod codes;
mod flags;
mod output;
mod report;
mod serve;

use std::process::ExitCode;

use clap::{ArgMatches, Command, error::ErrorKind};

/// Exit status of wrong usage, and of tests and servers that cannot run.
const UNUSABLE: u8 = 2;

fn main() -> ExitCode {
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return usage(&error),
    };
    match run(&matches) {
        Ok(code) => code,
        Err(message) => {
            eprintln!("watchkeep: {message}");
            ExitCode::from(UNUSABLE)
        }
    }
}

fn command() -> Command {
    Command::new("watchkeep")
        .about("Watches what a site depends on, and tells when it breaks")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(serve::command())
        .subcommand(check::command())
        .subcommand(codes::command())
}

fn run(matches: &ArgMatches) -> Result<ExitCode, String> {
    match matches.subcommand() {
        Some(("serve", arguments)) => serve::run(arguments),
        Some(("check", arguments)) => check::run(arguments),
        Some(("codes", arguments)) => codes::run(arguments),
        _ => Err("give a command; `watchkeep --help` lists them".to_owned()),
    }
}

/// Help and version as they are; what was wrong in one line.
fn usage(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            output::print(&error.render().to_string());
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            eprint!("{}", error.render());
            ExitCode::from(UNUSABLE)
        }
        _ => {
            let text = error.render().to_string();
            let sentence: Vec<_> = text
                .lines()
                .map(str::trim)
                .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
                .collect();
            let sentence = sentence.join(" ");
            eprintln!(
                "watchkeep: {}; `watchkeep --help` explains the usage",
                output::inert(sentence.trim_start_matches("error: ").trim())
            );
            ExitCode::from(UNUSABLE)
        }
    }
}
