//! Conditions on a reply, as people write them: words and `/patterns/`, accepted statuses, JSON paths.

use std::{fmt, str::FromStr, sync::Arc};

use serde_json::Value;

/// A word that must (or must not) stand in a text, or a regular expression written `/…/` or `/…/i`.
/// The engine takes time linear in the text, whatever the expression.
#[derive(Clone)]
pub struct Pattern {
    source: Arc<str>,
    matcher: regex::Regex,
}

/// Memory that one compiled expression may take.
const LARGEST_EXPRESSION: usize = 1 << 20;

impl Pattern {
    /// Whether `text` has the word or matches the expression.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        self.matcher.is_match(text)
    }

    /// As the user wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("must not be empty".to_owned());
        }
        let (expression, insensitive) = match text.strip_prefix('/').and_then(|rest| rest.rsplit_once('/')) {
            Some((inner, "")) if !inner.is_empty() => (inner.to_owned(), false),
            Some((inner, "i")) if !inner.is_empty() => (inner.to_owned(), true),
            _ => (regex::escape(text), false),
        };
        let built =
            regex::RegexBuilder::new(&expression).case_insensitive(insensitive).size_limit(LARGEST_EXPRESSION).build();
        match built {
            Ok(matcher) => Ok(Self { source: text.into(), matcher }),
            Err(regex::Error::CompiledTooBig(_)) => Err("this regular expression is too large".to_owned()),
            Err(error) => {
                let reason = error.to_string();
                let last = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
                Err(format!("not a regular expression: {last}"))
            }
        }
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

/// The HTTP statuses that count as right: `200-299,401`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptStatus(Vec<(u16, u16)>);

impl AcceptStatus {
    /// Whether `status` is one of them.
    #[must_use]
    pub fn contains(&self, status: u16) -> bool {
        self.0.iter().any(|&(low, high)| (low..=high).contains(&status))
    }
}

impl Default for AcceptStatus {
    /// 200–399, looked at after redirects.
    fn default() -> Self {
        Self(vec![(200, 399)])
    }
}

impl FromStr for AcceptStatus {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "must be HTTP statuses from 100 to 599 or ranges of them, such as 200-299,401";
        let status = |text: &str| text.trim().parse::<u16>().ok().filter(|n| (100..=599).contains(n));
        let mut ranges = Vec::new();
        for part in text.split(',') {
            let (low, high) = part.split_once('-').unwrap_or((part, part));
            match (status(low), status(high)) {
                (Some(low), Some(high)) if low <= high => ranges.push((low, high)),
                _ => return Err(FORM),
            }
        }
        if ranges.len() > 100 { Err("must have 100 ranges at most") } else { Ok(Self(ranges)) }
    }
}

impl fmt::Display for AcceptStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (low, high)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            if low == high { write!(f, "{comma}{low}")? } else { write!(f, "{comma}{low}-{high}")? }
        }
        Ok(())
    }
}

/// A JSON path (RFC 9535) and the value that one of its nodes must have: `$.status=ok`.
#[derive(Clone, Debug)]
pub struct JsonCondition {
    source: Arc<str>,
    path: serde_json_path::JsonPath,
    expected: Value,
    expected_text: String,
}

impl JsonCondition {
    /// Whether a node of `document` under the path has the value: the same text for strings, the
    /// same JSON value otherwise.
    #[must_use]
    pub fn holds(&self, document: &Value) -> bool {
        self.path.query(document).iter().any(|node| match node {
            Value::String(text) => *text == self.expected_text || **node == self.expected,
            other => **other == self.expected,
        })
    }

    /// As the user wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }
}

impl FromStr for JsonCondition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The first '=' that is no part of a comparison inside a filter expression ends the path.
        let splits = text.match_indices('=').map(|(at, _)| (&text[..at], &text[at + 1..]));
        let mut reason = "must be a JSON path, '=' and a value, such as $.status=ok".to_owned();
        for (path, expected) in splits {
            match serde_json_path::JsonPath::parse(path.trim()) {
                Ok(path) => {
                    let expected_text = expected.trim().to_owned();
                    let value =
                        serde_json::from_str(&expected_text).unwrap_or_else(|_| Value::String(expected_text.clone()));
                    return Ok(Self { source: text.into(), path, expected: value, expected_text });
                }
                Err(error) => {
                    reason = format!("not a JSON path with a value ({}); write it like $.status=ok", error.message());
                }
            }
        }
        Err(reason)
    }
}

impl fmt::Display for JsonCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}
impl PartialEq for JsonCondition {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_are_literal_and_slashes_make_expressions() {
        for (pattern, text, found) in [
            ("a.c", "abc", false),
            ("a.c", "xa.cx", true),
            ("/a.c/", "abc", true),
            ("/fatal error/i", "Fatal Error", true),
            ("/fatal error/", "Fatal Error", false),
            ("/etc/passwd", "see /etc/passwd", true),
            ("//", "http://", true),
        ] {
            assert_eq!(pattern.parse::<Pattern>().unwrap().is_in(text), found, "{pattern} in {text}");
        }
        assert!("/(/".parse::<Pattern>().is_err());
        assert!(r"/(\w{1000}){1000}/".parse::<Pattern>().is_err());
    }

    #[test]
    fn statuses_are_ranges_and_numbers() {
        let accept: AcceptStatus = "200-299, 401".parse().unwrap();
        assert!(accept.contains(204) && accept.contains(401) && !accept.contains(400));
        assert_eq!(accept.to_string(), "200-299,401");
        for text in ["", "200-", "299-200", "99", "600", "abc", "200;201", "200-299-300"] {
            assert!(text.parse::<AcceptStatus>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn json_conditions_compare_values() {
        let document = json!({"status": "ok", "n": 3, "list": [{"up": true}, {"up": false}], "digits": "3"});
        for (condition, holds) in [
            ("$.status=ok", true),
            ("$.status=down", false),
            ("$.n=3", true),
            ("$.digits=3", true),
            ("$.list[?@.up==true].up=true", true),
            ("$.list[*].up=false", true),
            ("$.missing=1", false),
        ] {
            assert_eq!(condition.parse::<JsonCondition>().unwrap().holds(&document), holds, "{condition}");
        }
        for text in ["", "$.a", "nonsense=1", "$[=1"] {
            assert!(text.parse::<JsonCondition>().is_err(), "{text:?}");
        }
    }
}
