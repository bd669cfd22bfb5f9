//! Questions to DNS servers: A and AAAA at the same time, and what their answers amount to together.
//! A server that never answers for one of the two must not hold up the other (RFC 8305, section 3).

use std::{
    future::Future,
    net::{IpAddr, SocketAddr},
    path::Path,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use hickory_resolver::{
    TokioResolver,
    config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts},
    lookup::Lookup,
    net::{DnsError, NetError, runtime::TokioRuntimeProvider},
    proto::{
        op::ResponseCode,
        rr::{Name, RData, RecordType},
    },
};
use tokio::time::{Instant, timeout};
use watchkeep_model::IpVersion;

use super::ResolveError;

/// Where the system names its DNS servers.
const SETTINGS: &str = "/etc/resolv.conf";
/// How often that file is looked at.
const LOOKED_AT: Duration = Duration::from_secs(5);
/// How long the other version is waited for once one has answered (RFC 8305, section 3).
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);
/// One question to one server; asked again once.
const PATIENCE: Duration = Duration::from_secs(2);
/// Questions on the way at the same time over one TCP connection to a DNS server.
const MOST_ON_THE_WAY: usize = 4_096;

/// What was found, and for how long it holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// At least one, IPv6 first.
    pub(super) addresses: Arc<[IpAddr]>,
    pub(super) lifetime: Duration,
}

/// The DNS servers: the system's, read again when they change, or one that a test names.
pub(super) struct Servers {
    system: Mutex<System>,
}

#[derive(Default)]
struct System {
    looked: Option<Instant>,
    stamp: Option<SystemTime>,
    resolver: Option<Result<TokioResolver, String>>,
}

impl Servers {
    pub(super) fn new() -> Self {
        Self { system: Mutex::default() }
    }

    /// The addresses of a name.
    pub(super) async fn ask(
        &self,
        host: &str,
        server: Option<SocketAddr>,
        version: Option<IpVersion>,
    ) -> Result<Found, ResolveError> {
        // Names in URLs are complete: a search list of the robot's must not decide what is tested.
        let mut name = Name::from_ascii(host).map_err(|_| ResolveError::NotAName(host.to_owned()))?;
        name.set_fqdn(true);
        let resolver = server.map_or_else(|| self.system(Instant::now()), own);
        let resolver = resolver.map_err(|reason| ResolveError::Other(host.to_owned(), reason))?;
        let kind = match version {
            Some(IpVersion::V4) => RecordType::A,
            Some(IpVersion::V6) => RecordType::AAAA,
            None => return both(&resolver, name, host).await,
        };
        let answer = resolver.lookup(name, kind).await.map(|lookup| records(&lookup));
        merge(host, version, [Some(answer.map_err(|error| explain(host, &error))), None])
    }

    fn system(&self, now: Instant) -> Result<TokioResolver, String> {
        let mut system = self.system.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = system.looked.is_none_or(|looked| now.duration_since(looked) >= LOOKED_AT);
        if is_due {
            system.looked = Some(now);
            let stamp = Path::new(SETTINGS).metadata().and_then(|metadata| metadata.modified()).ok();
            if stamp != system.stamp {
                system.stamp = stamp;
                system.resolver = None;
            }
        }
        system.resolver.get_or_insert_with(by_settings).clone()
    }
}

fn by_settings() -> Result<TokioResolver, String> {
    let failed = |error: &dyn std::fmt::Display| format!("the system's DNS settings cannot be used: {error}");
    let mut builder = TokioResolver::builder_tokio().map_err(|error| failed(&error))?;
    tune(builder.options_mut());
    builder.build().map_err(|error| failed(&error))
}

/// A resolver of one server, for one test.
fn own(server: SocketAddr) -> Result<TokioResolver, String> {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = server.port();
        connection
    });
    let servers = vec![NameServerConfig::new(server.ip(), true, connections.into())];
    let config = ResolverConfig::from_parts(None, Vec::new(), servers);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    tune(builder.options_mut());
    builder.build().map_err(|error| error.to_string())
}

fn tune(options: &mut ResolverOpts) {
    // Both are ours: see `hosts` and `cache`.
    options.use_hosts_file = ResolveHosts::Never;
    options.cache_size = 0;
    options.timeout = PATIENCE;
    options.attempts = 2;
    options.max_active_requests = MOST_ON_THE_WAY;
}

/// The addresses of one answer with the shortest time to live in it, aliases included.
type Answer = Result<(Vec<IpAddr>, u32), ResolveError>;

async fn both(resolver: &TokioResolver, name: Name, host: &str) -> Result<Found, ResolveError> {
    let ask = |kind| {
        let asked = resolver.lookup(name.clone(), kind);
        async { asked.await.map(|lookup| records(&lookup)).map_err(|error| explain(host, &error)) }
    };
    let (six, four) = gather(ask(RecordType::AAAA), ask(RecordType::A)).await;
    merge(host, None, [six, four])
}

/// Both answers; only one of them where it has addresses and the other does not follow soon.
async fn gather(
    six: impl Future<Output = Answer>,
    four: impl Future<Output = Answer>,
) -> (Option<Answer>, Option<Answer>) {
    let (mut six, mut four) = (pin!(six), pin!(four));
    tokio::select! {
        answer = &mut six => match answer {
            Ok(answer) => (Some(Ok(answer)), timeout(RESOLUTION_DELAY, four).await.ok()),
            Err(error) => (Some(Err(error)), Some(four.await)),
        },
        answer = &mut four => match answer {
            Ok(answer) => (timeout(RESOLUTION_DELAY, six).await.ok(), Some(Ok(answer))),
            Err(error) => (Some(six.await), Some(Err(error))),
        },
    }
}

