//! Contacts: made, changed, deleted and tried out, by the API and the pages alike.
//! A secret is made here when the user gives none, and leaves this room once.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use watchkeep_model::{
    Channel, ChannelId, ChannelSettings, ChannelTarget, Contact, ContactId, ContactSettings, DeliveryId, GivenSecret,
    Invalid, Object, OrgId, Secret, WebhookSecret, to_the_microsecond,
};
use watchkeep_store::{Put, StoreError};

use crate::{
    App,
    api::Problem,
    auth::{fresh_id, random_bytes},
    monitors::Edit,
};

/// Why a contact was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum ContactError {
    /// The input is wrong.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// There is no such contact.
    #[error("there is no such contact")]
    Missing,
    /// There is no such channel.
    #[error("there is no such channel")]
    MissingChannel,
    /// The caller changed an older version.
    #[error("the contact was changed meanwhile")]
    Stale,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ContactError> for Problem {
    fn from(error: ContactError) -> Self {
        match error {
            ContactError::Invalid(invalid) => Self::invalid(&invalid),
            ContactError::Missing => Self::missing("contact"),
            ContactError::MissingChannel => Self::missing("channel"),
            ContactError::Stale => Self::stale(),
            ContactError::Store(error) => error.into(),
        }
    }
}

/// Makes a contact. What is returned holds its secrets: show them now or never.
///
/// # Errors
/// Why not.
pub async fn create(app: &App, org: &OrgId, input: Object, now: Timestamp) -> Result<Contact, ContactError> {
    let (settings, named) = parse(input)?;
    let contact = Contact {
        id: fresh_id(),
        org: org.clone(),
        name: settings.name,
        channels: channels(settings.channels, &named, &[])?,
        // 24 random bytes are 32 characters.
        webhook_token: Secret::new(&BASE64_URL_SAFE_NO_PAD.encode(random_bytes::<24>())),
        created_at: to_the_microsecond(now),
        version: 1,
    };
    app.store.create_contact(contact.clone()).await?;
    Ok(contact)
}

/// Changes a contact. `versions` are those that the caller takes, if it named any.
///
/// # Errors
/// Why not.
pub async fn change(
    app: &App,
    org: &OrgId,
    id: &ContactId,
    edit: Edit,
    versions: Option<&[u64]>,
) -> Result<Contact, ContactError> {
    let stored = app.store.contact(org, id).await?.ok_or(ContactError::Missing)?;
    if versions.is_some_and(|versions| !versions.contains(&stored.version)) {
        return Err(ContactError::Stale);
    }
    let input = match edit {
        Edit::Replace(input) => input,
        Edit::Merge(mut input) => {
            input.entry("name").or_insert_with(|| stored.name.as_str().into());
            // Channels that are not mentioned stay as they are.
            input.entry("channels").or_insert_with(|| written(&stored.channels));
            input
        }
    };
    let (settings, named) = parse(input)?;
    let contact = Contact {
        name: settings.name,
        channels: channels(settings.channels, &named, &stored.channels)?,
        version: stored.version + 1,
        ..stored.clone()
    };
    match app.store.update_contact(contact.clone(), stored.version).await? {
        Put::Done => Ok(contact),
        Put::Conflict => Err(ContactError::Stale),
        Put::Missing => Err(ContactError::Missing),
    }
}

/// Deletes a contact. Monitors that named it no longer do.
///
/// # Errors
/// Why not.
pub async fn delete(app: &App, org: &OrgId, id: &ContactId) -> Result<(), ContactError> {
    if app.store.delete_contact(org, id).await? == Put::Missing {
        return Err(ContactError::Missing);
    }
    for entry in app.board.list(org, &crate::Filter::default()) {
        let named = entry.monitor.as_ref().is_ok_and(|monitor| monitor.settings.contacts.contains(id));
        if let (true, Some(kept)) = (named, app.store.monitor(org, &entry.id).await?) {
            app.board.put(kept, Vec::new());
        }
    }
    Ok(())
}

