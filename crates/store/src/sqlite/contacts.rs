//! Contacts; their channels stand as JSON in the contact's row, because they are never looked for alone.

use std::sync::Arc;

use async_trait::async_trait;
use rusqlite::{Row, Transaction, params};
use watchkeep_model::{
    Channel, ChannelId, ChannelSettings, ChannelTarget, Contact, ContactId, ContactSettings, Exposure, GivenSecret,
    MonitorId, Object, OrgId, Secret,
};

use super::{
    SqliteStore,
    columns::{count_at, execute, get, json, parsed, row, rows, signed, time_at},
    monitors::place,
};
use crate::{
    Contacts, Put, StoreError,
    vault::{Place, Vault},
};

fn channels(name: String, stored: Vec<Object>) -> Result<Vec<Channel>, StoreError> {
    let corrupt = |reason: String| StoreError::Corrupt { what: "a channel", reason };
    let mut ids: Vec<ChannelId> = Vec::with_capacity(stored.len());
    let mut bare = Vec::with_capacity(stored.len());
    for mut object in stored {
        let id = object.remove("id").and_then(|id| id.as_str()?.parse().ok());
        ids.push(id.ok_or_else(|| corrupt("it has no id".to_owned()))?);
        bare.push(object.into());
    }
    let contact: Object = [("name".to_owned(), name.into()), ("channels".to_owned(), serde_json::Value::Array(bare))]
        .into_iter()
        .collect();
    let settings = ContactSettings::parse(contact).map_err(|invalid| corrupt(invalid.to_string()))?;
    ids.into_iter()
        .zip(settings.channels)
        .map(|(id, ChannelSettings::Webhook { url, secrets })| {
            let mut secrets = secrets.into_iter().filter_map(|given| match given {
                GivenSecret::New(secret) => Some(secret),
                GivenSecret::Kept => None,
            });
            let secret = secrets.next().ok_or_else(|| corrupt("it has no secret".to_owned()))?;
            Ok(Channel { id, target: ChannelTarget::Webhook { url, secret, older_secret: secrets.next() } })
        })
        .collect()
}

pub(super) fn contact(row: &Row<'_>, vault: &Vault) -> Result<Contact, StoreError> {
    let id: ContactId = parsed(row, "id")?;
    let unlock = |column: &'static str, place| {
        let corrupt = |reason: String| StoreError::Corrupt { what: "a contact", reason: format!("{id}: {reason}") };
        vault.unlock(place, &get::<Vec<u8>>(row, column)?).map_err(|error| corrupt(error.to_string()))
    };
    let stored = serde_json::from_str(&unlock("channels", channels_of(&id))?)
        .map_err(|error| StoreError::Corrupt { what: "a channel", reason: error.to_string() })?;
    Ok(Contact {
        org: parsed(row, "org")?,
        name: parsed(row, "name")?,
        channels: channels(get(row, "name")?, stored)?,
        webhook_token: Secret::new(&unlock("webhook_token", token_of(&id))?),
        created_at: time_at(row, "created_at")?,
        version: count_at(row, "version")?,
        id,
    })
}

fn channels_of(id: &ContactId) -> Place<'_> {
    Place { column: "contact.channels", id: id.as_str() }
}

fn token_of(id: &ContactId) -> Place<'_> {
    Place { column: "contact.webhook_token", id: id.as_str() }
}

/// The columns with secrets: channels and token.
fn locked(vault: &Vault, contact: &Contact) -> Result<(Vec<u8>, Vec<u8>), StoreError> {
    let channels: Vec<_> = contact.channels.iter().map(|channel| channel.write(Exposure::Stored)).collect();
    let channels = vault.lock(channels_of(&contact.id), &json(&channels)?)?;
    Ok((channels, vault.lock(token_of(&contact.id), contact.webhook_token.expose())?))
}

