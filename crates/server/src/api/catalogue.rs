//! `/status-codes`: the catalogue, open to everybody.

use axum::{Json, extract::Path};
use watchkeep_catalogue::{Family, StatusCode, all, find};

use super::{
    Problem, Query,
    view::{Listed, StatusCodeView},
};

/// Every status code
///
/// The catalogue of status codes, ordered by family and code. No token is needed.
#[utoipa::path(
    get, path = "/status-codes", tag = "status codes", security(()),
    params(("family" = Option<String>, Query, description = "service, server, certificate or domain")),
    responses((status = 200, description = "The codes.", body = Listed<StatusCodeView>)),
)]
pub(super) async fn list(mut query: Query) -> Result<Json<Listed<StatusCodeView>>, Problem> {
    let family = query.take::<FamilyWord>("family").map(|word| word.0);
    query.finish()?;
    let items =
        all().iter().filter(|entry| family.is_none_or(|family| entry.family == family)).map(StatusCodeView::from);
    Ok(Json(Listed { items: items.collect(), next: None }))
}

/// One status code
///
/// What one code means in one family. No token is needed.
#[utoipa::path(
    get, path = "/status-codes/{family}/{code}", tag = "status codes", security(()),
    params(
        ("family" = String, Path, description = "service, server, certificate or domain"),
        ("code" = i16, Path, description = "The number."),
    ),
    responses((status = 200, description = "The code.", body = StatusCodeView)),
)]
pub(super) async fn show(Path((family, code)): Path<(String, String)>) -> Result<Json<StatusCodeView>, Problem> {
    let entry =
        Family::parse(&family).zip(code.parse().ok()).and_then(|(family, code)| find(family, StatusCode::new(code)));
    entry.map(|entry| Json(entry.into())).ok_or_else(|| Problem::missing("status code"))
}

/// A family by its word.
pub(super) struct FamilyWord(pub(super) Family);

impl std::str::FromStr for FamilyWord {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Family::parse(text).map(Self).ok_or("must be service, server, certificate or domain")
    }
}
