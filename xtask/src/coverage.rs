//! Holds the catalogue against the tests: every code that can be reported has a test that makes a peer cause it.
//! Such a test is called `code_<number>_<cause>` (`code_451_refused`); in another family than service the family stands
//! before it (`certificate_code_416_expired`), and a negative number is written `code_minus_1_…`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use crate::{
    peers,
    sections::{self, Family, Section},
};

/// What is in the catalogue and not reported yet. This list shrinks: a code that gets a test must leave it.
const TO_COME: &[(&str, &[RangeInclusive<i16>])] = &[("server", &[100..=106])];

/// Where the tests of codes that a test of a target ends in live.
const TESTS_OF_RESULTS: &str = "crates/probe/tests";

/// Where the tests of states live, which no test of a target ends in: the negative numbers.
const TESTS_OF_STATES: &str = "crates/judge/tests";

type Key = (Family, i16);

/// Every gap between the catalogue, the tests and the list of what is to come, one sentence each.
fn gaps(sections: &[Section], tested: &BTreeSet<Key>, to_come: &[(&str, &[RangeInclusive<i16>])]) -> Vec<String> {
    let mut found = Vec::new();
    let is_listed = |section: &str, number: i16| {
        to_come.iter().any(|(name, ranges)| *name == section && ranges.iter().any(|range| range.contains(&number)))
    };
    let mut known = BTreeSet::new();
    for section in sections {
        for code in &section.codes {
            let number = code.code;
            known.insert((section.name.as_str(), number));
            let listed = is_listed(&section.name, number);
            // What is general is the same in every family, and one test serves all.
            let most = if section.name == "general" { 1 } else { usize::MAX };
            let families = code.families().take(most);
            for family in families {
                let word = family.as_str();
                match (tested.contains(&(family, number)), listed) {
                    (false, false) => found.push(format!("{word} {number} ({}) has no test", code.name)),
                    (true, true) => found.push(format!("{word} {number} has a test: take it off TO_COME")),
                    (true, false) | (false, true) => {}
                }
            }
            if listed && section.test.is_some() {
                found.push(format!("{number} is still to come, yet section {} has a test type", section.name));
            }
        }
    }
    for (section, ranges) in to_come {
        for number in ranges.iter().cloned().flatten().filter(|number| !known.contains(&(*section, *number))) {
            found.push(format!("{number} is still to come, yet section {section} does not have it"));
        }
    }
    found
}

/// A test that is named for a code.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Proof {
    /// `http_exchange::code_451_refused`.
    name: String,
    /// The real programs that it speaks of, beside or instead of the lab's peers.
    peers: Vec<&'static str>,
}

type Proofs = BTreeMap<Key, Vec<Proof>>;

/// Prints which test reaches which code, against which real program, and fails when a code has none.
pub(crate) fn print(root: &Path) -> Result<(), String> {
    let sections = sections::read(root)?;
    let proofs = proofs(root)?;
    for section in &sections {
        println!("{}", section.title);
        for (code, family) in section.codes.iter().flat_map(|code| code.families().map(move |family| (code, family))) {
            let Some(found) = proofs.get(&(family, code.code)) else { continue };
            println!("  {:>4}  {} ({})", code.code, code.name, family.as_str());
            for Proof { name, peers } in found {
                let peers = if peers.is_empty() { String::new() } else { format!("  [{}]", peers.join(", ")) };
                println!("        {name}{peers}");
            }
        }
    }
    let tested: BTreeSet<Key> = proofs.keys().copied().collect();
    let with_peers = proofs.values().filter(|found| found.iter().any(|proof| !proof.peers.is_empty())).count();
    let tests: usize = proofs.values().map(Vec::len).sum();
    println!("{} codes, {tests} tests named for them, {with_peers} codes against a real program", tested.len());
    match gaps(&sections, &tested, TO_COME) {
        none if none.is_empty() => Ok(()),
        gaps => Err(format!("gaps in the tests of codes:\n{}", gaps.join("\n"))),
    }
}

/// Every test that is named for a code that it can prove: results by tests of targets, states by tests of the judge.
fn proofs(root: &Path) -> Result<Proofs, String> {
    let mut proofs = proofs_below(&root.join(TESTS_OF_RESULTS))?;
    proofs.retain(|(_, number), _| *number >= 0);
    let states = proofs_below(&root.join(TESTS_OF_STATES))?;
    proofs.extend(states.into_iter().filter(|((_, number), _)| *number < 0));
    Ok(proofs)
}

fn proofs_below(folder: &Path) -> Result<Proofs, String> {
    let mut proofs = Proofs::new();
    let mut open: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        let unreadable = |error: std::io::Error| format!("{}: {error}", path.display());
        if path.is_dir() {
            for file in fs::read_dir(&path).map_err(unreadable)? {
                open.push(file.map_err(unreadable)?.path());
            }
            open.sort();
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).map_err(unreadable)?;
            let file = path.file_stem().unwrap_or_default().to_string_lossy();
            for (test, body) in tests_of(&text) {
                if let Some(key) = key_of(test) {
                    let proof = Proof { name: format!("{file}::{test}"), peers: peers_in(&format!("{test}\n{body}")) };
                    proofs.entry(key).or_default().push(proof);
                }
            }
        }
    }
    Ok(proofs)
}

