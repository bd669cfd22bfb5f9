//! What hosts and routers may do wrong with echoes, over IPv4 and IPv6, each in a network of its own.
//! Row 15 of the list of faults; where this user may make no network, tests are skipped with a note.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/pings.rs"]
mod pings;
mod support;

use std::{net::IpAddr, sync::Arc, time::Duration};

use pings::{FOUR, OTHER_FOUR, SIX, for_both, observed, parse, prober, run_against};
use serde_json::json;
use support::expect;
use tokio::{task::JoinSet, time::Instant};
use watchkeep_lab::{
    echo::{Answer, Request, Responder},
    namespace::Namespace,
};
use watchkeep_model::LocationName;

#[test]
fn code_0_the_replies_come_twice_or_in_another_order() {
    for_both(async |target, _| {
        let result = run_against(target, json!({}), |request| vec![request.reply(), request.reply()]).await;
        expect(&result, 0, "");
        assert_eq!((observed(&result).sent, observed(&result).received), (4, 4));
        // Those of the last echo may come when the test has ended already.
        assert!((3..=4).contains(&observed(&result).duplicates), "{:?}", observed(&result));

        let mut kept: Vec<Answer> = Vec::new();
        let backwards = move |request: &Request| {
            kept.push(request.reply());
            if kept.len() == 4 { kept.drain(..).rev().collect() } else { Vec::new() }
        };
        let result = run_against(target, json!({}), backwards).await;
        expect(&result, 0, "");
        assert_eq!((observed(&result).received, observed(&result).duplicates), (4, 0));
        let rtt = observed(&result).rtt.unwrap();
        // The first waited for three more echoes, the last for none.
        assert!(rtt.max > rtt.min, "{rtt:?}");
    });
}

#[test]
fn code_401_no_reply_is_valid() {
    type Damage = fn(&Request) -> Answer;
    let cases: [(&str, Damage); 5] = [
        ("is cut short: 20 of 56 bytes", |request| request.altered(|message| message.truncate(28))),
        ("is cut short: 0 of 56 bytes", |request| request.altered(|message| message.truncate(8))),
        ("is longer than what was sent: 60 bytes instead of 56", |request| {
            request.altered(|message| message.extend([0; 4]))
        }),
        ("carries another payload than was sent", |request| request.altered(|message| message[63] ^= 0xff)),
        ("carries another payload than was sent", |request| request.altered(|message| message[20] ^= 1)),
    ];
    for_both(async |target, _| {
        for (words, damage) in cases {
            let result = run_against(target, json!({}), move |request| vec![damage(request)]).await;
            expect(&result, 401, words);
            expect(&result, 401, &format!("a reply from {target}"));
            assert_eq!((observed(&result).sent, observed(&result).received), (4, 0), "{words}");
        }
    });
}

#[test]
fn code_401_the_checksum_is_wrong() {
    let damaged = |request: &Request| vec![Answer { damaged: true, ..request.reply() }];
    for_both(async |target, _| {
        let result = run_against(target, json!({}), damaged).await;
        // Over IPv6 the system drops such a reply itself, as the standard wants it, and nobody hears of it.
        match target {
            IpAddr::V4(_) => expect(&result, 401, "has a wrong checksum"),
            IpAddr::V6(_) => expect(&result, 402, "no reply from ::1 within 400ms"),
        }
    });
}

#[test]
fn a_valid_reply_counts_beside_damaged_ones() {
    for_both(async |target, _| {
        let both = |request: &Request| vec![request.altered(|message| message[30] ^= 1), request.reply()];
        let result = run_against(target, json!({}), both).await;
        expect(&result, 0, "");
        let first_damaged = |request: &Request| match request.index {
            0 => vec![request.altered(|message| message[30] ^= 1)],
            _ => vec![request.reply()],
        };
        let result = run_against(target, json!({}), first_damaged).await;
        expect(&result, 403, "1 of 4 echoes lost (25 %); 0 % is tolerated; a reply carries another payload");
    });
}

