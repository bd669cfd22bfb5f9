//! `Idempotency-Key`: a creation that is sent again with the same key is answered again and not made again.
//! Answers are remembered in memory for a day; after a restart a key is new.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use super::{LARGEST_BODY, Problem};
use crate::{
    App,
    auth::{CanWrite, Identity},
};

/// How long an answer is remembered.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);
/// Most answers that are remembered; the oldest give way.
const MOST: usize = 10_000;
/// Longest key, in bytes.
const LONGEST_KEY: usize = 200;

/// Answers of earlier creations.
#[derive(Default)]
pub struct Answers {
    kept: Mutex<HashMap<[u8; 32], Answer>>,
}

struct Answer {
    request: [u8; 32],
    at: Timestamp,
    response: Option<(StatusCode, HeaderMap, Bytes)>,
}

/// What is known of a key.
enum Known {
    /// It is new, and is being used from now on.
    New,
    /// The same request was answered with this.
    Answered(StatusCode, HeaderMap, Bytes),
    /// The same request is under way.
    UnderWay,
    /// Another request had this key.
    Other,
}

impl Answers {
    fn begin(&self, key: [u8; 32], request: [u8; 32], now: Timestamp) -> Known {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = kept.get(&key).filter(|known| now.duration_since(known.at) < REMEMBERED) {
            return match &known.response {
                _ if known.request != request => Known::Other,
                Some((status, headers, body)) => Known::Answered(*status, headers.clone(), body.clone()),
                None => Known::UnderWay,
            };
        }
        if kept.len() >= MOST {
            kept.retain(|_, known| now.duration_since(known.at) < REMEMBERED);
            let oldest = kept.iter().min_by_key(|(_, known)| known.at).map(|(key, _)| *key);
            if let Some(oldest) = oldest.filter(|_| kept.len() >= MOST) {
                kept.remove(&oldest);
            }
        }
        kept.insert(key, Answer { request, at: now, response: None });
        Known::New
    }

    fn end(&self, key: [u8; 32], response: Option<(StatusCode, HeaderMap, Bytes)>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match response {
            Some(response) => {
                if let Some(known) = kept.get_mut(&key) {
                    known.response = Some(response);
                }
            }
            None => {
                kept.remove(&key);
            }
        }
    }
}

/// Forgets a key whose request ended without an answer, because the client went away for instance.
struct UnderWay<'a> {
    answers: &'a Answers,
    key: [u8; 32],
    answered: bool,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.answers.end(self.key, None);
        }
    }
}

/// Around creations: with a key, each is made once.
pub(super) async fn once(
    State(app): State<Arc<App>>,
    CanWrite(caller): CanWrite,
    request: Request,
    next: Next,
) -> Response {
    let Some(key) = request.headers().get("idempotency-key") else { return next.run(request).await };
    if key.is_empty() || key.len() > LONGEST_KEY {
        return Problem::malformed(format_args!("The header Idempotency-Key must have 1 to {LONGEST_KEY} characters."))
            .into_response();
    }
    let who = match &caller.identity {
        Identity::Token(token) => token.as_str(),
        Identity::User(user) => user.as_str(),
    };
    let key: [u8; 32] = digest([who.as_bytes(), request.uri().path().as_bytes(), key.as_bytes()]);
    let (parts, body) = request.into_parts();
    let Ok(bytes) = to_bytes(body, LARGEST_BODY).await else { return Problem::too_large(LARGEST_BODY).into_response() };
    match app.answers.begin(key, digest([&bytes]), Timestamp::now()) {
        Known::Answered(status, headers, body) => return (status, headers, body).into_response(),
        Known::UnderWay => {
            return Problem::conflict("A request with this Idempotency-Key is still under way; wait for its answer.")
                .into_response();
        }
        Known::Other => {
            return Problem::conflict("This Idempotency-Key was used for another request; take a new one.")
                .into_response();
        }
        Known::New => {}
    }
    let mut under_way = UnderWay { answers: &app.answers, key, answered: false };
    let (parts, body) = next.run(Request::from_parts(parts, Body::from(bytes))).await.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else { return Problem::bug().into_response() };
    if parts.status.is_success() {
        under_way.answered = true;
        app.answers.end(key, Some((parts.status, parts.headers.clone(), body.clone())));
    }
    (parts, body).into_response()
}

fn digest<const N: usize>(parts: [&[u8]; N]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
