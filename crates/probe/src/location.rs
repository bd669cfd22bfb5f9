//! Where a redirect leads, as a detail may tell it: without the credentials that the server may have put there.
//! Whether it is followed is for the test type to say.

use url::Url;

use crate::outside::shown;

/// The location that came in answer to a request for `base`: as the server wrote it, where no credentials can be in it.
pub(crate) fn told(base: &Url, location: &str) -> String {
    let Some((_, after)) = location.rsplit_once('@') else { return shown(location) };
    match base.join(location) {
        Ok(mut url) if url.has_host() => {
            // Both setters fail only on URLs without a host.
            let _ = url.set_username("");
            let _ = url.set_password(None);
            shown(url.as_str())
        }
        // What is no URL has no parts to take out, so that all before the last `@` may be a password.
        _ => shown(&format!("…@{after}")),
    }
}
