//! Contacts and their channels.

use async_trait::async_trait;
use watchkeep_model::{Contact, ContactId, OrgId};

use crate::{Put, StoreError};

/// Keeps contacts.
#[async_trait]
pub trait Contacts {
    /// One organisation's contacts, ordered by id.
    async fn contacts(&self, org: &OrgId) -> Result<Vec<Contact>, StoreError>;

    /// One contact.
    async fn contact(&self, org: &OrgId, id: &ContactId) -> Result<Option<Contact>, StoreError>;

    /// Stores a new contact.
    async fn create_contact(&self, contact: Contact) -> Result<(), StoreError>;

    /// Stores a changed contact whose version was `expected_version`. What waits for a channel that it no longer
    /// has is forgotten.
    async fn update_contact(&self, contact: Contact, expected_version: u64) -> Result<Put, StoreError>;

    /// Forgets a contact and its waiting deliveries; monitors that named it no longer do.
    async fn delete_contact(&self, org: &OrgId, id: &ContactId) -> Result<Put, StoreError>;
}
