//! Names to addresses: literals, a test's fixed addresses, the hosts file, then DNS with a cache.
//! The robot asks DNS itself, so that a failure has its own cause and nobody resolves a second time.

mod cache;
mod dns;
mod hosts;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
};

use hickory_resolver::proto::op::ResponseCode;
use tokio::time::Instant;
use url::Host;
use watchkeep_model::{IpVersion, Network};

use self::{cache::Cache, dns::Servers, hosts::Hosts};

/// Why a name has no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ResolveError {
    #[error("{0} does not exist (NXDOMAIN)")]
    Absent(String),
    #[error("{0} has no address")]
    NoAddress(String),
    #[error("{0} has no IPv{1} address")]
    NoAddressOf(String, IpVersion),
    #[error("the DNS server answered {word} for {0} ({1})", word = mnemonic(*.1))]
    Refused(String, ResponseCode),
    #[error("no DNS server answered for {0} in time")]
    NoAnswer(String),
    #[error("{0} is not a name that DNS can be asked for")]
    NotAName(String),
    #[error("DNS failed for {0}: {1}")]
    Other(String, String),
}

/// The word that tools such as dig show for a response code (RFC 1035, 4.1.1).
fn mnemonic(code: ResponseCode) -> &'static str {
    match code {
        ResponseCode::FormErr => "FORMERR",
        ResponseCode::ServFail => "SERVFAIL",
        ResponseCode::NXDomain => "NXDOMAIN",
        ResponseCode::NotImp => "NOTIMP",
        ResponseCode::Refused => "REFUSED",
        _ => "an error",
    }
}

/// The robot's own resolver.
pub(crate) struct Names {
    hosts: Hosts,
    cache: Cache,
    servers: Servers,
}

impl Names {
    /// A resolver that knows nothing yet.
    pub(crate) fn new() -> Self {
        Self { hosts: Hosts::system(), cache: Cache::new(), servers: Servers::new() }
    }

    /// The addresses of `host`, at least one, in the order in which they are to be tried.
    pub(crate) async fn resolve(&self, host: Host<&str>, network: &Network) -> Result<Arc<[IpAddr]>, ResolveError> {
        let name = match host {
            Host::Ipv4(address) => return of_version([address.into()], &host, network.ip),
            Host::Ipv6(address) => return of_version([address.into()], &host, network.ip),
            // Names in URLs are complete; the dot at the end only says so.
            Host::Domain(name) => name.trim_end_matches('.'),
        };
        if let Some(addresses) = fixed(network, name) {
            return of_version(addresses, &host, network.ip);
        }
        // A test with a DNS server of its own asks that server, whatever the robot's hosts file says.
        if network.resolver.is_none()
            && let Some(addresses) = self.hosts.find(name)
        {
            return of_version(addresses, &host, network.ip);
        }
        if name == "localhost" || name.ends_with(".localhost") {
            // Never a question for DNS (RFC 6761, 6.3).
            return of_version([Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()], &host, network.ip);
        }
        let key = cache::Key { name, server: network.resolver, version: network.ip };
        if let Some(addresses) = self.cache.find(key, Instant::now()) {
            return Ok(addresses);
        }
        // Boxed, because it is large and seldom needed: every test would hold its room.
        let found = Box::pin(self.servers.ask(name, network.resolver, network.ip)).await?;
        self.cache.keep(key, Arc::clone(&found.addresses), found.lifetime, Instant::now());
        Ok(found.addresses)
    }

    /// The IPv4 addresses of a name whose addresses are codes (RFC 5782): DNS alone is asked, and always afresh.
    /// None when the name does not exist or has no address.
    pub(crate) async fn codes(&self, name: &str, network: &Network) -> Result<Arc<[IpAddr]>, ResolveError> {
        match Box::pin(self.servers.ask(name, network.resolver, Some(IpVersion::V4))).await {
            Ok(found) => Ok(found.addresses),
            Err(ResolveError::Absent(_) | ResolveError::NoAddress(_) | ResolveError::NoAddressOf(..)) => {
                Ok(Arc::default())
            }
            Err(error) => Err(error),
        }
    }
}

/// The addresses that the test itself gives a name, if it does.
fn fixed(network: &Network, name: &str) -> Option<Vec<IpAddr>> {
    let addresses: Vec<_> =
        network.resolve.iter().filter(|fixed| &*fixed.host == name).map(|fixed| fixed.address).collect();
    (!addresses.is_empty()).then_some(addresses)
}

/// Those of `addresses` that have the version asked for.
fn of_version(
    addresses: impl IntoIterator<Item = IpAddr>,
    host: &Host<&str>,
    version: Option<IpVersion>,
) -> Result<Arc<[IpAddr]>, ResolveError> {
    let wanted = |address: &IpAddr| version.is_none_or(|version| version.has(*address));
    let addresses: Arc<[IpAddr]> = addresses.into_iter().filter(wanted).collect();
    match version {
        _ if !addresses.is_empty() => Ok(addresses),
        Some(version) => Err(ResolveError::NoAddressOf(host.to_string(), version)),
        None => Err(ResolveError::NoAddress(host.to_string())),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    async fn resolve(host: &str, network: &Network) -> Result<Vec<IpAddr>, ResolveError> {
        let names = Names::new();
        let host = Host::parse(host).unwrap();
        let host = match &host {
            Host::Domain(name) => Host::Domain(name.as_str()),
            Host::Ipv4(address) => Host::Ipv4(*address),
            Host::Ipv6(address) => Host::Ipv6(*address),
        };
        names.resolve(host, network).await.map(|addresses| addresses.to_vec())
    }

    #[tokio::test]
    async fn literals_and_fixed_names_need_no_dns() {
        let network = Network {
            resolve: vec!["shop.example:192.0.2.7".parse().unwrap(), "shop.example:[2001:db8::7]".parse().unwrap()],
            ..Network::default()
        };
        let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpAddr>>();
        assert_eq!(resolve("127.0.0.1", &network).await.unwrap(), addresses(&["127.0.0.1"]));
        assert_eq!(resolve("0x7f.1", &network).await.unwrap(), addresses(&["127.0.0.1"]));
        assert_eq!(resolve("[::1]", &network).await.unwrap(), addresses(&["::1"]));
        assert_eq!(resolve("Shop.Example.", &network).await.unwrap(), addresses(&["192.0.2.7", "2001:db8::7"]));
        assert!(resolve("a.localhost", &network).await.unwrap().iter().all(IpAddr::is_loopback));
        let only_six = Network { ip: Some(IpVersion::V6), ..network };
        assert_eq!(resolve("shop.example", &only_six).await.unwrap(), addresses(&["2001:db8::7"]));
        let error = resolve("127.0.0.1", &only_six).await.unwrap_err();
        assert_eq!(error.to_string(), "127.0.0.1 has no IPv6 address");
    }

    #[test]
    fn refusals_are_told_by_their_usual_words() {
        let error = ResolveError::Refused("a.example".to_owned(), ResponseCode::ServFail);
        assert!(error.to_string().starts_with("the DNS server answered SERVFAIL for a.example"), "{error}");
    }
}
