//! The shapes of the API's documents for OpenAPI, made from the same field descriptions as forms and flags.
//! Documents that the model parses and writes have no struct here; their schemas are built from `FIELDS`.

use serde_json::json;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Ref, RefOr,
        schema::{AdditionalProperties, ArrayBuilder, Object, ObjectBuilder, Schema, SchemaType, Type},
    },
};
use watchkeep_catalogue::Family;
use watchkeep_model::{Confirm, Field, MonitorSettings, Shape, Test, TestType};

/// A monitor as a client sends it.
#[derive(Debug)]
pub(super) enum MonitorInput {}
/// A change of a monitor: any of the fields of a monitor.
#[derive(Debug)]
pub(super) enum MonitorChange {}
/// A monitor as the API shows it.
#[derive(Debug)]
pub(super) enum MonitorOutput {}
/// A test to run once.
#[derive(Debug)]
pub(super) enum TestInput {}
/// A result.
#[derive(Debug)]
pub(super) enum ResultOutput {}
/// A contact as a client sends it.
#[derive(Debug)]
pub(super) enum ContactInput {}
/// A change of a contact: any of the fields of a contact.
#[derive(Debug)]
pub(super) enum ContactChange {}
/// A token as a client asks for it.
#[derive(Debug)]
pub(super) enum TokenInput {}

macro_rules! schemas {
    ($($kind:ty => $make:path),* $(,)?) => {$(
        impl PartialSchema for $kind {
            fn schema() -> RefOr<Schema> {
                RefOr::T(Schema::Object($make()))
            }
        }
        impl ToSchema for $kind {}
    )*};
}
schemas!(
    MonitorInput => monitor_input,
    MonitorChange => monitor_change,
    MonitorOutput => monitor_output,
    TestInput => test_input,
    ResultOutput => result_output,
    ContactInput => contact_input,
    ContactChange => contact_change,
    TokenInput => token_input,
);

fn typed(kind: Type, description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(kind)).description(Some(description))
}

fn text(description: &str) -> ObjectBuilder {
    typed(Type::String, description)
}

fn or_null(kind: Type, description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::from_iter([kind, Type::Null])).description(Some(description))
}

fn texts(description: &str) -> ArrayBuilder {
    ArrayBuilder::new()
        .items(ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)))
        .description(Some(description))
}

fn numbers(description: &str) -> ArrayBuilder {
    let number = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer)).minimum(Some(0));
    ArrayBuilder::new().items(number).description(Some(description))
}

fn moment(description: &str) -> ObjectBuilder {
    text(description).format(Some(utoipa::openapi::SchemaFormat::Custom("date-time".to_owned())))
}

/// The schema of one described field.
fn field(field: &Field) -> Schema {
    let described = |builder: ObjectBuilder| {
        let default = (!field.default.is_empty()).then(|| field.value(&[field.default]).ok()).flatten();
        let default = match field.shape {
            Shape::Flag => Some(json!(field.default == "true")),
            _ => default,
        };
        builder.default(default).into()
    };
    match field.shape {
        Shape::Text | Shape::LongText => described(text(field.help)),
        Shape::Secret => described(text(field.help).examples([json!("********")])),
        Shape::Span => described(text(field.help).pattern(Some("^[0-9]+(ms|s|m|h|d)$"))),
        Shape::Size => described(text(field.help).pattern(Some("^[0-9]+ ?(B|kB|MB|GB|KiB|MiB|GiB)$"))),
        Shape::Number => described(typed(Type::Integer, field.help).minimum(Some(0))),
        Shape::Flag => described(typed(Type::Boolean, field.help)),
        // Not an enumeration: a parser may take more words than a form offers.
        Shape::Choice(words) => described(text(field.help).examples(words.iter().map(|word| json!(word)))),
        Shape::List => Schema::Array(texts(field.help).build()),
        Shape::Numbers => Schema::Array(numbers(field.help).build()),
        Shape::Headers => Schema::Object(headers(field.help)),
    }
}

fn headers(help: &str) -> Object {
    let value = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).build();
    typed(Type::Object, help)
        .additional_properties(Some(AdditionalProperties::RefOr(RefOr::T(Schema::Object(value)))))
        .build()
}

/// An object of exactly these fields.
fn object_of(fields: &[Field], description: &str) -> Object {
    let mut object =
        typed(Type::Object, description).additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)));
    for described in fields {
        object = object.property(described.name, field(described));
    }
    object.build()
}

/// What every test has: what is tested, within which limits, and the options of its type.
fn with_test(mut object: ObjectBuilder) -> ObjectBuilder {
    let types = TestType::ALL.iter().map(|known| known.as_str());
    let families = Family::ALL.map(Family::as_str);
    object = object
        .property(
            "family",
            text("The family of the codes.").enum_values(Some(families)).default(Some(json!("service"))),
        )
        .property(
            "type",
            text("The type of test; families other than service have one, named like the family.")
                .enum_values(Some(types)),
        )
        .property("target", text("What is tested: a URL for an http test.").examples([json!("https://shop.example/")]));
    for described in Test::FIELDS {
        object = object.property(described.name, field(described));
    }
    for known in TestType::ALL {
        let description = format!("Options of the type {}: {}.", known.as_str(), known.title());
        object = object.property(known.as_str(), Schema::Object(object_of(known.fields(), &description)));
    }
    object
}

