//! Contacts; their channels stand as JSON in the contact's row, because they are never looked for alone.

use async_trait::async_trait;
use rusqlite::{Row, params};
use watchkeep_model::{
    Channel, ChannelId, ChannelSettings, ChannelTarget, Contact, ContactId, ContactSettings, Exposure, Object, OrgId,
    Secret,
};

use super::{
    SqliteStore,
    columns::{count_at, execute, from_json, get, json, parsed, row, rows, signed, time_at},
};
use crate::{Contacts, Put, StoreError};

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
        .map(|(id, ChannelSettings::Webhook { url, secret })| {
            let secret = secret.ok_or_else(|| corrupt("it has no secret".to_owned()))?;
            Ok(Channel { id, target: ChannelTarget::Webhook { url, secret } })
        })
        .collect()
}

pub(super) fn contact(row: &Row<'_>) -> Result<Contact, StoreError> {
    Ok(Contact {
        id: parsed(row, "id")?,
        org: parsed(row, "org")?,
        name: parsed(row, "name")?,
        channels: channels(get(row, "name")?, from_json(row, "channels")?)?,
        webhook_token: Secret::new(&get::<String>(row, "webhook_token")?),
        created_at: time_at(row, "created_at")?,
        version: count_at(row, "version")?,
    })
}

fn written(contact: &Contact) -> Result<String, StoreError> {
    json(&contact.channels.iter().map(|channel| channel.write(Exposure::Stored)).collect::<Vec<_>>())
}

#[async_trait]
impl Contacts for SqliteStore {
    async fn contacts(&self, org: &OrgId) -> Result<Vec<Contact>, StoreError> {
        let org = org.clone();
        self.readers
            .read(move |connection| {
                rows(connection, "SELECT * FROM contact WHERE org = $1 ORDER BY id", [org.as_str()], contact)
            })
            .await
    }

    async fn contact(&self, org: &OrgId, id: &ContactId) -> Result<Option<Contact>, StoreError> {
        let (org, id) = (org.clone(), id.clone());
        self.readers
            .read(move |connection| {
                row(
                    connection,
                    "SELECT * FROM contact WHERE org = $1 AND id = $2",
                    [org.as_str(), id.as_str()],
                    contact,
                )
            })
            .await
    }

    async fn create_contact(&self, contact: Contact) -> Result<(), StoreError> {
        self.writer
            .write("store a contact", move |transaction| {
                let sql = "INSERT INTO contact (id, org, name, channels, webhook_token, version, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
                let (token, created) = (contact.webhook_token.expose(), contact.created_at.as_microsecond());
                let (id, org, name) = (contact.id.as_str(), contact.org.as_str(), contact.name.as_str());
                let values = params![id, org, name, written(&contact)?, token, signed(contact.version), created];
                execute(transaction, "store a contact", sql, values).map(drop)
            })
            .await
    }

    async fn update_contact(&self, contact: Contact, expected_version: u64) -> Result<Put, StoreError> {
        self.writer
            .write("store a contact", move |transaction| {
                let (id, org) = (contact.id.as_str(), contact.org.as_str());
                let sql = "SELECT * FROM contact WHERE org = $1 AND id = $2";
                let before = match row(transaction, sql, [org, id], self::contact)? {
                    None => return Ok(Put::Missing),
                    Some(before) if before.version != expected_version => return Ok(Put::Conflict),
                    Some(before) => before,
                };
                let sql = "UPDATE contact SET name = $1, channels = $2, webhook_token = $3, version = $4 WHERE id = $5";
                let values = params![
                    contact.name.as_str(),
                    written(&contact)?,
                    contact.webhook_token.expose(),
                    signed(contact.version),
                    id
                ];
                execute(transaction, "store a contact", sql, values)?;
                for gone in before.channels.iter().filter(|gone| contact.channels.iter().all(|kept| kept.id != gone.id))
                {
                    let sql = "DELETE FROM delivery WHERE channel = $1 AND state = 'waiting'";
                    execute(transaction, "store a contact", sql, [gone.id.as_str()])?;
                }
                Ok(Put::Done)
            })
            .await
    }

    async fn delete_contact(&self, org: &OrgId, id: &ContactId) -> Result<Put, StoreError> {
        let (org, id) = (org.clone(), id.clone());
        self.writer
            .write("delete a contact", move |transaction| {
                let doing = "delete a contact";
                if execute(transaction, doing, "DELETE FROM contact WHERE org = $1 AND id = $2", [org.as_str(), id.as_str()])? == 0 {
                    return Ok(Put::Missing);
                }
                let sql = "UPDATE monitor SET version = version + 1, settings = json_set(settings, '$.contacts',
                             (SELECT json_group_array(value) FROM json_each(settings, '$.contacts') WHERE value <> $1))
                           WHERE EXISTS (SELECT 1 FROM json_each(settings, '$.contacts') WHERE value = $1) AND org = $2";
                execute(transaction, doing, sql, [id.as_str(), org.as_str()])?;
                Ok(Put::Done)
            })
            .await
    }
}
