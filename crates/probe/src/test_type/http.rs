//! The HTTP(S) test: fetches a URL over new connections, hop by hop, and holds the reply against the conditions.
//! Each phase is an await of its own with its own deadline, so that every failure has its code.

mod body;
mod charset;
mod conditions;
mod connection;
mod driver;
mod exchange;
mod faults;
mod get;
mod hop;
mod proxy;
mod secure;

use std::time::Duration;

use watchkeep_catalogue::service;
use watchkeep_model::{
    Phases, Test, Verdict,
    http::{Observed, Options, Redirect},
};

pub(crate) use self::get::{Get, NotGot};
use self::{connection::Way, exchange::Reply, hop::Hop};
use crate::{Finding, Prober, Step, net::deadline::Deadline};

/// What is noted on the way, whether the test succeeds or not.
#[derive(Default)]
struct Trace {
    phases: Phases,
    observed: Observed,
}

/// Adds a hop's share to a phase.
fn add(phase: &mut Option<Duration>, more: Duration) {
    *phase = Some(phase.unwrap_or_default() + more);
}

/// Runs the test.
pub(crate) async fn run(prober: &Prober, test: &Test, options: &Options) -> Finding<Observed> {
    ask(prober, test, options, Deadline::after(test.limits.total)).await
}

/// Asks what `options` say within the limits and by the way of a test of any type, until `total` at the latest.
pub(crate) async fn ask(prober: &Prober, test: &Test, options: &Options, total: Deadline) -> Finding<Observed> {
    let mut trace = Trace::default();
    let way = Way { prober, test, options, total };
    let verdict = match fetch(&way, &mut trace).await {
        Ok(reply) => conditions::judge(options, &reply),
        Err(verdict) => verdict,
    };
    Finding::new(verdict, trace.phases, trace.observed)
}

/// The final reply, redirects followed.
async fn fetch(way: &Way<'_>, trace: &mut Trace) -> Step<Reply> {
    let options = way.options;
    let mut hop = Hop::first(options);
    loop {
        let wire = way.open(hop.url(), trace).await?;
        let request = hop.request(options, wire.route)?;
        let head = exchange::send(wire, request, way.total, trace).await?;
        let status = head.status();
        let Some(location) = hop::location(status, head.headers()).filter(|_| options.max_redirects > 0) else {
            let received = exchange::receive(head, options, way.total, trace).await;
            return received.map_err(|verdict| conditions::judge_failed(options, status, verdict));
        };
        if trace.observed.redirects.len() >= usize::from(options.max_redirects) {
            let detail =
                format!("more than {} redirects; the last one leads to {}", options.max_redirects, hop.told(&location));
            return Err(Verdict::new(service::HTTP_CLIENT_ERROR, detail));
        }
        hop = hop.follow(options, status, &location)?;
        trace.observed.redirects.push(Redirect { status: status.as_u16(), url: hop.url().to_string() });
    }
}
