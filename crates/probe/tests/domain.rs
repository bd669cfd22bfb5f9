//! The domain test against the lab's registries and blocklists: every code with its causes, and what is observed.
//! Row 17 of the list of faults.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

mod domain_support;
mod support;

use domain_support::{blocklists, fixture, just, observed, of, rdap, rdap_saying, run, run_on, run_with, whois, with};
use hickory_proto::op::ResponseCode;
use serde_json::json;
use support::expect;
use watchkeep_lab::{
    dns::{self, Answer},
    http::{Server, reply},
    raw::ClosedPort,
};
use watchkeep_model::domain::Source;
use watchkeep_probe::{Prober, ProberOptions};

fn code(text: &str) -> Answer {
    Answer::Addresses(vec![text.parse().unwrap()], 60)
}

#[tokio::test]
async fn domain_code_0_by_rdap() {
    let server = rdap(json!({})).await;
    let result = run(json!({"rdap": server.url("/rdap")})).await;
    expect(&result, 0, "");
    let seen = observed(&result);
    assert_eq!(seen.registrar.as_deref(), Some("Registrar Ltd"));
    assert_eq!(seen.statuses, ["clientTransferProhibited", "ok"]);
    assert_eq!(seen.name_servers, ["ns1.host.example", "ns2.host.example"]);
    assert_eq!((seen.dnssec, seen.days_left.is_some_and(|left| left > 5_000)), (Some(false), true));
    assert_eq!(seen.source, Some(Source::Rdap(server.url("/rdap/"))));
    let notable = result.notable.as_ref().unwrap();
    assert_eq!(notable.expires_at, seen.expires_at);
    assert_eq!(notable.warn_days.days(), [30, 14, 7, 3, 1]);
    let told: Vec<_> = notable.attributes.keys().map(String::as_str).collect();
    assert_eq!(told, ["created_at", "dnssec", "expires_at", "name_servers", "registrar", "statuses"]);
}

#[tokio::test]
async fn domain_code_0_by_whois() {
    for (name, file, words) in [
        ("shop.org", "org_registered", "registrar Registrar Ltd"),
        ("shop.de", "de_registered", "does not tell when names expire"),
        ("shop.co.uk", "uk_registered", "expires in"),
        ("shop.jp", "jp_registered", "expires in"),
        ("shop.ru", "ru_registered", "registrar REGISTRATOR-RU"),
        ("shop.cn", "cn_registered", "示例注册商有限公司"),
    ] {
        let server = whois(fixture(file)).await;
        let result = run_with(name, json!({"whois": server.address().to_string()}), json!({})).await;
        expect(&result, 0, "");
        let lines = observed(&result).lines().join("\n");
        assert!(lines.contains(words), "{name}: {lines}");
        assert!(!result.notable.unwrap().attributes.is_empty(), "{name}");
    }
}

#[tokio::test]
async fn domain_code_0_of_a_deeper_name() {
    let server = rdap(json!({})).await;
    let result = run_with("domain:www.Shop.Example.", json!({"rdap": server.url("/")}), json!({})).await;
    expect(&result, 0, "");
    assert_eq!(observed(&result).domain, "shop.example");
    assert!(observed(&result).remarks[0].0.contains("www.shop.example lies under shop.example"));
}

#[tokio::test]
async fn domain_code_500_nobody_answers() {
    let closed = ClosedPort::new();
    let (http, at) = (format!("http://{}/", closed.address()), closed.address().to_string());
    expect(&run(json!({"rdap": http})).await, 500, "connection refused");
    expect(&run(json!({"whois": at})).await, 500, "connection refused");
    expect(&run(json!({"rdap": http, "whois": at})).await, 500, "WHOIS");
    expect(&run(json!({})).await, 500, "no RDAP or WHOIS server is known for .example");
    let office = run_with("office.gov.uk", json!({}), json!({})).await;
    expect(&office, 500, "no RDAP or WHOIS server is known for .gov.uk");
    let failing = just(503, "text/html", "down").await;
    expect(&run(json!({"rdap": failing.url("/")})).await, 500, "status 503");
    let silent = whois(Vec::new()).await;
    expect(&run(json!({"whois": silent.address().to_string()})).await, 500, "without an answer");
}

