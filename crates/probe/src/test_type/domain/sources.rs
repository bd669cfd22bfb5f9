//! Asks the registry: by RDAP first, by WHOIS where that leads to nothing. What failed is told in one sentence each.

use watchkeep_catalogue::domain;
use watchkeep_model::{
    Endpoint, Span, Test, Verdict,
    domain::{Options, Remark, Source},
};

use super::{
    facts::Facts,
    registries::{Registry, rdap_service, registrar, registry, suffix},
    whois::{self, Answer},
    {ask_rdap, ask_whois},
};
use crate::{Prober, net::deadline::Deadline};

/// Dates of two sources that differ by less are the same day in two zones.
const SAME_DATE_SECONDS: u64 = 2 * 86_400;

/// What the registry says.
#[derive(Debug)]
pub(super) struct Told {
    /// None where nobody holds the name.
    pub(super) facts: Option<Facts>,
    pub(super) source: Source,
    /// Whether a missing lock is one that the source would have told.
    pub(super) tells_locks: bool,
    /// Whether another way would have been the first, so that spellings may differ from one test to the next.
    pub(super) is_fallback: bool,
    pub(super) remarks: Vec<Remark>,
}

/// Why one source told nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// It gave no answer.
    Unavailable(String),
    /// It gave one that is not known.
    NotUnderstood(String),
}

/// Asks until somebody tells, or everybody has failed.
pub(super) async fn ask(prober: &Prober, test: &Test, options: &Options, total: Deadline) -> Result<Told, Verdict> {
    let registry = registry(&options.domain);
    // Who names a WHOIS server alone wants that one asked.
    let own = rdap_service(&options.domain).filter(|_| options.whois.is_none());
    let rdap = options.rdap.as_ref().or(own);
    let whois = options.whois.clone().or_else(|| Endpoint::parse(registry.server.as_deref()?, Some(43)).ok());
    let mut failures = Vec::new();
    if let Some(service) = rdap {
        // Half of the time is left for the other way.
        let limit = Span::milliseconds(test.limits.total.as_milliseconds() / 2);
        let deadline = if whois.is_some() { Deadline::after(limit).earlier(total) } else { total };
        match Box::pin(ask_rdap::ask(prober, test, &options.domain, service, deadline)).await {
            Ok(facts) => {
                let source = Source::Rdap(service.to_string());
                let remarks = Vec::new();
                return Ok(Told { facts, source, tells_locks: registry.tells_locks, is_fallback: false, remarks });
            }
            Err(failure) => failures.push(failure),
        }
    }
    if let Some(server) = whois {
        match Box::pin(by_whois(prober, test, options, registry, &server, total)).await {
            Ok(mut told) => {
                told.is_fallback = rdap.is_some();
                told.remarks.extend(failures.iter().map(|failure| Remark(failure.told().to_owned())));
                return Ok(told);
            }
            Err(failure) => failures.push(failure),
        }
    }
    Err(verdict(options, &failures))
}

async fn by_whois(
    prober: &Prober,
    test: &Test,
    options: &Options,
    registry: &Registry,
    server: &Endpoint,
    total: Deadline,
) -> Result<Told, Failure> {
    let query = registry.query(&options.domain);
    let bytes = ask_whois::ask(prober, test, server, &query, total).await?;
    let mut remarks = Vec::new();
    let answer = whois::read(&options.domain, registry, &bytes);
    if let Answer::Absent | Answer::Registered { .. } = answer {
        ask_whois::answered(prober, server);
    }
    let facts = match answer {
        Answer::Absent => None,
        Answer::Limited(words) => return Err(ask_whois::limited(prober, server, &words)),
        Answer::NotUnderstood(reason) => return Err(Failure::NotUnderstood(format!("WHOIS {server}: {reason}"))),
        Answer::Registered { mut facts, referral } => {
            if let Some(referral) = referral.filter(|_| registry.is_thin) {
                refer(prober, test, options, &referral, total, &mut facts, &mut remarks).await;
            }
            if !registry.tells_expiry && facts.expires_at.is_none() {
                let suffix = suffix(&options.domain);
                remarks.push(Remark(format!("the WHOIS server of .{suffix} does not tell when names expire")));
            }
            Some(facts)
        }
    };
    let source = Source::Whois(server.to_string());
    Ok(Told { facts, source, tells_locks: registry.tells_locks, is_fallback: false, remarks })
}

