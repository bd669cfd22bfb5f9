//! Takes a request's body as one JSON object, strictly: bounded in size and depth, no field twice.
//! What the fields mean is for the model's parsers to say.

use std::{cell::RefCell, fmt, time::Duration};

use axum::{
    body::{Bytes, HttpBody},
    extract::{FromRequest, Request, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use watchkeep_model::{Invalid, Object, Reader};

use super::Problem;

/// The largest body that is taken, in bytes.
pub const LARGEST_BODY: usize = 1024 * 1024;
/// A body must be complete within this time after its headers (slow-loris).
const ARRIVAL: Duration = Duration::from_secs(15);
/// The most levels of objects and lists; nothing that the API takes needs a third of it.
const DEEPEST: usize = 32;

/// The JSON object of a request's body.
#[derive(Debug)]
pub struct JsonObject(pub Object);

/// The body of a request that has nothing to say: none, or an empty JSON object.
#[derive(Debug)]
pub(super) struct NoFields;

impl<S: Send + Sync> FromRequest<S> for JsonObject {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let declared = is_json(request.headers());
        let bytes = read(request, state).await?;
        if !declared {
            return Err(Problem::not_json());
        }
        parse(&bytes).map(Self)
    }
}

impl<S: Send + Sync> FromRequest<S> for NoFields {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let declared = is_json(request.headers());
        let bytes = read(request, state).await?;
        if bytes.is_empty() {
            return Ok(Self);
        }
        if !declared {
            return Err(Problem::not_json());
        }
        Invalid::check(Reader::new(parse(&bytes)?).into_problems())?;
        Ok(Self)
    }
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    // What is announced too large need not arrive first.
    if request.body().size_hint().lower() > LARGEST_BODY as u64 {
        return Err(Problem::too_large(LARGEST_BODY));
    }
    let arrived = tokio::time::timeout(ARRIVAL, Bytes::from_request(request, state)).await;
    arrived.map_err(|_| Problem::late(ARRIVAL))?.map_err(|rejection| match rejection {
        BytesRejection::FailedToBufferBody(failure) if failure.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Problem::too_large(LARGEST_BODY)
        }
        _ => Problem::malformed("The body did not arrive as a whole; send it again."),
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// The object that stands in `bytes`.
pub(super) fn parse(bytes: &[u8]) -> Result<Object, Problem> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Problem::malformed("The body is empty; send a JSON object."));
    }
    let problem = RefCell::new(None);
    let strict = Strict { path: Vec::new(), problem: &problem };
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = strict.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    match value {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Problem::malformed("The body must be a JSON object, something in { and }.")),
        Err(error) => Err(problem
            .into_inner()
            .unwrap_or_else(|| Problem::malformed(format_args!("The body is not valid JSON: {error}.")))),
    }
}

/// Builds a value and notes what no type of the standard reader would refuse.
struct Strict<'a> {
    path: Vec<String>,
    problem: &'a RefCell<Option<Problem>>,
}

impl Strict<'_> {
    fn inner(&self, step: String) -> Self {
        let mut path = self.path.clone();
        path.push(step);
        Self { path, problem: self.problem }
    }

    fn check_depth<E: serde::de::Error>(&self) -> Result<(), E> {
        if self.path.len() < DEEPEST {
            return Ok(());
        }
        let field = self.path.first().map_or("", String::as_str);
        let detail = format!("The body is nested deeper than {DEEPEST} levels, in the field {field}.");
        Err(self.refuse(Problem::malformed(detail)))
    }

    fn refuse<E: serde::de::Error>(&self, problem: Problem) -> E {
        let error = E::custom(problem.detail());
        *self.problem.borrow_mut() = Some(problem);
        error
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        serde_json::Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is too large"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        self.check_depth()?;
        let mut values = Vec::new();
        while let Some(value) = entries.next_element_seed(self.inner(format!("[{}]", values.len())))? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        self.check_depth()?;
        let mut object = Object::new();
        while let Some(name) = entries.next_key::<String>()? {
            if object.contains_key(&name) {
                let shown: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
                let mut path = self.path.clone();
                path.push(shown);
                return Err(self.refuse(Problem::duplicate_field(&path.join("."))));
            }
            let value = entries.next_value_seed(self.inner(name.clone()))?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_valid_object_comes_through_unchanged() {
        let text = r#"{"a": [1, -2, 2.5, "x", null, true], "b": {"c": {}}, "n": 18446744073709551615}"#;
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(Value::Object(parse(text.as_bytes()).unwrap()), expected);
    }

    #[test]
    fn what_is_not_one_object_is_refused_in_one_sentence() {
        let deep_list = format!("{{\"a\":{}}}", "[".repeat(10_000));
        let deep_object = "{\"a\":".repeat(10_000);
        for (text, part) in [
            ("", "is empty"),
            ("  \n", "is empty"),
            ("[]", "must be a JSON object"),
            ("7", "must be a JSON object"),
            ("{", "not valid JSON"),
            ("{} {}", "trailing characters"),
            ("{\"a\": NaN}", "not valid JSON"),
            ("{\"a\": 1e999}", "not valid JSON"),
            ("{'a': 1}", "not valid JSON"),
            ("{\"a\": \"\u{1}\"}", "not valid JSON"),
            ("{\"a\": \"\\ud800\"}", "not valid JSON"),
            ("{\"a\":1,\"a\":2}", "The field a stands twice"),
            ("{\"h\":{\"b\":1,\"b\":1}}", "The field h.b stands twice"),
            (&deep_list, "nested deeper than 32 levels, in the field a"),
            (&deep_object, "nested deeper than 32 levels, in the field a"),
        ] {
            let problem = parse(text.as_bytes()).unwrap_err();
            assert!(problem.detail().contains(part), "{:?}: {}", &text[..text.len().min(40)], problem.detail());
            assert_eq!(problem.status(), StatusCode::BAD_REQUEST);
        }
        let problem = parse(b"{\"a\": \"\xff\"}").unwrap_err();
        assert!(problem.detail().contains("not valid JSON"));
    }

    #[test]
    fn depth_within_the_bound_is_taken() {
        let text = format!("{{\"a\":{}1{}}}", "[".repeat(DEEPEST - 1), "]".repeat(DEEPEST - 1));
        assert!(parse(text.as_bytes()).is_ok());
        assert_eq!(parse(b"{\"a\":{}}").unwrap(), *json!({"a": {}}).as_object().unwrap());
    }
}
