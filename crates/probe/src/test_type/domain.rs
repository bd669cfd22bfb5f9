//! The domain test: what the registry and blocklists say of a name, and which of it is a failure.

mod ask_rdap;
mod ask_whois;
mod blocklists;
mod dates;
mod facts;
mod rdap;
mod registries;
mod sources;
mod turn;
mod whois;

use jiff::Timestamp;
use watchkeep_catalogue::domain;
use watchkeep_model::{
    Notable, Phases, Test, Verdict,
    domain::{Listing, Observed, Options, Remark},
};

use self::{facts::Facts, sources::Told};
use crate::{Finding, Prober, net::deadline::Deadline};

const EXPIRED: [&str; 2] = ["redemptionPeriod", "pendingDelete"];
const HELD: [&str; 2] = ["clientHold", "serverHold"];
/// EPP's locks, and RDAP's own words for one that it does not have from EPP (RFC 9083, 10.2.2).
const LOCKED: [&str; 4] = ["clientTransferProhibited", "serverTransferProhibited", "transfer prohibited", "locked"];

/// Runs the test.
pub(crate) async fn run(prober: &Prober, test: &Test, options: &Options) -> Finding<Observed> {
    let total = Deadline::after(test.limits.total);
    // Boxed, because both are large and a test of another type holds no room for them.
    let (told, listings) = tokio::join!(
        Box::pin(sources::ask(prober, test, options, total)),
        Box::pin(blocklists::ask(prober, test, options, total)),
    );
    let now = Timestamp::now();
    let verdict = judge(options, &told, &listings.listed_on, now);
    let mut observed = Observed { domain: options.domain.to_string(), ..Observed::default() };
    if options.asked.name() != Some(&*options.domain) {
        let remark = format!("{} lies under {}, which is the name that is registered", options.asked, options.domain);
        observed.remarks.push(Remark(remark));
    }
    let mut notable = None;
    if let Ok(told) = told {
        notable = told.facts.as_ref().map(|facts| Box::new(notable_of(facts, told.is_fallback, options)));
        observed.source = Some(told.source);
        observed.remarks.extend(told.remarks);
        observe(&mut observed, told.facts.unwrap_or_default(), now);
    }
    observed.listed_on = listings.listed_on;
    observed.remarks.extend(listings.remarks);
    Finding { notable, ..Finding::new(verdict, Phases::default(), observed) }
}

fn observe(observed: &mut Observed, facts: Facts, now: Timestamp) {
    observed.registrar = facts.registrar;
    observed.created_at = facts.created_at;
    observed.updated_at = facts.updated_at;
    observed.days_left = facts.expires_at.map(|at| at.duration_since(now).as_secs().div_euclid(86_400));
    observed.expires_at = facts.expires_at;
    observed.statuses = facts.statuses;
    observed.name_servers = facts.name_servers;
    observed.dnssec = facts.dnssec;
}

/// What is wrong, the first in the order of the catalogue.
fn judge(options: &Options, told: &Result<Told, Verdict>, listed: &[Listing], now: Timestamp) -> Verdict {
    let is_listed = || {
        let lists: Vec<_> = listed.iter().map(ToString::to_string).collect();
        format!("listed by {}", lists.join(", "))
    };
    let told = match told {
        Ok(told) => told,
        // That the registry says nothing does not make the listing unsaid.
        Err(verdict) if !listed.is_empty() => {
            let reason = verdict.detail.as_deref().unwrap_or_default();
            let detail = format!("{}; of the registry nothing is known: {reason}", is_listed());
            return Verdict::new(domain::DOMAIN_BLACKLISTED, detail);
        }
        Err(verdict) => return verdict.clone(),
    };
    let Some(facts) = &told.facts else {
        let detail = format!("the registry does not know {} ({})", options.domain, told.source);
        return Verdict::new(domain::DOMAIN_NOT_REGISTERED, detail);
    };
    if let Some(at) = facts.expires_at.filter(|at| *at <= now) {
        return Verdict::new(domain::DOMAIN_EXPIRED, format!("expired on {}", at.strftime("%Y-%m-%d")));
    }
    let status_of = |wanted: &[&str]| facts.statuses.iter().find(|status| wanted.contains(&status.as_str()));
    if let Some(status) = status_of(&EXPIRED) {
        return Verdict::new(domain::DOMAIN_EXPIRED, format!("the registry lists it as {status}"));
    }
    if let Some(status) = status_of(&HELD) {
        return Verdict::new(domain::DOMAIN_SUSPENDED, format!("the status {status} takes it out of DNS"));
    }
    if !listed.is_empty() {
        return Verdict::new(domain::DOMAIN_BLACKLISTED, is_listed());
    }
    if told.tells_locks && facts.speaks_epp() && !facts.has_status(&LOCKED) {
        let statuses = facts.statuses.join(", ");
        let detail = format!("neither clientTransferProhibited nor serverTransferProhibited is set, only {statuses}");
        return Verdict::new(domain::DOMAIN_TRANSFER_UNPROTECTED, detail);
    }
    Verdict::OPERATIONAL
}

/// What is worth an event when it changes; nothing where another source than the first one spelt it.
fn notable_of(facts: &Facts, is_fallback: bool, options: &Options) -> Notable {
    let mut notable =
        Notable { expires_at: facts.expires_at, warn_days: options.warn_days.clone(), ..Notable::default() };
    if is_fallback {
        return notable;
    }
    if let Some(registrar) = &facts.registrar {
        notable.set("registrar", registrar);
    }
    for (name, values) in [("name_servers", &facts.name_servers), ("statuses", &facts.statuses)] {
        if !values.is_empty() {
            notable.set(name, values.join(", "));
        }
    }
    for (name, at) in [("created_at", facts.created_at), ("expires_at", facts.expires_at)] {
        if let Some(at) = at {
            notable.set(name, at);
        }
    }
    if let Some(dnssec) = facts.dnssec {
        notable.set("dnssec", if dnssec { "signed" } else { "not signed" });
    }
    notable
}
