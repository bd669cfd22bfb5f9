//! The texts of messages, one file per form.

pub(crate) mod webhook;
