//! Webhooks after the Standard Webhooks specification: the message is signed with the channel's secret.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use sha2::Sha256;
use url::Url;
use watchkeep_model::WebhookSecret;

use super::{Message, SendError};
use crate::client::Client;

/// The longest pause that a receiver may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3600);

/// Sends a message with a signature for each of the secrets: a receiver takes it when it knows one of them.
pub(super) async fn send(
    client: &Client,
    url: &Url,
    secrets: impl Iterator<Item = &WebhookSecret>,
    message: Message,
    now: Timestamp,
) -> Result<String, SendError> {
    let id = message.event.as_str();
    let seconds = now.as_second();
    let signatures: Vec<_> = secrets.map(|secret| signature(&secret.key(), id, seconds, &message.body)).collect();
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("content-type", "application/json"),
        ("webhook-id", id),
        ("webhook-timestamp", &seconds.to_string()),
        ("webhook-signature", &signatures.join(" ")),
        ("watchkeep-webhook-token", message.token.expose()),
    ] {
        let value = HeaderValue::from_str(value)
            .map_err(|_| SendError::Permanent(format!("the header {name} cannot be sent")))?;
        headers.insert(name, value);
    }
    let reply = client.post(url, headers, message.body.into()).await;
    let (status, headers) = reply.map_err(|error| SendError::Transient(error.to_string(), None))?;
    outcome(status, &headers, now)
}

/// The signature of a message: HMAC-SHA256 over `id.timestamp.body`.
fn signature(key: &[u8], id: &str, seconds: i64, body: &str) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return String::new() };
    mac.update(format!("{id}.{seconds}.").as_bytes());
    mac.update(body.as_bytes());
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

/// What a status means: 2xx is a receipt, 410 the end, everything else a reason to try again.
fn outcome(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Result<String, SendError> {
    let said = format!("the receiver answered {}", status.as_u16());
    if status.is_success() {
        Ok(said)
    } else if status == StatusCode::GONE {
        Err(SendError::Permanent(said))
    } else {
        let pause = headers.get(header::RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?, now));
        Err(SendError::Transient(said, pause))
    }
}

/// `Retry-After` in seconds or as an HTTP date (RFC 9110, 10.2.3).
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let pause = if !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit()) {
        // What does not fit is longer than any pause that is granted.
        text.parse().map_or(LONGEST_PAUSE, Duration::from_secs)
    } else {
        Duration::try_from(http_date(text)?.duration_since(now)).unwrap_or_default()
    };
    Some(pause.min(LONGEST_PAUSE))
}

/// A date in any of the three forms that must be understood (RFC 9110, 5.6.7).
fn http_date(text: &str) -> Option<Timestamp> {
    let obsolete = |form| jiff::fmt::strtime::parse(form, text).ok()?.to_datetime().ok();
    match jiff::fmt::rfc2822::parse(text) {
        Ok(date) => Some(date.timestamp()),
        Err(_) => {
            let date = obsolete("%A, %d-%b-%y %H:%M:%S GMT").or_else(|| obsolete("%a %b %e %H:%M:%S %Y"))?;
            jiff::tz::TimeZone::UTC.to_timestamp(date).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks reference implementations.
    #[test]
    fn the_signature_is_the_specifications() {
        let secret: Result<WebhookSecret, _> = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse();
        let key = secret.map(|secret| secret.key()).unwrap_or_default();
        let made = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(made, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn statuses_are_sorted() {
        let now = Timestamp::UNIX_EPOCH;
        let sort = |status: u16| outcome(StatusCode::from_u16(status).unwrap_or_default(), &HeaderMap::new(), now);
        for status in [200, 201, 202, 204] {
            assert!(sort(status).is_ok(), "{status}");
        }
        for status in [301, 307, 400, 401, 404, 429, 500, 503] {
            assert!(matches!(sort(status), Err(SendError::Transient(_, None))), "{status}");
        }
        assert!(matches!(sort(410), Err(SendError::Permanent(_))));
    }

    #[test]
    fn receivers_may_ask_for_a_pause() {
        let now = Timestamp::UNIX_EPOCH;
        for (text, seconds) in [
            ("120", Some(120)),
            (" 5 ", Some(5)),
            ("Thu, 01 Jan 1970 00:01:00 GMT", Some(60)),
            ("Wed, 31 Dec 1969 00:00:00 GMT", Some(0)),
            ("Thursday, 01-Jan-70 00:01:00 GMT", Some(60)),
            ("Thu Jan  1 00:01:00 1970", Some(60)),
            ("99999999999", Some(6 * 3600)),
            ("99999999999999999999999999", Some(6 * 3600)),
            ("", None),
            ("soon", None),
            ("-5", None),
        ] {
            assert_eq!(retry_after(text, now).map(|pause| pause.as_secs()), seconds, "{text:?}");
        }
    }
}
