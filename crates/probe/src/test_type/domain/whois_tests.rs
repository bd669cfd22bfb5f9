//! Every fixture of `tests/fixtures/whois`, read as the answer of the registry that its name begins with.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::{fs, path::PathBuf};

use proptest::prelude::*;

use super::*;
use crate::test_type::domain::registries::{registrar, registry};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/whois")
}

fn answer(file: &str) -> Answer {
    let bytes = fs::read(folder().join(format!("{file}.txt"))).unwrap();
    let top_level = file.split('_').next().unwrap();
    let (name, registry) = match top_level {
        "uk" => ("shop.co.uk".to_owned(), registry("shop.co.uk")),
        "academic" => ("college.ac.uk".to_owned(), registry("college.ac.uk")),
        "br" | "au" => (format!("shop.com.{top_level}"), registry(&format!("shop.com.{top_level}"))),
        "registrar" => ("shop.com".to_owned(), registrar()),
        other => (format!("shop.{other}"), registry(&format!("shop.{other}"))),
    };
    read(&name, registry, &bytes)
}

/// What a registered name's facts are: file, registrar, created, updated, expires (days), statuses, DNSSEC.
type Row = (
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
    Option<&'static str>,
    Option<&'static str>,
    &'static str,
    Option<bool>,
);

const REGISTERED: [Row; 22] = [
    (
        "com_registered",
        Some("Registrar Ltd"),
        Some("1999-08-14"),
        Some("2025-08-14"),
        Some("2046-08-13"),
        "clientTransferProhibited clientUpdateProhibited",
        Some(false),
    ),
    (
        "registrar_registered",
        Some("Registrar Ltd"),
        Some("1999-08-14"),
        Some("2025-08-14"),
        Some("2045-01-01"),
        "clientTransferProhibited clientUpdateProhibited",
        Some(false),
    ),
    (
        "org_registered",
        Some("Registrar Ltd"),
        Some("1999-08-14"),
        Some("2025-08-14"),
        Some("2046-08-13"),
        "clientTransferProhibited clientUpdateProhibited",
        Some(true),
    ),
    (
        "io_unprotected",
        Some("Registrar Ltd"),
        Some("1999-08-14"),
        Some("2025-08-14"),
        Some("2046-08-13"),
        "ok",
        Some(false),
    ),
    ("de_registered", None, None, Some("2024-03-12"), None, "ok", Some(true)),
    ("fr_registered", Some("BUREAU EXEMPLE"), Some("1999-05-01"), Some("2025-06-01"), Some("2046-12-31"), "ok", None),
    (
        "uk_registered",
        Some("Registrar Limited [Tag = REGISTRAR]"),
        Some("1999-08-01"),
        Some("2025-07-02"),
        Some("2046-08-01"),
        "ok",
        None,
    ),
    ("eu_registered", Some("Registrar GmbH"), None, None, None, "", None),
    ("nl_registered", Some("Registrar B.V."), Some("1999-05-27"), Some("2024-02-14"), None, "ok", Some(true)),
    (
        "it_registered",
        Some("Registrar s.r.l."),
        Some("1999-12-10"),
        Some("2025-05-07"),
        Some("2046-04-21"),
        "ok",
        Some(false),
    ),
    (
        "pl_registered",
        Some("Rejestrator Sp. z o.o."),
        Some("1999-03-19"),
        Some("2025-03-12"),
        Some("2046-03-18"),
        "",
        Some(false),
    ),
    ("br_registered", None, Some("1999-05-18"), Some("2025-04-23"), Some("2046-05-18"), "ok", None),
    ("jp_registered", None, Some("2001-03-22"), Some("2025-03-31"), Some("2046-03-31"), "ok", None),
    (
        "cn_registered",
        Some("示例注册商有限公司"),
        Some("2003-03-17"),
        None,
        Some("2046-03-17"),
        "clientTransferProhibited serverUpdateProhibited",
        Some(false),
    ),
    ("ru_registered", Some("REGISTRATOR-RU"), Some("1999-09-23"), None, Some("2046-09-30"), "ok", None),
    (
        "au_registered",
        Some("Registrar Pty Ltd"),
        None,
        Some("2025-10-12"),
        None,
        "clientTransferProhibited serverRenewProhibited",
        Some(false),
    ),
    (
        "se_registered",
        Some("Registrar AB"),
        Some("1999-09-10"),
        Some("2025-08-04"),
        Some("2046-10-20"),
        "ok",
        Some(true),
    ),
    (
        "fi_registered",
        Some("Rekisteri Oy"),
        Some("2004-05-01"),
        Some("2025-08-12"),
        Some("2046-08-31"),
        "ok",
        Some(false),
    ),
    ("kr_registered", None, Some("2001-05-24"), Some("2025-01-02"), Some("2046-05-24"), "", Some(false)),
    ("be_registered", Some("Registrar NV"), Some("2001-09-24"), None, None, "clientTransferProhibited ok", None),
    (
        "academic_registered",
        Some("Network Services Limited"),
        Some("2003-09-17"),
        Some("2008-06-16"),
        Some("2046-06-14"),
        "",
        None,
    ),
    ("uk_suspended", Some("Registrar Limited [Tag = REGISTRAR]"), None, None, Some("2046-08-01"), "serverHold", None),
];

