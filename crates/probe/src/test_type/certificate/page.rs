//! The page of an https target: fetched as the HTTP test does, over a connection of its own.
//! The codes of both tests have the same numbers, those of 414, 420, 450 and 453 among them.

use url::Url;
use watchkeep_catalogue::StatusCode;
use watchkeep_model::{AcceptStatus, Verdict, http::Options};

use super::{Trace, add, contact::Contact};
use crate::{Step, outside::shown};

/// Fetches the page and holds its status against the accepted ones.
pub(super) async fn ask(contact: &Contact<'_>, url: &Url, accept: &AcceptStatus, trace: &mut Trace) -> Step<()> {
    let options =
        Options { accept_status: accept.clone(), tls: contact.options.tls.clone(), ..Options::get(url.clone()) };
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
