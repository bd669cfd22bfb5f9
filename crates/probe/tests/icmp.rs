//! Pings of hosts that behave, and of a robot that cannot ping: names, addresses, permissions, routes, response times.
//! Every test has a network of its own; where this user may make none, it is skipped with a note.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

#[path = "support/pings.rs"]
mod pings;
mod support;

use std::{net::IpAddr, sync::Arc, thread, time::Duration};

use hickory_proto::op::ResponseCode;
use pings::{FOUR, SIX, burst, observed, parse, prober, run, run_against};
use serde_json::json;
use support::expect;
use tokio::task::JoinSet;
use watchkeep_lab::{
    dns::{self, Answer},
    echo::Responder,
    namespace::Namespace,
};
use watchkeep_model::LocationName;

#[test]
fn code_0_the_host_answers() {
    Namespace::run(async |_| {
        for (target, ip) in [("127.0.0.1", FOUR), ("icmp://[::1]", SIX), ("::ffff:127.0.0.1", FOUR)] {
            let result = run(target, json!({}), json!({})).await;
            expect(&result, 0, "");
            let seen = observed(&result);
            assert_eq!((seen.ip, seen.sent, seen.received, seen.duplicates), (Some(ip), 4, 4, 0), "{target}");
            let rtt = seen.rtt.unwrap();
            assert!(rtt.min <= rtt.avg && rtt.avg <= rtt.max && !rtt.max.is_zero(), "{target}: {rtt:?}");
            assert_eq!((result.phases.first_byte, result.duration), (Some(rtt.avg), result.phases.sum()), "{target}");
        }
    });
}

#[test]
fn code_0_of_one_echo_and_of_many_of_any_size() {
    Namespace::run(async |_| {
        for target in ["127.0.0.1", "::1"] {
            for options in
                [json!({"count": 1}), json!({"count": 30, "size": 16}), json!({"size": 57}), json!({"size": 8972})]
            {
                let result = run(target, options.clone(), json!({"timeout": "5s"})).await;
                expect(&result, 0, "");
                let seen = observed(&result);
                assert_eq!(seen.sent, seen.received, "{target}: {options}");
            }
        }
    });
}

#[test]
fn code_0_of_a_burst_that_outgrows_what_the_system_keeps() {
    Namespace::run(async |_| {
        burst(3_000).await;
    });
}

#[test]
fn code_102_round_trips_are_slow() {
    Namespace::run(async |namespace| {
        namespace.answer_no_echoes();
        let _slow = Responder::start(FOUR, |request| {
            thread::sleep(Duration::from_millis(30));
            vec![request.reply()]
        });
        let limits = json!({"slow_after": "20ms", "timeout": "5s"});
        let result = run("127.0.0.1", json!({"count": 2, "interval": "50ms"}), limits).await;
        expect(&result, 102, "the limit is 20ms");
        assert_eq!(observed(&result).received, 2);
    });
}

#[test]
fn the_time_between_echoes_does_not_make_a_host_slow() {
    Namespace::run(async |_| {
        let limits = json!({"slow_after": "1s", "timeout": "20s"});
        let result = run("127.0.0.1", json!({"count": 4, "interval": "400ms"}), limits).await;
        expect(&result, 0, "");
        assert!(result.duration < Duration::from_secs(1), "{:?}", result.duration);
    });
}

#[test]
fn code_404_names_without_addresses() {
    Namespace::run(async |_| {
        let dns = dns::Server::start([
            ("refused.example", Answer::Code(ResponseCode::Refused)),
            ("silent.example", Answer::Silence),
            ("four.example", Answer::Addresses(vec![FOUR], 60)),
        ])
        .await;
        let resolver = dns.address().to_string();
        for (name, extra, words) in [
            ("absent.example", json!({}), "does not exist"),
            ("refused.example", json!({}), "REFUSED"),
            ("silent.example", json!({}), "no DNS server answered for silent.example within 400ms"),
            ("four.example", json!({"ip": "6"}), "four.example has no IPv6 address"),
            ("127.0.0.1", json!({"ip": "6"}), "127.0.0.1 has no IPv6 address"),
        ] {
            let mut extra = extra;
            extra["resolver"] = json!(resolver);
            let result = run(name, json!({}), extra).await;
            expect(&result, 404, words);
            assert_eq!(observed(&result).sent, 0, "{name}");
        }
        let result = run("four.example", json!({}), json!({"resolver": resolver})).await;
        expect(&result, 0, "");
    });
}

#[test]
fn code_400_the_robot_has_no_way_to_the_host() {
    Namespace::run(async |namespace| {
        namespace.ip("route add unreachable 198.51.100.0/24");
        namespace.ip("route add prohibit 203.0.113.0/24");
        for (target, words) in [
            ("192.0.2.1", "no route to the network (192.0.2.1)"),
            ("2001:db8::1", "no route to the network (2001:db8::1)"),
            ("198.51.100.1", "no route to the host (198.51.100.1)"),
            ("203.0.113.1", "may not send to 203.0.113.1"),
            ("169.254.169.254", "the egress policy forbids 169.254.169.254"),
            ("::ffff:169.254.169.254", "the egress policy forbids 169.254.169.254"),
            ("0.0.0.0", "is not the address of one host"),
            ("255.255.255.255", "is not the address of one host"),
            ("ff02::1", "is not the address of one host"),
            ("fe80::1", "the egress policy forbids fe80::1"),
            ("64:ff9b::a9fe:a9fe", "the egress policy forbids 64:ff9b::a9fe:a9fe"),
        ] {
            let result = run(target, json!({}), json!({})).await;
            expect(&result, 400, words);
            assert_eq!((observed(&result).sent, observed(&result).rtt), (0, None), "{target}");
        }
    });
}

