//! The outbox: what must be told waits in order, survives a restart, and one slow channel does not hold the others.
//! A delivery is over when it was sent or given up.

use watchkeep_catalogue::StatusCode;
use watchkeep_model::{Event, EventId, EventType};
use watchkeep_store::{Attempt, Delivery, DeliveryState, PendingDelivery};

use crate::support::{Place, at, change, contact_id, delivery, on_every_engine};

/// Events of `count` steps of one monitor, waiting.
async fn waiting_events(place: &Place, monitor: u8, count: i64) -> Vec<Event> {
    let stored = place.monitor(monitor).await;
    let mut state = stored.state;
    let mut events = Vec::new();
    for second in 1..=count {
        let step = change(&place.org, &stored.monitor.id, &state, StatusCode::new(451), second);
        state = step.state.clone();
        events.push(step.events[0].0.clone());
        place.change(vec![step]).await;
    }
    events
}

async fn due(place: &Place, seconds: i64) -> Vec<Delivery> {
    let due = place.store().due_deliveries(at(seconds), 100, 100).await.unwrap();
    due.into_iter().map(|PendingDelivery { delivery, .. }| delivery).collect()
}

async fn record(place: &Place, delivery: &Delivery, state: DeliveryState) {
    let attempt = Attempt { id: delivery.id.clone(), state, outcome: "an outcome".to_owned() };
    place.store().record_attempts(vec![attempt]).await.unwrap();
}

#[tokio::test]
async fn events_wait_oldest_first_with_their_monitor_until_they_are_routed() {
    on_every_engine(async |place| {
        let events = waiting_events(place, 1, 3).await;
        let contact = place.contact(1, 1).await;
        place.reopen();
        let store = place.store();
        let waiting = store.pending_events(2).await.unwrap();
        assert_eq!(waiting.iter().map(|pending| pending.event.clone()).collect::<Vec<_>>(), events[..2]);
        let monitor = waiting[0].monitor.as_ref().unwrap();
        assert_eq!(monitor.monitor.as_ref().unwrap().id, events[0].about.as_ref().unwrap().monitor);

        let told = delivery(1, &events[0], &contact, 0, 1);
        store.route(vec![(events[0].id.clone(), vec![told.clone()])]).await.unwrap();
        // Routed twice, by somebody who did not know: told once.
        store.route(vec![(events[0].id.clone(), vec![delivery(2, &events[0], &contact, 0, 1)])]).await.unwrap();
        store
            .route(vec![(EventId::from_random([9; 16]), vec![delivery(3, &events[0], &contact, 0, 1)])])
            .await
            .unwrap();
        assert_eq!(store.pending_events(10).await.unwrap()[0].event, events[1]);
        assert_eq!(store.deliveries(&place.org, None, 10).await.unwrap().items, std::slice::from_ref(&told));
        drop(store);
        place.reopen();
        let pending = place.store().due_deliveries(at(1), 10, 10).await.unwrap();
        assert_eq!(pending.len(), 1);
        assert_eq!((&pending[0].delivery, &pending[0].contact), (&told, &contact));
        assert_eq!(pending[0].channel.as_ref(), Some(&contact.channels[0]));
    })
    .await;
}