#[test]
fn code_402_nobody_answers() {
    for_both(async |target, _| {
        let result = run_against(target, json!({}), |_| Vec::new()).await;
        expect(&result, 402, &format!("no reply from {target} within 400ms"));
        let seen = observed(&result);
        assert_eq!((seen.ip, seen.sent, seen.received, seen.rtt), (Some(target), 4, 0, None));
        assert!(result.duration >= Duration::from_millis(400), "{:?}", result.duration);
    });
}

#[test]
fn code_402_only_icmp_errors_come() {
    let four: Vec<(u8, u8, &str)> = vec![
        (3, 0, "network unreachable"),
        (3, 1, "host unreachable"),
        (3, 2, "protocol not known at the host"),
        (3, 3, "port unreachable"),
        (3, 4, "packet too big, 1280 bytes at most"),
        (3, 5, "source route failed"),
        (3, 6, "network unknown"),
        (3, 7, "host unknown"),
        (3, 9, "network prohibited by an administrator"),
        (3, 10, "host prohibited by an administrator"),
        (3, 13, "prohibited by an administrator (filtered)"),
        (11, 0, "too many hops (TTL exceeded)"),
        (11, 1, "fragments not complete in time"),
        (12, 0, "a header field is wrong (parameter problem)"),
    ];
    let six: Vec<(u8, u8, &str)> = vec![
        (1, 0, "no route to the host"),
        (1, 1, "prohibited by an administrator (filtered)"),
        (1, 3, "host unreachable"),
        (1, 4, "port unreachable"),
        (1, 5, "source address refused by a policy"),
        (1, 6, "route rejected"),
        (2, 0, "packet too big, 1280 bytes at most"),
        (3, 0, "too many hops (TTL exceeded)"),
        (4, 0, "a header field is wrong (parameter problem)"),
    ];
    for_both(async |target, router| {
        for (kind, code, words) in if target.is_ipv4() { four.clone() } else { six.clone() } {
            let result = run_against(target, json!({}), move |request| vec![request.error(router, kind, code)]).await;
            expect(&result, 402, &format!("{router} reports: {words}"));
            expect(&result, 402, &format!("type {kind} code {code}"));
            assert_eq!(observed(&result).sent, 4, "{words}");
        }
    });
}

#[test]
fn code_402_somebody_else_answers() {
    for_both(async |target, other| {
        let elsewhere = move |request: &Request| vec![Answer { from: other, ..request.reply() }];
        let result = run_against(target, json!({}), elsewhere).await;
        expect(&result, 402, &format!("no reply from {target} within 400ms; {other} answered in its place"));
        assert_eq!(observed(&result).received, 0);
    });
}

#[test]
fn code_402_tells_of_addresses_that_were_not_tried() {
    Namespace::run(async |namespace| {
        namespace.answer_no_echoes();
        let both = json!({"resolve": ["host.example:::1", "host.example:127.0.0.1"]});
        let result = pings::run("host.example", json!({}), both).await;
        expect(&result, 402, "no reply from ::1 within 400ms; the host has another address, 127.0.0.1");
    });
}

#[test]
fn fault_15_what_is_of_others_is_not_counted() {
    for_both(async |target, router| {
        let strange = move |request: &Request| {
            let about_another = |alter: fn(&mut Vec<u8>)| {
                let mut another = request.clone();
                alter(&mut another.message);
                another
            };
            vec![
                // Somebody else's identifier, a number that is not under way, a request, an error about either.
                request.altered(|message| message[4] ^= 0x80),
                request.altered(|message| message[6] ^= 0x08),
                Answer { message: request.message.clone(), ..request.reply() },
                about_another(|message| message[4] ^= 0x80).error(router, if router.is_ipv4() { 3 } else { 1 }, 1),
                about_another(|message| message[6] ^= 0x08).error(router, if router.is_ipv4() { 3 } else { 1 }, 1),
                // Less than a header.
                request.altered(|message| message.truncate(5)),
                request.altered(|message| message.truncate(0)),
            ]
        };
        let result = run_against(target, json!({}), strange).await;
        expect(&result, 402, &format!("no reply from {target} within 400ms"));
        let detail = result.verdict.detail.as_deref().unwrap();
        assert!(!detail.contains("reports"), "{detail}");
    });
}

