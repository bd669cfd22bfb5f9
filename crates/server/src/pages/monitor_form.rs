//! The form of a monitor, new or present. Its fields come from the model's descriptions, so a new type of
//! test or option needs nothing here; what was typed goes through the same parser as everything else.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, State as Shared},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use watchkeep_model::{Confirm, Exposure, Field, Invalid, MonitorSettings, Object, Shape, Test, TestType};

use super::{
    fault::Fault,
    form::Form,
    frame::{Link, Section, page_with},
    monitor::entry,
};
use crate::{
    App,
    api::Query,
    auth::SignedIn,
    monitors::{self as desk, Edit, MonitorError},
};

/// How a field is asked for.
enum Control {
    Line { kind: &'static str },
    Lines,
    Tick { is_ticked: bool },
    Choice { choices: Vec<(String, bool)> },
}

/// One field of the form.
struct Input {
    name: String,
    label: &'static str,
    help: String,
    text: String,
    placeholder: &'static str,
    control: Control,
    errors: Vec<String>,
}

/// A contact that may be ticked.
struct ContactChoice {
    id: String,
    name: String,
    is_ticked: bool,
}

#[derive(Template)]
#[template(path = "monitor_form.html")]
struct MonitorForm {
    links: [Link; 5],
    title: String,
    action: String,
    back: String,
    verb: &'static str,
    version: String,
    word: &'static str,
    types: Vec<(&'static str, &'static str, bool)>,
    /// Every problem, for the top of the form.
    problems: Vec<String>,
    first: Vec<Input>,
    more: Vec<Input>,
    /// Whether something in the folded part needs attention.
    is_open: bool,
    contacts: Vec<ContactChoice>,
}

/// What is tested, in the words of whatever type it is.
const TARGET: Field =
    Field { name: "target", flag: None, label: "Address", help: "What is tested.", default: "", shape: Shape::Text };

/// Where a field stands: on its own, or in an object of the monitor.
#[derive(Clone, Copy)]
struct Place {
    field: &'static Field,
    above: Option<&'static str>,
}

impl Place {
    fn path(self) -> String {
        self.above.map_or_else(|| self.field.name.to_owned(), |above| format!("{above}.{}", self.field.name))
    }
}

/// What is asked first, and what is folded away.
fn places(test_type: TestType) -> (Vec<Place>, Vec<Place>) {
    let own = |field: &'static Field| Place { field, above: None };
    let first = [&TARGET].into_iter().chain(MonitorSettings::FIELDS).map(own).collect();
    let of_type = test_type.fields().iter().map(|field| Place { field, above: Some(test_type.as_str()) });
    let confirm = Confirm::FIELDS.iter().map(|field| Place { field, above: Some("confirm") });
    let more = of_type.chain(confirm).chain(Test::FIELDS.iter().map(own));
    (first, more.collect())
}

/// The monitor's object as the form says it. A field that is empty is `null`, which means its default.
fn object(form: &Form, test_type: TestType) -> Result<Object, Invalid> {
    let mut object = Object::new();
    object.insert("family".to_owned(), json!(test_type.family().as_str()));
    object.insert("type".to_owned(), json!(test_type.as_str()));
    let contacts: Vec<_> = form.all("contacts").collect();
    object.insert("contacts".to_owned(), json!(contacts));
    let (first, more) = places(test_type);
    for place in first.into_iter().chain(more) {
        let path = place.path();
        let value = typed(form, place.field, &path).map_err(|message| Invalid::one(path, message))?;
        match place.above {
            None => object.insert(place.field.name.to_owned(), value),
            Some(above) => match object.entry(above).or_insert_with(|| Value::Object(Object::new())) {
                Value::Object(inner) => inner.insert(place.field.name.to_owned(), value),
                _ => None,
            },
        };
    }
    if object["name"].is_null() {
        // Most people call a monitor what it tests.
        object.insert("name".to_owned(), json!(form.text("target").chars().take(100).collect::<String>()));
    }
    Ok(object)
}

fn typed(form: &Form, field: &Field, path: &str) -> Result<Value, String> {
    match field.shape {
        Shape::Flag => Ok(if form.has(path) { Value::Bool(true) } else { Value::Null }),
        Shape::List | Shape::Numbers | Shape::Headers => match form.lines(path) {
            lines if lines.is_empty() => Ok(Value::Null),
            lines => field.value(&lines),
        },
        Shape::LongText => {
            // Browsers send line ends as CR LF; what was typed had none of the CRs.
            let text = form.raw(path).replace("\r\n", "\n");
            if text.is_empty() { Ok(Value::Null) } else { field.value(&[&text]) }
        }
        _ => match form.text(path) {
            "" => Ok(Value::Null),
            text => field.value(&[text]),
        },
    }
}

/// Everything that the form shows, apart from whose it is.
struct Content<'a> {
    test_type: TestType,
    /// The monitor's object, as stored or as typed.
    object: &'a Object,
    invalid: Option<&'a Invalid>,
}