#[tokio::test]
async fn domain_code_500_asked_too_often() {
    for (name, file) in [
        ("shop.org", "org_limited"),
        ("shop.de", "de_limited"),
        ("shop.co.uk", "uk_limited"),
        ("shop.ru", "ru_limited"),
    ] {
        let server = whois(fixture(file)).await;
        let result = run_with(name, json!({"whois": server.address().to_string()}), json!({})).await;
        expect(&result, 500, "limits how often");
        assert!(result.notable.is_none(), "nothing was learnt");
    }
}

/// What one monitor was told holds for all that ask the same server.
#[tokio::test]
async fn domain_code_500_back_off_is_shared() {
    let limited = Server::start(|_| async { reply(429, ("retry-after", "120"), "") }).await;
    let prober = Prober::new(ProberOptions::default()).unwrap();
    let options = json!({"rdap": limited.url("/")});
    expect(&run_on(&prober, "one.example", options.clone()).await, 500, "again in 120 s");
    expect(&run_on(&prober, "two.example", options).await, 500, "left alone for 120 s");
    assert_eq!(limited.requests(), 1);
    // WHOIS is asked meanwhile.
    let server = whois(fixture("io_unprotected")).await;
    let both = json!({"rdap": limited.url("/"), "whois": server.address().to_string()});
    let result = run_on(&prober, "shop.io", both).await;
    expect(&result, 511, "");
    assert!(observed(&result).remarks.iter().any(|remark| remark.0.contains("left alone")));
    assert!(result.notable.unwrap().attributes.is_empty(), "another spelling is no change");
}

#[tokio::test]
async fn domain_code_501_answers_of_no_known_form() {
    let page = just(200, "text/html", "<html>maintenance</html>").await;
    expect(&run(json!({"rdap": page.url("/")})).await, 501, "“<html>maintenance</html>”");
    let absent = just(404, "text/html", "<h1>Not Found</h1>").await;
    expect(&run(json!({"rdap": absent.url("/")})).await, 501, "404 without an RDAP answer");
    let other = rdap(json!({"ldhName": "other.example"})).await;
    expect(&run(json!({"rdap": other.url("/")})).await, 501, "another name, other.example");
    let large = just(200, "application/rdap+json", " ".repeat(10 << 20).leak()).await;
    expect(&run(json!({"rdap": large.url("/")})).await, 501, "larger than 1MiB");
    let busy = whois("This service is free of charge.\r\nStatus: maintenance\r\n").await;
    expect(&run(json!({"whois": busy.address().to_string()})).await, 501, "free of charge");
    let strange = whois("Hello, stranger").await;
    let at = strange.address().to_string();
    expect(&run(json!({"whois": at})).await, 501, "“Hello, stranger”");
    expect(&run(json!({"rdap": page.url("/"), "whois": at})).await, 501, "stranger");
}

#[tokio::test]
async fn domain_code_510_expired() {
    let past = json!([{"eventAction": "expiration", "eventDate": "2020-01-31T00:00:00Z"}]);
    let result = of(&rdap(json!({"events": past})).await).await;
    expect(&result, 510, "expired on 2020-01-31");
    assert!(observed(&result).days_left.unwrap() < 0);
    for status in ["redemption period", "pending delete"] {
        expect(&of(&rdap_saying(&[status]).await).await, 510, "the registry lists it as");
    }
    for (name, file, words) in [
        ("shop.de", "de_redemption", "redemptionPeriod"),
        ("shop.nl", "nl_quarantine", "redemptionPeriod"),
        ("shop.it", "it_pending_delete", "pendingDelete"),
        ("shop.io", "io_pending_delete", "pendingDelete"),
    ] {
        let server = whois(fixture(file)).await;
        expect(&run_with(name, json!({"whois": server.address().to_string()}), json!({})).await, 510, words);
    }
}

