//! The ICMP test (ping): sends echoes to one address of a host and judges by what comes back.
//! What counts as its response time is the mean round trip, not the time that sending several echoes takes.

use std::{
    io::{self, ErrorKind},
    net::IpAddr,
    pin::pin,
};

use tokio::time::{Instant, sleep_until};
use watchkeep_catalogue::service;
use watchkeep_model::{
    Phases, Span, Test, Verdict,
    icmp::{Observed, Options, RoundTrips},
};

use crate::{
    Finding, Prober, Step,
    net::{
        deadline::{Deadline, Passed},
        icmp::{Aim, Defect, OpenError, Ping},
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
    let verdict = match ping(prober, test, options, total, &mut trace).await {
        Ok(verdict) | Err(verdict) => verdict,
    };
    let response_time = trace.observed.rtt.map(|rtt| rtt.avg);
    trace.phases.first_byte = response_time;
    Finding { response_time, ..Finding::new(verdict, trace.phases, trace.observed) }
}

async fn ping(prober: &Prober, test: &Test, options: &Options, total: Deadline, trace: &mut Trace) -> Step<Verdict> {
    let start = Instant::now();
    let resolved = prober.resolve(options.host.as_host(), &test.network, total).await;
    trace.phases.dns = Some(start.elapsed());
    let addresses =
        resolved.map_err(|unreached| Verdict::new(service::ICMP_NAME_RESOLUTION_FAILED, unreached.detail))?;
    let mut passed_over = Vec::new();
    for &address in addresses.iter() {
        // An IPv4 address that is written as one of IPv6 is reached over IPv4.
        let address = address.to_canonical();
        trace.observed.ip = Some(address);
        if let Err(reason) = prober.egress.permits(address) {
            passed_over.push(reason.to_string());
            continue;
        }
        let mut aim = match prober.pinger.aim(address, options.count, options.size) {
            Ok(aim) => aim,
            Err(OpenError::NotPermitted) => return Err(not_permitted()),
            // A machine without one of the two protocols may have a way by the other.
            Err(OpenError::Failed(error)) => {
                passed_over.push(format!("the robot itself cannot open a socket for pings to {address}: {error}"));
                continue;
            }
        };
        let first = match total.bound(aim.send()).await {
            Err(Passed(limit)) => return Err(no_room(limit)),
            Ok(Err(error)) if is_no_way(&error) => {
                passed_over.push(unsent(&error, address));
                continue;
            }
            Ok(first) => first,
        };
        let rest = match first {
            Ok(()) => send_others(&mut aim, options, total).await,
            Err(error) => Err(error),
        };
        let failed = rest.err().map(|error| unsent(&error, address));
        let Some(ping) = aim.finish() else { return Err(not_executed("the robot itself lost sight of its echoes")) };
        observe(&ping, &mut trace.observed);
        return match failed {
            Some(detail) => Err(not_executed(detail)),
            None => Ok(judge(&ping, options, test.limits.total, &trace.observed, &addresses)),
        };
    }
    Err(not_executed(passed_over.join("; ")))
}

/// Sends the echoes after the first, each at its time, and waits until all are answered or the time is up.
async fn send_others(aim: &mut Aim, options: &Options, total: Deadline) -> io::Result<()> {
    let work = async {
        let mut pause = pin!(sleep_until(Instant::now()));
        for _ in 1..options.count {
            // Counted from the last one, so that no burst follows where the robot was late.
            pause.as_mut().reset(Instant::now() + options.interval.duration());
            pause.as_mut().await;
            aim.send().await?;
        }
        aim.settled().await;
        Ok(())
    };
    // When the time is up, what came so far decides.
    total.bound(work).await.unwrap_or(Ok(()))
}

fn observe(ping: &Ping, observed: &mut Observed) {
    // Both are at most the count, which is one byte.
    observed.sent = u8::try_from(ping.sent()).unwrap_or(u8::MAX);
    observed.received = u8::try_from(ping.round_trips().count()).unwrap_or(u8::MAX);
    observed.duplicates = ping.duplicates;
    observed.rtt = RoundTrips::of(ping.round_trips());
}

/// The verdict on what came back.
fn judge(ping: &Ping, options: &Options, limit: Span, observed: &Observed, addresses: &[IpAddr]) -> Verdict {
    let address = observed.ip.map(|ip| ip.to_string()).unwrap_or_default();
    if observed.received == 0 {
        if let Some(defect) = ping.defect {
            let detail = format!("a reply from {address} {}, and no valid one came within {limit}", shown(defect));
            return Verdict::new(service::ICMP_REPLY_NOT_ANALYSABLE, detail);
        }
        let mut detail = match ping.fault {
            Some((by, fault)) => format!("{by} reports: {fault}"),
            None => format!("no reply from {address} within {limit}"),
        };
        if let Some(stranger) = ping.stranger {
            detail.push_str(&format!("; {stranger} answered in its place, which does not count"));
        }
        let others: Vec<_> =
            addresses.iter().map(IpAddr::to_canonical).filter(|other| Some(*other) != observed.ip).collect();
        match others.as_slice() {
            [] => {}
            [other] => detail.push_str(&format!("; the host has another address, {other}")),
            [other, ..] => {
                detail.push_str(&format!("; the host has {} more addresses, {other} among them", others.len()));
            }
        }
        return Verdict::new(service::ICMP_NO_REPLY, detail);
    }
    if u32::from(observed.lost()) * 100 > u32::from(options.tolerate_loss) * u32::from(observed.sent) {
        let (lost, sent, loss) = (observed.lost(), observed.sent, observed.loss());
        let mut detail = format!("{lost} of {sent} echoes lost ({loss} %); {} % is tolerated", options.tolerate_loss);
        if let Some((by, fault)) = ping.fault {
            detail.push_str(&format!("; {by} reports: {fault}"));
        }
        if let Some(defect) = ping.defect {
            detail.push_str(&format!("; a reply {}", shown(defect)));
        }
        return Verdict::new(service::ICMP_PACKETS_LOST, detail);
    }
    Verdict::OPERATIONAL
}

/// What is wrong with a reply, as it follows the word.
fn shown(defect: Defect) -> String {
    match defect {
        Defect::Checksum => "has a wrong checksum".to_owned(),
        Defect::Length { sent, came } if came < sent => format!("is cut short: {came} of {sent} bytes"),
        Defect::Length { sent, came } => format!("is longer than what was sent: {came} bytes instead of {sent}"),
        Defect::Altered => "carries another payload than was sent".to_owned(),
    }
}

fn not_executed(detail: impl Into<std::borrow::Cow<'static, str>>) -> Verdict {
    Verdict::new(service::ICMP_NOT_EXECUTED, detail)
}

fn not_permitted() -> Verdict {
    not_executed(
        "the robot itself may not send pings: give it the capability CAP_NET_RAW, or include its group in \
         net.ipv4.ping_group_range",
    )
}

fn no_room(limit: Span) -> Verdict {
    not_executed(format!("the robot itself had no room to send an echo within {limit}"))
}

/// Whether this machine has no way to an address, which says nothing about the others that a host has.
fn is_no_way(error: &io::Error) -> bool {
    // EAFNOSUPPORT of Linux, which has no kind of its own.
    const NO_FAMILY: i32 = 97;
    matches!(error.kind(), ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable | ErrorKind::AddrNotAvailable)
        || error.raw_os_error() == Some(NO_FAMILY)
}

fn unsent(error: &io::Error, address: IpAddr) -> String {
    match error.kind() {
        ErrorKind::NetworkUnreachable => format!("the robot itself has no route to the network ({address})"),
        ErrorKind::HostUnreachable => format!("the robot itself has no route to the host ({address})"),
        ErrorKind::AddrNotAvailable => format!("the robot itself has no address to send from ({address})"),
        ErrorKind::PermissionDenied => format!(
            "the robot itself may not send to {address}: its firewall forbids that, or it is a broadcast address"
        ),
        _ => format!("the robot itself cannot send to {address}: {error}"),
    }
}
