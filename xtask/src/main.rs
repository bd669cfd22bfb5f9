//! `cargo xtask …`: the project's own tooling.
//! Small on purpose: it is compiled before everything else.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool speaks by printing")]

mod bench;
mod coverage;
mod generate;
mod layers;
mod peers;
mod renew;
mod sections;
mod steps;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own tooling")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything that must pass before a change lands.
    Test,
    /// Writes what comes of the catalogue's sections.
    Gen {
        /// Write nothing; fail when something is stale.
        #[arg(long)]
        check: bool,
    },
    /// Writes everything anew that tests compare with: tables in the documentation, and texts that people reviewed.
    Renew,
    /// Which test reaches which code of the catalogue, against which real program; fails on a gap.
    Codes,
    /// Checks that imports run downwards only.
    Layers,
    /// The benchmarks, each beside a yardstick in the same run.
    Bench,
}

fn main() -> ExitCode {
    let root = root();
    let outcome = match Arguments::parse().task {
        Task::Test => steps::test(&root),
        Task::Gen { check: false } => generate::write(&root),
        Task::Gen { check: true } => generate::check(&root),
        Task::Renew => renew::run(&root),
        Task::Codes => coverage::print(&root),
        Task::Layers => layers::check(&root),
        Task::Bench => bench::run(&root),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's folder.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().map(PathBuf::from).unwrap_or_default()
}
