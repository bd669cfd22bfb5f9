//! From an event to deliveries: every channel of every contact that the monitor names.

use jiff::Timestamp;
use url::Url;
use watchkeep_model::{ChannelId, Contact, DeliveryId, Event, EventId, EventType};
use watchkeep_store::{Delivery, DeliveryState, PendingEvent};

use crate::render::webhook;

/// The deliveries of an event to these contacts, due at once. `fresh` makes their identifiers.
pub(crate) fn deliveries(
    pending: &PendingEvent,
    contacts: &[Contact],
    public_url: &Url,
    mut fresh: impl FnMut() -> DeliveryId,
) -> Vec<Delivery> {
    let event = &pending.event;
    let monitor = pending.monitor.as_ref().and_then(|kept| kept.monitor.as_ref().ok());
    let body = webhook::body(event, monitor, public_url);
    let named = monitor.map(|monitor| monitor.settings.contacts.as_slice()).unwrap_or_default();
    contacts
        .iter()
        .filter(|contact| named.contains(&contact.id))
        .flat_map(|contact| contact.channels.iter().map(move |channel| (contact, channel)))
        .map(|(contact, channel)| Delivery {
            id: fresh(),
            org: event.org.clone(),
            event: event.id.clone(),
            contact: contact.id.clone(),
            channel: channel.id.clone(),
            monitor: monitor.map(|monitor| monitor.id.clone()),
            body: body.clone(),
            created_at: event.created_at,
            state: DeliveryState::Waiting { due: event.created_at },
            attempts: 0,
            last_outcome: None,
        })
        .collect()
}

/// A `test.ping` to one channel of a contact.
#[must_use]
pub fn ping(
    contact: &Contact,
    channel: &ChannelId,
    now: Timestamp,
    event: EventId,
    delivery: DeliveryId,
) -> (Event, Delivery) {
    let event = Event { id: event, org: contact.org.clone(), kind: EventType::TestPing, created_at: now, about: None };
    let delivery = Delivery {
        id: delivery,
        org: contact.org.clone(),
        event: event.id.clone(),
        contact: contact.id.clone(),
        channel: channel.clone(),
        monitor: None,
        body: webhook::ping(&event),
        created_at: now,
        state: DeliveryState::Waiting { due: now },
        attempts: 0,
        last_outcome: None,
    };
    (event, delivery)
}
