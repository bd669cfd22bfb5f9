//! Reads the fields of one JSON object, each once, and collects every problem on the way.
//! Fields that nobody asked for are refused by name when the reader is finished.

use std::{fmt::Display, str::FromStr};

use serde_json::Value;
use watchkeep_catalogue::StatusCode;

use crate::Problem;

/// A JSON object as it came in.
pub type Object = serde_json::Map<String, Value>;

/// Longest text that any field takes, in bytes; request bodies have a bound of their own.
const LONGEST_TEXT: usize = 64 * 1024;

/// Takes fields out of an object. What is missing is `None`; what is wrong is `None` and a [`Problem`].
#[derive(Debug)]
pub struct Reader {
    fields: Object,
    path: String,
    problems: Vec<Problem>,
}

impl Reader {
    /// A reader of the outermost object.
    #[must_use]
    pub fn new(fields: Object) -> Self {
        Self { fields, path: String::new(), problems: Vec::new() }
    }

    fn full(&self, field: &str) -> String {
        if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) }
    }

    /// Notes that `field` is wrong.
    pub fn problem(&mut self, field: &str, message: impl Display) {
        self.note(field, message, None);
    }

    /// Notes that `field` is wrong in a way for which the catalogue has a status.
    pub fn problem_with_code(&mut self, field: &str, message: impl Display, code: StatusCode) {
        self.note(field, message, Some(code));
    }

    fn note(&mut self, field: &str, message: impl Display, code: Option<StatusCode>) {
        let field = self.full(field);
        self.problems.push(Problem { field, message: message.to_string(), code });
    }

    /// The raw value; `null` counts as absent.
    pub fn take(&mut self, field: &str) -> Option<Value> {
        self.fields.remove(field).filter(|value| !value.is_null())
    }

    /// A text of at most 64 KiB without NUL.
    pub fn text(&mut self, field: &str) -> Option<String> {
        match self.take(field)? {
            Value::String(text) if text.len() > LONGEST_TEXT => {
                self.problem(field, "must have 65536 bytes at most");
                None
            }
            Value::String(text) if text.contains('\0') => {
                self.problem(field, "must not contain NUL characters");
                None
            }
            Value::String(text) => Some(text),
            other => {
                self.problem(field, format_args!("must be a text, not {}", kind_of(&other)));
                None
            }
        }
    }

    /// A text that parses as `T`; the parser's error is the message.
    pub fn parse<T: FromStr<Err: Display>>(&mut self, field: &str) -> Option<T> {
        let text = self.text(field)?;
        text.parse().map_err(|error| self.problem(field, error)).ok()
    }

    /// A whole number from `least` to `most`.
    pub fn number(&mut self, field: &str, least: u64, most: u64) -> Option<u64> {
        let value = self.take(field)?;
        let number = value.as_u64().filter(|n| (least..=most).contains(n));
        if number.is_none() {
            self.problem(field, format_args!("must be a whole number from {least} to {most}"));
        }
        number
    }

    /// A list of at most `most` whole numbers, each from `least` to `greatest`.
    pub fn numbers(&mut self, field: &str, most: usize, least: u16, greatest: u16) -> Option<Vec<u16>> {
        let value = self.take(field)?;
        let number = |value: &Value| u16::try_from(value.as_u64()?).ok().filter(|n| (least..=greatest).contains(n));
        let numbers = value.as_array().filter(|values| values.len() <= most);
        let numbers: Option<Vec<u16>> = numbers.and_then(|values| values.iter().map(number).collect());
        if numbers.is_none() {
            let message = format!("must be a list of {most} whole numbers at most, each from {least} to {greatest}");
            self.problem(field, message);
        }
        numbers
    }

    /// `true` or `false`.
    pub fn flag(&mut self, field: &str) -> Option<bool> {
        let value = self.take(field)?;
        let flag = value.as_bool();
        if flag.is_none() {
            self.problem(field, format_args!("must be true or false, not {}", kind_of(&value)));
        }
        flag
    }

    /// A list of at most `most` texts, each parsed as `T`.
    pub fn list<T: FromStr<Err: Display>>(&mut self, field: &str, most: usize) -> Option<Vec<T>> {
        let values = match self.take(field)? {
            Value::Array(values) if values.len() <= most => values,
            Value::Array(_) => {
                self.problem(field, format_args!("must have {most} entries at most"));
                return None;
            }
            other => {
                self.problem(field, format_args!("must be a list of texts, not {}", kind_of(&other)));
                return None;
            }
        };
        let mut parsed = Vec::with_capacity(values.len());
        let mut complete = true;
        for (index, value) in values.into_iter().enumerate() {
            let entry = format!("{field}[{index}]");
            match value {
                Value::String(text) if text.len() <= LONGEST_TEXT && !text.contains('\0') => match text.parse() {
                    Ok(value) => parsed.push(value),
                    Err(error) => {
                        self.problem(&entry, error);
                        complete = false;
                    }
                },
                other => {
                    self.problem(
                        &entry,
                        format_args!("must be a text of 65536 bytes at most, without NUL, not {}", kind_of(&other)),
                    );
                    complete = false;
                }
            }
        }
        complete.then_some(parsed)
    }

    /// An object, as it is.
    pub fn object(&mut self, field: &str) -> Option<Object> {
        match self.take(field)? {
            Value::Object(object) => Some(object),
            other => {
                self.problem(field, format_args!("must be an object, not {}", kind_of(&other)));
                None
            }
        }
    }

    /// A list of at most `most` objects, each read with a reader of its own.
    pub fn objects<T>(
        &mut self,
        field: &str,
        most: usize,
        mut read: impl FnMut(&mut Reader) -> Option<T>,
    ) -> Option<Vec<T>> {
        let values = match self.take(field)? {
            Value::Array(values) if values.len() <= most => values,
            other => {
                self.problem(field, format_args!("must be a list of {most} objects at most, not {}", kind_of(&other)));
                return None;
            }
        };
        let mut all = Vec::with_capacity(values.len());
        for (index, value) in values.into_iter().enumerate() {
            let entry = format!("{field}[{index}]");
            let Value::Object(fields) = value else {
                self.problem(&entry, format_args!("must be an object, not {}", kind_of(&value)));
                continue;
            };
            let mut inner = Reader { fields, path: self.full(&entry), problems: Vec::new() };
            all.extend(read(&mut inner));
            self.problems.append(&mut inner.into_problems());
        }
        Some(all)
    }

    /// Reads the object under `field` (an empty one when absent) with a reader of its own and keeps its problems.
    pub fn nested<T>(&mut self, field: &str, read: impl FnOnce(&mut Reader) -> T) -> T {
        let fields = self.object(field).unwrap_or_default();
        let mut inner = Reader { fields, path: self.full(field), problems: Vec::new() };
        let value = read(&mut inner);
        self.problems.append(&mut inner.into_problems());
        value
    }

    /// How much was wrong so far; it grows when a part that is read has a problem.
    #[must_use]
    pub fn problem_count(&self) -> usize {
        self.problems.len()
    }

    /// Ends the reading: every problem, the fields nobody knows among them.
    #[must_use]
    pub fn into_problems(mut self) -> Vec<Problem> {
        let unknown: Vec<String> = self.fields.keys().cloned().collect();
        for field in unknown {
            let shown: String = field.chars().filter(|c| !c.is_control()).take(80).collect();
            self.note(&shown, "is not a known field here", None);
        }
        self.problems
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Span;

    fn reader(value: Value) -> Reader {
        let Value::Object(fields) = value else { return Reader::new(Object::new()) };
        Reader::new(fields)
    }

    #[test]
    fn every_problem_is_collected_with_its_path() {
        let mut reader = reader(json!({"a": 1, "in": {"span": "soon", "list": ["1s", 2]}, "extra": true}));
        assert_eq!(reader.text("a"), None);
        reader.nested("in", |inner| {
            assert_eq!(inner.parse::<Span>("span"), None);
            assert_eq!(inner.list::<Span>("list", 5), None);
        });
        let fields: Vec<_> = reader.into_problems().into_iter().map(|problem| problem.field).collect();
        assert_eq!(fields, ["a", "in.span", "in.list[1]", "extra"]);
    }

    #[test]
    fn null_counts_as_absent() {
        let mut reader = reader(json!({"a": null, "n": 5}));
        assert_eq!(reader.text("a"), None);
        assert_eq!(reader.number("n", 1, 5), Some(5));
        assert!(reader.into_problems().is_empty());
    }
}