/// Takes a contact out of all monitors that name it.
fn forget_in_monitors(
    transaction: &Transaction<'_>,
    vault: &Vault,
    org: &OrgId,
    contact: &ContactId,
) -> Result<(), StoreError> {
    let sql = "SELECT key, id, settings FROM monitor WHERE org = $1";
    let monitors = rows(transaction, sql, [org.as_str()], |row| {
        Ok((get::<i64>(row, "key")?, parsed::<MonitorId>(row, "id")?, get::<Vec<u8>>(row, "settings")?))
    })?;
    for (key, id, settings) in monitors {
        // What cannot be read names nobody that could be told.
        let Ok(text) = vault.unlock(place(&id), &settings) else { continue };
        let Ok(mut settings) = serde_json::from_str::<Object>(&text) else { continue };
        let Some(serde_json::Value::Array(named)) = settings.get_mut("contacts") else { continue };
        let before = named.len();
        named.retain(|named| named.as_str() != Some(contact.as_str()));
        if named.len() < before {
            let settings = vault.lock(place(&id), &json(&settings)?)?;
            let sql = "UPDATE monitor SET version = version + 1, settings = $1 WHERE key = $2";
            execute(transaction, "delete a contact", sql, params![settings, key])?;
        }
    }
    Ok(())
}

#[async_trait]
impl Contacts for SqliteStore {
    async fn contacts(&self, org: &OrgId) -> Result<Vec<Contact>, StoreError> {
        let (org, vault) = (org.clone(), Arc::clone(&self.vault));
        self.readers
            .read(move |connection| {
                let sql = "SELECT * FROM contact WHERE org = $1 ORDER BY id";
                rows(connection, sql, [org.as_str()], |row| contact(row, &vault))
            })
            .await
    }

    async fn contact(&self, org: &OrgId, id: &ContactId) -> Result<Option<Contact>, StoreError> {
        let (org, id, vault) = (org.clone(), id.clone(), Arc::clone(&self.vault));
        self.readers
            .read(move |connection| {
                let sql = "SELECT * FROM contact WHERE org = $1 AND id = $2";
                row(connection, sql, [org.as_str(), id.as_str()], |row| contact(row, &vault))
            })
            .await
    }

    async fn create_contact(&self, contact: Contact) -> Result<(), StoreError> {
        let vault = Arc::clone(&self.vault);
        self.writer
            .write("store a contact", move |transaction| {
                let sql = "INSERT INTO contact (id, org, name, channels, webhook_token, version, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
                let (channels, token) = locked(&vault, &contact)?;
                let (id, org, name) = (contact.id.as_str(), contact.org.as_str(), contact.name.as_str());
                let (version, created) = (signed(contact.version), contact.created_at.as_microsecond());
                let values = params![id, org, name, channels, token, version, created];
                execute(transaction, "store a contact", sql, values).map(drop)
            })
            .await
    }

    async fn update_contact(&self, contact: Contact, expected_version: u64) -> Result<Put, StoreError> {
        let vault = Arc::clone(&self.vault);
        self.writer
            .write("store a contact", move |transaction| {
                let (id, org) = (contact.id.as_str(), contact.org.as_str());
                let sql = "SELECT version FROM contact WHERE org = $1 AND id = $2";
                match row(transaction, sql, [org, id], |row| count_at(row, "version"))? {
                    None => return Ok(Put::Missing),
                    Some(version) if version != expected_version => return Ok(Put::Conflict),
                    Some(_) => {}
                }
                let sql = "UPDATE contact SET name = $1, channels = $2, webhook_token = $3, version = $4 WHERE id = $5";
                let (channels, token) = locked(&vault, &contact)?;
                let values = params![contact.name.as_str(), channels, token, signed(contact.version), id];
                execute(transaction, "store a contact", sql, values)?;
                Ok(Put::Done)
            })
            .await
    }

    async fn delete_contact(&self, org: &OrgId, id: &ContactId) -> Result<Put, StoreError> {
        let (org, id, vault) = (org.clone(), id.clone(), Arc::clone(&self.vault));
        self.writer
            .write("delete a contact", move |transaction| {
                let doing = "delete a contact";
                if execute(
                    transaction,
                    doing,
                    "DELETE FROM contact WHERE org = $1 AND id = $2",
                    [org.as_str(), id.as_str()],
                )? == 0
                {
                    return Ok(Put::Missing);
                }
                forget_in_monitors(transaction, &vault, &org, &id)?;
                Ok(Put::Done)
            })
            .await
    }
}
