//! Monitors: kept as they were given, changed by whoever saw the newest version, forgotten whole.
//! What their deletion takes along is looked for by every way there is.

use watchkeep_catalogue::{Family, StatusCode};
use watchkeep_model::OrgId;
use watchkeep_store::{Commit, CommitOutcome, IncidentFilter, Put, StoredMonitor, TimeRange};

use crate::support::{active_monitor, at, change, delivery, event, monitor_id, on_every_engine, result, stepped};

#[tokio::test]
async fn a_monitor_comes_back_as_it_was_stored_also_after_a_restart() {
    on_every_engine(async |place| {
        let StoredMonitor { monitor, state } = place.monitor(1).await;
        for _ in 0..2 {
            let kept = place.store().monitor(&place.org, &monitor.id).await.unwrap().unwrap();
            assert_eq!(kept.monitor.unwrap(), monitor);
            assert_eq!(
                (kept.id, kept.org, kept.name),
                (monitor.id.clone(), place.org.clone(), "shop 1".parse().unwrap())
            );
            assert_eq!(kept.state, state);
            place.reopen();
        }
    })
    .await;
}

#[tokio::test]
async fn lists_go_by_id_in_pages_and_hold_one_organisation() {
    on_every_engine(async |place| {
        for number in [3, 1, 4, 2] {
            place.monitor(number).await;
        }
        let store = place.store();
        let ids = |found: Vec<watchkeep_store::Kept>| found.into_iter().map(|kept| kept.id).collect::<Vec<_>>();
        let first = ids(store.monitors(&place.org, None, 3).await.unwrap());
        assert_eq!(first, [1, 2, 3].map(monitor_id));
        assert_eq!(ids(store.monitors(&place.org, first.last(), 3).await.unwrap()), [monitor_id(4)]);
        assert_eq!(store.all_monitors().await.unwrap().len(), 4);
        let stranger = OrgId::from_random([9; 16]);
        assert!(store.monitors(&stranger, None, 10).await.unwrap().is_empty());
        assert!(store.monitor(&stranger, &monitor_id(1)).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn a_change_is_written_by_whoever_saw_the_newest_version_and_state() {
    on_every_engine(async |place| {
        let before = place.monitor(1).await;
        let mut changed = before.clone();
        changed.monitor.version = 2;
        changed.monitor.settings.name = "renamed".parse().unwrap();
        changed.state = stepped(&before.state, StatusCode::PENDING, 5);
        let store = place.store();
        let put = async |stored: &StoredMonitor, version, revision| {
            let event = event(&place.org, &stored.monitor.id, &stored.state, 0);
            store.update_monitor(stored.clone(), version, revision, vec![event]).await.unwrap()
        };
        assert_eq!(put(&changed, 7, 0).await, Put::Conflict);
        assert_eq!(put(&changed, 1, 7).await, Put::Conflict);
        assert!(store.events(&place.org, None, None, 10).await.unwrap().items.is_empty());
        let kept = store.monitor(&place.org, &before.monitor.id).await.unwrap().unwrap();
        assert_eq!((kept.monitor.unwrap(), kept.state), (before.monitor, before.state));

        assert_eq!(put(&changed, 1, 0).await, Put::Done);
        let kept = store.monitor(&place.org, &changed.monitor.id).await.unwrap().unwrap();
        assert_eq!((kept.monitor.unwrap(), kept.state), (changed.monitor.clone(), changed.state.clone()));
        assert_eq!(store.events(&place.org, None, None, 10).await.unwrap().items.len(), 1);
        assert!(store.pending_events(10).await.unwrap().is_empty(), "an owner's own change is not told");

        let missing = active_monitor(&place.org, 2);
        assert_eq!(put(&missing, 1, 0).await, Put::Missing);
        let mut stolen = changed.clone();
        stolen.monitor.org = OrgId::from_random([9; 16]);
        assert_eq!(put(&stolen, 2, 1).await, Put::Missing);
    })
    .await;
}

#[tokio::test]
async fn a_deleted_monitor_is_gone_with_all_that_was_known_of_it() {
    on_every_engine(async |place| {
        let (gone, stays) = (place.monitor(1).await, place.monitor(2).await);
        let contact = place.contact(1, 1).await;
        let store = place.store();
        for stored in [&gone, &stays] {
            let id = &stored.monitor.id;
            // Enough for a block and for some that are open.
            for part in 0..5 {
                place.commit((0..100).map(|second| result(id, part * 100 + second, 1)).collect()).await;
            }
            let step = change(&place.org, id, &stored.state, StatusCode::new(451), 5);
            let (event, _) = step.events[0].clone();
            place.change(vec![step]).await;
            store
                .route(vec![(event.id.clone(), vec![delivery(id.as_str().as_bytes()[9], &event, &contact, 0, 5)])])
                .await
                .unwrap();
        }
        assert_eq!(store.delete_monitor(&OrgId::from_random([9; 16]), &gone.monitor.id).await.unwrap(), Put::Missing);
        assert_eq!(store.delete_monitor(&place.org, &gone.monitor.id).await.unwrap(), Put::Done);
        assert_eq!(store.delete_monitor(&place.org, &gone.monitor.id).await.unwrap(), Put::Missing);
        drop(store);
        for _ in 0..2 {
            let (store, org) = (place.store(), &place.org);
            let range = TimeRange { from: at(0), until: at(1_000) };
            let id = &gone.monitor.id;
            assert!(store.monitor(org, id).await.unwrap().is_none());
            assert!(place.results(id, 100).await.is_empty());
            assert!(store.latencies(id, range, 10).await.unwrap().is_empty());
            assert!(store.status_intervals(id, Family::Service, range).await.unwrap().is_empty());
            assert!(store.events(org, Some(id), None, 10).await.unwrap().items.is_empty());
            let filter = IncidentFilter { monitor: Some(id.clone()), ..IncidentFilter::default() };
            assert!(store.incidents(org, filter, None, 10).await.unwrap().items.is_empty());
            let deliveries = store.deliveries(org, None, 10).await.unwrap().items;
            assert_eq!(
                deliveries.iter().map(|told| told.monitor.clone().unwrap()).collect::<Vec<_>>(),
                [monitor_id(2)]
            );
            assert_eq!(store.last_results(&[monitor_id(1), monitor_id(2)]).await.unwrap().len(), 1);
            assert_eq!(place.results(&monitor_id(2), 1_000).await.len(), 500);
            drop(store);
            place.reopen();
        }
    })
    .await;
}

#[tokio::test]
async fn results_of_a_monitor_that_is_gone_are_dropped_and_changes_of_it_conflict() {
    on_every_engine(async |place| {
        let (gone, stays) = (place.monitor(1).await, place.monitor(2).await);
        let store = place.store();
        store.delete_monitor(&place.org, &gone.monitor.id).await.unwrap();
        let (gone_id, stays_id) = (&gone.monitor.id, &stays.monitor.id);
        place.commit(vec![result(gone_id, 1, 1), result(stays_id, 1, 1)]).await;
        assert_eq!(place.results(stays_id, 10).await.len(), 1);

        let states = vec![change(&place.org, gone_id, &gone.state, StatusCode::new(451), 5)];
        let commit = Commit { states, results: vec![result(stays_id, 2, 2)], mark: None };
        assert_eq!(store.commit(commit).await.unwrap(), CommitOutcome::Conflict(vec![gone_id.clone()]));
        assert_eq!(place.results(stays_id, 10).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_monitor_made_anew_does_not_inherit() {
    on_every_engine(async |place| {
        let first = place.monitor(1).await;
        place.commit(vec![result(&first.monitor.id, 1, 1)]).await;
        place.store().delete_monitor(&place.org, &first.monitor.id).await.unwrap();
        let second = place.monitor(1).await;
        place.commit(vec![result(&second.monitor.id, 2, 2)]).await;
        for _ in 0..2 {
            assert_eq!(crate::support::numbers(&place.results(&second.monitor.id, 10).await), [2]);
            place.reopen();
        }
    })
    .await;
}

#[tokio::test]
async fn the_first_state_and_its_event_are_stored_with_the_monitor() {
    on_every_engine(async |place| {
        let stored = active_monitor(&place.org, 1);
        let told = event(&place.org, &stored.monitor.id, &stored.state, 0);
        place.store().create_monitor(stored.clone(), vec![told.clone()]).await.unwrap();
        let events = place.store().events(&place.org, Some(&stored.monitor.id), None, 10).await.unwrap();
        assert_eq!(events.items, std::slice::from_ref(&told));
        // All or nothing: the event's id is taken, so that the second monitor must not be there either.
        let second = active_monitor(&place.org, 2);
        assert!(place.store().create_monitor(second.clone(), vec![told]).await.is_err());
        assert!(place.store().monitor(&place.org, &second.monitor.id).await.unwrap().is_none());
        place.commit(vec![result(&second.monitor.id, 1, 1)]).await;
        place.monitor(2).await;
        assert!(place.results(&second.monitor.id, 10).await.is_empty());
    })
    .await;
}
