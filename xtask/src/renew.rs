//! `cargo xtask renew`: what comes of the catalogue, the tables of fields in `docs/tests/`, and the snapshots of texts.
//! What changed is for a person to review, in the diff.

use std::{path::Path, process::Command};

use crate::{generate, steps::succeed};

/// The tests that compare with a file, and the variable that makes them write it.
const COMPARING: &[(&str, &str, &str, &str)] = &[
    ("watchkeep-model", "docs", "UPDATE_DOCS", "1"),
    ("watchkeep-server", "openapi", "INSTA_UPDATE", "always"),
    ("watchkeep", "reading", "INSTA_UPDATE", "always"),
];

/// Writes them all.
pub(crate) fn run(root: &Path) -> Result<(), String> {
    generate::write(root)?;
    for (package, test, variable, value) in COMPARING {
        let mut command = Command::new("cargo");
        command.args(["test", "--quiet", "--package", package, "--test", test]).env(variable, value).current_dir(root);
        succeed(command)?;
    }
    Ok(())
}
