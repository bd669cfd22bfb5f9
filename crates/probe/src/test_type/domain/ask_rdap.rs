//! One question to an RDAP service (RFC 7480), and what its reply amounts to.

use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;
use tokio::time::Instant;
use url::Url;
use watchkeep_model::{ByteSize, Test};

use super::{
    dates,
    facts::Facts,
    rdap::{self, Answer},
    sources::Failure,
    turn,
};
use crate::{
    Prober,
    net::deadline::Deadline,
    test_type::http::{Get, NotGot},
};

/// A larger answer is not read.
const LARGEST: ByteSize = ByteSize::bytes(1 << 20);
const ACCEPT: HeaderValue = HeaderValue::from_static("application/rdap+json, application/json;q=0.9");

/// The facts; none where nobody holds the name.
pub(super) async fn ask(
    prober: &Prober,
    test: &Test,
    name: &str,
    service: &Url,
    deadline: Deadline,
) -> Result<Option<Facts>, Failure> {
    let server = service.authority();
    let unavailable = |reason: &str| Failure::Unavailable(format!("RDAP {server}: {reason}"));
    let strange = |reason: &str| Failure::NotUnderstood(format!("RDAP {server}: {reason}"));
    let url = service.join(&format!("domain/{name}")).map_err(|_| unavailable("its URL cannot be extended"))?;
    turn::wait(prober, test, server, deadline).await.map_err(|reason| unavailable(&reason))?;
    let got = match (Get { url, accept: ACCEPT, largest: LARGEST }).send(prober, test, deadline).await {
        Ok(got) => got,
        Err(NotGot { status: Some(200), detail }) => return Err(strange(&detail)),
        Err(NotGot { status: Some(429), .. }) => return Err(unavailable(&limited(prober, server, None))),
        Err(NotGot { detail, .. }) => return Err(unavailable(&detail)),
    };
    let header = |name| got.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
    let answer = match got.status {
        StatusCode::OK => rdap::read(name, &got.body),
        StatusCode::NOT_FOUND => rdap::read_absence(header(header::CONTENT_TYPE), &got.body),
        StatusCode::TOO_MANY_REQUESTS => {
            let asked_for = retry_after(header(header::RETRY_AFTER), Timestamp::now());
            return Err(unavailable(&limited(prober, server, asked_for)));
        }
        other => return Err(unavailable(&format!("status {}", other.as_u16()))),
    };
    prober.registries.manners().answered(server);
    match answer {
        Answer::Registered(facts) => Ok(Some(facts)),
        Answer::Absent => Ok(None),
        Answer::NotUnderstood(reason) => Err(strange(&reason)),
    }
}

fn limited(prober: &Prober, server: &str, asked_for: Option<Duration>) -> String {
    prober.registries.manners().limited(server, Instant::now(), asked_for);
    match asked_for {
        Some(wait) => format!("it limits how often it may be asked (status 429, again in {} s)", wait.as_secs()),
        None => "it limits how often it may be asked (status 429)".to_owned(),
    }
}

/// Seconds or a date (RFC 9110, 10.2.3).
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let at = dates::read(text)?;
    u64::try_from(at.duration_since(now).as_secs()).ok().map(Duration::from_secs)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn servers_say_when_they_may_be_asked_again() {
        let now: Timestamp = "2027-01-31T00:00:00Z".parse().unwrap();
        let seconds = |text| retry_after(text, now).map(|wait| wait.as_secs());
        assert_eq!(seconds("120"), Some(120));
        assert_eq!(seconds("Sun, 31 Jan 2027 00:01:00 GMT"), Some(60));
        assert_eq!(seconds("Sun, 31 Jan 2026 00:01:00 GMT"), None);
        assert_eq!(seconds("soon"), None);
    }
}
