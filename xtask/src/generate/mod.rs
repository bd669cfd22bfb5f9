//! Writes what comes of the catalogue's sections, and tells what is stale.
//! One file per output; Rust goes through rustfmt, so that it passes the formatting check like any other.

mod catalogue;
mod docs;
mod model;
mod probe;

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use crate::sections::{self, Section};

/// The second line of every generated Rust file.
const NOTICE: &str = "//! Written by `cargo xtask gen` from the catalogue's sections; do not edit.\n";

/// The first line of every generated page.
const NOTICE_IN_PAGES: &str = "<!-- Written by `cargo xtask gen` from crates/catalogue/sections; do not edit. -->\n";

/// Path and content of every output.
fn outputs(root: &Path) -> Result<Vec<(&'static str, String)>, String> {
    let sections = sections::read(root)?;
    Ok(vec![
        ("crates/catalogue/src/generated.rs", formatted(root, &catalogue::text(&sections))?),
        ("crates/model/src/test_type.rs", formatted(root, &model::text(&sections))?),
        ("crates/probe/src/test_type.rs", formatted(root, &probe::text(&sections))?),
        ("docs/status-codes.md", docs::text(&sections)),
    ])
}

/// Writes every output that differs.
pub(crate) fn write(root: &Path) -> Result<(), String> {
    for (path, text) in outputs(root)? {
        let full = root.join(path);
        if fs::read_to_string(&full).ok().as_deref() != Some(text.as_str()) {
            fs::write(&full, text).map_err(|error| format!("{path}: {error}"))?;
            println!("wrote {path}");
        }
    }
    Ok(())
}

/// Fails when an output is stale.
pub(crate) fn check(root: &Path) -> Result<(), String> {
    let outputs = outputs(root)?;
    let is_stale = |(path, text): &&(&str, String)| fs::read_to_string(root.join(path)).ok().as_ref() != Some(text);
    let stale: Vec<_> = outputs.iter().filter(is_stale).map(|(path, _)| *path).collect();
    if stale.is_empty() { Ok(()) } else { Err(format!("stale: {}; run `cargo xtask gen`", stale.join(", "))) }
}

/// The text as rustfmt would have it.
fn formatted(root: &Path, text: &str) -> Result<String, String> {
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("rustfmt: {error}"))?;
    if let Some(mut input) = rustfmt.stdin.take() {
        input.write_all(text.as_bytes()).map_err(|error| format!("rustfmt: {error}"))?;
    }
    let output = rustfmt.wait_with_output().map_err(|error| format!("rustfmt: {error}"))?;
    if !output.status.success() {
        return Err("rustfmt refused what was generated".to_owned());
    }
    String::from_utf8(output.stdout).map_err(|error| error.to_string())
}

/// The sections that have a test type, in alphabetical order.
fn test_types(sections: &[Section]) -> Vec<(&Section, &sections::TestType)> {
    let mut found: Vec<_> = sections.iter().filter_map(|section| Some((section, section.test.as_ref()?))).collect();
    found.sort_by_key(|(section, _)| &section.name);
    found
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_generated_is_stale() {
        assert_eq!(super::check(&crate::root()), Ok(()));
    }
}
