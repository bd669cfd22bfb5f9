//! The OpenAPI document: as it was last reviewed, and complete.
//! A change of the API shows as a change of the snapshot.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod support;

use std::collections::BTreeSet;

use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use serde_json::Value;
use support::Place;

fn document() -> Value {
    serde_json::to_value(watchkeep_server::api::document()).unwrap()
}

#[test]
fn the_document_is_as_reviewed() {
    let mut document = document();
    document["info"]["version"] = "[version]".into();
    insta::assert_json_snapshot!(document);
}

/// Every operation that the contract names for what exists today.
const PROMISED: [&str; 30] = [
    "DELETE /contacts/{id}",
    "DELETE /monitors/{id}",
    "DELETE /tokens/{id}",
    "GET /contacts",
    "GET /contacts/{id}",
    "GET /deliveries",
    "GET /events",
    "GET /incidents",
    "GET /incidents/{id}",
    "GET /monitors",
    "GET /monitors/{id}",
    "GET /monitors/{id}/events",
    "GET /monitors/{id}/results",
    "GET /monitors/{id}/series",
    "GET /monitors/{id}/uptime",
    "GET /status-codes",
    "GET /status-codes/{family}/{code}",
    "GET /tokens",
    "PATCH /contacts/{id}",
    "PATCH /monitors/{id}",
    "POST /channels/{id}/test",
    "POST /contacts",
    "POST /monitors",
    "POST /monitors/{id}/activate",
    "POST /monitors/{id}/pause",
    "POST /monitors/{id}/test",
    "POST /tests",
    "POST /tokens",
    "PUT /contacts/{id}",
    "PUT /monitors/{id}",
];

fn described() -> BTreeSet<String> {
    let document = document();
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        item.as_object().unwrap().keys().map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    operations.collect()
}

#[test]
fn every_promised_route_is_described() {
    let promised: BTreeSet<String> = PROMISED.iter().map(|text| (*text).to_owned()).collect();
    assert_eq!(described(), promised);
}

#[tokio::test]
async fn every_described_route_is_served_and_no_other_method() {
    let place = Place::new().await;
    let described = described();
    let paths: BTreeSet<&str> = described.iter().map(|operation| operation.split_once(' ').unwrap().1).collect();
    for path in paths {
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let uri = format!("/api/v1{}", path.replace("{id}", "x").replace("{family}", "x").replace("{code}", "x"));
            let answer =
                place.send(Request::builder().method(method.clone()).uri(uri).body(Body::empty()).unwrap()).await;
            let served = answer.status != StatusCode::METHOD_NOT_ALLOWED;
            assert_eq!(served, described.contains(&format!("{method} {path}")), "{method} {path}: {}", answer.status);
            if served && !path.starts_with("/status-codes") {
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn references_in_the_document_lead_somewhere() {
    let document = document();
    let text = document.to_string();
    for part in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(document["components"]["schemas"].get(name).is_some(), "{name}");
    }
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for field in watchkeep_model::http::FIELDS {
        let schema = &document["components"]["schemas"]["MonitorInput"]["properties"]["http"]["properties"][field.name];
        assert_eq!(schema["description"], field.help, "{}", field.name);
    }
}

#[tokio::test]
async fn the_document_and_the_reference_are_served_without_a_token() {
    let place = Place::new().await;
    let send = |path: &str| place.send(Request::get(path.to_owned()).body(Body::empty()).unwrap());
    let served = send("/api/v1/openapi.json").await;
    assert_eq!(served.header("content-type"), "application/json");
    assert_eq!(served.json(), document());
    let page = send("/docs/api").await;
    assert!(page.header("content-type").starts_with("text/html"));
    for operation in described() {
        let (method, path) = operation.split_once(' ').unwrap();
        assert!(page.text().contains(&format!("{method} /api/v1{path}")), "{operation}");
    }
}