fn records(lookup: &Lookup) -> (Vec<IpAddr>, u32) {
    let address = |data: &RData| match data {
        RData::A(four) => Some(IpAddr::V4(four.0)),
        RData::AAAA(six) => Some(IpAddr::V6(six.0)),
        _ => None,
    };
    let answers = lookup.answers();
    let addresses = answers.iter().filter_map(|record| address(&record.data)).collect();
    (addresses, answers.iter().map(|record| record.ttl).min().unwrap_or_default())
}

/// What the answers amount to: every address of any of them, or the failure that tells most.
fn merge(host: &str, version: Option<IpVersion>, answers: [Option<Answer>; 2]) -> Result<Found, ResolveError> {
    let mut addresses = Vec::new();
    let mut shortest = u32::MAX;
    let mut failure = None;
    for answer in answers.into_iter().flatten() {
        match answer {
            Ok((found, lifetime)) => {
                addresses.extend(found);
                shortest = shortest.min(lifetime);
            }
            Err(error) => failure = [failure, Some(error)].into_iter().flatten().max_by_key(weight),
        }
    }
    if !addresses.is_empty() {
        // A time to live with its highest bit set counts as none (RFC 2181, section 8).
        let seconds = if shortest > u32::MAX >> 1 { 0 } else { shortest };
        return Ok(Found { addresses: addresses.into(), lifetime: Duration::from_secs(seconds.into()) });
    }
    Err(match (failure, version) {
        (None | Some(ResolveError::NoAddress(_)), Some(version)) => ResolveError::NoAddressOf(host.to_owned(), version),
        (None, None) => ResolveError::NoAddress(host.to_owned()),
        (Some(error), _) => error,
    })
}

/// A name that does not exist has neither address; a failure for one leaves open whether it has one.
const fn weight(error: &ResolveError) -> u8 {
    match error {
        ResolveError::Absent(_) => 4,
        ResolveError::Refused(..) => 3,
        ResolveError::NoAnswer(_) => 2,
        ResolveError::Other(..) | ResolveError::NotAName(_) => 1,
        ResolveError::NoAddress(_) | ResolveError::NoAddressOf(..) => 0,
    }
}

fn explain(host: &str, error: &NetError) -> ResolveError {
    let host = host.to_owned();
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => ResolveError::Absent(host),
            ResponseCode::NoError => ResolveError::NoAddress(host),
            code => ResolveError::Refused(host, code),
        },
        NetError::Dns(DnsError::ResponseCode(code)) => ResolveError::Refused(host, *code),
        NetError::Timeout | NetError::NoConnections => ResolveError::NoAnswer(host),
        other => ResolveError::Other(host, other.to_string()),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    fn found(texts: &[&str], lifetime: u32) -> Answer {
        Ok((texts.iter().map(|text| text.parse().unwrap()).collect(), lifetime))
    }

    #[test]
    fn answers_amount_to_addresses_or_the_most_telling_failure() {
        let merge = |six: Answer, four: Answer| merge("a", None, [Some(six), Some(four)]);
        let name = || "a".to_owned();
        let absent = || Err(ResolveError::Absent(name()));
        let empty = || Err(ResolveError::NoAddress(name()));
        let silent = || Err(ResolveError::NoAnswer(name()));
        let refused = || Err(ResolveError::Refused(name(), ResponseCode::ServFail));
        let both = merge(found(&["::1"], 30), found(&["127.0.0.1"], 20)).unwrap();
        assert_eq!(both.addresses.to_vec(), found(&["::1", "127.0.0.1"], 0).unwrap().0);
        assert_eq!(both.lifetime, Duration::from_secs(20));
        assert_eq!(merge(refused(), found(&["127.0.0.1"], 0)).unwrap().lifetime, Duration::ZERO);
        assert_eq!(merge(empty(), found(&["127.0.0.1"], 1 << 31)).unwrap().lifetime, Duration::ZERO);
        assert_eq!(merge(empty(), absent()), Err(ResolveError::Absent(name())));
        assert_eq!(merge(empty(), refused()), Err(ResolveError::Refused(name(), ResponseCode::ServFail)));
        assert_eq!(merge(silent(), empty()), Err(ResolveError::NoAnswer(name())));
        assert_eq!(merge(empty(), empty()), Err(ResolveError::NoAddress(name())));
    }

    #[tokio::test(start_paused = true)]
    async fn one_silent_version_does_not_hold_up_the_other() {
        let begin = Instant::now();
        let (six, four) = gather(pending(), ready(found(&["127.0.0.1"], 1))).await;
        assert_eq!((six.is_none(), four.is_some()), (true, true));
        let (six, four) = gather(ready(found(&["::1"], 1)), pending()).await;
        assert_eq!((six.is_some(), four.is_none()), (true, true));
        assert!(begin.elapsed() <= 2 * RESOLUTION_DELAY + Duration::from_millis(2));
        let failed = || ready(Err(ResolveError::NoAddress("a".to_owned())));
        let late = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            found(&["127.0.0.1"], 1)
        };
        let (_, four) = gather(failed(), late).await;
        assert!(four.unwrap().is_ok(), "what comes late is waited for when there is nothing else");
    }
}
