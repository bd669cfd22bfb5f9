//! What browsers fetch beside the pages: the style sheet, the script of live pages, the icon.
//! All of it is part of the binary; nothing comes from elsewhere.

use axum::{
    extract::Path,
    http::header,
    response::{IntoResponse, Response},
};

use super::not_found;

/// Kind and content of an asset.
fn find(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "style.css" => ("text/css; charset=utf-8", include_str!("../../assets/style.css")),
        "live.js" => ("text/javascript; charset=utf-8", include_str!("../../assets/live.js")),
        "icon.svg" => ("image/svg+xml", include_str!("../../assets/icon.svg")),
        _ => return None,
    })
}

pub(super) async fn serve(Path(name): Path<String>) -> Response {
    let Some((kind, content)) = find(&name) else { return not_found() };
    // Short, because the name stays the same from version to version.
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=300")], content).into_response()
}