/// Sends a `test.ping` through one channel; the delivery tells what became of it.
///
/// # Errors
/// Why not.
pub async fn test_channel(
    app: &Arc<App>,
    org: &OrgId,
    id: &ChannelId,
    now: Timestamp,
) -> Result<DeliveryId, ContactError> {
    let contacts = app.store.contacts(org).await?;
    let contact = contacts.iter().find(|contact| contact.channels.iter().any(|channel| channel.id == *id));
    let contact = contact.ok_or(ContactError::MissingChannel)?;
    let (event, delivery) = watchkeep_alert::ping(contact, id, now, fresh_id(), fresh_id());
    let delivery_id = delivery.id.clone();
    app.store.enqueue(event, vec![delivery]).await?;
    app.alerts.notify_one();
    Ok(delivery_id)
}

/// The settings, and the ids that the entries of `channels` name.
fn parse(mut input: Object) -> Result<(ContactSettings, Vec<Option<ChannelId>>), Invalid> {
    let mut named = Vec::new();
    if let Some(serde_json::Value::Array(entries)) = input.get_mut("channels") {
        for (index, entry) in entries.iter_mut().enumerate() {
            let Some(entry) = entry.as_object_mut() else { continue };
            let id = entry.remove("id").filter(|id| !id.is_null()).map(|id| id.as_str().unwrap_or_default().parse());
            let id = id.transpose().map_err(|error: watchkeep_model::InvalidId| {
                Invalid::one(format!("channels[{index}].id"), error.to_string())
            })?;
            named.push(id);
        }
    }
    Ok((ContactSettings::parse(input)?, named))
}

/// The channels as they are kept: an entry that names a present channel, or has its URL, goes on as that channel.
fn channels(
    wanted: Vec<ChannelSettings>,
    named: &[Option<ChannelId>],
    present: &[Channel],
) -> Result<Vec<Channel>, Invalid> {
    let mut left: Vec<&Channel> = present.iter().collect();
    let mut kept = Vec::with_capacity(wanted.len());
    for (index, ChannelSettings::Webhook { url, secrets }) in wanted.into_iter().enumerate() {
        let id = named.get(index).and_then(Option::as_ref);
        let same = left.iter().position(|channel| {
            let ChannelTarget::Webhook { url: present, .. } = &channel.target;
            id.map_or(*present == url, |id| channel.id == *id)
        });
        if id.is_some() && same.is_none() {
            return Err(Invalid::one(format!("channels[{index}].id"), "is not the id of a channel of this contact"));
        }
        let same = same.map(|position| left.remove(position));
        let (secret, older_secret) = live_secrets(secrets, same).ok_or_else(|| {
            Invalid::one(format!("channels[{index}].secrets"), "masks a secret that is not kept here")
        })?;
        let id = same.map_or_else(fresh_id, |channel| channel.id.clone());
        kept.push(Channel { id, target: ChannelTarget::Webhook { url, secret, older_secret } });
    }
    Ok(kept)
}

/// The secrets that sign from now on: `None` when one is to be kept and there is none. Each mask stands for the
/// secret that is next to be kept, so that a new one before the mask of the present one begins a rotation.
fn live_secrets(given: Vec<GivenSecret>, present: Option<&Channel>) -> Option<(WebhookSecret, Option<WebhookSecret>)> {
    let mut kept = present.into_iter().flat_map(|channel| {
        let ChannelTarget::Webhook { secret, older_secret, .. } = &channel.target;
        [secret].into_iter().chain(older_secret).cloned()
    });
    if given.is_empty() {
        return Some((kept.next().unwrap_or_else(|| WebhookSecret::from_random(random_bytes())), kept.next()));
    }
    let live: Option<Vec<_>> = given
        .into_iter()
        .map(|given| match given {
            GivenSecret::Kept => kept.next(),
            GivenSecret::New(secret) => Some(secret),
        })
        .collect();
    let mut live = live?.into_iter();
    Some((live.next()?, live.next()))
}

fn written(channels: &[Channel]) -> serde_json::Value {
    channels.iter().map(|channel| channel.write(watchkeep_model::Exposure::Stored)).collect()
}
