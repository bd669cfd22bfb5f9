//! `/docs/api`: the readable reference, rendered from the same document as `/openapi.json`.
//! Plain HTML without scripts; the pages' style sheet makes it look like them.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use serde_json::Value;

use super::{Problem, document};

/// One operation, as the reference shows it.
struct Operation {
    method: String,
    path: String,
    summary: String,
    description: String,
    parameters: Vec<Parameter>,
    body: Option<Shape>,
    answers: Vec<Answer>,
}

struct Parameter {
    name: String,
    place: String,
    description: String,
}

struct Answer {
    status: String,
    description: String,
    shape: Option<Shape>,
}

/// A document that is taken or given: its name in the reference, or what it is.
struct Shape {
    text: String,
    anchor: Option<String>,
}

/// A named document and its fields.
struct Document {
    name: String,
    description: String,
    fields: Vec<Field>,
}

struct Field {
    name: String,
    kind: String,
    description: String,
}

/// Everything under one noun.
struct Section {
    name: String,
    description: String,
    operations: Vec<Operation>,
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r##"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API reference · Watchkeep</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/style.css">
</head>
<body class="reference">
<main>
<h1>API reference</h1>
<p>{{ introduction }}</p>
<p>The same as a machine reads it: <a href="/api/v1/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>
<nav aria-label="Sections"><ul>
{%- for section in sections %}<li><a href="#{{ section.name }}">{{ section.name }}</a></li>{% endfor -%}
<li><a href="#documents">documents</a></li></ul></nav>
{% for section in sections %}
<section id="{{ section.name }}">
<h2>{{ section.name }}</h2>
<p>{{ section.description }}</p>
{% for operation in section.operations %}
<article>
<h3><code>{{ operation.method }} {{ operation.path }}</code> {{ operation.summary }}</h3>
{% if !operation.description.is_empty() %}<p>{{ operation.description }}</p>{% endif %}
{% if !operation.parameters.is_empty() %}
<table><caption>Parameters</caption><thead><tr><th scope="col">Name</th><th scope="col">In</th><th scope="col">Meaning</th></tr></thead><tbody>
{% for parameter in operation.parameters %}<tr><td><code>{{ parameter.name }}</code></td><td>{{ parameter.place }}</td><td>{{ parameter.description }}</td></tr>
{% endfor %}</tbody></table>
{% endif %}
{% if let Some(body) = operation.body %}<p>Takes {% if let Some(anchor) = body.anchor %}<a href="#{{ anchor }}">{{ body.text }}</a>{% else %}{{ body.text }}{% endif %}.</p>{% endif %}
<ul>{% for answer in operation.answers %}<li><code>{{ answer.status }}</code> {{ answer.description }}
{%- if let Some(shape) = answer.shape %} {% if let Some(anchor) = shape.anchor %}<a href="#{{ anchor }}">{{ shape.text }}</a>{% else %}{{ shape.text }}{% endif %}{% endif %}</li>
{% endfor %}</ul>
</article>
{% endfor %}
</section>
{% endfor %}
<section id="documents">
<h2>Documents</h2>
{% for document in documents %}
<article id="document-{{ document.name }}">
<h3>{{ document.name }}</h3>
<p>{{ document.description }}</p>
<table><thead><tr><th scope="col">Field</th><th scope="col">Kind</th><th scope="col">Meaning</th></tr></thead><tbody>
{% for field in document.fields %}<tr><td><code>{{ field.name }}</code></td><td>{{ field.kind }}</td><td>{{ field.description }}</td></tr>
{% endfor %}</tbody></table>
</article>
{% endfor %}
</section>
</main>
</body>
</html>
"##
)]
struct Reference {
    introduction: String,
    sections: Vec<Section>,
    documents: Vec<Document>,
}

/// The reference page.
pub(crate) async fn reference() -> Response {
    let Ok(document) = serde_json::to_value(document()) else { return Problem::bug().into_response() };
    match read(&document).render() {
        Ok(page) => Html(page).into_response(),
        Err(_) => Problem::bug().into_response(),
    }
}

fn read(document: &Value) -> Reference {
    let operations = all_operations(document);
    let tags = document["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut sections: Vec<Section> = tags
        .iter()
        .map(|tag| Section { name: text(&tag["name"]), description: text(&tag["description"]), operations: Vec::new() })
        .collect();
    for (tag, operation) in operations {
        if let Some(section) = sections.iter_mut().find(|section| section.name == tag) {
            section.operations.push(operation);
        }
    }
    let schemas = document["components"]["schemas"].as_object().into_iter().flatten();
    // The pages of lists all have the same shape, which the introduction tells.
    let documents = schemas.filter(|(name, _)| !name.starts_with("Listed")).map(|(name, schema)| {
        let mut fields = Vec::new();
        collect_fields("", schema, &mut fields);
        Document { name: name.clone(), description: text(&schema["description"]), fields }
    });
    Reference { introduction: text(&document["info"]["description"]), sections, documents: documents.collect() }
}

fn all_operations(document: &Value) -> Vec<(String, Operation)> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in ["get", "post", "put", "patch", "delete"] {
            if let Some(found) = item.get(method) {
                all.push((text(&found["tags"][0]), operation(method, path, found)));
            }
        }
    }
    all
}

fn operation(method: &str, path: &str, found: &Value) -> Operation {
    let parameters = found["parameters"].as_array().into_iter().flatten().map(|parameter| Parameter {
        name: text(&parameter["name"]),
        place: text(&parameter["in"]),
        description: text(&parameter["description"]),
    });
    let answers = found["responses"].as_object().into_iter().flatten().map(|(status, answer)| Answer {
        status: if status == "default" { "4xx, 5xx".to_owned() } else { status.clone() },
        description: text(&answer["description"]),
        shape: shape(&answer["content"]),
    });
    Operation {
        method: method.to_uppercase(),
        path: format!("/api/v1{path}"),
        summary: text(&found["summary"]),
        description: text(&found["description"]),
        parameters: parameters.collect(),
        body: shape(&found["requestBody"]["content"]),
        answers: answers.collect(),
    }
}

/// The document in a body, by its name where it has one.
fn shape(content: &Value) -> Option<Shape> {
    let (kind, described) = content.as_object()?.iter().next()?;
    let schema = &described["schema"];
    let Some(name) = reference_name(schema) else { return Some(Shape { text: kind.clone(), anchor: None }) };
    let item = name.strip_prefix("Listed_");
    let text = item.map_or_else(|| name.to_owned(), |item| format!("a page of {item}"));
    Some(Shape { text, anchor: Some(format!("document-{}", item.unwrap_or(name))) })
}

fn reference_name(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

/// The fields of an object and of the objects in it, with dots between levels.
fn collect_fields(above: &str, schema: &Value, fields: &mut Vec<Field>) {
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        let path = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        fields.push(Field { name: path.clone(), kind: kind(inner), description: text(&inner["description"]) });
        collect_fields(&path, inner, fields);
    }
}

fn kind(schema: &Value) -> String {
    if let Some(name) = reference_name(schema) {
        return name.to_owned();
    }
    match &schema["type"] {
        Value::String(kind) if kind == "array" => format!("list of {}", kind_of_entry(&schema["items"])),
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ => schema["oneOf"]
            .as_array()
            .map(|all| all.iter().map(kind).collect::<Vec<_>>().join(" or "))
            .unwrap_or_default(),
    }
}

fn kind_of_entry(items: &Value) -> String {
    let kind = kind(items);
    if kind.is_empty() { "values".to_owned() } else { kind }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
