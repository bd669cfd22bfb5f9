//! The catalogue against the contract: which codes exist in which family, and how grave each is.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use watchkeep_catalogue::{Family, Severity, StatusCode, all, find, service};

#[test]
fn every_code_of_the_contract_is_there_with_its_severity() {
    use Severity::{Degraded, Down, Inactive, Misconfigured, Operational, Pending};
    let everywhere = [(0, Operational), (-1, Inactive), (-2, Inactive), (-3, Pending)];
    let http = [
        (410, Misconfigured),
        (411, Misconfigured),
        (412, Down),
        (413, Down),
        (414, Down),
        (415, Down),
        (416, Down),
        (417, Down),
        (418, Down),
        (419, Down),
        (420, Down),
        (450, Down),
        (451, Down),
        (452, Down),
        (453, Down),
        (454, Misconfigured),
    ];
    let service = [
        (100, Misconfigured),
        (101, Misconfigured),
        (102, Degraded),
        (400, Misconfigured),
        (401, Down),
        (402, Down),
        (403, Degraded),
        (404, Down),
        (460, Misconfigured),
        (521, Misconfigured),
    ];
    let service_down =
        (461..=465).chain(480..=486).chain(490..=493).chain([520]).chain(522..=527).map(|code| (code, Down));
    let server = (100..=105).map(|code| (code, Degraded)).chain([(106, Down)]);
    let certificate = http.into_iter().filter(|(code, _)| !(412..=413).contains(code)).chain([(470, Down)]);
    let domain = [
        (500, Misconfigured),
        (501, Misconfigured),
        (510, Down),
        (511, Degraded),
        (512, Down),
        (513, Down),
        (514, Down),
    ];
    let mut expected: Vec<(Family, i16, Severity)> = Vec::new();
    expected
        .extend(everywhere.into_iter().flat_map(|(code, severity)| Family::ALL.map(|family| (family, code, severity))));
    expected.extend(
        http.into_iter().chain(service).chain(service_down).map(|(code, severity)| (Family::Service, code, severity)),
    );
    expected.extend(server.map(|(code, severity)| (Family::Server, code, severity)));
    expected.extend(certificate.map(|(code, severity)| (Family::Certificate, code, severity)));
    expected.extend(domain.into_iter().map(|(code, severity)| (Family::Domain, code, severity)));
    expected.sort_unstable();
    // Extensions come with their types of test.
    let fixed = all().iter().filter(|entry| !entry.is_extension());
    let found: Vec<_> = fixed.map(|entry| (entry.family, entry.code.number(), entry.severity)).collect();
    assert_eq!(found, expected);
}

#[test]
fn every_entry_is_found_by_its_key() {
    for entry in all() {
        assert_eq!(find(entry.family, entry.code), Some(entry));
    }
    assert_eq!(find(Family::Domain, StatusCode::new(451)), None);
    assert_eq!(find(Family::Service, service::HTTP_CONNECT_FAILED).unwrap().name, "http_connect_failed");
}

#[test]
fn a_code_of_a_newer_version_is_never_hidden() {
    assert_eq!(StatusCode::new(999).severity(Family::Service), Severity::Down);
}
