//! Validates the options of a domain test: the one place that says what is wrong with them.
//! The target is brought to the name that a registry knows, so that a test never asks about something else.

use std::str::FromStr;

use url::Url;

use super::{Options, registrable::registrable};
use crate::{Endpoint, HostName, InvalidEndpoint, Limits, Reader, WarnDays, split_scheme};

/// The port of WHOIS (RFC 3912).
const WHOIS_PORT: u16 = 43;
const MOST_BLOCKLISTS: usize = 20;
/// The longest URL of an RDAP service, in bytes.
const LONGEST_URL: usize = 2_000;

/// The canonical target and the options, from a test's object.
pub(crate) fn read(target: Option<&str>, _: Limits, reader: &mut Reader) -> Option<(String, Options)> {
    let before = reader.problem_count();
    let name = read_name(target, reader);
    let own = reader.nested("domain", |reader| Own {
        rdap: reader.parse::<Rdap>("rdap").map(|rdap| rdap.0),
        whois: reader.parse::<Whois>("whois").map(|whois| whois.0),
        blocklists: reader.list::<Zone>("blocklists", MOST_BLOCKLISTS).unwrap_or_default(),
        warn_days: WarnDays::read(reader, "warn_days").unwrap_or_default(),
    });
    let (asked, domain) = name?;
    let mut blocklists: Vec<HostName> = Vec::with_capacity(own.blocklists.len());
    for Zone(zone) in own.blocklists {
        if !blocklists.contains(&zone) {
            blocklists.push(zone);
        }
    }
    let options = Options { asked, domain, rdap: own.rdap, whois: own.whois, blocklists, warn_days: own.warn_days };
    (reader.problem_count() == before).then(|| (options.asked.to_string(), options))
}

/// What stands under the type's name.
struct Own {
    rdap: Option<Url>,
    whois: Option<Endpoint>,
    blocklists: Vec<Zone>,
    warn_days: WarnDays,
}

fn read_name(target: Option<&str>, reader: &mut Reader) -> Option<(HostName, Box<str>)> {
    let text = target.map(str::trim).unwrap_or_default();
    let (_, name) = split_scheme(text, &["domain"]);
    if name.is_empty() {
        reader.problem("target", "is missing; give the domain name to test, such as shop.example");
        return None;
    }
    let host = match name.parse::<HostName>() {
        Ok(host) => host,
        Err(_) if name.contains(['/', ':', '@']) => {
            reader.problem("target", "must be a domain name alone, such as shop.example, without port, path or user");
            return None;
        }
        Err(message) => {
            reader.problem("target", message);
            return None;
        }
    };
    let Some(name) = host.name() else {
        reader.problem("target", "is an IP address, which is not registered as a name; give a domain name");
        return None;
    };
    match registrable(name) {
        Ok(domain) => {
            let domain = domain.into();
            Some((host, domain))
        }
        Err(_) => {
            let message = format!("{name} is a public suffix, under which names are registered; give a name below it");
            reader.problem("target", message);
            None
        }
    }
}

struct Rdap(Url);

impl FromStr for Rdap {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "must be the URL of an RDAP service, such as https://rdap.example/";
        let mut url = Url::parse(text.trim()).map_err(|_| FORM)?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() || url.query().is_some() {
            return Err(FORM);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not have a user or a password; RDAP is public");
        }
        if url.as_str().len() > LONGEST_URL {
            return Err("must have 2000 characters at most");
        }
        url.set_fragment(None);
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Ok(Self(url))
    }
}

struct Whois(Endpoint);

impl FromStr for Whois {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (_, rest) = split_scheme(text.trim(), &["whois"]);
        Endpoint::parse(rest, Some(WHOIS_PORT)).map(Self).map_err(|error| match error {
            InvalidEndpoint::NoHost | InvalidEndpoint::NoPort => "must be HOST:PORT, such as whois.example:43",
            InvalidEndpoint::Malformed(message) => message,
        })
    }
}

struct Zone(HostName);

impl FromStr for Zone {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let host: HostName = text.trim().parse()?;
        if host.name().is_none() {
            return Err("must be the zone of a DNS blocklist, such as dbl.example");
        }
        Ok(Self(host))
    }
}
