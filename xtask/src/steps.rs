//! `cargo xtask test`: every step that must pass, in order, with its duration; the first that fails ends the run.
//! Nothing here writes to a source file. The tests come last, so that their summary is what the output ends with.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use crate::{generate, layers, peers};

/// Runs every step and stops at the first that fails.
pub(crate) fn test(root: &Path) -> Result<(), String> {
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new("cargo");
        command.args(arguments).current_dir(root);
        command
    };
    let has = |tool: &str| cargo(&[tool, "--version"]).output().is_ok_and(|output| output.status.success());
    for (tool, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if !has(tool) {
            return Err(format!("cargo {tool} is not installed: `rustup component add {component}` brings it"));
        }
    }
    step("formatting", || succeed(cargo(&["fmt", "--all", "--check"])))?;
    step("generated files", || generate::check(root))?;
    step("layers", || layers::check(root))?;
    if has("deny") {
        step("licences and bans", || {
            succeed(cargo(&["deny", "--log-level", "error", "check", "bans", "licenses", "sources"]))
        })?;
    }
    step("lints", || succeed(cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])))?;

    let missing = peers::provide_for_tests();
    let with_peers = |arguments: &[&str]| {
        let mut command = cargo(arguments);
        missing.announce_to(&mut command);
        command
    };
    if has("nextest") {
        step("examples in the documentation", || succeed(with_peers(&["test", "--workspace", "--doc", "--quiet"])))?;
        announce("tests");
        missing.print();
        succeed(with_peers(&["nextest", "run", "--workspace", "--no-fail-fast"]))
            .map_err(|reason| format!("tests: {reason}"))
    } else {
        announce("tests");
        missing.print();
        counted(with_peers(&["test", "--workspace", "--no-fail-fast"]))
    }
}

fn announce(name: &str) {
    println!("── {name}");
}

fn step(name: &str, run: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    announce(name);
    let start = Instant::now();
    let outcome = run();
    let seconds = start.elapsed().as_secs_f64();
    match outcome {
        Ok(()) => {
            println!("── {name}: passed in {seconds:.1} s");
            Ok(())
        }
        Err(reason) => Err(format!("{name} failed after {seconds:.1} s: {reason}")),
    }
}

/// Runs a command to its end, with its output where ours goes.
pub(crate) fn succeed(mut command: Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{} ended with {status}", spelled(&command))),
        Err(error) => Err(format!("{}: {error}", spelled(&command))),
    }
}

fn spelled(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Runs `cargo test`, which sums up each test binary by itself, and ends with one sum over all of them.
fn counted(mut command: Command) -> Result<(), String> {
    let spelled = spelled(&command);
    let failure = |reason: &dyn std::fmt::Display| format!("tests: {spelled}: {reason}");
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| failure(&error))?;
    let mut sum = Sum::default();
    for line in child.stdout.take().into_iter().flat_map(|output| BufReader::new(output).lines()) {
        let line = line.map_err(|error| failure(&error))?;
        println!("{line}");
        sum.add(&line);
    }
    let status = child.wait().map_err(|error| failure(&error))?;
    let outcome = if status.success() { Ok(()) } else { Err(failure(&format!("ended with {status}"))) };
    println!("{} passed, {} failed", sum.passed, sum.failed);
    outcome
}

/// How many tests passed and failed in all binaries.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sum {
    passed: u64,
    failed: u64,
}

impl Sum {
    /// Counts a line like `test result: ok. 12 passed; 0 failed; 1 ignored; …`; others count for nothing.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")) else {
            return;
        };
        for part in counts.split("; ") {
            match part.split_once(' ') {
                Some((count, "passed")) => self.passed += count.parse().unwrap_or(0),
                Some((count, "failed")) => self.failed += count.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summaries_of_all_binaries_are_added_up() {
        let mut sum = Sum::default();
        for line in [
            "running 3 tests",
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.01s",
            "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.20s",
        ] {
            sum.add(line);
        }
        assert_eq!(sum, Sum { passed: 15, failed: 2 });
    }
}
