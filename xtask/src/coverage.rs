//! Holds the catalogue against the tests: every code that can be reported has a test that makes a peer cause it.
//! Such a test is called `code_<number>_<cause>` (`code_451_refused`); in another family than service the family stands
//! before it (`certificate_code_416_expired`), and a negative number is written `code_minus_1_…`.

use std::{
    collections::BTreeSet,
    fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use crate::sections::{Family, Section};

/// What is in the catalogue and not reported yet. This list shrinks: a code that gets a test must leave it.
const TO_COME: &[(&str, &[RangeInclusive<i16>])] = &[
    ("icmp", &[400..=404]),
    ("tcp", &[460..=465]),
    ("ftp", &[480..=486]),
    ("udp", &[490..=493]),
    ("websocket", &[520..=527]),
    ("server", &[100..=106]),
    ("certificate", &[410..=411, 414..=420, 450..=454, 470..=470]),
    ("domain", &[500..=501, 510..=514]),
];

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
            // The states are the same in every family, and one test serves all.
            let families = code.families().filter(|family| section.name != "general" || *family == Family::Service);
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

/// The keys that the names of the tests below `folder` speak of.
fn tested_below(folder: &Path) -> Result<BTreeSet<Key>, String> {
    let mut keys = BTreeSet::new();
    let mut open: Vec<PathBuf> = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        let unreadable = |error: std::io::Error| format!("{}: {error}", path.display());
        if path.is_dir() {
            for file in fs::read_dir(&path).map_err(unreadable)? {
                open.push(file.map_err(unreadable)?.path());
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).map_err(unreadable)?;
            keys.extend(test_names(&text).into_iter().filter_map(key_of));
        }
    }
    Ok(keys)
}

/// The names of the functions that a test runner runs; ignored ones prove nothing.
fn test_names(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let (mut is_test, mut is_ignored) = (false, false);
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[") {
            is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            is_ignored |= line.starts_with("#[ignore");
        } else if let Some((_, rest)) = line.split_once("fn ") {
            if is_test && !is_ignored {
                names.extend(rest.split('(').next());
            }
            (is_test, is_ignored) = (false, false);
        }
    }
    names
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
    use crate::sections;

    #[test]
    fn every_code_that_can_be_reported_has_a_test() {
        let root = crate::root();
        let results =
            tested_below(&root.join(TESTS_OF_RESULTS)).unwrap().into_iter().filter(|(_, number)| *number >= 0);
        let states = tested_below(&root.join(TESTS_OF_STATES)).unwrap().into_iter().filter(|(_, number)| *number < 0);
        let tested = results.chain(states).collect();
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

        let mut with_certificate = complete.clone();
        with_certificate.insert((Family::Certificate, 451));
        assert_eq!(gaps(&sections, &with_certificate, TO_COME), ["certificate 451 has a test: take it off TO_COME"]);

        let unlisted = gaps(&sections, &complete, &TO_COME[1..]);
        assert_eq!(unlisted.len(), 5, "{unlisted:#?}");
        let mut listed = TO_COME.to_vec();
        let wrong: [(&str, &'static [RangeInclusive<i16>]); 2] = [("http", &[451..=451]), ("icmp", &[9..=9])];
        listed.extend(wrong);
        assert_eq!(
            gaps(&sections, &complete, &listed),
            [
                "service 451 has a test: take it off TO_COME",
                "451 is still to come, yet section http has a test type",
                "9 is still to come, yet section icmp does not have it",
            ]
        );
    }

    #[test]
    fn names_of_tests_are_understood() {
        let text = "#[tokio::test]\nasync fn code_451_refused() {}\nfn code_452_no_test() {}\n\
                    #[test]\n#[ignore = \"slow\"]\nfn code_453_ignored() {}\n#[test]\npub fn other() {}\n";
        assert_eq!(test_names(text), ["code_451_refused", "other"]);
        assert_eq!(key_of("code_451_refused"), Some((Family::Service, 451)));
        assert_eq!(key_of("nginx_code_0"), Some((Family::Service, 0)));
        assert_eq!(key_of("code_minus_3_until_the_first_result"), Some((Family::Service, -3)));
        assert_eq!(key_of("certificate_code_416_expired"), Some((Family::Certificate, 416)));
        assert_eq!(key_of("decode_451"), None);
        assert_eq!(key_of("code_of_a_newer_version"), None);
    }
}
