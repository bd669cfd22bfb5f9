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
    server: String,
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
    by_top_level: HashMap<String, Registry>,
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
    let mut by_top_level = HashMap::new();
    for entry in registry {
        let registry = Registry {
            server: Some(entry.server),
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
        by_top_level.extend(entry.tlds.into_iter().map(|tld| (tld, registry.clone())));
    }
    let country = Registry { tells_locks: false, ..usual.clone() };
    Known { usual, country, by_top_level }
});

/// What is known of the registry of a top-level domain; what is usual where nothing is.
pub(super) fn registry(top_level: &str) -> &'static Registry {
    let unknown = if top_level.len() == 2 { &KNOWN.country } else { &KNOWN.usual };
    KNOWN.by_top_level.get(top_level).unwrap_or(unknown)
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

/// The RDAP service of a top-level domain, where one is known.
pub(super) fn rdap_service(top_level: &str) -> Option<&'static Url> {
    RDAP.get(top_level)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_files_are_valid() {
        assert!(registry("de").query("shop.de").starts_with("-T dn,ace shop.de\r"));
        assert_eq!(registry("com").query("shop.com"), "domain shop.com\r\n");
        assert_eq!(registry("jp").query("shop.jp"), "shop.jp/e\r\n");
        assert!(registry("com").is_thin && !registry("de").tells_expiry && registry("example").server.is_none());
        assert!(rdap_service("com").is_some_and(|url| url.path().ends_with('/')));
        assert!(rdap_service("example").is_none());
        assert!(RDAP.values().all(|url| url.scheme() == "https" && url.path().ends_with('/')));
        let is_lower = |word: &String| !word.is_empty() && *word == word.to_lowercase();
        for registry in KNOWN.by_top_level.values().chain([&KNOWN.usual]) {
            assert!(registry.free.iter().chain(&registry.limited).chain(registry.statuses.keys()).all(is_lower));
            assert!(registry.query.contains("NAME"));
        }
    }
}
