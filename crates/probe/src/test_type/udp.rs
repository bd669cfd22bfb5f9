//! The UDP test: sends one datagram and holds what comes back against what is expected.
//! A datagram that is lost makes it fail like a service that is silent; the robot's re-tests tell the two apart.

mod ask;
mod payload;

use std::time::Instant;

use watchkeep_catalogue::service;
use watchkeep_model::{
    Phases, Test, Verdict,
    udp::{Observed, Options},
};

use self::{
    ask::{Failure, Question, Reply},
    payload::{Fault, Kind},
};
use crate::{
    Finding, Prober, Step,
    net::{connect::permitted, deadline::Deadline},
    outside::shown_bytes,
};

/// What is noted on the way, whether the test succeeds or not.
#[derive(Default)]
struct Trace {
    phases: Phases,
    observed: Observed,
}

/// Runs the test.
pub(crate) async fn run(prober: &Prober, test: &Test, options: &Options) -> Finding<Observed> {
    let mut trace = Trace::default();
    let total = Deadline::after(test.limits.total);
    let verdict = match exchange(prober, test, options, total, &mut trace).await {
        Ok(()) => Verdict::OPERATIONAL,
        Err(verdict) => verdict,
    };
    Finding::new(verdict, trace.phases, trace.observed)
}

async fn exchange(prober: &Prober, test: &Test, options: &Options, total: Deadline, trace: &mut Trace) -> Step<()> {
    let start = Instant::now();
    let resolved = prober.resolve(options.endpoint.host.as_host(), &test.network, total).await;
    trace.phases.dns = Some(start.elapsed());
    let addresses = resolved.map_err(|unreached| unknown(unreached.detail))?;
    let addresses = permitted(&addresses, options.endpoint.port, prober.egress);
    let addresses = addresses.map_err(|reason| unknown(reason.to_string()))?;
    let question = Question::new(options, total).map_err(unknown)?;
    let start = Instant::now();
    let answered = question.ask(&addresses).await;
    trace.phases.first_byte = Some(start.elapsed());
    let reply = answered.map_err(|failures| {
        trace.observed.ip = failures.first().map(|failure| failure.address().ip());
        unanswered(&failures)
    })?;
    trace.phases.first_byte = Some(reply.waited);
    note(reply, trace)
}

fn note(reply: Reply, trace: &mut Trace) -> Step<()> {
    let told = shown_bytes(&reply.bytes);
    trace.observed.ip = Some(reply.address.ip());
    trace.observed.bytes = reply.bytes.len() as u64;
    trace.observed.reply = Some(told.as_str().into());
    match reply.outcome {
        Ok(facts) => {
            trace.observed.facts = facts;
            Ok(())
        }
        Err(Fault { kind, detail, .. }) => {
            let code = match kind {
                Kind::Unexpected => service::UDP_UNEXPECTED_RESPONSE,
                Kind::Invalid => service::UDP_INVALID_RESPONSE,
            };
            let shown = if told.is_empty() { "the datagram is empty" } else { &told };
            Err(Verdict::new(code, format!("{detail}: {shown}")))
        }
    }
}

/// No address answered. What the server's side says or does not say counts before what the robot could not do.
fn unanswered(failures: &[Failure]) -> Verdict {
    let is_about_server = failures.iter().any(|failure| !matches!(failure, Failure::Local { .. }));
    let code = if is_about_server { service::UDP_NO_RESPONSE } else { service::UDP_UNKNOWN_ERROR };
    let told: Vec<_> = failures.iter().map(ToString::to_string).collect();
    Verdict::new(code, told.join("; "))
}

fn unknown(detail: String) -> Verdict {
    Verdict::new(service::UDP_UNKNOWN_ERROR, detail)
}
