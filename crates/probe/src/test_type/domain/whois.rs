//! WHOIS answers (RFC 3912): text without a form of its own, read by what `registries.toml` says of the registry.
//! Bytes in, facts out; asking for them stands in `sources`.

use super::{
    dates,
    facts::{Facts, epp, name_server},
    rdap::beginning,
    registries::Registry,
};

/// What an answer amounts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The name is registered; the registrar's own server where one is named.
    Registered { facts: Facts, referral: Option<String> },
    /// Nobody holds it.
    Absent,
    /// The server is asked too often; its words.
    Limited(String),
    /// Nothing in it is known; why.
    NotUnderstood(String),
}

/// Reads an answer about `name`.
pub(super) fn read(name: &str, registry: &Registry, bytes: &[u8]) -> Answer {
    let text = decoded(bytes);
    let entries = entries(&text, registry);
    let (facts, is_about) = gather(name, registry, &entries);
    if let About::Another(other) = is_about {
        return Answer::NotUnderstood(format!("it answered for another name, {}", crate::outside::shown(&other)));
    }
    let is_free = lines(&text).any(|line| says_free(&simple(line), name, registry));
    // A status alone is a fact about the name that it stands beside, unless it is one such as `free`.
    let is_bare = Facts { statuses: Vec::new(), ..facts.clone() } == Facts::default();
    let is_fact = if is_bare { matches!(is_about, About::Name) && !is_free } else { true };
    // Free texts may say anything below the facts, so that facts count before words.
    if facts != Facts::default() && is_fact {
        let referral = value(&entries, &registry.keys.referral).map(str::to_owned);
        return Answer::Registered { facts: facts.tidied(), referral };
    }
    // Terms of use tell of limits below any answer, so that an answer counts before them.
    if is_free {
        return Answer::Absent;
    }
    let limited = |line: &&str| registry.limited.iter().any(|words| simple(line).contains(words.as_str()));
    match lines(&text).find(limited) {
        Some(line) => Answer::Limited(crate::outside::shown(line)),
        None => Answer::NotUnderstood(format!("nothing in its answer is known: {}", beginning(text.as_bytes()))),
    }
}

/// Whether a line says that nobody holds the name: it begins so, or says it of the name itself. Within other sentences
/// the same words mean something else: a service that is free of charge, a client that is not registered.
fn says_free(line: &str, name: &str, registry: &Registry) -> bool {
    registry.free.iter().any(|words| line.starts_with(words.as_str()) || (line.contains(words) && line.contains(name)))
}

/// UTF-8, or Latin-1 where it is none.
fn decoded(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

/// The lines of an answer, comments without the characters that make them comments.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(|line| line.trim_start_matches(['%', '#', ' ', '\t']).trim_end())
}

/// A line in lower case, spaces counting once.
fn simple(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// A key with its value; keys in lower case, under the heading that they stand below.
#[derive(Debug)]
struct Entry<'t> {
    section: String,
    key: String,
    value: &'t str,
}

/// Every key and value of an answer. A line without a key goes on with the key before it, until an empty line.
fn entries<'t>(text: &'t str, registry: &Registry) -> Vec<Entry<'t>> {
    let mut entries = Vec::new();
    let mut section = String::new();
    let mut open: Option<String> = None;
    for line in text.lines().map(str::trim) {
        if line.is_empty() {
            (section, open) = (String::new(), None);
            continue;
        }
        if line.starts_with(['%', '#', '>']) {
            continue;
        }
        let (key, value) = match split(line) {
            Some((key, "")) => {
                section.clone_from(&key);
                open = Some(key);
                continue;
            }
            Some((key, value)) => {
                open = Some(key.clone());
                (key, value)
            }
            None if registry.headings.iter().any(|heading| heading.eq_ignore_ascii_case(line)) => {
                section = line.to_lowercase();
                open = Some(section.clone());
                continue;
            }
            None => match &open {
                Some(key) => (key.clone(), line),
                None => continue,
            },
        };
        entries.push(Entry { section: section.clone(), key, value });
    }
    entries
}