/// The real programs that a test's text names.
fn peers_in(text: &str) -> Vec<&'static str> {
    let text = text.to_ascii_lowercase();
    let mut named: Vec<_> = peers::of_tests().filter(|peer| text.contains(peer)).collect();
    named.dedup();
    named
}

/// The functions that a test runner runs, each with the text up to the next function; ignored ones prove nothing.
fn tests_of(text: &str) -> Vec<(&str, String)> {
    let mut tests: Vec<(&str, String)> = Vec::new();
    let (mut is_test, mut is_ignored, mut is_within) = (false, false, false);
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
        if line.starts_with("#[") {
            is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            is_ignored |= line.starts_with("#[ignore");
        } else if let Some((_, rest)) = line.split_once("fn ") {
            is_within = is_test && !is_ignored;
            if is_within {
                tests.extend(rest.split('(').next().map(|name| (name, String::new())));
            }
            (is_test, is_ignored) = (false, false);
        } else if let Some((_, body)) = tests.last_mut().filter(|_| is_within) {
            body.push_str(line);
            body.push('\n');
        }
    }
    tests
}

/// The code that a test's name speaks of.
fn key_of(name: &str) -> Option<Key> {
    let (before, rest) = name.split_once("code_")?;
    if !before.is_empty() && !before.ends_with('_') {
        return None;
    }
    let (sign, digits) = rest.strip_prefix("minus_").map_or((1, rest), |digits| (-1, digits));
    let number: i16 = digits.split('_').next()?.parse().ok()?;
    let words: Vec<_> = before.split('_').collect();
    let family = Family::ALL.into_iter().find(|family| words.contains(&family.as_str())).unwrap_or(Family::Service);
    Some((family, sign * number))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    #[test]
    fn every_code_that_can_be_reported_has_a_test() {
        let root = crate::root();
        let tested = proofs(&root).unwrap().into_keys().collect();
        let gaps = gaps(&sections::read(&root).unwrap(), &tested, TO_COME);
        assert!(gaps.is_empty(), "\n{}", gaps.join("\n"));
    }

    #[test]
    fn gaps_are_told_in_both_directions() {
        let sections = sections::read(&crate::root()).unwrap();
        let none = BTreeSet::new();
        let to_do = gaps(&sections, &none, TO_COME);
        assert!(to_do.contains(&"service 451 (http_connect_failed) has no test".to_owned()), "{to_do:#?}");
        let keys = to_do.iter().map(|gap| {
            let mut words = gap.split(' ');
            let family = words.next().unwrap();
            let family = Family::ALL.into_iter().find(|known| known.as_str() == family).unwrap();
            (family, words.next().unwrap().parse().unwrap())
        });
        let complete: BTreeSet<Key> = keys.collect();
        assert_eq!(gaps(&sections, &complete, TO_COME), Vec::<String>::new());

        let mut without_451 = complete.clone();
        without_451.remove(&(Family::Service, 451));
        assert_eq!(gaps(&sections, &without_451, TO_COME), ["service 451 (http_connect_failed) has no test"]);

        let mut with_server = complete.clone();
        with_server.insert((Family::Server, 106));
        assert_eq!(gaps(&sections, &with_server, TO_COME), ["server 106 has a test: take it off TO_COME"]);

        let unlisted = gaps(&sections, &complete, &TO_COME[1..]);
        let first: usize = TO_COME[0].1.iter().map(|range| range.clone().count()).sum();
        assert_eq!(unlisted.len(), first, "{unlisted:#?}");
        let mut listed = TO_COME.to_vec();
        let wrong: [(&str, &'static [RangeInclusive<i16>]); 2] = [("http", &[451..=451]), ("udp", &[9..=9])];
        listed.extend(wrong);
        assert_eq!(
            gaps(&sections, &complete, &listed),
            [
                "service 451 has a test: take it off TO_COME",
                "451 is still to come, yet section http has a test type",
                "9 is still to come, yet section udp does not have it",
            ]
        );
    }

    #[test]
    fn real_programs_are_recognised_in_a_test() {
        let text = "#[test]\nfn code_0_served() {\nlet site = Nginx::start();\n}\nfn other() { vsftpd(); }\n";
        let tests = tests_of(text);
        assert_eq!(tests.len(), 1);
        assert_eq!(peers_in(&tests[0].1), ["nginx"]);
    }

    #[test]
    fn names_of_tests_are_understood() {
        let text = "#[tokio::test]\nasync fn code_451_refused() {}\nfn code_452_no_test() {}\n\
                    #[test]\n#[ignore = \"slow\"]\nfn code_453_ignored() {}\n#[test]\npub fn other() {}\n";
        let names: Vec<_> = tests_of(text).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["code_451_refused", "other"]);
        assert_eq!(key_of("code_451_refused"), Some((Family::Service, 451)));
        assert_eq!(key_of("nginx_code_0"), Some((Family::Service, 0)));
        assert_eq!(key_of("code_minus_3_until_the_first_result"), Some((Family::Service, -3)));
        assert_eq!(key_of("certificate_code_416_expired"), Some((Family::Certificate, 416)));
        assert_eq!(key_of("decode_451"), None);
        assert_eq!(key_of("code_of_a_newer_version"), None);
    }
}
