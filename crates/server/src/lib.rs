//! The face of Watchkeep: the HTTP API, the dashboard, live events, sign-in, and the way of a result.
//! Everything is reached through [`router`]; [`Server`] puts it on a listener, [`pipeline`] feeds the [`Board`].

pub mod api;
mod app;
pub mod auth;
mod board;
pub mod contacts;
mod figures;
mod legible;
mod listener;
pub mod live;
pub mod monitors;
mod pages;
pub mod pipeline;
mod recent;
mod robots;
mod routes;
mod shield;
pub mod tokens;

pub use app::{App, Tester};
pub use board::{Board, Change, Counts, Entry, Filter, Seen, What};
pub use listener::Server;
pub use recent::{Point, Recent, Uptime};
pub use robots::Robots;
pub use routes::router;