impl Content<'_> {
    fn input(&self, place: Place) -> Input {
        let (path, field) = (place.path(), place.field);
        let value = match place.above {
            None => self.object.get(field.name),
            Some(above) => self.object.get(above).and_then(|inner| inner.get(field.name)),
        };
        let text = field.lines(value.unwrap_or(&Value::Null)).join("\n");
        let control = match field.shape {
            Shape::Flag => Control::Tick { is_ticked: value.and_then(Value::as_bool).unwrap_or_default() },
            Shape::List | Shape::Numbers | Shape::Headers | Shape::LongText => Control::Lines,
            Shape::Choice(words) => {
                let chosen = if text.is_empty() { field.default } else { &text };
                let none = field.default.is_empty().then(|| (String::new(), chosen.is_empty()));
                let words = words.iter().map(|word| ((*word).to_owned(), *word == chosen));
                Control::Choice { choices: none.into_iter().chain(words).collect() }
            }
            Shape::Number => Control::Line { kind: "number" },
            Shape::Text | Shape::Secret | Shape::Span | Shape::Size => Control::Line { kind: "text" },
        };
        let help = match field.shape {
            Shape::List | Shape::Numbers | Shape::Headers => {
                format!("{} One per line.", field.help.trim_end_matches(", one per line."))
            }
            _ => field.help.to_owned(),
        };
        // An error of one entry, `http.require[0]`, stands at the field.
        let is_here = |at: &str| at == path || at.strip_prefix(&path).is_some_and(|rest| rest.starts_with('['));
        let problems = self.invalid.map(Invalid::problems).unwrap_or_default();
        let errors = problems.iter().filter(|problem| is_here(&problem.field)).map(|problem| problem.message.clone());
        Input {
            name: path.clone(),
            label: field.label,
            help,
            text,
            placeholder: if field == &TARGET { self.test_type.example() } else { field.default },
            control,
            errors: errors.collect(),
        }
    }

    fn inputs(&self) -> (Vec<Input>, Vec<Input>) {
        let (first, more) = places(self.test_type);
        let inputs = |places: Vec<Place>| places.into_iter().map(|place| self.input(place)).collect();
        (inputs(first), inputs(more))
    }
}

/// Whose form it is.
struct Frame {
    title: String,
    action: String,
    back: String,
    verb: &'static str,
    version: String,
    is_new: bool,
}

impl Frame {
    fn new_monitor() -> Self {
        Self {
            title: "Add a monitor".to_owned(),
            action: "/monitors/new".to_owned(),
            back: "/".to_owned(),
            verb: "Add and test now",
            version: String::new(),
            is_new: true,
        }
    }
}

