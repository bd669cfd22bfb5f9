//! The TCP test: connects, over TLS where it is asked for, says what it is to say and waits for what it expects.
//! Without an expectation the connection alone is the test.

mod converse;
mod reply;

use std::borrow::Cow;

use watchkeep_catalogue::service;
use watchkeep_model::{
    Phases, Test, TlsSettings, Verdict,
    tcp::{Observed, Options},
};

use self::converse::converse;
use crate::{
    Finding, Prober, Step,
    net::{
        deadline::Deadline,
        reach::{self, Reached, Unreached},
        secure::{self, Fault, Insecure, Secured, TlsNotes},
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
    let total = Deadline::after(test.limits.total);
    let verdict = match visit(prober, test, options, total, &mut trace).await {
        Ok(()) => Verdict::OPERATIONAL,
        Err(verdict) => verdict,
    };
    Finding::new(verdict, trace.phases, trace.observed)
}

async fn visit(prober: &Prober, test: &Test, options: &Options, total: Deadline, trace: &mut Trace) -> Step<()> {
    let reached = prober.reach(test, &options.endpoint, total, &mut trace.phases).await;
    let reached = reached.map_err(|unreached| {
        trace.observed.ip = unreached.ip;
        unreached_verdict(unreached)
    })?;
    trace.observed.ip = Some(reached.address.ip());
    let Some(settings) = &options.tls else {
        return converse(reached.stream, &options.exchange, total, trace).await;
    };
    // Boxed, so that tests in clear text do not hold room for a handshake.
    let secured = Box::pin(secure(prober, options, settings, reached, trace)).await?;
    // What is said inside TLS has a bound of its own; this one is for what is said beside it.
    secured.wire_meter.allow(converse::MOST_OVER_TLS);
    converse(secured.stream, &options.exchange, total, trace).await
}

async fn secure(
    prober: &Prober,
    options: &Options,
    settings: &TlsSettings,
    reached: Reached,
    trace: &mut Trace,
) -> Step<Secured> {
    let parameters = TlsParameters { alpn: Alpn::Nothing, settings };
    let mut notes = TlsNotes::default();
    let secured = reached.secure(prober, &options.endpoint.host, parameters, &mut notes).await;
    trace.phases.tls = notes.spent;
    trace.observed.certificate = notes.certificate;
    trace.observed.tls = notes.session;
    trace.observed.remarks.extend(notes.remark);
    secured.map_err(|fault| match fault {
        Fault::Insecure(insecure) => insecure_verdict(insecure),
        Fault::Redial(unreached) => unreached_verdict(unreached),
    })
}

fn unreached_verdict(Unreached { cause, detail, .. }: Unreached) -> Verdict {
    use reach::Cause;
    let code = match cause {
        Cause::Name => service::TCP_NAME_RESOLUTION_FAILED,
        Cause::Refused => service::TCP_PORT_CLOSED,
        Cause::Silent => service::TCP_NO_RESPONSE,
        Cause::Forbidden | Cause::Unreachable | Cause::Robot => service::TCP_EXCHANGE_FAILED,
    };
    Verdict::new(code, detail)
}

fn insecure_verdict(Insecure { cause, detail }: Insecure) -> Verdict {
    use secure::Cause;
    match cause {
        Cause::Silent => Verdict::new(service::TCP_NO_RESPONSE, detail),
        Cause::Invalid
        | Cause::Untrusted
        | Cause::NoCommonCipher
        | Cause::Protocol
        | Cause::Unreached
        | Cause::Failed => failed(format!("TLS failed: {detail}")),
    }
}

fn failed(detail: impl Into<Cow<'static, str>>) -> Verdict {
    Verdict::new(service::TCP_EXCHANGE_FAILED, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_its_code() {
        use reach::Cause as Way;
        for (cause, code) in [
            (Way::Name, 462),
            (Way::Refused, 461),
            (Way::Silent, 463),
            (Way::Forbidden, 464),
            (Way::Unreachable, 464),
            (Way::Robot, 464),
        ] {
            let verdict = unreached_verdict(Unreached { cause, detail: "why".to_owned(), ip: None });
            assert_eq!((verdict.code.number(), verdict.detail.as_deref()), (code, Some("why")), "{cause:?}");
        }
        use secure::Cause as Tls;
        for (cause, code) in [
            (Tls::Silent, 463),
            (Tls::Invalid, 464),
            (Tls::Untrusted, 464),
            (Tls::NoCommonCipher, 464),
            (Tls::Protocol, 464),
            (Tls::Unreached, 464),
            (Tls::Failed, 464),
        ] {
            let verdict = insecure_verdict(Insecure { cause, detail: "why".to_owned() });
            assert_eq!(verdict.code.number(), code, "{cause:?}");
        }
    }
}
