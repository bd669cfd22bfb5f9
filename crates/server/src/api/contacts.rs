//! `/contacts` and `/channels`: who is told, and by which way.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use watchkeep_model::{ChannelId, ContactId, Exposure};

use super::{
    JsonObject, Problem, Query,
    body::NoFields,
    id_in_path,
    query::Cursor,
    schema::{ContactChange, ContactInput},
    version::{IfMatch, etag},
    view::{self, ContactView, Listed},
};
use crate::{
    App,
    auth::{Caller, CanRead, CanWrite},
    contacts as desk,
    monitors::Edit,
};

/// List contacts
#[utoipa::path(
    get, path = "/contacts", tag = "contacts",
    params(
        ("limit" = Option<u32>, Query, description = "Entries per page, 1 to 1000; 100 when absent."),
        ("after" = Option<String>, Query, description = "The next of an earlier page."),
    ),
    responses((status = 200, description = "A page of contacts.", body = Listed<ContactView>)),
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    CanRead(caller): CanRead,
    mut query: Query,
) -> Result<Json<Listed<ContactView>>, Problem> {
    let limit = query.limit();
    let after = query.after("contacts");
    query.finish()?;
    let contacts = app.store.contacts(&caller.org).await?;
    let begin = after.map_or(0, |place| contacts.partition_point(|contact| contact.id.as_str() <= place.as_str()));
    let page: Vec<_> = contacts.iter().skip(begin).take(limit).collect();
    let last = page.last().filter(|_| begin + limit < contacts.len());
    let next = last.map(|contact| Cursor { list: "contacts".to_owned(), place: contact.id.to_string() }.write());
    Ok(Json(Listed { items: page.into_iter().map(|contact| view::contact(contact, Exposure::Shown)).collect(), next }))
}

/// Create a contact
///
/// The answer is the only one that shows the secrets: the signing keys and the token of 32 characters that
/// its webhooks carry.
#[utoipa::path(
    post, path = "/contacts", tag = "contacts",
    params(("Idempotency-Key" = Option<String>, Header, description = "A text of your choice: the same request with the same key creates nothing twice.")),
    request_body = ContactInput,
    responses((status = 201, description = "The new contact, with its secrets.", body = ContactView)),
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    CanWrite(caller): CanWrite,
    JsonObject(body): JsonObject,
) -> Result<Response, Problem> {
    let contact = desk::create(&app, &caller.org, body, Timestamp::now()).await?;
    let location =
        HeaderValue::from_str(&format!("/api/v1/contacts/{}", contact.id)).unwrap_or(HeaderValue::from_static("/"));
    let shown = Json(view::contact(&contact, Exposure::Stored));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], etag(contact.version), shown).into_response())
}

/// Show a contact
#[utoipa::path(
    get, path = "/contacts/{id}", tag = "contacts",
    params(("id" = String, Path, description = "The contact's id.")),
    responses((status = 200, description = "The contact.", body = ContactView)),
)]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    CanRead(caller): CanRead,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id: ContactId = id_in_path(&id)?;
    let contact = app.store.contact(&caller.org, &id).await?.ok_or_else(|| Problem::missing("contact"))?;
    Ok((etag(contact.version), Json(view::contact(&contact, Exposure::Shown))).into_response())
}

/// Change a contact
///
/// A JSON merge patch (RFC 7396). A list of channels replaces the list; an entry with the id or the URL of a
/// present channel keeps that channel and, without a `secret`, its secret.
#[utoipa::path(
    patch, path = "/contacts/{id}", tag = "contacts",
    params(
        ("id" = String, Path, description = "The contact's id."),
        ("If-Match" = Option<String>, Header, description = "The ETag that the change is made on."),
    ),
    request_body = ContactChange,
    responses((status = 200, description = "The changed contact.", body = ContactView)),
)]
pub(super) async fn change(
    State(app): State<Arc<App>>,
    CanWrite(caller): CanWrite,
    Path(id): Path<String>,
    if_match: IfMatch,
    JsonObject(body): JsonObject,
) -> Result<Response, Problem> {
    edit(&app, &caller, &id, &if_match, Edit::Merge(body)).await
}

/// Replace a contact
#[utoipa::path(
    put, path = "/contacts/{id}", tag = "contacts",
    params(
        ("id" = String, Path, description = "The contact's id."),
        ("If-Match" = Option<String>, Header, description = "The ETag that the change is made on."),
    ),
    request_body = ContactInput,
    responses((status = 200, description = "The changed contact.", body = ContactView)),
)]
pub(super) async fn replace(
    State(app): State<Arc<App>>,
    CanWrite(caller): CanWrite,
    Path(id): Path<String>,
    if_match: IfMatch,
    JsonObject(body): JsonObject,
) -> Result<Response, Problem> {
    edit(&app, &caller, &id, &if_match, Edit::Replace(body)).await
}

async fn edit(app: &Arc<App>, caller: &Caller, id: &str, if_match: &IfMatch, edit: Edit) -> Result<Response, Problem> {
    let id: ContactId = id_in_path(id)?;
    let contact = desk::change(app, &caller.org, &id, edit, if_match.versions()).await?;
    Ok((etag(contact.version), Json(view::contact(&contact, Exposure::Shown))).into_response())
}

/// Delete a contact
///
/// Monitors that named it no longer do; what was still to be told it is dropped.
#[utoipa::path(
    delete, path = "/contacts/{id}", tag = "contacts",
    params(("id" = String, Path, description = "The contact's id.")),
    responses((status = 204, description = "It is gone.")),
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    CanWrite(caller): CanWrite,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id: ContactId = id_in_path(&id)?;
    desk::delete(&app, &caller.org, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Try a channel out
///
/// Sends a `test.ping`; `/deliveries` tells what became of it.
#[utoipa::path(
    post, path = "/channels/{id}/test", tag = "contacts",
    params(("id" = String, Path, description = "The channel's id.")),
    responses((status = 202, description = "The message is under way.")),
)]
pub(super) async fn test_channel(
    State(app): State<Arc<App>>,
    CanWrite(caller): CanWrite,
    Path(id): Path<String>,
    _: NoFields,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let id: ChannelId = id_in_path(&id)?;
    let delivery = desk::test_channel(&app, &caller.org, &id, Timestamp::now()).await?;
    Ok((StatusCode::ACCEPTED, Json(json!({"delivery": delivery}))))
}