/// Asks the registrar for what the registry does not tell. The registry's word counts where they contradict.
async fn refer(
    prober: &Prober,
    test: &Test,
    options: &Options,
    referral: &str,
    total: Deadline,
    facts: &mut Facts,
    remarks: &mut Vec<Remark>,
) {
    let shown = crate::outside::shown(referral);
    let mut useless = |reason: &str| {
        remarks.push(Remark(format!("the registrar's WHOIS server {shown} added nothing: {reason}")));
    };
    let Ok(server) = Endpoint::parse(referral, Some(43)) else { return useless("that is not the name of a server") };
    let query = registrar().query(&options.domain);
    // The registry has answered: what the registrar adds is not worth all of the time.
    let limit = Span::milliseconds(test.limits.total.as_milliseconds() / 4);
    let asked = ask_whois::ask(prober, test, &server, &query, Deadline::after(limit).earlier(total)).await;
    let bytes = match asked {
        Ok(bytes) => bytes,
        Err(failure) => return useless(failure.told()),
    };
    match whois::read(&options.domain, registrar(), &bytes) {
        Answer::Registered { facts: more, .. } => {
            ask_whois::answered(prober, &server);
            if let (Some(one), Some(other)) = (facts.expires_at, more.expires_at)
                && one.duration_since(other).as_secs().unsigned_abs() >= SAME_DATE_SECONDS
            {
                let day = other.strftime("%Y-%m-%d");
                remarks.push(Remark(format!(
                    "the registrar's WHOIS server {shown} tells another end, {day}; the registry's counts"
                )));
            }
            facts.fill(more);
        }
        Answer::Absent => useless("it does not know the name"),
        Answer::Limited(words) => useless(ask_whois::limited(prober, &server, &words).told()),
        Answer::NotUnderstood(reason) => useless(&reason),
    }
}

impl Failure {
    /// What is told of it.
    pub(super) fn told(&self) -> &str {
        match self {
            Self::Unavailable(told) | Self::NotUnderstood(told) => told,
        }
    }
}

fn verdict(options: &Options, failures: &[Failure]) -> Verdict {
    if failures.is_empty() {
        let suffix = suffix(&options.domain);
        let detail = format!("no RDAP or WHOIS server is known for .{suffix}; name one in the fields rdap or whois");
        return Verdict::new(domain::REGISTRY_UNAVAILABLE, detail);
    }
    let is_strange = failures.iter().any(|failure| matches!(failure, Failure::NotUnderstood(_)));
    let code = if is_strange { domain::REGISTRY_DATA_NOT_UNDERSTOOD } else { domain::REGISTRY_UNAVAILABLE };
    Verdict::new(code, failures.iter().map(Failure::told).collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

    use std::time::Duration;

    use serde_json::json;
    use tokio::time::Instant;
    use watchkeep_lab::raw::{Act, Peer};
    use watchkeep_model::{LocationName, Options as AnyOptions};

    use super::*;
    use crate::{ProberOptions, registries::Turn};

    #[tokio::test]
    async fn a_whois_server_that_has_enough_again_is_left_alone_for_longer() {
        let server = Peer::start(vec![Act::ReadSome, Act::send("WHOIS LIMIT EXCEEDED\r\n")]).await;
        let at = server.address().to_string();
        let prober = Prober::new(ProberOptions::default()).unwrap();
        // It had enough before, and that time is over.
        let before = Instant::now() - Duration::from_secs(61);
        prober.registries.manners().turn(&at, before, Duration::ZERO);
        prober.registries.manners().limited(&at, before, None);
        let test = json!({"family": "domain", "target": "shop.org", "domain": {"whois": at}});
        let test = Test::parse(test.as_object().unwrap().clone()).unwrap();
        assert!(matches!(test.options, AnyOptions::Domain(_)));
        let result = prober.run(&test, &LocationName::local()).await;
        assert!(result.verdict.detail.as_deref().unwrap_or_default().contains("limits how often"), "{result:?}");
        let turn = prober.registries.manners().turn(&at, Instant::now(), Duration::ZERO);
        let Turn::BackedOff(left) = turn else { panic!("{turn:?}") };
        assert!(left > Duration::from_secs(90), "{left:?}");
    }
}
