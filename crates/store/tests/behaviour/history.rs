//! History: results by their start whatever order they came in, cursors, latencies, events, status intervals.
//! Many results go through every stage of their keeping; what comes back must not show it.

use std::{cmp::Reverse, time::Duration};

use jiff::Timestamp;
use proptest::prelude::*;
use watchkeep_catalogue::{Family, StatusCode};
use watchkeep_model::{
    About, Difference, Event, EventId, EventType, Happening, Incident, IncidentChange, IncidentEntry,
    IncidentEntryKind, IncidentId, Known, KnownValue, Lifecycle, LocationName, MonitorId, Observed, OrgId, Phases,
    StateChange, Telling, Verdict, Warned, http,
};
use watchkeep_store::{IncidentFilter, StatusInterval, TimeRange};

use crate::support::{Place, at, change, event, numbers, on_every_engine, result, stepped};

#[tokio::test]
async fn results_come_newest_first_in_pages_of_any_size() {
    on_every_engine(async |place| {
        let id = place.monitor(1).await.monitor.id;
        for batch in 0..150 {
            let batch = (0..7).map(|index| batch * 7 + index);
            place.commit(batch.map(|number| result(&id, number.into(), number)).collect()).await;
        }
        for page in [1, 49, 50, 350, 354, 1_050, 5_000] {
            assert_eq!(numbers(&place.results(&id, page).await), (0..1_050).rev().collect::<Vec<_>>());
        }
        place.reopen();
        assert_eq!(numbers(&place.results(&id, 100).await), (0..1_050).rev().collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test]
async fn every_field_of_a_result_comes_back() {
    on_every_engine(async |place| {
        let id = place.monitor(1).await.monitor.id;
        let mut rich = result(&id, 1, 0);
        rich.attempt = 3;
        rich.result.location = "far-away".parse().unwrap();
        rich.result.verdict = Verdict::new(StatusCode::new(451), "connection refused (127.0.0.1:81) — ünïcode");
        rich.result.duration = Duration::from_micros(u64::from(u32::MAX) + 5);
        let (dns, connect) = (Some(Duration::ZERO), Some(Duration::from_micros(7)));
        rich.result.phases =
            Phases { dns, connect, tls: None, first_byte: Some(Duration::from_secs(9)), transfer: None };
        let redirects = vec![http::Redirect { status: 302, url: "https://b.example/".to_owned() }];
        rich.result.observed = Observed::Http(http::Observed { bytes: 123_456, redirects, ..Default::default() });
        let mut poor = result(&id, 2, 0);
        poor.result.observed = Observed::Nothing;
        poor.result.phases = Phases::default();
        place.commit(vec![rich.clone(), poor.clone()]).await;
        for _ in 0..2 {
            let found = place.results(&id, 10).await;
            for (past, sent) in found.iter().zip([&poor, &rich]) {
                assert_eq!((past.attempt, &past.monitor), (sent.attempt, &sent.monitor));
                let (past, sent) = (&past.result, &sent.result);
                assert_eq!((&past.subject, &past.location), (&sent.subject, &sent.location));
                assert_eq!((past.started_at, past.duration), (sent.started_at, sent.duration));
                assert_eq!((&past.verdict, past.phases), (&sent.verdict, sent.phases));
                assert_eq!(past.observed.get(), serde_json::to_string(&sent.observed).unwrap());
            }
            place.reopen();
        }
    })
    .await;
}

#[tokio::test]
async fn what_says_the_same_about_another_target_or_by_another_test_is_not_mixed_up() {
    on_every_engine(async |place| {
        let id = place.monitor(1).await.monitor.id;
        let subject = |number: u32, target: &str, test_type: &str| {
            let mut recorded = result(&id, number.into(), number);
            let mut subject = (*recorded.result.subject).clone();
            (subject.target, subject.test_type) = (target.into(), test_type.into());
            recorded.result.subject = subject.into();
            recorded
        };
        let sent = [("a:1", "tcp"), ("a:1", "tls"), ("b:1", "tls"), ("b:1", "tls"), ("a:1", "tcp")];
        for (number, (target, test_type)) in (0_u32..).zip(sent) {
            place.commit(vec![subject(number, target, test_type)]).await;
        }
        let found = place.results(&id, 10).await;
        let told = |past: &watchkeep_store::PastResult| {
            (past.result.subject.target.to_string(), past.result.subject.test_type.to_string())
        };
        let expected: Vec<_> = sent.iter().rev().map(|(one, other)| ((*one).to_owned(), (*other).to_owned())).collect();
        assert_eq!(found.iter().map(told).collect::<Vec<_>>(), expected);
    })
    .await;
}

#[tokio::test]
async fn results_of_one_moment_stay_on_one_page() {
    on_every_engine(async |place| {
        let id = place.monitor(1).await.monitor.id;
        // Moments of 1, 5 and 400 results; those of one moment arrive in several commits.
        for part in 0..5_i64 {
            let mut batch = vec![result(&id, 2, 2)];
            batch.extend((0..80).map(|_| result(&id, 3, 3)));
            batch.extend((part == 0).then(|| result(&id, 1, 1)));
            place.commit(batch).await;
        }
        let first = place.store().results(&place.org, &id, None, 10).await.unwrap();
        assert_eq!(numbers(&first.items), vec![3; 400]);
        let second = place.store().results(&place.org, &id, first.next.as_deref(), 3).await.unwrap();
        assert_eq!(numbers(&second.items), vec![2; 5]);
        let third = place.store().results(&place.org, &id, second.next.as_deref(), 3).await.unwrap();
        assert_eq!((numbers(&third.items), third.next), (vec![1], None));
    })
    .await;
}

#[tokio::test]
async fn a_cursor_that_is_none_begins_at_the_front_and_one_past_the_end_finds_nothing() {
    on_every_engine(async |place| {
        let id = place.monitor(1).await.monitor.id;
        place.commit(vec![result(&id, 1, 1)]).await;
        let store = place.store();
        for (cursor, expected) in [("nonsense", 1), ("", 1), ("0", 0), ("-9223372036854775808", 0)] {
            let found = store.results(&place.org, &id, Some(cursor), 10).await.unwrap();
            assert_eq!((found.items.len(), found.next), (expected, None), "{cursor:?}");
        }
        for limit in [0, usize::MAX] {
            store.results(&place.org, &id, None, limit).await.unwrap();
            store.events(&place.org, None, None, limit).await.unwrap();
            store.incidents(&place.org, IncidentFilter::default(), None, limit).await.unwrap();
            store.deliveries(&place.org, None, limit).await.unwrap();
        }
        let stranger = OrgId::from_random([9; 16]);
        assert!(store.results(&stranger, &id, None, 10).await.unwrap().items.is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_last_result_is_the_newest_by_its_start() {
    on_every_engine(async |place| {
        let (one, other) = (place.monitor(1).await.monitor.id, place.monitor(2).await.monitor.id);
        place.commit(vec![result(&one, 50, 50)]).await;
        // The newest is sealed long before the late ones are.
        for part in 0..5 {
            place.commit((0..100).map(|second| result(&one, -1_000 + part * 100 + second, 1)).collect()).await;
        }
        let silent = place.monitor(3).await.monitor.id;
        for _ in 0..2 {
            let last = place.store().last_results(&[silent.clone(), one.clone(), other.clone()]).await.unwrap();
            assert_eq!(last.iter().map(|past| &past.monitor).collect::<Vec<_>>(), [&one]);
            assert_eq!(numbers(&last), [50]);
            place.reopen();
        }
    })
    .await;
}

#[derive(Clone, Debug)]
enum Step {
    Commit(Vec<i64>),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    // Around one moment and late by up to a day, many at a time.
    let second = prop_oneof![0..40_i64, 0..86_400_i64];
    prop_oneof![
        9 => proptest::collection::vec(second, 0..200).prop_map(Step::Commit),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn whatever_order_results_come_in_they_are_found_by_their_start(
        steps in proptest::collection::vec(step(), 1..25),
        page in 1..300_usize,
        from in 0..90_000_i64,
        length in 0..50_000_i64,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(on_every_engine(async |place| {
            let id = place.monitor(1).await.monitor.id;
            let mut expected = Vec::new();
            let mut number = 0;
            for step in &steps {
                let Step::Commit(seconds) = step else {
                    place.reopen();
                    continue;
                };
                let batch: Vec<_> = seconds.iter().map(|second| {
                    number += 1;
                    expected.push((*second, number));
                    result(&id, *second, number)
                }).collect();
                place.commit(batch).await;
            }
            // Each moment's results in any order among themselves.
            expected.sort_by_key(|(second, number)| (Reverse(*second), *number));
            let mut found: Vec<_> = place.results(&id, page).await.iter().map(|past| {
                (past.result.started_at, u32::try_from(past.result.duration.as_micros()).unwrap())
            }).collect();
            assert!(found.is_sorted_by_key(|(start, _)| Reverse(*start)));
            found.sort_by_key(|(start, number)| (Reverse(*start), *number));
            let expected: Vec<_> = expected.into_iter().map(|(second, number)| (at(second), number)).collect();
            assert_eq!(found, expected);

            let range = TimeRange { from: at(from), until: at(from + length) };
            let inside = expected.iter().filter(|(start, _)| (range.from..range.until).contains(start));
            let latencies = place.store().latencies(&id, range, usize::MAX).await.unwrap();
            assert!(latencies.is_sorted_by_key(|(start, ..)| *start));
            assert_eq!(latencies.len(), inside.count());
            let last = place.store().last_results(&[id]).await.unwrap();
            assert_eq!(last.first().map(|past| past.result.started_at), expected.first().map(|(start, _)| *start));
        }));
    }
}

#[tokio::test]
async fn latencies_are_thinned_evenly_and_keep_their_codes() {
    on_every_engine(async |place| {
        let id = place.monitor(1).await.monitor.id;
        for part in 0..10_u32 {
            let numbers = (0..100).map(|index| part * 100 + index);
            let results = numbers.map(|number| {
                let mut recorded = result(&id, number.into(), number * 1_000);
                if number == 500 {
                    recorded.result.verdict = Verdict::new(StatusCode::new(451), "refused");
                }
                recorded
            });
            place.commit(results.collect()).await;
        }
        let store = place.store();
        let all = TimeRange { from: at(0), until: at(1_000) };
        let points = store.latencies(&id, all, 100).await.unwrap();
        assert_eq!(points.len(), 100);
        for (index, (start, milliseconds, code)) in (0_u32..).zip(&points) {
            assert_eq!((*start, *milliseconds), (at(i64::from(index) * 10), (index * 10) as f32));
            assert_eq!(code.number(), if index == 50 { 451 } else { 0 });
        }
        let part = TimeRange { from: at(100), until: at(103) };
        let starts: Vec<_> =
            store.latencies(&id, part, 96).await.unwrap().into_iter().map(|(start, ..)| start).collect();
        assert_eq!(starts, [100, 101, 102].map(at), "the end is not part of a range");
        assert!(store.latencies(&id, all, 0).await.unwrap().len() <= 1);
        assert!(store.latencies(&MonitorId::from_random([9; 16]), all, 10).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn events_come_newest_first_of_one_monitor_or_of_all() {
    on_every_engine(async |place| {
        let (one, other) = (place.monitor(1).await, place.monitor(2).await);
        let (mut one_state, mut other_state) = (one.state, other.state);
        for second in 1..=5 {
            for (id, state) in [(&one.monitor.id, &mut one_state), (&other.monitor.id, &mut other_state)] {
                let step = change(&place.org, id, state, StatusCode::new(451), second);
                *state = step.state.clone();
                place.change(vec![step]).await;
            }
        }
        let ping = Event {
            id: EventId::from_random([1; 16]),
            org: place.org.clone(),
            kind: EventType::TestPing,
            created_at: at(9),
            about: None,
        };
        let store = place.store();
        store.enqueue(ping.clone(), Vec::new()).await.unwrap();
        assert!(store.pending_events(100).await.unwrap().iter().all(|pending| pending.event != ping));

        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = store.events(&place.org, None, after.as_deref(), 4).await.unwrap();
            all.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(all.len(), 11);
        assert_eq!(all[0], ping);
        assert!(all.is_sorted_by_key(|event| Reverse(event.created_at)));
        let page = store.events(&place.org, Some(&one.monitor.id), None, 3).await.unwrap();
        let seconds: Vec<_> = page.items.iter().map(|event| event.created_at).collect();
        assert_eq!(seconds, [5, 4, 3].map(at));
        let page = store.events(&place.org, Some(&one.monitor.id), page.next.as_deref(), 3).await.unwrap();
        assert_eq!((page.items.len(), page.next), (2, None));
        let stranger = OrgId::from_random([9; 16]);
        assert!(store.events(&stranger, Some(&one.monitor.id), None, 3).await.unwrap().items.is_empty());
    })
    .await;
}

async fn intervals(place: &Place, id: &MonitorId, from: i64, until: i64) -> Vec<(Timestamp, Timestamp, i16)> {
    let range = TimeRange { from: at(from), until: at(until) };
    let found = place.store().status_intervals(id, Family::Service, range).await.unwrap();
    found.into_iter().map(|StatusInterval { from, until, code }| (from, until, code.number())).collect()
}

#[tokio::test]
async fn status_intervals_have_no_gaps_from_the_creation_on() {
    on_every_engine(async |place| {
        let stored = place.monitor(1).await;
        let id = stored.monitor.id;
        let mut state = stored.state;
        for (code, second) in [(0, 10), (451, 20), (451, 25), (414, 30), (0, 40)] {
            let step = change(&place.org, &id, &state, StatusCode::new(code), second);
            state = step.state.clone();
            place.change(vec![step]).await;
        }
        let mut paused = stepped(&state, StatusCode::OPERATIONAL, 50);
        paused.lifecycle = Lifecycle::Paused;
        let pause = StateChange {
            monitor: id.clone(),
            expected_revision: state.revision,
            state: paused,
            incidents: Vec::new(),
            events: Vec::new(),
        };
        place.change(vec![pause]).await;
        for _ in 0..2 {
            let expected = [(0, 10, -3), (10, 20, 0), (20, 30, 451), (30, 40, 414), (40, 50, 0), (50, 60, -2)];
            let expected = expected.map(|(from, until, code)| (at(from), at(until), code));
            assert_eq!(intervals(place, &id, -5, 60).await, expected, "nothing is known from before the creation");
            assert_eq!(intervals(place, &id, 0, 60).await, expected);
            assert_eq!(intervals(place, &id, 22, 33).await, [(at(22), at(30), 451), (at(30), at(33), 414)]);
            assert_eq!(intervals(place, &id, 20, 30).await, [(at(20), at(30), 451)]);
            assert_eq!(intervals(place, &id, 55, 57).await, [(at(55), at(57), -2)]);
            assert!(intervals(place, &id, -9, -5).await.is_empty());
            for (from, until) in [(20, 20), (33, 22)] {
                assert!(intervals(place, &id, from, until).await.is_empty(), "{from} to {until} holds no time");
            }
            place.reopen();
        }
    })
    .await;
}

#[tokio::test]
async fn a_status_never_begins_before_the_one_that_it_ends() {
    on_every_engine(async |place| {
        let stored = place.monitor(1).await;
        let id = stored.monitor.id;
        let mut state = stored.state;
        for (code, second) in [(0, 10), (451, 5), (0, 10)] {
            let step = change(&place.org, &id, &state, StatusCode::new(code), second);
            state = step.state.clone();
            place.change(vec![step]).await;
        }
        let found = intervals(place, &id, 0, 20).await;
        assert_eq!(found, [(at(0), at(10), -3), (at(10), at(20), 0)]);
    })
    .await;
}

#[tokio::test]
async fn incidents_are_found_by_monitor_and_by_whether_they_are_open() {
    on_every_engine(async |place| {
        let stored = [place.monitor(1).await, place.monitor(2).await];
        let mut states = [stored[0].state.clone(), stored[1].state.clone()];
        let entry = |kind, second| IncidentEntry { at: at(second), kind, code: StatusCode::new(451), detail: None };
        // Three of each monitor one after the other; the last one stays open.
        for round in 0..3_i64 {
            for (stored, state) in stored.iter().zip(&mut states) {
                let monitor = &stored.monitor.id;
                let mut step = change(&place.org, monitor, state, StatusCode::new(451), round * 10);
                let id = IncidentId::derived(monitor, step.state.revision, 0);
                step.incidents.push(IncidentChange::Open(Incident {
                    id: id.clone(),
                    org: place.org.clone(),
                    monitor: monitor.clone(),
                    code: StatusCode::new(451),
                    opened_at: at(round * 10),
                    resolved_at: None,
                    entries: vec![entry(IncidentEntryKind::Opened, round * 10)],
                }));
                if round < 2 {
                    let entry = entry(IncidentEntryKind::Resolved, round * 10 + 5);
                    step.incidents.push(IncidentChange::Resolve { id, entry });
                }
                *state = step.state.clone();
                place.change(vec![step]).await;
            }
        }
        let store = place.store();
        let find = async |open: Option<bool>, monitor: Option<u8>| {
            let monitor = monitor.map(crate::support::monitor_id);
            let (mut all, mut after) = (Vec::new(), None);
            loop {
                let filter = IncidentFilter { open, monitor: monitor.clone() };
                let page = store.incidents(&place.org, filter, after.as_deref(), 2).await.unwrap();
                all.extend(page.items);
                after = page.next;
                if after.is_none() {
                    return all;
                }
            }
        };
        for (open, monitor, expected) in [
            (None, None, 6),
            (Some(true), None, 2),
            (Some(false), None, 4),
            (None, Some(1), 3),
            (Some(true), Some(2), 1),
            (Some(false), Some(2), 2),
            (None, Some(3), 0),
        ] {
            let found = find(open, monitor).await;
            assert_eq!(found.len(), expected, "{open:?} {monitor:?}");
            assert!(found.is_sorted_by_key(|incident| Reverse(incident.opened_at)));
            assert!(found.iter().all(|incident| open.is_none_or(|open| open == incident.resolved_at.is_none())));
        }
    })
    .await;
}

#[tokio::test]
async fn events_of_every_kind_come_back_as_they_were() {
    on_every_engine(async |place| {
        let stored = place.monitor(1).await;
        let mut step = change(&place.org, &stored.monitor.id, &stored.state, StatusCode::new(451), 5);
        let difference = Difference {
            attribute: "name_servers".to_owned(),
            before: "ns1.example".to_owned(),
            after: "ns2.example \" → ".to_owned(),
        };
        let others = [
            Happening::Expiring { expires_at: at(1_000_000), days_left: 11, threshold: 14 },
            Happening::Changed { differences: vec![difference] },
            Happening::StatusChanged { previous_code: StatusCode::PENDING, detail: None },
        ];
        for (ordinal, what) in (1..).zip(others) {
            let mut event = event(&place.org, &stored.monitor.id, &step.state, ordinal);
            event.about = event.about.map(|about| About { what, ..about });
            step.events.push((event, Telling::Tell));
        }
        let mut sent: Vec<_> = step.events.iter().map(|(event, _)| event.clone()).collect();
        place.change(vec![step]).await;
        place.reopen();
        let waiting = place.store().pending_events(10).await.unwrap();
        assert_eq!(waiting.into_iter().map(|pending| pending.event).collect::<Vec<_>>(), sent);
        sent.reverse();
        assert_eq!(place.store().events(&place.org, None, None, 10).await.unwrap().items, sent);
    })
    .await;
}

#[tokio::test]
async fn what_is_known_beside_the_status_survives_a_restart() {
    on_every_engine(async |place| {
        let stored = place.monitor(1).await;
        let mut step = change(&place.org, &stored.monitor.id, &stored.state, StatusCode::OPERATIONAL, 5);
        let value = |value: &str, left_at: Option<i64>| KnownValue {
            value: value.to_owned(),
            locations: left_at.is_none().then(LocationName::local).into_iter().collect(),
            left_at: left_at.map(at),
            is_old: left_at.is_some(),
        };
        step.state.known = Some(Box::new(Known {
            warned: vec![Warned { expires_at: at(1_000_000), threshold: 14 }],
            attributes: [("issuer".to_owned(), vec![value("R10", Some(4)), value("R11", None)])].into(),
        }));
        let state = step.state.clone();
        place.change(vec![step]).await;
        place.reopen();
        let kept = place.store().monitor(&place.org, &stored.monitor.id).await.unwrap().unwrap();
        assert_eq!(kept.state, state);
    })
    .await;
}
