//! The command line of Watchkeep. Each command has a file of its own; no rules live here.

mod check;
mod codes;
mod flags;
mod output;
mod report;
mod serve;
mod usage;

use std::process::ExitCode;

use clap::{ArgMatches, Command, error::ErrorKind};

/// What one thread allocates another gives back here: results go from the robot's threads to the writer's. The
/// system's allocator pays for that with locks, and keeps what a thread once had.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Exit status of wrong usage, and of tests and servers that cannot run.
const UNUSABLE: u8 = 2;

fn main() -> ExitCode {
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return unparsed(&error),
    };
    match run(&matches) {
        Ok(code) => code,
        Err(message) => refuse(&message),
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
fn unparsed(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            output::print(&error.render().to_string());
            ExitCode::SUCCESS
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            output::print_error(&error.render().to_string());
            ExitCode::from(UNUSABLE)
        }
        _ => {
            let typed = std::env::args_os().nth(1).and_then(|typed| typed.into_string().ok());
            let typed = typed.filter(|typed| command().find_subcommand(typed).is_some());
            refuse(&usage::sentence(error, typed.as_deref()))
        }
    }
}

/// Says in one line what is wrong.
fn refuse(sentence: &str) -> ExitCode {
    output::print_error(&format!("watchkeep: {}\n", output::inert(sentence)));
    ExitCode::from(UNUSABLE)
}
