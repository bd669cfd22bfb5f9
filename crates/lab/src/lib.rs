//! Peers for tests and benchmarks, all on loopback: ones that misbehave in a chosen way, and starters for real ones.
//! Each is a value: it tells its address and stops when it is dropped.
//!
//! | code or fault | peer |
//! |---|---|
//! | 0, 102, 412–414, 420, 453 | [`http::Server`] with the handler of the test's choice; [`nginx::Nginx`] as a real one |
//! | 0 through a proxy | [`http::Proxy`] |
//! | 0, 400–403 of pings | [`echo::Responder`] in a [`namespace::Namespace`] |
//! | 415 | [`raw::Peer`] behind an `https` URL: clear text, an alert; [`relay::Relay`] that cuts a handshake at any byte |
//! | 416, 418 | [`tls::Server`] with a chain from [`ca::Authority`]; [`unreadable::Server`] for certificates that are none |
//! | revoked | OCSP answers and lists of a [`register::Register`], stapled by [`tls::Offer`] or served by [`http::Server`] |
//! | 470, STARTTLS | [`tls::Server`] with the prologue of its [`tls::Offer`]; [`raw::Peer`] that never begins TLS |
//! | 417, legacy TLS | [`tls::Server`] restricted by [`tls::Offer`] |
//! | 419 | [`raw::FullBacklog`], or a [`raw::Peer`] that stalls the handshake |
//! | 420 | [`raw::Peer`] that hangs or drips, [`relay::Relay::drip`] for one byte at a time below TLS |
//! | 450 | [`raw::Peer`] with broken replies, with [`http2`] frames, [`tls::Server::scripted`], [`relay::Relay`] |
//! | 451 | [`raw::ClosedPort`] |
//! | 452 | [`dns::Server`] |
//! | 461, 463–465 | [`raw::ClosedPort`], [`raw::FullBacklog`], [`raw::Peer`], [`tls::Server::scripted`] |
//! | 480–486 | [`raw::Peer`] with a dialogue, [`tls::Server::upgrading`] for AUTH TLS; [`vsftpd::Vsftpd`] as a real one |
//! | 0, 490–493 | [`udp::Peer`], [`udp::ClosedPort`]; [`dnsmasq::Dnsmasq`] as a real one |
//! | 520–527 | [`websocket::Server`] as an independent implementation, [`websocket::Peer`] by a script; [`raw::Peer`] |
//! | webhooks | [`receiver::Receiver`] |
//! | the dashboard in a browser | [`chromium::Chromium`] |
//!
//! What benchmarks measure, and their yardstick, is in [`measure`].
//!
//! Starters of real programs give `None` when the variable `WATCHKEEP_MISSING_PEERS` (a comma list) names the program
//! as missing, and fail when it is missing without that.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "this crate serves tests, which fail by panicking"
)]

pub mod ca;
pub mod chromium;
pub mod dns;
pub mod dnsmasq;
pub mod echo;
pub mod http;
pub mod http2;
pub mod measure;
pub mod namespace;
pub mod nginx;
mod program;
pub mod raw;
pub mod receiver;
pub mod register;
pub mod relay;
pub mod tls;
pub mod udp;
pub mod unreadable;
pub mod vsftpd;
pub mod websocket;
