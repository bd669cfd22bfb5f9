//! The page of an https target: fetched as the HTTP test does, over a connection of its own.
//! The codes of both tests have the same numbers, those of 414, 420, 450 and 453 among them.

use http::{HeaderMap, Method};
use url::Url;
use watchkeep_catalogue::StatusCode;
use watchkeep_model::{AcceptStatus, ByteSize, Verdict, http::Options};

use super::{Trace, add, contact::Contact};
use crate::{Step, outside::shown};

/// As in the HTTP test.
const MOST_REDIRECTS: u8 = 10;
const LARGEST_BODY: ByteSize = ByteSize::bytes(10 << 20);

/// Fetches the page and holds its status against the accepted ones.
pub(super) async fn ask(contact: &Contact<'_>, url: &Url, accept: &AcceptStatus, trace: &mut Trace) -> Step<()> {
    let options = Options {
        url: url.clone(),
        method: Method::GET,
        headers: HeaderMap::new(),
        body: None,
        accept_status: accept.clone(),
        require: Vec::new(),
        forbid: Vec::new(),
        json_path: Vec::new(),
        max_redirects: MOST_REDIRECTS,
        max_body: LARGEST_BODY,
        http_version: None,
        credentials: None,
        proxy: None,
        tls: contact.options.tls.clone(),
    };
    let asked = Box::pin(crate::test_type::http::ask(contact.prober, contact.test, &options, contact.total)).await;
    add(&mut trace.phases.first_byte, asked.phases.first_byte);
    add(&mut trace.phases.transfer, asked.phases.transfer);
    trace.observed.http_status = asked.observed.http_status;
    if asked.verdict.code == StatusCode::OPERATIONAL {
        return Ok(());
    }
    // The certificate of the target was good; where another is meant, the detail says whose.
    let detail = asked.verdict.detail.unwrap_or_default();
    let detail = match asked.observed.redirects.last() {
        Some(redirect) => format!("after the redirect to {}: {detail}", shown(&redirect.url)),
        None => detail.into_owned(),
    };
    Err(Verdict::new(asked.verdict.code, detail))
}
