//! Accounts: an installation is claimed once, by a link or by a token; sessions end; tokens are found by their hash.
//! The store never sees a secret of these, only hashes.

use jiff::Timestamp;
use watchkeep_model::{OrgId, Scope, Session, Token, TokenHash, TokenId, User, UserId};
use watchkeep_store::{NewToken, Put, SetupLink};

use crate::support::{Place, active_monitor, at, contact, on_every_engine};

fn hash(number: u8) -> TokenHash {
    TokenHash([number; 32])
}

fn user(place: &Place, number: u8, name: &str) -> User {
    User {
        id: UserId::from_random([number; 16]),
        org: place.org.clone(),
        name: name.parse().unwrap(),
        password_hash: "$argon2id$…".to_owned(),
        created_at: at(0),
    }
}

fn token(place: &Place, number: u8) -> NewToken {
    let token = Token {
        id: TokenId::from_random([number; 16]),
        org: place.org.clone(),
        name: format!("token {number}").parse().unwrap(),
        scope: Scope::Write,
        created_at: at(0),
        last_used_at: None,
    };
    NewToken { token, hash: hash(number) }
}

async fn link(place: &Place, number: u8, expires_at: Timestamp) {
    place.store().put_setup_link(SetupLink { hash: hash(number), expires_at }).await.unwrap();
}

#[tokio::test]
async fn there_is_one_organisation_and_it_stays_the_same() {
    on_every_engine(async |place| {
        let before = place.org.clone();
        place.reopen();
        assert_eq!(place.store().default_org().await.unwrap(), before);
    })
    .await;
}

