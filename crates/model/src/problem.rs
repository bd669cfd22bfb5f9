//! What is wrong with an input: which field, in one sentence, and the status code a test would end in.

use std::fmt;

use serde::Serialize;
use watchkeep_catalogue::StatusCode;

/// One thing wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Path of the field, dots between levels: `http.accept_status`. Empty for the input as a whole.
    pub field: String,
    /// What is wrong and what to do, one sentence.
    pub message: String,
    /// The status in which a test with this input ends, where the catalogue names one.
    #[serde(serialize_with = "number", skip_serializing_if = "Option::is_none")]
    pub code: Option<StatusCode>,
}

fn number<S: serde::Serializer>(code: &Option<StatusCode>, serializer: S) -> Result<S::Ok, S::Error> {
    match code {
        Some(code) => serializer.serialize_i16(code.number()),
        None => serializer.serialize_none(),
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.field, self.message) }
    }
}

/// An input that was refused: every problem found in it, at least one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", Self::sentence(.0))]
pub struct Invalid(Vec<Problem>);

impl Invalid {
    /// One problem alone.
    #[must_use]
    pub fn one(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self(vec![Problem { field: field.into(), message: message.into(), code: None }])
    }

    /// One problem for which the catalogue has a status.
    #[must_use]
    pub fn with_code(field: impl Into<String>, message: impl Into<String>, code: StatusCode) -> Self {
        Self(vec![Problem { field: field.into(), message: message.into(), code: Some(code) }])
    }

    /// `Err` with the problems, or `Ok` when there are none.
    ///
    /// # Errors
    /// The problems, when there is at least one.
    pub fn check(problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self(problems)) }
    }

    /// Every problem, in the order of the input.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }

    /// The status in which a test with this input ends: the first that a problem names.
    #[must_use]
    pub fn code(&self) -> Option<StatusCode> {
        self.0.iter().find_map(|problem| problem.code)
    }

    fn sentence(problems: &[Problem]) -> String {
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    }
}