#[tokio::test]
async fn domain_code_511_unlocked() {
    expect(&of(&rdap_saying(&["active"]).await).await, 511, "only ok");
    let server = whois(fixture("io_unprotected")).await;
    let at = json!({"whois": server.address().to_string()});
    expect(&run_with("shop.io", at, json!({})).await, 511, "neither clientTransferProhibited");
    for lock in ["client transfer prohibited", "server transfer prohibited"] {
        expect(&of(&rdap_saying(&[lock]).await).await, 0, "");
    }
    // RDAP has words of its own, and a word of nobody's tells nothing of locks.
    for status in ["transfer prohibited", "locked", "whatever"] {
        expect(&of(&rdap_saying(&[status]).await).await, 0, "");
    }
    let belgian = whois(fixture("be_registered")).await;
    expect(&run_with("shop.be", json!({"whois": belgian.address().to_string()}), json!({})).await, 0, "");
    // A registry that has no such lock does not lack it.
    let german = rdap(json!({"ldhName": "shop.de", "status": ["active"]})).await;
    expect(&run_with("shop.de", json!({"rdap": german.url("/")}), json!({})).await, 0, "");
}

#[tokio::test]
async fn domain_code_512_listed() {
    let server = rdap(json!({})).await;
    let dns = dns::Server::start([
        (
            "shop.example.dbl.example",
            Answer::Addresses(vec!["127.0.1.4".parse().unwrap(), "127.0.1.2".parse().unwrap()], 60),
        ),
        ("shop.example.uri.example", code("127.0.0.64")),
    ])
    .await;
    let result = blocklists(&server, &dns, &["dbl.example", "clean.example", "uri.example"]).await;
    expect(&result, 512, "listed by dbl.example (127.0.1.2, 127.0.1.4), uri.example (127.0.0.64)");
    let lists: Vec<_> = observed(&result).listed_on.iter().map(|listing| listing.list.to_string()).collect();
    assert_eq!(lists, ["dbl.example", "uri.example"]);
    assert!(result.notable.is_some(), "the registry was asked too");
    let nobody = json!({"blocklists": ["dbl.example"]});
    let asking = json!({"resolver": dns.address().to_string()});
    expect(&run_with("shop.example", nobody, asking).await, 512, "of the registry nothing is known");
}

/// Refusals, failures and lists that have everything are remarks.
#[tokio::test]
async fn domain_code_0_with_lists_of_no_use() {
    let server = rdap(json!({})).await;
    let dns = dns::Server::start([
        ("shop.example.refusing.example", code("127.255.255.254")),
        ("shop.example.quota.example", code("127.0.0.1")),
        ("shop.example.parked.example", code("192.0.2.7")),
        ("shop.example.all.example", code("127.0.0.2")),
        ("invalid.all.example", code("127.0.0.2")),
        ("shop.example.broken.example", Answer::Code(ResponseCode::ServFail)),
        ("test.live.example", code("127.0.1.2")),
    ])
    .await;
    let lists = ["refusing", "quota", "parked", "all", "broken", "gone", "live"].map(|list| format!("{list}.example"));
    let lists: Vec<&str> = lists.iter().map(String::as_str).collect();
    let result = blocklists(&server, &dns, &lists).await;
    expect(&result, 0, "");
    let remarks: Vec<_> = observed(&result).remarks.iter().map(|remark| remark.0.as_str()).collect();
    for (list, words) in [
        ("refusing", "(127.255.255.254)"),
        ("quota", "(127.0.0.1)"),
        ("parked", "(192.0.2.7)"),
        ("all", "every name"),
        ("broken", "SERVFAIL"),
        ("gone", "lacks the name test"),
    ] {
        let told = remarks.iter().any(|remark| remark.contains(&format!("{list}.example")) && remark.contains(words));
        assert!(told, "{list}: {remarks:?}");
    }
    assert!(!remarks.iter().any(|remark| remark.contains("live.example")), "{remarks:?}");
}

