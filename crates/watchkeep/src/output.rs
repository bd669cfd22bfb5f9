//! Printing: a reader that goes away is no error, and texts from outside cannot steer a terminal.

use std::io::Write;

/// Prints to standard output, with colours where it is a terminal and `NO_COLOR` is not set.
pub(crate) fn print(text: &str) {
    let mut out = anstream::stdout().lock();
    // Whoever reads may have closed the pipe; there is nobody left to tell.
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

/// The text without control characters, escape sequences of terminals among them.
pub(crate) fn inert(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
