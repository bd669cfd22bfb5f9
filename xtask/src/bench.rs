//! `cargo xtask bench`: installs the yardsticks and runs every benchmark target of the workspace.
//! A benchmark prints its own figures, beside those of the yardstick in the same run.

use std::{path::Path, process::Command};

use cargo_metadata::{MetadataCommand, TargetKind};

use crate::{peers, steps::succeed};

/// Runs the benchmarks of all crates, one after another.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    let targets = targets(root)?;
    if targets.is_empty() {
        return Err("no crate has a benchmark".to_owned());
    }
    peers::provide_for_benchmarks().as_error()?;
    for (package, target) in targets {
        println!("── {package}: {target}");
        let mut command = Command::new("cargo");
        command.args(["bench", "--quiet", "--package", &package, "--bench", &target]).current_dir(root);
        succeed(command)?;
    }
    Ok(())
}

/// Package and name of each benchmark. Those of libraries and binaries themselves do not count: they have only tests.
fn targets(root: &Path) -> Result<Vec<(String, String)>, String> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .map_err(|error| format!("cargo metadata: {error}"))?;
    let mut found = Vec::new();
    for package in metadata.workspace_packages() {
        let benches = package.targets.iter().filter(|target| target.kind.contains(&TargetKind::Bench));
        found.extend(benches.map(|target| (package.name.to_string(), target.name.clone())));
    }
    Ok(found)
}