/// `Key: value`, `key......: value` or `[Key] value`.
fn split(line: &str) -> Option<(String, &str)> {
    const LONGEST_KEY: usize = 50;
    let (key, value) = match line.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => line
            .split_once(':')
            .filter(|(_, value)| value.is_empty() || value.starts_with([' ', '\t']) || is_word(line))?,
    };
    let key = key.trim().trim_end_matches('.').trim();
    // JPRS writes `a. [Domain Name]` and addresses with colons stand in lists.
    let is_key = (1..=LONGEST_KEY).contains(&key.len())
        && key.chars().next().is_some_and(char::is_alphabetic)
        && key.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | '/' | '(' | ')' | '\''));
    is_key.then(|| (key.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase(), value.trim()))
}

/// Whether what stands before the colon is words, not the beginning of an address or a URL.
fn is_word(line: &str) -> bool {
    let Some((key, value)) = line.split_once(':') else { return false };
    let is_url = value.starts_with("//");
    !is_url && key.len() > 4 && key.chars().all(|c| c.is_alphabetic() || c == ' ')
}

fn values<'e, 't>(entries: &'e [Entry<'t>], keys: &'e [String]) -> impl Iterator<Item = &'t str> + 'e {
    let is_one = |entry: &Entry<'_>| {
        keys.iter().any(|key| match key.split_once('/') {
            Some((section, key)) => entry.section == section && entry.key == key,
            None => entry.key == *key,
        })
    };
    entries.iter().filter(move |entry| is_one(entry)).map(|entry| entry.value)
}

fn value<'t>(entries: &[Entry<'t>], keys: &[String]) -> Option<&'t str> {
    values(entries, keys).next()
}

/// Whose answer it is.
enum About {
    Name,
    Another(String),
    /// It names nobody.
    Nobody,
}

fn gather(name: &str, registry: &Registry, entries: &[Entry<'_>]) -> (Facts, About) {
    let keys = &registry.keys;
    let named: Vec<String> = values(entries, &keys.domain).filter_map(ascii).collect();
    let about = match named.first() {
        _ if named.iter().any(|named| named == name) => About::Name,
        Some(other) => About::Another(other.clone()),
        None => About::Nobody,
    };
    let date = |keys: &[String]| values(entries, keys).find_map(dates::read);
    let mut statuses = Vec::new();
    for told in values(entries, &keys.statuses) {
        // What ICANN has put behind each status leads to its explanation.
        let told = told.split("http").next().unwrap_or_default();
        statuses.extend(told.split([',', '/']).filter_map(|told| status(told, registry)));
    }
    let facts = Facts {
        registrar: value(entries, &keys.registrar).map(|name| name.trim().to_owned()),
        created_at: date(&keys.created),
        updated_at: date(&keys.updated),
        expires_at: values(entries, &keys.expires).find_map(dates::read_end),
        statuses,
        name_servers: values(entries, &keys.name_servers).filter_map(name_server).collect(),
        dnssec: value(entries, &keys.dnssec).and_then(signed),
    };
    (facts, about)
}

/// A name as answers write it, in ASCII.
fn ascii(told: &str) -> Option<String> {
    let word = told.split_whitespace().next()?;
    word.parse::<watchkeep_model::HostName>().ok()?.name().map(str::to_owned)
}

/// One status, without the date that may follow it.
fn status(told: &str, registry: &Registry) -> Option<String> {
    let told = told.split('(').next().unwrap_or_default().trim();
    registry.statuses.get(&told.to_lowercase()).cloned().or_else(|| epp(told))
}

fn signed(told: &str) -> Option<bool> {
    let told = told.to_ascii_lowercase();
    match told.split_whitespace().next()? {
        "no" | "unsigned" | "inactive" | "none" | "n" | "false" => Some(false),
        _ if told.starts_with("not signed") || told.starts_with("unsigned") => Some(false),
        _ => Some(true),
    }
}

#[cfg(test)]
#[path = "whois_tests.rs"]
mod tests;