const WITH_STATUS: [(&str, &str); 9] = [
    ("com_hold", "clientHold"),
    ("com_redemption", "redemptionPeriod"),
    ("io_pending_delete", "pendingDelete"),
    ("de_redemption", "redemptionPeriod"),
    ("fr_redemption", "redemptionPeriod"),
    ("nl_quarantine", "redemptionPeriod"),
    ("it_pending_delete", "pendingDelete"),
    ("br_hold", "serverHold"),
    ("uk_suspended", "serverHold"),
];

#[test]
fn registered_names_have_their_facts() {
    for (file, registrar, created, updated, expires, statuses, dnssec) in REGISTERED {
        let Answer::Registered { facts, .. } = answer(file) else { panic!("{file}: {:?}", answer(file)) };
        let day = |at: Option<jiff::Timestamp>| at.map(|at| at.strftime("%Y-%m-%d").to_string());
        assert_eq!(facts.registrar.as_deref(), registrar, "{file}");
        assert_eq!(day(facts.created_at).as_deref(), created, "{file}: created");
        assert_eq!(day(facts.updated_at).as_deref(), updated, "{file}: updated");
        assert_eq!(day(facts.expires_at).as_deref(), expires, "{file}: expires");
        assert_eq!(facts.statuses.join(" "), statuses, "{file}");
        assert_eq!(facts.dnssec, dnssec, "{file}: DNSSEC");
        let servers = if file == "uk_suspended" { 0 } else { 2 };
        assert_eq!(facts.name_servers.len(), servers, "{file}: {:?}", facts.name_servers);
    }
}

#[test]
fn statuses_that_end_a_registration_are_told() {
    for (file, status) in WITH_STATUS {
        let Answer::Registered { facts, .. } = answer(file) else { panic!("{file}: {:?}", answer(file)) };
        assert!(facts.has_status(&[status]), "{file}: {:?}", facts.statuses);
    }
}

#[test]
fn every_fixture_is_read_for_what_it_is() {
    for file in fs::read_dir(folder()).unwrap() {
        let file = file.unwrap().file_name().into_string().unwrap();
        let file = file.strip_suffix(".txt").unwrap();
        let is_known = REGISTERED.iter().any(|row| row.0 == file) || WITH_STATUS.iter().any(|row| row.0 == file);
        match answer(file) {
            Answer::Absent => assert!(file.ends_with("_free"), "{file} is no free name"),
            Answer::Limited(words) => assert!(file.ends_with("_limited") && !words.is_empty(), "{file}: {words}"),
            Answer::Registered { .. } => assert!(is_known, "{file} is registered and in no table"),
            Answer::NotUnderstood(reason) => panic!("{file}: {reason}"),
        }
    }
}

/// The words of free names and of limits stand in notices too, where they mean something else.
#[test]
fn words_count_where_they_are_said_of_the_name() {
    let shop = |text: &str| read("shop.example", registry("shop.example"), text.as_bytes());
    for notice in [
        "This WHOIS service is free of charge.\nThe service is under maintenance.\n",
        "% Database not found, internal error\n",
        "ERROR: the requested service does not exist here\n",
        "Your address is not registered for this service\n",
        "Status: maintenance\n",
    ] {
        assert!(matches!(shop(notice), Answer::NotUnderstood(_)), "{notice}: {:?}", shop(notice));
    }
    for free in ["shop.example is free", "% No match for shop.example", "Domain SHOP.EXAMPLE not found.", "NOT FOUND"] {
        assert_eq!(shop(free), Answer::Absent, "{free}");
    }
    let terms = "\n\nAccess to the WHOIS and RDAP services is rate limited.\n";
    assert_eq!(shop(&format!("The queried object does not exist: DOMAIN NOT FOUND{terms}")), Answer::Absent);
    let registered = shop(&format!("Domain Name: shop.example\nDomain Status: clientHold{terms}"));
    assert!(matches!(registered, Answer::Registered { .. }), "{registered:?}");
    assert!(matches!(shop("Error: rate limit reached"), Answer::Limited(_)));
}

#[test]
fn the_registrars_server_is_told() {
    let Answer::Registered { referral, .. } = answer("com_registered") else { panic!() };
    assert_eq!(referral.as_deref(), Some("whois.registrar.example"));
}

#[test]
fn what_is_not_known_is_told() {
    for (text, words) in [
        ("", "nothing"),
        ("hello", "hello"),
        ("Domain Name: other.com\nCreation Date: 2001-01-01\n", "another name, other.com"),
    ] {
        let Answer::NotUnderstood(reason) = read("shop.com", registry("shop.com"), text.as_bytes()) else {
            panic!("{text}")
        };
        assert!(reason.contains(words), "{reason}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), text in "(\\PC{0,20}[:\\]\\[ \n]){0,20}") {
        for name in ["shop.com", "shop.de", "shop.jp", "shop.uk", "shop.example"] {
            let _ = (read(name, registry(name), &bytes), read(name, registry(name), text.as_bytes()));
        }
    }
}
