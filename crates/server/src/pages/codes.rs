//! The catalogue of status codes, and the page of one code. Anybody may read them.

use askama::Template;
use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use watchkeep_catalogue::{Entry, Family, StatusCode, all, find};

use super::{
    frame::{Link, Section, page},
    not_found,
    shown::State,
};

struct CodeRow {
    state: State,
    entry: &'static Entry,
}

impl CodeRow {
    fn new(entry: &'static Entry) -> Self {
        Self { state: State::of(entry.family, entry.code), entry }
    }
}

#[derive(Template)]
#[template(path = "codes.html")]
struct CodesPage {
    links: [Link; 5],
    families: Vec<(Family, Vec<CodeRow>)>,
}

pub(super) async fn list() -> Response {
    let rows = |family: Family| all().iter().filter(|entry| entry.family == family).map(CodeRow::new).collect();
    let families = Family::ALL.map(|family| (family, rows(family)));
    page(&CodesPage { links: Section::Codes.links(), families: families.into() })
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    links: [Link; 5],
    row: CodeRow,
}

pub(super) async fn show(Path((family, code)): Path<(String, String)>) -> Response {
    let found = Family::parse(&family).zip(code.parse().ok());
    match found.and_then(|(family, code)| find(family, StatusCode::new(code))) {
        Some(entry) => page(&CodePage { links: Section::Codes.links(), row: CodeRow::new(entry) }).into_response(),
        None => not_found(),
    }
}
