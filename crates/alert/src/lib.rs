//! Who is told and how. `routing` makes deliveries of events, `render` their messages, `channels` send them, and
//! `delivery` is the worker that never forgets one: everything it does is read from the store and written back.

mod channels;
mod client;
mod delivery;
mod render;
mod routing;

pub use delivery::{AlertOptions, AlertWorker, Outgoing};
pub use routing::ping;
