//! Contacts: kept with their secrets, changed by whoever saw the newest version, and gone from monitors when deleted.
//! What waits for them is the outbox's matter.

use watchkeep_model::{ContactId, OrgId, Secret};
use watchkeep_store::Put;

use crate::support::{active_monitor, contact, contact_id, monitor_id, on_every_engine};

#[tokio::test]
async fn a_contact_comes_back_with_its_secrets_also_after_a_restart() {
    on_every_engine(async |place| {
        let (second, first) = (place.contact(2, 2).await, place.contact(1, 0).await);
        for _ in 0..2 {
            let store = place.store();
            assert_eq!(store.contact(&place.org, &second.id).await.unwrap().as_ref(), Some(&second));
            assert_eq!(store.contacts(&place.org).await.unwrap(), [first.clone(), second.clone()]);
            let stranger = OrgId::from_random([9; 16]);
            assert!(store.contact(&stranger, &second.id).await.unwrap().is_none());
            assert!(store.contacts(&stranger).await.unwrap().is_empty());
            drop(store);
            place.reopen();
        }
    })
    .await;
}

#[tokio::test]
async fn a_change_is_written_by_whoever_saw_the_newest_version() {
    on_every_engine(async |place| {
        let before = place.contact(1, 1).await;
        let mut changed = contact(&place.org, 1, 3);
        changed.name = "renamed".parse().unwrap();
        changed.webhook_token = Secret::new("another-token");
        changed.version = 2;
        let store = place.store();
        assert_eq!(store.update_contact(changed.clone(), 7).await.unwrap(), Put::Conflict);
        assert_eq!(store.contact(&place.org, &before.id).await.unwrap(), Some(before.clone()));
        assert_eq!(store.update_contact(changed.clone(), 1).await.unwrap(), Put::Done);
        assert_eq!(store.contact(&place.org, &before.id).await.unwrap(), Some(changed.clone()));
        let mut stolen = changed;
        stolen.org = OrgId::from_random([9; 16]);
        assert_eq!(store.update_contact(stolen, 2).await.unwrap(), Put::Missing);
        assert_eq!(store.update_contact(contact(&place.org, 2, 1), 1).await.unwrap(), Put::Missing);
    })
    .await;
}

#[tokio::test]
async fn monitors_no_longer_name_a_deleted_contact() {
    on_every_engine(async |place| {
        let (gone, stays) = (place.contact(1, 1).await, place.contact(2, 1).await);
        let store = place.store();
        let naming = async |number: u8, contacts: Vec<ContactId>| {
            let mut stored = active_monitor(&place.org, number);
            stored.monitor.settings.contacts = contacts;
            store.create_monitor(stored, Vec::new()).await.unwrap();
        };
        naming(1, vec![gone.id.clone(), stays.id.clone()]).await;
        naming(2, vec![gone.id.clone()]).await;
        naming(3, vec![stays.id.clone()]).await;

        assert_eq!(store.delete_contact(&OrgId::from_random([9; 16]), &gone.id).await.unwrap(), Put::Missing);
        assert_eq!(store.delete_contact(&place.org, &gone.id).await.unwrap(), Put::Done);
        assert_eq!(store.delete_contact(&place.org, &gone.id).await.unwrap(), Put::Missing);
        assert!(store.contact(&place.org, &gone.id).await.unwrap().is_none());
        for (number, contacts, version) in
            [(1, vec![stays.id.clone()], 2), (2, Vec::new(), 2), (3, vec![stays.id.clone()], 1)]
        {
            let kept = store.monitor(&place.org, &monitor_id(number)).await.unwrap().unwrap().monitor.unwrap();
            assert_eq!((&kept.settings.contacts, kept.version), (&contacts, version), "monitor {number}");
            let mut expected = active_monitor(&place.org, number).monitor;
            (expected.settings.contacts, expected.version) = (contacts, version);
            assert_eq!(kept, expected, "nothing else of it changed");
        }
        assert_eq!(stays.id, contact_id(2));
    })
    .await;
}
