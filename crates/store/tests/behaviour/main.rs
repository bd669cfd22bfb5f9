//! What a store does, whichever engine is behind it: one module per noun, each test run on every engine.
//! Engines are listed in `support`.

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

mod accounts;
mod commits;
mod contacts;
mod history;
mod monitors;
mod outbox;
