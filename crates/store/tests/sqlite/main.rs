//! What the embedded engine does beside what every store does: its files, its locks, crashes, races within it.
//! Behaviour that every engine shares is tested in `behaviour`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    unreachable_pub,
    reason = "tests fail by panicking and say where they are"
)]

#[path = "../support/mod.rs"]
mod support;

mod backup;
mod child;
mod files;
mod kill;
mod races;
mod secrets;