#[tokio::test]
async fn deliveries_of_one_monitor_to_one_channel_are_made_in_order() {
    on_every_engine(async |place| {
        let events = waiting_events(place, 1, 3).await;
        let other = waiting_events(place, 2, 1).await;
        let contact = place.contact(1, 2).await;
        let store = place.store();
        let first = delivery(1, &events[0], &contact, 0, 10);
        let second = delivery(2, &events[1], &contact, 0, 5);
        let elsewhere = delivery(3, &events[1], &contact, 1, 6);
        let of_other = delivery(4, &other[0], &contact, 0, 7);
        store.route(vec![(events[0].id.clone(), vec![first.clone()])]).await.unwrap();
        store.route(vec![(events[1].id.clone(), vec![second.clone(), elsewhere.clone()])]).await.unwrap();
        store.route(vec![(other[0].id.clone(), vec![of_other.clone()])]).await.unwrap();

        // The second one is due earlier and waits all the same.
        assert_eq!(due(place, 9).await, [elsewhere.clone(), of_other.clone()]);
        assert_eq!(store.next_due(at(0)).await.unwrap(), Some(at(6)));
        for told in [&elsewhere, &of_other] {
            record(place, told, DeliveryState::Sent { at: at(9) }).await;
        }
        assert!(due(place, 9).await.is_empty());
        assert_eq!(store.next_due(at(0)).await.unwrap(), Some(at(10)), "what waits for another does not wake anybody");
        assert_eq!(due(place, 10).await, std::slice::from_ref(&first));

        record(place, &first, DeliveryState::Waiting { due: at(60) }).await;
        assert_eq!(store.next_due(at(0)).await.unwrap(), Some(at(60)));
        assert!(due(place, 59).await.is_empty());
        let again = due(place, 60).await;
        assert_eq!((again[0].attempts, again[0].last_outcome.as_deref()), (1, Some("an outcome")));
        assert_eq!((&again[0].id, &again[0].body), (&first.id, &first.body));

        record(place, &first, DeliveryState::Failed { at: at(61) }).await;
        assert_eq!(
            due(place, 61).await,
            std::slice::from_ref(&second),
            "one that is given up no longer keeps the next"
        );
        record(place, &second, DeliveryState::Sent { at: at(62) }).await;
        assert_eq!(store.next_due(at(0)).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn channels_take_turns_so_that_one_does_not_fill_the_list() {
    on_every_engine(async |place| {
        let contact = place.contact(1, 2).await;
        for monitor in 1..=20 {
            let events = waiting_events(place, monitor, 1).await;
            // The second channel gets one delivery only, after all of the first's.
            let mut told = vec![delivery(monitor, &events[0], &contact, 0, 1)];
            told.extend((monitor == 20).then(|| delivery(99, &events[0], &contact, 1, 2)));
            place.store().route(vec![(events[0].id.clone(), told)]).await.unwrap();
        }
        let due = place.store().due_deliveries(at(5), 100, 4).await.unwrap();
        assert_eq!(due.len(), 4);
        let of_second = due.iter().filter(|pending| pending.channel.as_ref() == Some(&contact.channels[1])).count();
        assert_eq!(of_second, 1);
        assert_eq!(place.store().due_deliveries(at(5), 100, 100).await.unwrap().len(), 21);
        assert_eq!(place.store().due_deliveries(at(5), 3, 100).await.unwrap().len(), 4, "a channel's own bound");
    })
    .await;
}

#[tokio::test]
async fn deliveries_without_a_monitor_wait_for_nobody() {
    on_every_engine(async |place| {
        let contact = place.contact(1, 1).await;
        for number in 1..=3 {
            let ping = Event {
                id: EventId::from_random([number; 16]),
                org: place.org.clone(),
                kind: EventType::TestPing,
                created_at: at(1),
                about: None,
            };
            place.store().enqueue(ping.clone(), vec![delivery(number, &ping, &contact, 0, 1)]).await.unwrap();
        }
        assert_eq!(due(place, 1).await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn what_is_over_stays_as_it_is() {
    on_every_engine(async |place| {
        let events = waiting_events(place, 1, 1).await;
        let contact = place.contact(1, 1).await;
        let told = delivery(1, &events[0], &contact, 0, 1);
        place.store().route(vec![(events[0].id.clone(), vec![told.clone()])]).await.unwrap();
        record(place, &told, DeliveryState::Sent { at: at(2) }).await;
        record(place, &told, DeliveryState::Waiting { due: at(3) }).await;
        place.reopen();
        assert!(due(place, 100).await.is_empty());
        let kept = &place.store().deliveries(&place.org, None, 10).await.unwrap().items[0];
        assert_eq!((kept.state, kept.attempts), (DeliveryState::Sent { at: at(2) }, 1));
    })
    .await;
}

#[tokio::test]
async fn nothing_waits_for_a_contact_that_is_gone_and_what_waits_for_a_channel_says_so() {
    on_every_engine(async |place| {
        let events = waiting_events(place, 1, 2).await;
        let (changed, deleted) = (place.contact(1, 2).await, place.contact(2, 1).await);
        let store = place.store();
        let told = vec![
            delivery(1, &events[0], &changed, 0, 1),
            delivery(2, &events[0], &changed, 1, 1),
            delivery(3, &events[0], &deleted, 0, 1),
        ];
        store.route(vec![(events[0].id.clone(), told.clone())]).await.unwrap();
        assert_eq!(due(place, 1).await, told);

        let mut fewer = changed.clone();
        fewer.channels.remove(0);
        fewer.version = 2;
        store.update_contact(fewer, 1).await.unwrap();
        store.delete_contact(&place.org, &deleted.id).await.unwrap();
        // What waits for a channel that is gone can be ended by whoever delivers, with its reason.
        let pending = store.due_deliveries(at(1), 10, 10).await.unwrap();
        let seen: Vec<_> = pending.iter().map(|one| (&one.delivery, one.channel.is_some())).collect();
        assert_eq!(seen, [(&told[0], false), (&told[1], true)]);

        // Routed by somebody who read the contacts before they changed.
        let late = vec![delivery(4, &events[1], &changed, 0, 1), delivery(5, &events[1], &deleted, 0, 1)];
        store.route(vec![(events[1].id.clone(), late)]).await.unwrap();
        assert!(store.pending_events(10).await.unwrap().is_empty());
        assert_eq!(due(place, 1).await, told[..2], "the contact that is gone takes everything with it");
        for delivery in &told[..2] {
            record(place, delivery, DeliveryState::Sent { at: at(2) }).await;
        }
        assert_eq!(due(place, 1).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_event_of_a_deleted_monitor_is_told_no_more() {
    on_every_engine(async |place| {
        let events = waiting_events(place, 1, 2).await;
        let contact = place.contact(1, 1).await;
        let store = place.store();
        store.route(vec![(events[0].id.clone(), vec![delivery(1, &events[0], &contact, 0, 1)])]).await.unwrap();
        store.delete_monitor(&place.org, &events[0].about.as_ref().unwrap().monitor).await.unwrap();
        assert!(store.pending_events(10).await.unwrap().is_empty());
        assert!(due(place, 100).await.is_empty());
        assert_eq!(store.next_due(at(0)).await.unwrap(), None);
        store.route(vec![(events[1].id.clone(), vec![delivery(2, &events[1], &contact, 0, 1)])]).await.unwrap();
        assert!(due(place, 100).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn deliveries_are_listed_newest_first_in_pages() {
    on_every_engine(async |place| {
        let events = waiting_events(place, 1, 5).await;
        let contact = place.contact(1, 1).await;
        let mut sent = Vec::new();
        for (number, event) in (1..).zip(&events) {
            let told = delivery(number, event, &contact, 0, 1);
            place.store().route(vec![(event.id.clone(), vec![told.clone()])]).await.unwrap();
            sent.push(told);
        }
        sent.reverse();
        let store = place.store();
        let first = store.deliveries(&place.org, None, 3).await.unwrap();
        assert_eq!(first.items, sent[..3]);
        let second = store.deliveries(&place.org, first.next.as_deref(), 3).await.unwrap();
        assert_eq!((second.items.as_slice(), second.next), (&sent[3..], None));
        let exact = store.deliveries(&place.org, None, 5).await.unwrap();
        assert_eq!((exact.items.len(), exact.next), (5, None));
        assert_eq!(contact.id, contact_id(1));
    })
    .await;
}
