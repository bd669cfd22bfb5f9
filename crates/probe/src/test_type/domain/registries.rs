//! What is known of registries: their RDAP services (RFC 9224) and their WHOIS servers, read from two data files.
//! Both files are part of the program, so that a test asks nobody but the registry.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use serde::Deserialize;
use url::Url;

const SERVICES: &str = include_str!("dns.json");
const REGISTRIES: &str = include_str!("registries.toml");

/// The keys of facts in an answer, in lower case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    pub(super) domain: Vec<String>,
    pub(super) created: Vec<String>,
    pub(super) updated: Vec<String>,
    pub(super) expires: Vec<String>,
    pub(super) registrar: Vec<String>,
    pub(super) statuses: Vec<String>,
    pub(super) name_servers: Vec<String>,
    pub(super) dnssec: Vec<String>,
    pub(super) referral: Vec<String>,
}

/// How a registry is asked and how its answers are read.
#[derive(Clone, Debug)]
pub(super) struct Registry {
    /// The WHOIS server, where one is known.
    pub(super) server: Option<String>,
    query: String,
    /// Whether answers tell when a name expires.
    pub(super) tells_expiry: bool,
    /// Whether answers tell that a name is locked against transfers.
    pub(super) tells_locks: bool,
    /// Whether the registrar's server is asked too.
    pub(super) is_thin: bool,
    pub(super) free: Vec<String>,
    pub(super) limited: Vec<String>,
    pub(super) headings: Vec<String>,
    pub(super) keys: Keys,
    /// EPP's words for this registry's own.
    pub(super) statuses: BTreeMap<String, String>,
}

impl Registry {
    /// What is sent to ask for a name.
    pub(super) fn query(&self, name: &str) -> String {
        format!("{}\r\n", self.query.replace("NAME", name))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    usual: Usual,
    registry: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Usual {
    query: String,
    expiry: bool,
    locks: bool,
    thin: bool,
    free: Vec<String>,
    limited: Vec<String>,
    headings: Vec<String>,
    keys: Keys,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    tlds: Vec<String>,
    server: Option<String>,
    query: Option<String>,
    expiry: Option<bool>,
    locks: Option<bool>,
    thin: Option<bool>,
    free: Option<Vec<String>>,
    limited: Option<Vec<String>>,
    keys: Option<Keys>,
    #[serde(default)]
    statuses: BTreeMap<String, String>,
}

struct Known {
    usual: Registry,
    /// Country codes without an entry; each of their registries has statuses of its own.
    country: Registry,
    /// By the suffixes below which a registry gives out names: top-level domains, and a few that others run.
    by_suffix: HashMap<String, Registry>,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a file of the program, which a test reads")]
    let File { usual, registry } = toml::from_str(REGISTRIES).expect("registries.toml is valid");
    let usual = Registry {
        server: None,
        query: usual.query,
        tells_expiry: usual.expiry,
        tells_locks: usual.locks,
        is_thin: usual.thin,
        free: usual.free,
        limited: usual.limited,
        headings: usual.headings,
        keys: usual.keys,
        statuses: BTreeMap::new(),
    };
    let mut by_suffix = HashMap::new();
    for entry in registry {
        let registry = Registry {
            server: entry.server,
            query: entry.query.unwrap_or_else(|| usual.query.clone()),
            tells_expiry: entry.expiry.unwrap_or(usual.tells_expiry),
            tells_locks: entry.locks.unwrap_or(usual.tells_locks),
            is_thin: entry.thin.unwrap_or(usual.is_thin),
            free: entry.free.unwrap_or_else(|| usual.free.clone()),
            limited: [entry.limited.unwrap_or_default(), usual.limited.clone()].concat(),
            headings: usual.headings.clone(),
            keys: entry.keys.unwrap_or_else(|| usual.keys.clone()),
            statuses: entry.statuses,
        };
        by_suffix.extend(entry.tlds.into_iter().map(|tld| {
            let server = registry.server.as_ref().map(|server| server.replace("TLD", &tld));
            (tld, Registry { server, ..registry.clone() })
        }));
    }
    let country = Registry { tells_locks: false, ..usual.clone() };
    Known { usual, country, by_suffix }
});

/// The longest suffix of a name that has a registry in the data, or its top-level domain.
pub(super) fn suffix(name: &str) -> &str {
    let known = suffixes(name).find(|suffix| KNOWN.by_suffix.contains_key(*suffix));
    known.unwrap_or_else(|| name.rsplit('.').next().unwrap_or_default())
}

/// What a name lies under, the longest first.
fn suffixes(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |part| part.split_once('.').map(|(_, rest)| rest)).skip(1)
}

