//! `/incidents`: confirmed stretches of failure.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use watchkeep_catalogue::Family;
use watchkeep_model::{IncidentId, MonitorId};
use watchkeep_store::IncidentFilter;

use super::{
    Problem, Query,
    history::listed,
    id_in_path,
    view::{self, IncidentView, Listed},
};
use crate::{App, auth::CanRead};

/// List incidents
///
/// Newest first.
#[utoipa::path(
    get, path = "/incidents", tag = "incidents",
    params(
        ("state" = Option<String>, Query, description = "open or resolved; both when absent."),
        ("monitor" = Option<String>, Query, description = "Only those of this monitor."),
        ("limit" = Option<u32>, Query, description = "Entries per page, 1 to 1000; 100 when absent."),
        ("after" = Option<String>, Query, description = "The next of an earlier page."),
    ),
    responses((status = 200, description = "A page of incidents.", body = Listed<IncidentView>)),
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    CanRead(caller): CanRead,
    mut query: Query,
) -> Result<Json<Listed<IncidentView>>, Problem> {
    let open = query.take::<OpenOrResolved>("state").map(|state| state == OpenOrResolved::Open);
    let monitor = query.take::<MonitorId>("monitor");
    let limit = query.limit();
    let after = query.after("incidents");
    query.finish()?;
    let page = app.store.incidents(&caller.org, IncidentFilter { open, monitor }, after.as_deref(), limit).await?;
    Ok(Json(listed("incidents", page, |incident| {
        let family = family_of(&app, &incident.monitor);
        view::incident(incident, family)
    })))
}

/// Show an incident
///
/// With everything that happened during it.
#[utoipa::path(
    get, path = "/incidents/{id}", tag = "incidents",
    params(("id" = String, Path, description = "The incident's id.")),
    responses((status = 200, description = "The incident.", body = IncidentView)),
)]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    CanRead(caller): CanRead,
    Path(id): Path<String>,
) -> Result<Json<IncidentView>, Problem> {
    let id: IncidentId = id_in_path(&id)?;
    let incident = app.store.incident(&caller.org, &id).await?.ok_or_else(|| Problem::missing("incident"))?;
    let family = family_of(&app, &incident.monitor);
    Ok(Json(view::incident(incident, family)))
}

fn family_of(app: &App, monitor: &MonitorId) -> Family {
    app.board.find(monitor).map_or(Family::Service, |entry| entry.family)
}

#[derive(PartialEq, Eq)]
enum OpenOrResolved {
    Open,
    Resolved,
}

impl std::str::FromStr for OpenOrResolved {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "open" => Ok(Self::Open),
            "resolved" => Ok(Self::Resolved),
            _ => Err("must be open or resolved"),
        }
    }
}