/// A listing is tried each time, since a list may begin to have everything; what else a list is like is remembered.
#[tokio::test]
async fn lists_are_tried_as_often_as_they_must() {
    let registry = rdap(json!({})).await;
    let dns = dns::Server::start([
        ("shop.example.dbl.example", code("127.0.1.2")),
        ("shop.example.full.example", code("127.0.1.2")),
        ("invalid.full.example", code("127.0.1.2")),
        ("test.live.example", code("127.0.1.2")),
    ])
    .await;
    let prober = Prober::new(ProberOptions::default()).unwrap();
    let mut before = 0;
    for (list, expected, first, later) in
        [("dbl.example", 512, 2, 2), ("full.example", 0, 2, 0), ("live.example", 0, 2, 1), ("gone.example", 0, 2, 1)]
    {
        for queries in [first, later] {
            let options = json!({"blocklists": [list], "rdap": registry.url("/")});
            let test = with("shop.example", options, json!({"resolver": dns.address().to_string()}));
            let result = prober.run(&test, &watchkeep_model::LocationName::local()).await;
            expect(&result, expected, "");
            assert_eq!(dns.queries() - before, queries, "{list}");
            before = dns.queries();
        }
    }
}

#[tokio::test]
async fn domain_code_513_nobody_holds_it() {
    let kinds = [("application/rdap+json", ""), ("application/json", r#"{"errorCode":404,"title":"Not Found"}"#)];
    for (kind, body) in kinds {
        expect(&of(&just(404, kind, body).await).await, 513, "does not know shop.example (rdap http");
    }
    for (name, file) in [
        ("shop.com", "com_free"),
        ("shop.org", "org_free"),
        ("shop.de", "de_free"),
        ("shop.fr", "fr_free"),
        ("shop.co.uk", "uk_free"),
        ("shop.eu", "eu_free"),
        ("shop.nl", "nl_free"),
        ("shop.it", "it_free"),
        ("wzor.pl", "pl_free"),
        ("shop.com.br", "br_free"),
        ("shop.jp", "jp_free"),
        ("shop.cn", "cn_free"),
        ("shop.ru", "ru_free"),
        ("shop.com.au", "au_free"),
        ("shop.se", "se_free"),
        ("shop.kr", "kr_free"),
        ("college.ac.uk", "academic_free"),
    ] {
        let server = whois(fixture(file)).await;
        let result = run_with(name, json!({"whois": server.address().to_string()}), json!({})).await;
        expect(&result, 513, &format!("does not know {name} (whois 127.0.0.1:"));
        assert!(result.notable.is_none());
    }
    // A page that is missing says nothing; WHOIS does.
    let absent = just(404, "text/html", "<h1>Not Found</h1>").await;
    let server = whois("Domain not found.\r\n").await;
    let both = json!({"rdap": absent.url("/"), "whois": server.address().to_string()});
    expect(&run(both).await, 513, "whois");
}

#[tokio::test]
async fn domain_code_514_held() {
    for (status, words) in [("client hold", "clientHold"), ("server hold", "serverHold")] {
        expect(&of(&rdap_saying(&[status, "active"]).await).await, 514, words);
    }
    for (name, file, words) in [
        ("shop.com", "com_hold", "clientHold"),
        ("shop.com.br", "br_hold", "serverHold"),
        ("shop.co.uk", "uk_suspended", "serverHold"),
    ] {
        let server = whois(fixture(file)).await;
        expect(&run_with(name, json!({"whois": server.address().to_string()}), json!({})).await, 514, words);
    }
}

/// 513, 510, 514, 512, 511: the first counts.
#[tokio::test]
async fn the_first_of_several_causes_counts() {
    let dns = dns::Server::start([("shop.example.dbl.example", code("127.0.1.2"))]).await;
    for (statuses, expected) in
        [(&["pending delete", "client hold"][..], 510), (&["client hold"], 514), (&["active"], 512)]
    {
        let server = rdap_saying(statuses).await;
        expect(&blocklists(&server, &dns, &["dbl.example"]).await, expected, "");
    }
    let absent = just(404, "application/rdap+json", "").await;
    expect(&blocklists(&absent, &dns, &["dbl.example"]).await, 513, "");
}

#[tokio::test]
async fn blocklists_are_asked_over_ipv4_whatever_the_test_uses() {
    let dns = dns::Server::start([("shop.example.dbl.example", code("127.0.1.2"))]).await;
    let only_six = json!({"resolver": dns.address().to_string(), "ip": "6"});
    expect(&run_with("shop.example", json!({"blocklists": ["dbl.example"]}), only_six).await, 512, "127.0.1.2");
}