#[test]
fn fault_21_code_400_without_ipv6() {
    Namespace::run(async |namespace| {
        namespace.set("ipv6/conf/all/disable_ipv6", 1);
        expect(&run("::1", json!({}), json!({})).await, 400, "the robot itself has no");
        // A name that has an IPv4 address too is reached over that.
        let both = json!({"resolve": ["host.example:::1", "host.example:127.0.0.1"]});
        let result = run("host.example", json!({}), both).await;
        expect(&result, 0, "");
        assert_eq!(observed(&result).ip, Some(FOUR));
    });
}

#[test]
fn fault_21_code_400_without_permission() {
    Namespace::run(async |namespace| {
        namespace.give_up_raw_sockets();
        for target in ["127.0.0.1", "::1"] {
            let result = run(target, json!({}), json!({})).await;
            expect(&result, 400, "CAP_NET_RAW");
            expect(&result, 400, "net.ipv4.ping_group_range");
        }
    });
}

#[test]
fn fault_21_datagram_sockets_serve_where_raw_ones_are_not_permitted() {
    Namespace::run(async |namespace| {
        namespace.give_up_raw_sockets();
        namespace.set("ipv4/ping_group_range", "0 2147483647");
        for target in ["127.0.0.1", "::1"] {
            let result = run(target, json!({"size": 8972}), json!({})).await;
            expect(&result, 0, "");
            assert_eq!(observed(&result).received, 4, "{target}");
        }
        expect(&run("192.0.2.1", json!({}), json!({})).await, 400, "no route to the network");
        burst(1_000).await;
    });
}

#[test]
fn datagram_sockets_tell_of_errors_and_defects_too() {
    Namespace::run(async |namespace| {
        namespace.answer_no_echoes();
        let router = IpAddr::from([127, 0, 0, 9]);
        let script = move |request: &watchkeep_lab::echo::Request| match request.index {
            0..4 => vec![request.error(router, 11, 0)],
            4..8 => vec![request.error(router, 3, 13)],
            8..12 => vec![request.altered(|message| message.truncate(30))],
            _ => vec![request.reply(), request.reply()],
        };
        let _four = Responder::start(FOUR, script);
        let _six = Responder::start(SIX, |request| vec![request.error(SIX, 1, 3)]);
        namespace.give_up_raw_sockets();
        namespace.set("ipv4/ping_group_range", "0 2147483647");
        let ping = async |target| run(target, json!({}), json!({})).await;
        expect(&ping("127.0.0.1").await, 402, "127.0.0.9 reports: too many hops (TTL exceeded), ICMP type 11 code 0");
        expect(&ping("127.0.0.1").await, 402, "127.0.0.9 reports: prohibited by an administrator");
        expect(&ping("127.0.0.1").await, 401, "is cut short: 22 of 56 bytes");
        let result = ping("127.0.0.1").await;
        expect(&result, 0, "");
        assert!(observed(&result).duplicates >= 3, "{:?}", observed(&result));
        expect(&ping("::1").await, 402, "::1 reports: host unreachable, ICMPv6 type 1 code 3");
    });
}

#[test]
fn probers_on_one_machine_do_not_disturb_each_other() {
    Namespace::run(async |_| {
        let probers: Vec<_> = (0..8).map(|_| Arc::new(prober())).collect();
        let mut tests = JoinSet::new();
        for prober in probers.iter().cycle().take(200) {
            let (prober, test) = (Arc::clone(prober), parse("127.0.0.1", json!({}), json!({"timeout": "20s"})));
            tests.spawn(async move { prober.run(&test, &LocationName::local()).await });
        }
        for result in tests.join_all().await {
            expect(&result, 0, "");
            assert_eq!((observed(&result).received, observed(&result).duplicates), (4, 0));
        }
    });
}

/// A prober outlives the runtime that its socket was opened in.
#[test]
fn a_prober_goes_on_in_another_runtime() {
    Namespace::run(async |_| {
        let prober = Arc::new(prober());
        let other = Arc::clone(&prober);
        let elsewhere = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { other.run(&parse("::1", json!({}), json!({})), &LocationName::local()).await })
        };
        expect(&tokio::task::spawn_blocking(elsewhere).await.unwrap(), 0, "");
        expect(&prober.run(&parse("::1", json!({}), json!({})), &LocationName::local()).await, 0, "");
    });
}

#[test]
fn code_0_is_told_early_when_all_have_answered() {
    Namespace::run(async |namespace| {
        namespace.answer_no_echoes();
        // The limit of the test harness ends this if the test waited for its own limit of five minutes.
        let _host = Responder::start(FOUR, |request| vec![request.reply()]);
        let result = run("127.0.0.1", json!({}), json!({"timeout": "300s"})).await;
        expect(&result, 0, "");
        let refused = run_against(SIX, json!({}), |request| vec![request.error(SIX, 1, 4)]).await;
        expect(&refused, 402, "port unreachable");
    });
}