async fn rendered(app: &App, person: &SignedIn, frame: Frame, content: Content<'_>) -> Result<Response, Fault> {
    let ticked: Vec<&str> = content
        .object
        .get("contacts")
        .and_then(Value::as_array)
        .map(|ids| ids.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let contacts = app.store.contacts(&person.org).await?;
    let contacts = contacts.iter().map(|contact| ContactChoice {
        id: contact.id.to_string(),
        name: contact.name.to_string(),
        // A new monitor tells everybody, unless somebody says otherwise.
        is_ticked: ticked.contains(&contact.id.as_str()) || (frame.is_new && content.invalid.is_none()),
    });
    let (first, more) = content.inputs();
    let problems = content.invalid.map(|invalid| invalid.problems().iter().map(ToString::to_string).collect());
    let status = if content.invalid.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let types = TestType::ALL.iter().map(|known| (known.as_str(), known.title(), *known == content.test_type));
    Ok(page_with(
        status,
        &MonitorForm {
            links: Section::Overview.links(),
            title: frame.title,
            action: frame.action,
            back: frame.back,
            verb: frame.verb,
            version: frame.version,
            word: content.test_type.as_str(),
            types: if frame.is_new && TestType::ALL.len() > 1 { types.collect() } else { Vec::new() },
            problems: problems.unwrap_or_default(),
            is_open: more.iter().any(|input| !input.errors.is_empty()),
            first,
            more,
            contacts: contacts.collect(),
        },
    ))
}

pub(super) async fn blank(
    Shared(app): Shared<Arc<App>>,
    person: SignedIn,
    mut query: Query,
) -> Result<Response, Fault> {
    let word: Option<String> = query.take("type");
    query.finish()?;
    let test_type = word.and_then(|word| TestType::parse(&word)).unwrap_or(TestType::Http);
    let content = Content { test_type, object: &Object::new(), invalid: None };
    rendered(&app, &person, Frame::new_monitor(), content).await
}

pub(super) async fn create(Shared(app): Shared<Arc<App>>, person: SignedIn, form: Form) -> Result<Response, Fault> {
    // The form of the empty overview has an address alone.
    let named = TestType::parse(form.text("type")).or_else(|| TestType::of_target(form.text("target")));
    let test_type = named.unwrap_or(TestType::Http);
    let made = match object(&form, test_type) {
        Ok(object) => {
            let made = desk::create(&app, &person.org, object.clone(), Timestamp::now()).await;
            made.map_err(|error| (error, object))
        }
        Err(invalid) => Err((MonitorError::Invalid(invalid), as_typed(&form, test_type))),
    };
    match made {
        Ok(entry) => Ok(Redirect::to(&format!("/monitors/{}", entry.id)).into_response()),
        Err((MonitorError::Invalid(invalid), object)) => {
            let content = Content { test_type, object: &object, invalid: Some(&invalid) };
            rendered(&app, &person, Frame::new_monitor(), content).await
        }
        Err((error, _)) => Err(error.into()),
    }
}

/// The present settings with those that the form has in their place; what it does not have stays.
fn onto(mut present: Object, typed: Object) -> Object {
    for (name, value) in typed {
        match (present.get_mut(&name), value) {
            (Some(Value::Object(inner)), Value::Object(fields)) => inner.extend(fields),
            (_, value) => drop(present.insert(name, value)),
        }
    }
    present
}

/// What was typed, where it has no JSON shape.
fn as_typed(form: &Form, test_type: TestType) -> Object {
    let mut object = Object::new();
    let (first, more) = places(test_type);
    for place in first.into_iter().chain(more) {
        let text = json!(form.raw(&place.path()));
        match place.above {
            None => drop(object.insert(place.field.name.to_owned(), text)),
            Some(above) => {
                if let Value::Object(inner) = object.entry(above).or_insert_with(|| Value::Object(Object::new())) {
                    inner.insert(place.field.name.to_owned(), text);
                }
            }
        }
    }
    object
}

pub(super) async fn edit(
    Shared(app): Shared<Arc<App>>,
    person: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let entry = entry(&app, &person, &id)?;
    let monitor = entry.monitor.clone().map_err(MonitorError::Unreadable)?;
    let Some(test_type) = TestType::parse(entry.test_type()) else { return Err(Fault::missing("type of test")) };
    let object = monitor.settings.write(Exposure::Shown);
    let content = Content { test_type, object: &object, invalid: None };
    rendered(&app, &person, of_present(&entry, monitor.version), content).await
}

fn of_present(entry: &crate::Entry, version: u64) -> Frame {
    Frame {
        title: format!("Edit {}", entry.name),
        action: format!("/monitors/{}/edit", entry.id),
        back: format!("/monitors/{}", entry.id),
        verb: "Save",
        version: version.to_string(),
        is_new: false,
    }
}

pub(super) async fn change(
    Shared(app): Shared<Arc<App>>,
    person: SignedIn,
    Path(id): Path<String>,
    form: Form,
) -> Result<Response, Fault> {
    let entry = entry(&app, &person, &id)?;
    let Some(test_type) = TestType::parse(entry.test_type()) else { return Err(Fault::missing("type of test")) };
    // The version that was shown: somebody else's change in between is not overwritten.
    let versions: Vec<u64> = form.text("version").parse().into_iter().collect();
    let (object, outcome) = match object(&form, test_type) {
        Err(invalid) => (as_typed(&form, test_type), Err(MonitorError::Invalid(invalid))),
        Ok(object) => {
            let present = entry.monitor.as_ref().map(|monitor| monitor.settings.write(Exposure::Shown));
            let edit = Edit::Replace(onto(present.unwrap_or_default(), object.clone()));
            let outcome = desk::change(&app, &person.org, &entry.id, edit, Some(&versions), Timestamp::now()).await;
            (object, outcome)
        }
    };
    match outcome {
        Ok(_) => Ok(Redirect::to(&format!("/monitors/{}", entry.id)).into_response()),
        Err(MonitorError::Invalid(invalid)) => {
            let frame = Frame { version: form.text("version").to_owned(), ..of_present(&entry, 0) };
            let content = Content { test_type, object: &object, invalid: Some(&invalid) };
            rendered(&app, &person, frame, content).await
        }
        Err(error) => Err(error.into()),
    }
}
