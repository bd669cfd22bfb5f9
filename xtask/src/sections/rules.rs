//! The rules that the catalogue's sections keep: complete, unambiguous, and written in whole sentences.
//! Every breach is told, not only the first.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use super::{Code, Family, Section, TestType};

/// The numbers below 600 that each family has. They are a public contract: none may be missing, and no other may be used.
const CONTRACT: [(Family, &[RangeInclusive<i16>]); 4] = [
    (
        Family::Service,
        &[-3..=0, 100..=102, 400..=404, 410..=420, 450..=454, 460..=465, 480..=486, 490..=493, 520..=527],
    ),
    (Family::Server, &[-3..=0, 100..=106]),
    (Family::Certificate, &[-3..=0, 410..=411, 414..=420, 450..=454, 470..=470]),
    (Family::Domain, &[-3..=0, 500..=501, 510..=514]),
];

/// Numbers from here on are Watchkeep's own, ten to a section.
const FIRST_EXTENSION: i16 = 600;

/// What would break a table, a page or the tone.
const UNWANTED: [char; 5] = ['\n', '|', '<', '*', '!'];

/// Every breach of the rules, one sentence each.
pub(super) fn problems(sections: &[Section]) -> Vec<String> {
    let mut found = Vec::new();
    let mut orders = BTreeMap::new();
    let mut schemes = BTreeMap::new();
    for section in sections {
        let at = format!("section {}", section.name);
        if !is_snake_case(&section.name) {
            found.push(format!("{at}: the name is not snake_case"));
        }
        if let Some(other) = orders.insert(section.order, &section.name) {
            found.push(format!("{at}: section {other} has the order {} already", section.order));
        }
        found.extend(label_problem(&section.title).map(|problem| format!("{at}: the title {problem}")));
        found.extend(sentence_problem(&section.description).map(|problem| format!("{at}: the description {problem}")));
        if section.codes.is_empty() {
            found.push(format!("{at}: has no code"));
        }
        if let Some(test) = &section.test {
            found.extend(test_problems(section, test).map(|problem| format!("{at}: {problem}")));
            for scheme in &test.schemes {
                if let Some(other) = schemes.insert(scheme, &section.name) {
                    found.push(format!("{at}: the scheme {scheme} belongs to section {other} already"));
                }
            }
        }
        for code in &section.codes {
            found.extend(text_problems(code).map(|problem| format!("{at}, code {}: {problem}", code.code)));
        }
    }
    found.extend(key_problems(sections));
    found
}

fn test_problems<'a>(section: &'a Section, test: &'a TestType) -> impl Iterator<Item = String> + 'a {
    let stranger = (test.name != section.name).then(|| format!("its test type is called {}", test.name));
    let unreachable = test.schemes.is_empty().then(|| "its test type has no scheme".to_owned());
    let labels = [("title", &test.title), ("example", &test.example)];
    let labels = labels.into_iter().filter_map(|(field, text)| {
        label_problem(text).map(|problem| format!("the {field} of its test type {problem}"))
    });
    let interval = seconds(&test.interval).is_none().then(|| {
        format!("its test type has the interval {:?}, which is no whole number of s, m, h or d", test.interval)
    });
    [stranger, unreachable, interval].into_iter().flatten().chain(labels)
}

/// The seconds of a duration such as `90s`, `1m`, `6h`, `1d`.
pub(crate) fn seconds(text: &str) -> Option<u32> {
    let unit = text.chars().next_back()?;
    let number: u32 = text.strip_suffix(unit)?.parse().ok().filter(|number| *number > 0)?;
    let length = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    number.checked_mul(length)
}

fn text_problems(code: &Code) -> impl Iterator<Item = String> {
    let sentences = [("summary", &code.summary), ("explanation", &code.explanation), ("remedy", &code.remedy)];
    let texts = sentences
        .into_iter()
        .filter_map(|(field, text)| sentence_problem(text).map(|problem| format!("the {field} {problem}")));
    let name = (!is_snake_case(&code.name)).then(|| format!("the name {:?} is not snake_case", code.name));
    let since = (!is_version(&code.since)).then(|| format!("since is {:?} and no version", code.since));
    let family = (code.family.is_some() != code.families.is_empty())
        .then(|| "must have either family or a list of families".to_owned());
    texts.chain(name).chain(since).chain(family)
}

