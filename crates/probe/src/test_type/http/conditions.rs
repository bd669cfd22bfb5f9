//! Holds a complete reply against the test's conditions: status, required words, forbidden words, in this order.
//! Pure.

use http::StatusCode;
use watchkeep_catalogue::service;
use watchkeep_model::{JsonCondition, Pattern, Verdict, http::Options};

use super::{charset, exchange::Reply};
use crate::outside::shown;

/// Whether any condition looks into the body.
pub(super) fn need_body(options: &Options) -> bool {
    !(options.require.is_empty() && options.forbid.is_empty() && options.json_path.is_empty())
}

/// The verdict on a reply.
pub(super) fn judge(options: &Options, reply: &Reply) -> Verdict {
    if let Some(detail) = forbidden_status(options, reply.status) {
        return Verdict::new(service::HTTP_STATUS_FORBIDDEN, detail);
    }
    if !need_body(options) {
        return Verdict::OPERATIONAL;
    }
    let text = charset::text(&reply.headers, &reply.body);
    let mut missing: Vec<_> =
        options.require.iter().filter(|pattern| !pattern.is_in(&text)).map(Pattern::as_str).collect();
    let unmet = Unmet::of(options, &text);
    missing.extend(unmet.conditions.iter().map(|condition| condition.as_str()));
    if !missing.is_empty() {
        let reason = unmet.reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
        let detail = format!("missing: {}{reason}", listed(&missing));
        return Verdict::new(service::HTTP_REQUIRED_WORDS_MISSING, detail);
    }
    let present: Vec<_> = options.forbid.iter().filter(|pattern| pattern.is_in(&text)).map(Pattern::as_str).collect();
    if !present.is_empty() {
        return Verdict::new(service::HTTP_FORBIDDEN_WORDS_PRESENT, format!("present: {}", listed(&present)));
    }
    Verdict::OPERATIONAL
}

/// The verdict on a reply whose body failed with `verdict`: a forbidden status was there before, and a body that
/// is late is the only thing that counts for more.
pub(super) fn judge_failed(options: &Options, status: StatusCode, verdict: Verdict) -> Verdict {
    match forbidden_status(options, status) {
        Some(forbidden) if verdict.code == service::HTTP_CLIENT_ERROR => {
            let reason = verdict.detail.map(|reason| format!(" ({reason})")).unwrap_or_default();
            Verdict::new(service::HTTP_STATUS_FORBIDDEN, format!("{forbidden}{reason}"))
        }
        _ => verdict,
    }
}

/// What is wrong with the status, if anything.
fn forbidden_status(options: &Options, status: StatusCode) -> Option<String> {
    if options.accept_status.contains(status.as_u16()) {
        return None;
    }
    let reason = status.canonical_reason().map(|reason| format!(" {reason}")).unwrap_or_default();
    Some(format!("status {}{reason}; accepted are {}", status.as_u16(), options.accept_status))
}

/// All of them, each cut where it is long.
fn listed(words: &[&str]) -> String {
    words.iter().map(|word| shown(word)).collect::<Vec<_>>().join(", ")
}

/// The JSON conditions that do not hold; all of them, for one reason, when the body is no JSON.
#[derive(Default)]
struct Unmet<'a> {
    conditions: Vec<&'a JsonCondition>,
    reason: Option<String>,
}

impl<'a> Unmet<'a> {
    fn of(options: &'a Options, text: &str) -> Self {
        if options.json_path.is_empty() {
            return Self::default();
        }
        match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
            Ok(document) => {
                let unmet = options.json_path.iter().filter(|condition| !condition.holds(&document));
                Self { conditions: unmet.collect(), reason: None }
            }
            Err(error) => Self {
                conditions: options.json_path.iter().collect(),
                reason: Some(format!("the body is not JSON: {error}")),
            },
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
mod tests {
    use http::HeaderMap;
    use serde_json::json;
    use watchkeep_model::{Options as AnyOptions, Test};

    use super::*;

    #[test]
    fn the_earliest_condition_decides() {
        let body = r#"{"status": "ok", "words": "alpha beta"}"#;
        for (options, status, code, detail) in [
            (json!({}), 200, 0, ""),
            (json!({"require": ["absent"], "forbid": ["alpha"]}), 500, 414, "status 500 Internal Server Error"),
            (json!({"require": ["absent"], "forbid": ["alpha"]}), 200, 412, "missing: absent"),
            (json!({"require": ["alpha"], "forbid": ["alpha", "/b.t./"]}), 200, 413, "present: alpha, /b.t./"),
            (json!({"json_path": ["$.status=ok"], "require": ["beta"]}), 200, 0, ""),
            (json!({"json_path": ["$.status=down"], "require": ["gamma"]}), 200, 412, "missing: gamma, $.status=down"),
            (json!({"accept_status": "500"}), 500, 0, ""),
        ] {
            let verdict = verdict(&options, status, body);
            assert_eq!(verdict.code.number(), code, "{options}");
            assert!(verdict.detail.as_deref().unwrap_or_default().starts_with(detail), "{verdict:?}");
        }
        let verdict = verdict(&json!({"json_path": ["$.a=1"]}), 200, "<html>");
        assert!(verdict.detail.as_deref().unwrap_or_default().contains("the body is not JSON"), "{verdict:?}");
        let deep = "[".repeat(10_000);
        assert_eq!(super::tests::verdict(&json!({"json_path": ["$.a=1"]}), 200, &deep).code.number(), 412);
    }

    fn verdict(options: &serde_json::Value, status: u16, body: &str) -> Verdict {
        let test = json!({"type": "http", "target": "http://a.example/", "http": options});
        let test = Test::parse(test.as_object().unwrap().clone()).unwrap();
        let AnyOptions::Http(options) = test.options else { panic!("not a test of this type") };
        let reply = Reply {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
        };
        judge(&options, &reply)
    }
}
