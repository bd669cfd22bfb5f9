//! Takes a request's query parameters, each once and each known by name, and the cursors of lists.
//! A cursor is opaque to clients; it names the list that it belongs to.

use std::{fmt::Display, str::FromStr};

use axum::{extract::FromRequestParts, http::request::Parts};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::Value;
use watchkeep_model::{Invalid, Object, Reader};

use super::Problem;

/// The query parameters of a request, still to be read.
#[derive(Debug)]
pub struct Query(Reader);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut fields = Object::new();
        for (name, value) in url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            if fields.insert(name.clone().into_owned(), Value::String(value.into_owned())).is_some() {
                return Err(Problem::invalid_query(&Invalid::one(name, "stands twice in the query")));
            }
        }
        Ok(Self(Reader::new(fields)))
    }
}

impl Query {
    /// A parameter that parses as `T`; an empty one counts as absent.
    pub fn take<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        let text = self.0.text(name).filter(|text| !text.is_empty())?;
        text.parse().map_err(|error| self.0.problem(name, error)).ok()
    }

    /// How many entries a page has: `limit`, 1 to 1000, 100 when absent.
    pub fn limit(&mut self) -> usize {
        self.take::<Limit>("limit").map_or(100, |limit| limit.0)
    }

    /// Notes that a parameter is wrong.
    pub fn problem(&mut self, name: &str, message: impl Display) {
        self.0.problem(name, message);
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// Everything that was wrong, unknown parameters among it.
    pub fn finish(self) -> Result<(), Problem> {
        Invalid::check(self.0.into_problems()).map_err(|invalid| Problem::invalid_query(&invalid))
    }
}

struct Limit(usize);

impl FromStr for Limit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().ok().filter(|n| (1..=1_000).contains(n)).map(Self).ok_or("must be a whole number from 1 to 1000")
    }
}

/// A moment in RFC 3339, such as `2026-11-24T10:00:00Z`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(pub(super) Timestamp);

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self).map_err(|_| "must be a time such as 2026-11-24T10:00:00Z")
    }
}

/// Where the next page of a list begins: the list's own name and the place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Which list, its order included.
    pub list: String,
    /// The place after which the page begins.
    pub place: String,
}

impl Cursor {
    /// The text that clients send back as `after`.
    #[must_use]
    pub fn write(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(format!("{}\n{}", self.list, self.place))
    }
}

impl FromStr for Cursor {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "is not a cursor of this list; use the next of an earlier page, unchanged";
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| FORM)?;
        let text = String::from_utf8(bytes).map_err(|_| FORM)?;
        let (list, place) = text.split_once('\n').ok_or(FORM)?;
        Ok(Self { list: list.to_owned(), place: place.to_owned() })
    }
}

impl Query {
    /// The place in `list` after which the page begins; a cursor of another list is a problem.
    pub fn after(&mut self, list: &str) -> Option<String> {
        let cursor = self.take::<Cursor>("after")?;
        if cursor.list == list {
            return Some(cursor.place);
        }
        self.problem("after", "is the cursor of another list or order; begin this one without it");
        None
    }
}