#[tokio::test]
async fn what_belongs_to_another_organisation_is_kept_apart() {
    on_every_engine(async |place| {
        let other = OrgId::from_random([8; 16]);
        place.store().create_org(&other, at(100)).await.unwrap();
        let (mine, theirs) = (place.monitor(1).await, active_monitor(&other, 2));
        place.store().create_monitor(theirs.clone(), Vec::new()).await.unwrap();
        place.store().create_contact(contact(&other, 2, 1)).await.unwrap();
        place.reopen();
        let store = place.store();
        assert_eq!(store.default_org().await.unwrap(), place.org);
        for (org, present, absent) in [(&place.org, &mine, &theirs), (&other, &theirs, &mine)] {
            let ids: Vec<_> = store.monitors(org, None, 9).await.unwrap().into_iter().map(|kept| kept.id).collect();
            assert_eq!(ids, std::slice::from_ref(&present.monitor.id));
            assert!(store.monitor(org, &absent.monitor.id).await.unwrap().is_none());
        }
        assert_eq!(store.contacts(&other).await.unwrap().len(), 1);
        assert!(store.contacts(&place.org).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn the_first_user_is_made_once_by_the_newest_link_in_time() {
    on_every_engine(async |place| {
        assert!(place.store().is_unclaimed().await.unwrap());
        link(place, 1, at(100)).await;
        link(place, 2, at(100)).await;
        place.reopen();
        let store = place.store();
        for (number, second, works) in [(1, 50, false), (2, 50, true), (2, 99, true), (2, 100, false), (3, 50, false)] {
            assert_eq!(store.setup_link_works(hash(number), at(second)).await.unwrap(), works, "{number} at {second}");
            if !works {
                assert!(!store.claim(hash(number), user(place, 9, "mallory"), at(second)).await.unwrap());
            }
        }
        assert!(store.is_unclaimed().await.unwrap());
        assert!(store.claim(hash(2), user(place, 1, "Ada"), at(50)).await.unwrap());
        assert!(!store.is_unclaimed().await.unwrap());
        assert!(!store.setup_link_works(hash(2), at(50)).await.unwrap());
        assert!(!store.claim(hash(2), user(place, 2, "eve"), at(50)).await.unwrap());
        // Nor by a link that is made afterwards.
        link(place, 4, at(100)).await;
        assert!(!store.claim(hash(4), user(place, 2, "eve"), at(50)).await.unwrap());
        assert!(store.user_by_name("eve").await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn users_are_found_without_regard_to_case() {
    on_every_engine(async |place| {
        link(place, 1, at(100)).await;
        let ada = user(place, 1, "Ädä Lovelace");
        assert!(place.store().claim(hash(1), ada.clone(), at(50)).await.unwrap());
        place.reopen();
        for name in ["Ädä Lovelace", "ädä lovelace", "ÄDÄ LOVELACE", " ädä lovelace "] {
            assert_eq!(place.store().user_by_name(name).await.unwrap(), Some(ada.clone()), "{name:?}");
        }
        assert!(place.store().user_by_name("Ada Lovelace").await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn a_bootstrap_token_is_taken_only_while_nobody_can_sign_in() {
    on_every_engine(async |place| {
        assert!(place.store().bootstrap(token(place, 1)).await.unwrap());
        assert!(!place.store().bootstrap(token(place, 2)).await.unwrap());
        assert!(!place.store().is_unclaimed().await.unwrap());
        assert!(place.store().token(hash(2), at(0)).await.unwrap().is_none());
        assert_eq!(place.store().tokens(&place.org).await.unwrap().len(), 1);
    })
    .await;
    on_every_engine(async |place| {
        link(place, 1, at(100)).await;
        assert!(place.store().claim(hash(1), user(place, 1, "ada"), at(50)).await.unwrap());
        assert!(!place.store().bootstrap(token(place, 1)).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn sessions_end_by_themselves_and_by_signing_out() {
    on_every_engine(async |place| {
        link(place, 1, at(100)).await;
        let ada = user(place, 1, "ada");
        place.store().claim(hash(1), ada.clone(), at(50)).await.unwrap();
        let session =
            |number| Session { hash: hash(number), user: ada.id.clone(), org: place.org.clone(), expires_at: at(200) };
        place.store().create_session(session(5)).await.unwrap();
        place.store().create_session(session(6)).await.unwrap();
        let (fifth, sixth) = (session(5), session(6));
        place.reopen();
        let store = place.store();
        assert_eq!(store.session(hash(5), at(199)).await.unwrap(), Some(fifth));
        assert_eq!(store.session(hash(5), at(200)).await.unwrap(), None);
        store.delete_session(hash(5)).await.unwrap();
        assert_eq!(store.session(hash(5), at(199)).await.unwrap(), None);
        assert_eq!(store.session(hash(6), at(199)).await.unwrap(), Some(sixth));
        assert_eq!(store.session(hash(7), at(199)).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn tokens_are_found_by_their_hash_until_they_are_revoked_and_note_their_use_once_a_minute() {
    on_every_engine(async |place| {
        let (one, other) = (token(place, 1), token(place, 2));
        for new in [&other, &one] {
            place.store().create_token(new.clone()).await.unwrap();
        }
        place.reopen();
        let store = place.store();
        assert_eq!(store.tokens(&place.org).await.unwrap(), [one.token.clone(), other.token.clone()]);
        assert!(store.token(hash(3), at(0)).await.unwrap().is_none());
        let used = async || store.tokens(&place.org).await.unwrap()[0].last_used_at;
        for (second, noted) in [(10, 10), (69, 10), (70, 70), (60, 70), (200, 200)] {
            let found = store.token(hash(1), at(second)).await.unwrap().unwrap();
            assert_eq!((found.id, found.scope), (one.token.id.clone(), Scope::Write));
            assert_eq!(used().await, Some(at(noted)), "at {second}");
        }
        let stranger = OrgId::from_random([9; 16]);
        assert_eq!(store.delete_token(&stranger, &one.token.id).await.unwrap(), Put::Missing);
        assert_eq!(store.delete_token(&place.org, &one.token.id).await.unwrap(), Put::Done);
        assert_eq!(store.delete_token(&place.org, &one.token.id).await.unwrap(), Put::Missing);
        assert!(store.token(hash(1), at(300)).await.unwrap().is_none());
        assert!(store.token(hash(2), at(300)).await.unwrap().is_some());
    })
    .await;
}