/// What is known of the registry of a name; what is usual where nothing is.
pub(super) fn registry(name: &str) -> &'static Registry {
    let suffix = suffix(name);
    let unknown = if suffix.len() == 2 { &KNOWN.country } else { &KNOWN.usual };
    KNOWN.by_suffix.get(suffix).unwrap_or(unknown)
}

/// How a registrar's own server is asked and read.
pub(super) fn registrar() -> &'static Registry {
    &KNOWN.usual
}

/// The format of RFC 9224.
#[derive(Deserialize)]
struct Bootstrap {
    services: Vec<(Vec<String>, Vec<Url>)>,
}

static RDAP: LazyLock<HashMap<String, Url>> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a file of the program, which a test reads")]
    let bootstrap: Bootstrap = serde_json::from_str(SERVICES).expect("dns.json is valid");
    let mut services = HashMap::new();
    for (top_levels, urls) in bootstrap.services {
        // Those with TLS come first where there are several (RFC 9224, 3).
        let Some(url) = urls.iter().find(|url| url.scheme() == "https").or(urls.first()) else { continue };
        services.extend(top_levels.into_iter().map(|top_level| (top_level, url.clone())));
    }
    services
});

/// The RDAP service of a name, where one is known. That of a top-level domain knows nothing of a suffix below it
/// that somebody else runs.
pub(super) fn rdap_service(name: &str) -> Option<&'static Url> {
    RDAP.get(suffix(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_asked_of_its_own_registry() {
        for (name, server, has_rdap) in [
            ("shop.co.uk", Some("whois.nic.uk"), true),
            ("college.ac.uk", Some("whois.ja.net"), false),
            ("office.gov.uk", None, false),
            ("ac.uk.com", Some("whois.verisign-grs.com"), true),
            ("shop.store", Some("whois.nic.store"), true),
            ("shop.cc", Some("ccwhois.verisign-grs.com"), true),
            ("shop.name", Some("whois.nic.name"), true),
            ("shop.tv", Some("whois.nic.tv"), true),
            ("shop.li", Some("whois.nic.li"), false),
        ] {
            assert_eq!(registry(name).server.as_deref(), server, "{name}");
            assert_eq!(rdap_service(name).is_some(), has_rdap, "{name}");
        }
        assert_eq!((suffix("office.gov.uk"), suffix("shop.com.example")), ("gov.uk", "example"));
    }

    #[test]
    fn the_data_files_are_valid() {
        assert!(registry("shop.de").query("shop.de").starts_with("-T dn,ace shop.de\r"));
        assert_eq!(registry("shop.com").query("shop.com"), "domain shop.com\r\n");
        assert_eq!(registry("shop.jp").query("shop.jp"), "shop.jp/e\r\n");
        let unknown = registry("shop.example");
        assert!(registry("shop.com").is_thin && !registry("shop.de").tells_expiry && unknown.server.is_none());
        assert!(rdap_service("shop.com").is_some_and(|url| url.path().ends_with('/')));
        assert!(rdap_service("shop.example").is_none());
        assert!(RDAP.values().all(|url| url.scheme() == "https" && url.path().ends_with('/')));
        let is_lower = |word: &String| !word.is_empty() && *word == word.to_lowercase();
        for registry in KNOWN.by_suffix.values().chain([&KNOWN.usual]) {
            assert!(registry.server.as_ref().is_none_or(|server| !server.contains("TLD")));
            assert!(registry.free.iter().chain(&registry.limited).chain(registry.statuses.keys()).all(is_lower));
            assert!(registry.query.contains("NAME"));
        }
    }
}