/// What must hold between codes: unique keys and names, the contract kept, extensions in blocks of their own.
fn key_problems(sections: &[Section]) -> Vec<String> {
    let mut found = Vec::new();
    let mut keys = BTreeMap::new();
    let mut names = BTreeSet::new();
    let mut blocks = BTreeMap::new();
    for section in sections {
        for code in &section.codes {
            let number = code.code;
            let at = format!("section {}, code {number}", section.name);
            for family in code.families() {
                let word = family.as_str();
                if let Some(other) = keys.insert((family, number), &section.name) {
                    found.push(format!("{at}: {word} has this code in section {other} already"));
                }
                if !names.insert((family, &code.name)) {
                    found.push(format!("{at}: {word} has the name {} already", code.name));
                }
                if number < FIRST_EXTENSION && !contract_of(family).any(|known| known == number) {
                    found.push(format!("{at}: {word} has no such number; extensions start at {FIRST_EXTENSION}"));
                }
            }
            if number >= FIRST_EXTENSION {
                let owner = *blocks.entry(number / 10).or_insert(&section.name);
                if *owner != section.name {
                    found.push(format!("{at}: this block of ten belongs to section {owner}"));
                }
            }
        }
    }
    for family in Family::ALL {
        let missing = contract_of(family).filter(|number| !keys.contains_key(&(family, *number)));
        found.extend(missing.map(|number| format!("{} {number} stands in no section", family.as_str())));
    }
    found
}

fn contract_of(family: Family) -> impl Iterator<Item = i16> {
    CONTRACT.iter().filter(move |(other, _)| *other == family).flat_map(|(_, ranges)| ranges.iter().cloned().flatten())
}

fn sentence_problem(text: &str) -> Option<String> {
    label_problem(text).or_else(|| (!text.ends_with('.')).then(|| "does not end with a full stop".to_owned()))
}

fn label_problem(text: &str) -> Option<String> {
    if text.is_empty() || text.trim() != text {
        return Some("is empty or has blanks at an end".to_owned());
    }
    text.chars().find(|letter| UNWANTED.contains(letter)).map(|letter| format!("has {letter:?} in it"))
}

fn is_snake_case(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn is_version(text: &str) -> bool {
    let parts: Vec<_> = text.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| part.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;
    use crate::sections;

    fn good() -> Vec<Section> {
        sections::read(&crate::root()).unwrap()
    }

    #[test]
    fn every_breach_is_told() {
        type Spoil = fn(&mut Vec<Section>);
        let cases: &[(Spoil, &str)] = &[
            (|all| all[2].name = "H T".to_owned(), "section H T: the name is not snake_case"),
            (|all| all[1].order = all[0].order, "has the order 10 already"),
            (|all| all[0].title.clear(), "the title is empty"),
            (|all| all[0].description = "No stop".to_owned(), "the description does not end with a full stop"),
            (|all| all[0].codes[0].summary = "Hurry!.".to_owned(), "the summary has '!' in it"),
            (|all| all[0].codes[0].remedy = " ".to_owned(), "the remedy is empty"),
            (|all| all[0].codes[0].name = "Ok".to_owned(), "\"Ok\" is not snake_case"),
            (|all| all[0].codes[0].since = "1.0".to_owned(), "since is \"1.0\" and no version"),
            (|all| all[2].codes[0].family = None, "must have either family or a list"),
            (|all| all[2].codes[0].families = vec![Family::Domain], "must have either family or a list"),
            (|all| all[2].codes[0].code = 599, "service has no such number"),
            (|all| all[2].codes[0].code = 599, "service 410 stands in no section"),
            (|all| all[2].codes[0].code = 411, "service has this code in section http already"),
            (|all| all[2].codes[0].name = "operational".to_owned(), "service has the name operational already"),
            (|all| all[2].test.as_mut().unwrap().name = "web".to_owned(), "its test type is called web"),
            (|all| all[2].test.as_mut().unwrap().schemes.clear(), "its test type has no scheme"),
            (|all| all[2].test.as_mut().unwrap().interval = "1 week".to_owned(), "has the interval \"1 week\""),
            (|all| all[1].test = all[2].test.clone(), "the scheme http belongs to section icmp already"),
            (|all| all[1].codes.clear(), "section icmp: has no code"),
            (
                |all| {
                    all[1].codes[0].code = 620;
                    all[2].codes[0].code = 621;
                },
                "belongs to section icmp",
            ),
        ];
        for (spoil, expected) in cases {
            let mut sections = good();
            spoil(&mut sections);
            let found = problems(&sections);
            assert!(found.iter().any(|problem| problem.contains(expected)), "{expected} is not among {found:#?}");
        }
        assert_eq!(problems(&good()), Vec::<String>::new());
    }
}
