//! `/openapi.json`: the description of the API, collected from the handlers.
//! What every operation has in common (token, problems) is added here once.

use utoipa::openapi::{
    Components, ContentBuilder, Info, OpenApi, Ref, RefOr, Response, ResponseBuilder,
    path::{Operation, PathItem},
    schema::{ArrayItems, Schema},
    security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    server::Server,
    tag::TagBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use super::{FieldError, Problem, schema};

/// The nouns of the API with a sentence each, in the order of the reference.
const TAGS: [(&str, &str); 7] = [
    ("monitors", "What is watched, with its status."),
    ("history", "What was: results, status changes, uptime, series."),
    ("tests", "One test now, nothing stored."),
    ("incidents", "Confirmed stretches of failure."),
    ("contacts", "Who is told, by which way, and what became of it."),
    ("tokens", "Access for programs."),
    ("status codes", "The catalogue of status codes, and events as they happen."),
];

/// The collected document with what all operations have in common.
pub(super) fn completed(mut document: OpenApi) -> OpenApi {
    document.info = Info::new("Watchkeep", env!("CARGO_PKG_VERSION"));
    document.info.description = Some(
        "Monitors, their results and incidents. Durations are texts such as 10s, sizes such as 10MiB, times \
         RFC 3339 in UTC, percentages 0 to 100. Lists have the shape {items, next}. Every refusal is a problem \
         document (RFC 9457)."
            .to_owned(),
    );
    document.servers = Some(vec![Server::new("/api/v1")]);
    document.tags =
        Some(TAGS.iter().map(|&(name, text)| TagBuilder::new().name(name).description(Some(text)).build()).collect());
    let components = document.components.get_or_insert_with(Components::default);
    let token = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token with the scope read, write or admin."))
        .build();
    components.security_schemes.insert("token".to_owned(), RefOr::T(SecurityScheme::Http(token)));
    for (name, schema) in named_schemas() {
        components.schemas.insert(name, schema);
    }
    refer_to_items(components);
    document.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            operation.operation_id = Some(operation_id(method, path));
            operation.responses.responses.insert("default".to_owned(), RefOr::T(refusal()));
        }
    }
    document
}

/// A name of an operation that is unique and says what it is: `get_monitors_id_results`.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(method).chain(words).collect::<Vec<_>>().join("_")
}

/// Schemas that are referred to by name from ones that are made by hand.
fn named_schemas() -> [(String, RefOr<Schema>); 3] {
    [
        (Problem::name().into_owned(), Problem::schema()),
        (FieldError::name().into_owned(), FieldError::schema()),
        (schema::ResultOutput::name().into_owned(), schema::ResultOutput::schema()),
    ]
}

/// Pages of lists refer to the schema of their entries instead of repeating it.
fn refer_to_items(components: &mut Components) {
    let mut items = Vec::new();
    for (name, schema) in &mut components.schemas {
        let Some(item) = name.strip_prefix("Listed_") else { continue };
        let RefOr::T(Schema::Object(page)) = schema else { continue };
        let Some(RefOr::T(Schema::Array(list))) = page.properties.get_mut("items") else { continue };
        let reference = Box::new(RefOr::Ref(Ref::from_schema_name(item)));
        if let ArrayItems::RefOrSchema(inline) = std::mem::replace(&mut list.items, ArrayItems::RefOrSchema(reference))
        {
            items.push((item.to_owned(), *inline));
        }
    }
    components.schemas.extend(items);
}

fn refusal() -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name().as_ref()))).build();
    ResponseBuilder::new().description("Refused, with the reason.").content("application/problem+json", content).build()
}

/// Every operation of a path, by its method.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let all = [
        ("get", &mut item.get),
        ("put", &mut item.put),
        ("post", &mut item.post),
        ("delete", &mut item.delete),
        ("patch", &mut item.patch),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}
