//! The registration of the test types: which module runs which options.
//! Written by `cargo xtask gen` from the catalogue's sections; do not edit.

mod certificate;
mod domain;
mod ftp;
mod http;
mod icmp;
mod tcp;
mod udp;
mod websocket;

use watchkeep_model::{Observed, Options, Test};

use crate::{Finding, Prober};

/// Runs a test of whatever type it is.
pub(crate) async fn run(prober: &Prober, test: &Test) -> Finding<Observed> {
    match &test.options {
        Options::Certificate(options) => certificate::run(prober, test, options).await.map(Observed::Certificate),
        Options::Domain(options) => domain::run(prober, test, options).await.map(Observed::Domain),
        Options::Ftp(options) => ftp::run(prober, test, options).await.map(Observed::Ftp),
        Options::Http(options) => http::run(prober, test, options).await.map(Observed::Http),
        Options::Icmp(options) => icmp::run(prober, test, options).await.map(Observed::Icmp),
        Options::Tcp(options) => tcp::run(prober, test, options).await.map(Observed::Tcp),
        Options::Udp(options) => udp::run(prober, test, options).await.map(Observed::Udp),
        Options::Websocket(options) => websocket::run(prober, test, options).await.map(Observed::Websocket),
    }
}
