//! Flags made from the descriptions of fields, and the JSON object that a test is parsed from.
//! A new test type brings its flags with it; nothing here names one.

use clap::{Arg, ArgAction, ArgMatches, parser::ValueSource};
use serde_json::Value;
use watchkeep_model::{Field, Object, Shape, Test, TestType};

use crate::output::short;

/// A flag per field, each flag once; types share flags of the same name.
pub(crate) fn of_tests() -> Vec<Arg> {
    let mut made: Vec<Arg> = Vec::new();
    let shared = Test::FIELDS.iter().map(|field| (field, "Every test"));
    let own =
        TestType::ALL.iter().flat_map(|test_type| test_type.fields().iter().map(|field| (field, test_type.title())));
    for (field, heading) in shared.chain(own) {
        let name = field.flag_name();
        if !made.iter().any(|known| known.get_id() == name.as_str()) {
            made.push(flag(field, name).help_heading(heading));
        }
    }
    made
}

fn flag(field: &Field, name: String) -> Arg {
    let help = match (field.default, field.shape) {
        ("", _) | (_, Shape::Flag) => field.help.to_owned(),
        (default, _) => format!("{} [default: {default}]", field.help),
    };
    let arg = Arg::new(name.clone()).long(name).help(help);
    match field.shape {
        Shape::Flag => arg.action(ArgAction::SetTrue),
        Shape::List => arg.action(ArgAction::Append).value_name("TEXT"),
        Shape::Numbers => arg.action(ArgAction::Append).value_name("NUMBER"),
        Shape::Headers => arg.action(ArgAction::Append).value_name("NAME: VALUE"),
        Shape::Choice(words) => arg.value_name(words.join("|")),
        Shape::Span => arg.value_name("DURATION"),
        Shape::Size => arg.value_name("SIZE"),
        Shape::Number => arg.value_name("NUMBER"),
        Shape::Text | Shape::LongText | Shape::Secret => arg.value_name("TEXT"),
    }
    // Values may begin with a dash; what they mean is for the parser of tests to say.
    .allow_hyphen_values(!matches!(field.shape, Shape::Flag))
}

/// The object that [`Test::parse`] reads, from the flags that were given.
///
/// # Errors
/// A sentence for a flag that this type does not have, or a value that has no JSON shape.
pub(crate) fn object(arguments: &ArgMatches, test_type: TestType, target: &str) -> Result<Object, String> {
    let mut object = Object::new();
    object.insert("family".to_owned(), test_type.family().as_str().into());
    object.insert("type".to_owned(), test_type.as_str().into());
    object.insert("target".to_owned(), target.into());
    let mut own = Object::new();
    fill(&mut object, arguments, Test::FIELDS)?;
    fill(&mut own, arguments, test_type.fields())?;
    for other in TestType::ALL.iter().flat_map(|other| other.fields()).filter(|other| given(arguments, other)) {
        let name = other.flag_name();
        if !test_type.fields().iter().any(|field| field.flag_name() == name) {
            return Err(format!("--{name} does not belong to a test of type {}", test_type.as_str()));
        }
    }
    object.insert(test_type.as_str().to_owned(), Value::Object(own));
    Ok(object)
}

/// What was typed for the field that a problem names: the flag, and which of its values where it takes several.
/// Problems name fields as files and the API do.
pub(crate) fn typed(arguments: &ArgMatches, test_type: TestType, path: &str) -> Option<String> {
    let own = path.strip_prefix(test_type.as_str()).and_then(|rest| rest.strip_prefix('.'));
    let (fields, path) = own.map_or((Test::FIELDS, path), |rest| (test_type.fields(), rest));
    let name = path.split(['.', '[']).next().unwrap_or_default();
    let flag = fields.iter().find(|field| field.name == name)?.flag_name();
    let rest = path[name.len()..].trim_matches(['.', '[', ']']);
    let which = match rest.parse::<usize>() {
        Ok(index) => arguments.get_many::<String>(&flag).and_then(|mut values| values.nth(index).map(String::as_str)),
        Err(_) => Some(rest).filter(|rest| !rest.is_empty()),
    };
    Some(which.map_or_else(|| format!("--{flag}"), |which| format!("--{flag} {}", short(which))))
}

fn given(arguments: &ArgMatches, field: &Field) -> bool {
    arguments.value_source(&field.flag_name()) == Some(ValueSource::CommandLine)
}

fn fill(object: &mut Object, arguments: &ArgMatches, fields: &[Field]) -> Result<(), String> {
    for field in fields.iter().filter(|field| given(arguments, field)) {
        let name = field.flag_name();
        let typed: Vec<&str> = match field.shape {
            Shape::Flag => Vec::new(),
            _ => arguments.get_many::<String>(&name).into_iter().flatten().map(String::as_str).collect(),
        };
        let value = field.value(&typed).map_err(|message| format!("--{name}: {message}"))?;
        object.insert(field.name.to_owned(), value);
    }
    Ok(())
}
