//! Real programs: found on the path, or named as missing by whoever runs the tests.
//! Never skips silently: what is neither installed nor named as missing fails the test.

use std::{env, path::PathBuf};

/// Names the real peers that are not installed, separated by commas; what needs them is skipped.
const MISSING: &str = "WATCHKEEP_MISSING_PEERS";

/// Where `program` is. `None`, with a note, when the variable names `peer` as missing.
///
/// # Panics
/// When it is neither installed nor named as missing: a test must not be skipped by accident.
pub(crate) fn find(program: &str, peer: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/bin".into()]);
    let found = folders.map(|folder| folder.join(program)).find(|file| file.is_file());
    if found.is_some() {
        return found;
    }
    let missing = env::var(MISSING).unwrap_or_default();
    assert!(missing.split(',').any(|name| name == peer), "{program} is not installed; `cargo xtask test` installs it");
    eprintln!("skipped: {program} is not installed");
    None
}
