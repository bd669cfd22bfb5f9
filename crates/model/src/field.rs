//! Describes the fields of a test for people: forms, command-line flags and reference pages read these
//! descriptions, and turn what a person typed into the JSON that the parsers take.

use serde_json::{Value, json};

use crate::Object;

/// How the value of a field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One line of text.
    Text,
    /// Several lines of text.
    LongText,
    /// A password or token: masked when shown.
    Secret,
    /// A duration such as `10s`.
    Span,
    /// A size such as `10MiB`.
    Size,
    /// A whole number.
    Number,
    /// On or off.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Any number of texts: a repeatable flag, or one per line.
    List,
    /// Any number of whole numbers: a repeatable flag, or separated by commas, spaces or lines.
    Numbers,
    /// Any number of `Name: value` lines, an object in JSON.
    Headers,
}

/// One field of a test's options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in JSON and files.
    pub name: &'static str,
    /// Its command-line flag without the dashes, where that differs from the name with `-` for `_`.
    pub flag: Option<&'static str>,
    /// A few words for a form's label.
    pub label: &'static str,
    /// One sentence of help.
    pub help: &'static str,
    /// What stands when the field is absent, as text; empty for nothing.
    pub default: &'static str,
    /// How the value is written.
    pub shape: Shape,
}

impl Field {
    /// The command-line flag without the dashes.
    #[must_use]
    pub fn flag_name(&self) -> String {
        self.flag.map_or_else(|| self.name.replace('_', "-"), str::to_owned)
    }

    /// The JSON value of what a person typed: one text per use of the flag, or per line of a form.
    /// Whether the value is right is for the parser to say; only the shape is made here.
    ///
    /// # Errors
    /// A sentence for a header line without a colon, or a header that is given twice: there is no JSON shape for them.
    pub fn value(&self, typed: &[&str]) -> Result<Value, String> {
        let first = typed.first().copied().unwrap_or_default();
        Ok(match self.shape {
            Shape::List => json!(typed),
            Shape::Flag => Value::Bool(!matches!(first, "false" | "off")),
            Shape::Number => number(first),
            Shape::Numbers => {
                let numbers = typed.iter().flat_map(|text| text.split([',', ' '])).filter(|text| !text.is_empty());
                numbers.map(number).collect()
            }
            Shape::Headers => Value::Object(headers(typed)?),
            Shape::Text | Shape::LongText | Shape::Secret | Shape::Span | Shape::Size | Shape::Choice(_) => {
                json!(first)
            }
        })
    }

    /// The lines in which a person would type `value`: the inverse of [`Field::value`].
    #[must_use]
    pub fn lines(&self, value: &Value) -> Vec<String> {
        match value {
            Value::Null => Vec::new(),
            Value::String(text) => vec![text.clone()],
            Value::Array(values) => values.iter().flat_map(|value| self.lines(value)).collect(),
            Value::Object(pairs) => {
                pairs.iter().map(|(name, value)| format!("{name}: {}", value.as_str().unwrap_or_default())).collect()
            }
            Value::Bool(_) | Value::Number(_) => vec![value.to_string()],
        }
    }
}

/// A number, or the text itself, which the parser will refuse.
fn number(text: &str) -> Value {
    text.trim().parse::<u64>().map_or_else(|_| json!(text), |n| json!(n))
}

/// One pair for each `Name: value` line.
fn headers(lines: &[&str]) -> Result<Object, String> {
    let mut pairs = Object::new();
    for line in lines {
        let (name, value) = line.split_once(':').ok_or("write a header as 'Name: value'")?;
        let name = name.trim();
        if pairs.keys().any(|earlier| earlier.eq_ignore_ascii_case(name)) {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
            return Err(format!("the header {shown} is given twice; give each header once"));
        }
        pairs.insert(name.to_owned(), json!(value.trim()));
    }
    Ok(pairs)
}
