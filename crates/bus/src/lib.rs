//! What the parts of a system tell each other: batches of results one way, commands about monitors the other.
//! `in_process` carries both inside one program; `seen` drops what comes twice.

mod batch;
mod command;
pub mod in_process;
mod seen;

pub use batch::Batch;
pub use command::{Assignment, Command, FirstTest};
pub use seen::Seen;
