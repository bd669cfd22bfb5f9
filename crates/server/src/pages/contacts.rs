//! Contacts: who is told, by which webhook; what was told lately and whether it arrived.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State as Shared},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use serde_json::json;
use watchkeep_model::{ChannelTarget, Contact, Object};
use watchkeep_store::{Delivery, DeliveryState};

use super::{
    fault::Fault,
    form::Form,
    frame::{Link, Section, page, page_with},
    shown::Moment,
};
use crate::{
    App,
    auth::SignedIn,
    contacts::{self as desk, ContactError},
};

/// Deliveries that the page shows.
const NEWEST: usize = 20;

struct ChannelRow {
    id: String,
    url: String,
}

struct ContactRow {
    id: String,
    name: String,
    channels: Vec<ChannelRow>,
}

struct DeliveryRow {
    at: Moment,
    contact: String,
    class: &'static str,
    word: &'static str,
    outcome: String,
    attempts: u32,
}

/// What is shown once: the secrets of a contact that was just made.
struct Fresh {
    name: String,
    token: String,
    secrets: Vec<String>,
}

#[derive(Default)]
struct Typed {
    name: String,
    url: String,
    problems: Vec<String>,
}

#[derive(Template)]
#[template(path = "contacts.html")]
struct ContactsPage {
    links: [Link; 5],
    contacts: Vec<ContactRow>,
    deliveries: Vec<DeliveryRow>,
    fresh: Option<Fresh>,
    typed: Typed,
}

async fn content(app: &App, person: &SignedIn, fresh: Option<Fresh>, typed: Typed) -> Result<ContactsPage, Fault> {
    let contacts = app.store.contacts(&person.org).await?;
    let deliveries = app.store.deliveries(&person.org, None, NEWEST).await?.items;
    let now = Timestamp::now();
    let rows = deliveries.iter().map(|delivery| delivery_row(delivery, &contacts, now)).collect();
    Ok(ContactsPage {
        links: Section::Contacts.links(),
        contacts: contacts.iter().map(contact_row).collect(),
        deliveries: rows,
        fresh,
        typed,
    })
}

fn contact_row(contact: &Contact) -> ContactRow {
    let channel = |channel: &watchkeep_model::Channel| {
        let ChannelTarget::Webhook { url, .. } = &channel.target;
        ChannelRow { id: channel.id.to_string(), url: url.to_string() }
    };
    ContactRow {
        id: contact.id.to_string(),
        name: contact.name.to_string(),
        channels: contact.channels.iter().map(channel).collect(),
    }
}

fn delivery_row(delivery: &Delivery, contacts: &[Contact], now: Timestamp) -> DeliveryRow {
    let name = contacts.iter().find(|contact| contact.id == delivery.contact);
    let (class, word) = match delivery.state {
        DeliveryState::Waiting { .. } => ("pending", "Waiting"),
        DeliveryState::Sent { .. } => ("operational", "Delivered"),
        DeliveryState::Failed { .. } => ("down", "Given up"),
    };
    DeliveryRow {
        at: Moment::new(delivery.created_at, now),
        contact: name.map_or_else(|| delivery.contact.to_string(), |contact| contact.name.to_string()),
        class,
        word,
        outcome: delivery.last_outcome.clone().unwrap_or_default(),
        attempts: delivery.attempts,
    }
}

pub(super) async fn list(Shared(app): Shared<Arc<App>>, person: SignedIn) -> Result<Response, Fault> {
    Ok(page(&content(&app, &person, None, Typed::default()).await?))
}

pub(super) async fn create(Shared(app): Shared<Arc<App>>, person: SignedIn, form: Form) -> Result<Response, Fault> {
    let (name, url) = (form.text("name"), form.text("url"));
    let mut input = Object::new();
    input.insert("name".to_owned(), json!(name));
    input.insert("channels".to_owned(), json!([{"type": "webhook", "url": url}]));
    match desk::create(&app, &person.org, input, Timestamp::now()).await {
        Ok(contact) => {
            let secrets = contact.channels.iter().map(|channel| {
                let ChannelTarget::Webhook { secret, .. } = &channel.target;
                secret.expose().to_owned()
            });
            let token = contact.webhook_token.expose().to_owned();
            let fresh = Fresh { name: contact.name.to_string(), token, secrets: secrets.collect() };
            Ok(page(&content(&app, &person, Some(fresh), Typed::default()).await?))
        }
        Err(ContactError::Invalid(invalid)) => {
            // There is one channel in this form, and its place in a list means nothing to whoever fills it in.
            let plain = |problem: &watchkeep_model::Problem| problem.to_string().replace("channels[0].url", "URL");
            let problems = invalid.problems().iter().map(plain).collect();
            let typed = Typed { name: name.to_owned(), url: url.to_owned(), problems };
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &content(&app, &person, None, typed).await?))
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn delete(
    Shared(app): Shared<Arc<App>>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let id = id.parse().map_err(|_| ContactError::Missing)?;
    desk::delete(&app, &person.org, &id).await?;
    Ok(Redirect::to("/contacts").into_response())
}

pub(super) async fn test_channel(
    Shared(app): Shared<Arc<App>>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let id = id.parse().map_err(|_| ContactError::MissingChannel)?;
    desk::test_channel(&app, &person.org, &id, Timestamp::now()).await?;
    Ok(Redirect::to("/contacts").into_response())
}
