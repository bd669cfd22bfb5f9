//! The WebSocket test: opens a connection (RFC 6455), over TLS where the URL says so, says what it is to say and waits
//! for what it expects. Without an expectation the server must at least answer a ping.

mod conversation;
mod exchange;
mod frame;
mod handshake;
mod opening;

use std::{borrow::Cow, sync::Arc, time::Instant};

use watchkeep_catalogue::service;
use watchkeep_model::{
    Phases, Test, Verdict,
    websocket::{Observed, Options},
};

use self::{exchange::exchange, handshake::Wire};
use crate::{
    Finding, Prober, Step,
    net::{
        deadline::Deadline,
        reach::{self, Reached, Unreached},
        secure::{self, Fault, Insecure, TlsNotes},
        tls::{Alpn, TlsParameters},
    },
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
    let start = Instant::now();
    let total = Deadline::after(test.limits.total);
    let (verdict, response_time) = match visit(prober, test, options, total, &mut trace).await {
        Ok(answered) => {
            let response_time = start.elapsed();
            // The farewell is courtesy, and not the time that the server took to answer.
            answered.take_leave(total, &mut trace.observed).await;
            (Verdict::OPERATIONAL, Some(response_time))
        }
        Err(verdict) => (verdict, None),
    };
    Finding { response_time, ..Finding::new(verdict, trace.phases, trace.observed) }
}

async fn visit(
    prober: &Prober,
    test: &Test,
    options: &Options,
    total: Deadline,
    trace: &mut Trace,
) -> Step<exchange::Answered> {
    if options.is_secure() {
        prober.tls.usable(&options.tls).map_err(robots_side)?;
    }
    let reached = prober.reach(test, &options.endpoint, total, &mut trace.phases).await;
    let reached = reached.map_err(|unreached| {
        trace.observed.ip = unreached.ip;
        unreached_verdict(unreached)
    })?;
    trace.observed.ip = Some(reached.address.ip());
    let wire = if options.is_secure() {
        // Boxed, so that tests in clear text do not hold room for a handshake.
        Box::pin(secure(prober, options, reached, trace)).await?
    } else {
        let meter = reached.stream.meter();
        Wire { stream: Box::new(reached.stream), wire_meter: Arc::clone(&meter), meter }
    };
    let opened = Box::pin(handshake::open(wire, options, total, trace)).await?;
    exchange(opened, options, total, trace).await
}

async fn secure(prober: &Prober, options: &Options, reached: Reached, trace: &mut Trace) -> Step<Wire> {
    // As browsers ask for it: a WebSocket is opened over HTTP/1.1.
    let parameters = TlsParameters { alpn: Alpn::Http1, settings: &options.tls };
    let mut notes = TlsNotes::default();
    let secured = reached.secure(prober, &options.endpoint.host, parameters, &mut notes).await;
    trace.phases.tls = notes.spent;
    trace.observed.certificate = notes.certificate;
    trace.observed.tls = notes.session;
    trace.observed.remarks.extend(notes.remark);
    let secured = secured.map_err(|fault| match fault {
        Fault::Insecure(insecure) => insecure_verdict(insecure),
        Fault::Redial(unreached) => unreached_verdict(unreached),
    })?;
    Ok(Wire { stream: secured.stream, meter: secured.meter, wire_meter: secured.wire_meter })
}

fn unreached_verdict(Unreached { cause, detail, .. }: Unreached) -> Verdict {
    use reach::Cause;
    match cause {
        Cause::Name | Cause::Forbidden | Cause::Refused | Cause::Unreachable | Cause::Silent => {
            Verdict::new(service::WEBSOCKET_INACCESSIBLE, detail)
        }
        Cause::Robot => robots_side(detail),
    }
}

fn insecure_verdict(Insecure { cause, detail }: Insecure) -> Verdict {
    use secure::Cause;
    match cause {
        Cause::Silent => Verdict::new(service::WEBSOCKET_INACCESSIBLE, detail),
        Cause::Invalid
        | Cause::Untrusted
        | Cause::NoCommonCipher
        | Cause::Protocol
        | Cause::Unreached
        | Cause::Failed => peers_side(format!("TLS failed: {detail}")),
    }
}

/// The request cannot be built or sent.
fn robots_side(detail: impl Into<Cow<'static, str>>) -> Verdict {
    Verdict::new(service::WEBSOCKET_REQUEST_FAILED, detail)
}

/// The opening handshake is refused or wrong.
fn peers_side(detail: impl Into<Cow<'static, str>>) -> Verdict {
    Verdict::new(service::WEBSOCKET_HANDSHAKE_REFUSED, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_its_code() {
        use reach::Cause as Way;
        for (cause, code) in [
            (Way::Name, 523),
            (Way::Forbidden, 523),
            (Way::Refused, 523),
            (Way::Unreachable, 523),
            (Way::Silent, 523),
            (Way::Robot, 521),
        ] {
            let verdict = unreached_verdict(Unreached { cause, detail: "why".to_owned(), ip: None });
            assert_eq!((verdict.code.number(), verdict.detail.as_deref()), (code, Some("why")), "{cause:?}");
        }
        use secure::Cause as Tls;
        for (cause, code) in [
            (Tls::Silent, 523),
            (Tls::Invalid, 522),
            (Tls::Untrusted, 522),
            (Tls::NoCommonCipher, 522),
            (Tls::Protocol, 522),
            (Tls::Unreached, 522),
            (Tls::Failed, 522),
        ] {
            let verdict = insecure_verdict(Insecure { cause, detail: "why".to_owned() });
            assert_eq!(verdict.code.number(), code, "{cause:?}");
        }
    }
}