fn with_settings(object: ObjectBuilder) -> ObjectBuilder {
    let confirm = object_of(Confirm::FIELDS, "How a failure is confirmed before it counts.");
    let own = |object: ObjectBuilder, described: &Field| object.property(described.name, field(described));
    MonitorSettings::FIELDS
        .iter()
        .fold(with_test(object), own)
        .property("locations", texts("The locations that test it."))
        .property("confirm", confirm)
        .property("contacts", texts("Ids of the contacts that are told."))
        .property(
            "active",
            typed(Type::Boolean, "Whether it is tested. A new monitor with false is at -1 until it is activated.")
                .default(Some(json!(true))),
        )
}

fn closed() -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Object))
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
}

fn monitor_input() -> Object {
    with_settings(closed())
        .description(Some("A monitor as a client sends it. Fields that nobody knows are refused by name."))
        .required("name")
        .required("target")
        .build()
}

fn monitor_change() -> Object {
    with_settings(closed()).description(Some("A change of a monitor: any of the fields of a monitor.")).build()
}

fn test_input() -> Object {
    with_test(closed()).description(Some("A test to run once.")).required("type").required("target").build()
}

fn status_fields(object: ObjectBuilder) -> ObjectBuilder {
    object
        .property("code", typed(Type::Integer, "The status code; see /status-codes."))
        .property(
            "severity",
            text("How much it matters.")
                .enum_values(Some(watchkeep_catalogue::Severity::ALL.map(watchkeep_catalogue::Severity::as_str))),
        )
        .property("summary", text("The status in one line."))
        .property("detail", or_null(Type::String, "What exactly happened."))
}

fn monitor_output() -> Object {
    let percentage =
        || or_null(Type::Number, "Percentage of the counted time that was not down; null when nothing was counted.");
    let uptime =
        typed(Type::Object, "Uptime per window. A list has 24h only; one monitor alone has 7d, 30d and 90d too.")
            .property("24h", percentage())
            .property("7d", percentage())
            .property("30d", percentage())
            .property("90d", percentage());
    let object = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Object));
    status_fields(with_settings(object))
        .description(Some("A monitor with its status. Secrets are masked; a mask that is sent back keeps the secret."))
        .property("id", text("Its identifier."))
        .property("code_name", text("The stable name of the code."))
        .property(
            "status",
            text("The state in one word: operational, degraded, down, misconfigured, pending, paused or created."),
        )
        .property("since", moment("Since when the status stands."))
        .property("incident", or_null(Type::String, "The id of the open incident."))
        .property("created_at", moment("When it was made."))
        .property("version", typed(Type::Integer, "Counts the changes of the settings; the ETag."))
        .property("uptime", uptime)
        .property("last_result", nullable_ref("ResultOutput", "The newest result."))
        .required("id")
        .required("name")
        .required("code")
        .build()
}

fn nullable_ref(name: &str, description: &str) -> Schema {
    let null = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Null));
    let one_of = utoipa::openapi::schema::OneOfBuilder::new()
        .item(Ref::from_schema_name(name))
        .item(null)
        .description(Some(description));
    Schema::OneOf(one_of.build())
}

fn result_output() -> Object {
    let mut phases =
        typed(Type::Object, "The parts of the duration in milliseconds; null where a phase was not reached.");
    for (name, _) in watchkeep_model::Phases::default().in_order() {
        phases = phases.property(name, or_null(Type::Number, "Milliseconds."));
    }
    status_fields(ObjectBuilder::new().schema_type(SchemaType::Type(Type::Object)))
        .description(Some("What one test yielded."))
        .property("family", text("The family of the code."))
        .property("type", text("The type of test."))
        .property("target", text("What was tested."))
        .property("location", text("Where the robot stands."))
        .property("started_at", moment("When the test began."))
        .property("name", text("The stable name of the code."))
        .property("duration_ms", typed(Type::Number, "From beginning to end, in milliseconds."))
        .property("phases", phases)
        .property("observed", typed(Type::Object, "What a test of this type saw on the way."))
        .property("monitor", text("The monitor's id, where results of several are told."))
        .property("attempt", typed(Type::Integer, "0 for the test that was due, 1 for its first re-test, and so on."))
        .build()
}

fn contact_input() -> Object {
    contact("A contact as a client sends it.").required("name").build()
}

fn contact_change() -> Object {
    contact("A change of a contact: any of the fields of a contact.").build()
}

fn contact(description: &str) -> ObjectBuilder {
    let channel = closed()
        .property("type", text("The kind of channel.").enum_values(Some(["webhook"])))
        .property("url", text("The receiver's http:// or https:// address."))
        .property("secret", text("The key that signs, whsec_ and base64; made when absent."))
        .property(
            "secrets",
            texts("Instead of it: one or two keys that sign, the newest first, while receivers change over.")
                .max_items(Some(2)),
        )
        .property("id", text("The id of the channel that this entry changes; a new channel when absent."))
        .required("type")
        .required("url");
    let channels = ArrayBuilder::new().items(channel).description(Some("The ways to reach the contact, in order."));
    closed()
        .description(Some(description))
        .property("name", text("What people call it, 1 to 200 characters."))
        .property("channels", channels)
}

fn token_input() -> Object {
    closed()
        .description(Some("A token as a client asks for it."))
        .property("name", text("What people call it."))
        .property(
            "scope",
            text("What it may do; each includes the ones before it.").enum_values(Some(["read", "write", "admin"])),
        )
        .required("name")
        .required("scope")
        .build()
}