#[test]
fn fault_15_replies_that_are_late_belong_to_no_later_test() {
    for_both(async |target, _| {
        let mut kept = Vec::new();
        let late = move |request: &Request| {
            kept.push(request.reply());
            // The first test's replies come while the second waits.
            if request.index >= 4 { kept.drain(..).take(4).collect() } else { Vec::new() }
        };
        let _responder = Responder::start(target, late);
        let prober = prober();
        let test = parse(&target.to_string(), json!({}), json!({}));
        for index in 0..2 {
            let result = prober.run(&test, &LocationName::local()).await;
            let seen = observed(&result);
            // The second gets replies to the first, then one of its own echoes at most three late.
            assert!(seen.received <= index * 3, "{seen:?}");
            assert_eq!(seen.duplicates, 0);
            expect(&result, if seen.received == 0 { 402 } else { 403 }, "");
        }
    });
}

#[test]
fn code_403_some_echoes_are_lost() {
    let half = |request: &Request| if request.index.is_multiple_of(2) { vec![request.reply()] } else { Vec::new() };
    for_both(async |target, router| {
        let result = run_against(target, json!({}), half).await;
        expect(&result, 403, "2 of 4 echoes lost (50 %); 0 % is tolerated");
        let seen = observed(&result);
        assert_eq!((seen.sent, seen.received, seen.loss()), (4, 2, 50.0));
        for (tolerated, code) in [(49, 403), (50, 0), (100, 0)] {
            let result = run_against(target, json!({"tolerate_loss": tolerated}), half).await;
            expect(&result, code, "");
        }
        let result = run_against(target, json!({"count": 3, "tolerate_loss": 33}), |request| match request.index {
            0 => Vec::new(),
            _ => vec![request.reply()],
        });
        expect(&result.await, 403, "1 of 3 echoes lost (33.33 %); 33 % is tolerated");
        let result = run_against(target, json!({"tolerate_loss": 100}), |_| Vec::new()).await;
        expect(&result, 402, "no reply");

        let kind = if router.is_ipv4() { 11 } else { 3 };
        let result = run_against(target, json!({}), move |request| match request.index {
            3 => vec![request.error(router, kind, 0)],
            _ => vec![request.reply()],
        });
        expect(
            &result.await,
            403,
            &format!("1 of 4 echoes lost (25 %); 0 % is tolerated; {router} reports: too many hops"),
        );
    });
}

#[test]
fn fault_01_ten_thousand_silent_hosts_end_at_their_deadline() {
    Namespace::run(async |namespace| {
        namespace.answer_no_echoes();
        let prober = Arc::new(prober());
        let start = Instant::now();
        let mut tests = JoinSet::new();
        for index in 0..10_000 {
            let (prober, target) = (Arc::clone(&prober), if index % 2 == 0 { FOUR } else { SIX });
            let test = parse(&target.to_string(), json!({"count": 1}), json!({"timeout": "3s"}));
            tests.spawn(async move { prober.run(&test, &LocationName::local()).await });
        }
        // One that answers is not kept waiting by all the others.
        let _host = Responder::start(OTHER_FOUR, |request| vec![request.reply()]);
        let result =
            prober.run(&parse("127.0.0.9", json!({}), json!({"timeout": "60s"})), &LocationName::local()).await;
        expect(&result, 0, "");
        for result in tests.join_all().await {
            expect(&result, 402, "no reply from");
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    });
}
