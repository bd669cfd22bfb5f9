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

/// Runs a test of whatever type it is. Boxed, so that a test takes the room of its own type and not of the largest.
pub(crate) async fn run(prober: &Prober, test: &Test) -> Finding<Observed> {
    match &test.options {
        Options::Certificate(options) => {
            Box::pin(certificate::run(prober, test, options)).await.map(Observed::Certificate)
        }
        Options::Domain(options) => Box::pin(domain::run(prober, test, options)).await.map(Observed::Domain),
        Options::Ftp(options) => Box::pin(ftp::run(prober, test, options)).await.map(Observed::Ftp),
        Options::Http(options) => Box::pin(http::run(prober, test, options)).await.map(Observed::Http),
        Options::Icmp(options) => Box::pin(icmp::run(prober, test, options)).await.map(Observed::Icmp),
        Options::Tcp(options) => Box::pin(tcp::run(prober, test, options)).await.map(Observed::Tcp),
        Options::Udp(options) => Box::pin(udp::run(prober, test, options)).await.map(Observed::Udp),
        Options::Websocket(options) => Box::pin(websocket::run(prober, test, options)).await.map(Observed::Websocket),
    }
}
