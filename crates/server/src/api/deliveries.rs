//! `/deliveries`: what was told to whom, and what became of it.

use std::sync::Arc;

use axum::{Json, extract::State};

use super::{
    Problem, Query,
    history::listed,
    view::{DeliveryView, Listed},
};
use crate::{App, auth::CanRead};

/// List deliveries
///
/// Newest first.
#[utoipa::path(
    get, path = "/deliveries", tag = "contacts",
    params(
        ("limit" = Option<u32>, Query, description = "Entries per page, 1 to 1000; 100 when absent."),
        ("after" = Option<String>, Query, description = "The next of an earlier page."),
    ),
    responses((status = 200, description = "A page of deliveries.", body = Listed<DeliveryView>)),
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    CanRead(caller): CanRead,
    mut query: Query,
) -> Result<Json<Listed<DeliveryView>>, Problem> {
    let limit = query.limit();
    let after = query.after("deliveries");
    query.finish()?;
    let page = app.store.deliveries(&caller.org, after.as_deref(), limit).await?;
    Ok(Json(listed("deliveries", page, DeliveryView::from)))
}
