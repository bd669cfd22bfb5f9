//! Validates the options of a certificate test: the one place that says what is wrong with them.
//! Each problem names its field and, where the catalogue has one, the code in which the test would end.

use url::Url;
use watchkeep_catalogue::{StatusCode, certificate};

use super::{Manner, Options, Scan, Starttls};
use crate::{AcceptStatus, Endpoint, HostName, Limits, Reader, TlsSettings, WarnDays, endpoint::split_scheme};

const MISSING: StatusCode = certificate::CERTIFICATE_PARAMETER_MISSING;
const UNKNOWN_PROTOCOL: StatusCode = certificate::CERTIFICATE_UNKNOWN_PROTOCOL;

/// The port of a target that names none and speaks TLS from the first byte.
const USUAL_PORT: u16 = 443;
/// What a target may begin with, before a scheme of its own.
const PREFIX: &[&str] = &["certificate"];

/// What stands before `://` in a target.
enum Scheme {
    /// Nothing, or `tls`.
    None,
    Https,
    Starttls(Starttls),
}

/// What the type's own object says.
struct Own {
    starttls: Option<Starttls>,
    server_name: Option<HostName>,
    accept_status: Option<AcceptStatus>,
    warn_days: WarnDays,
    scan: Scan,
    tls: TlsSettings,
}

/// The canonical target and the options, from a test's object.
pub(crate) fn read(target: Option<&str>, _: Limits, reader: &mut Reader) -> Option<(String, Options)> {
    let before = reader.problem_count();
    let text = target.map(str::trim).unwrap_or_default();
    let (_, text) = split_scheme(text, PREFIX);
    let scheme = read_scheme(text, reader);
    let own = reader.nested("certificate", read_own);
    let (endpoint, manner) = match scheme? {
        (Scheme::Https, _) => read_https(text, &own, reader)?,
        (Scheme::None, rest) => {
            let usual = own.starttls.map_or(USUAL_PORT, Starttls::usual_port);
            (read_endpoint(rest, usual, reader)?, own.starttls.map_or(Manner::Direct, Manner::Starttls))
        }
        (Scheme::Starttls(protocol), rest) => {
            if own.starttls.is_some_and(|other| other != protocol) {
                reader.problem("certificate.starttls", "names another protocol than the target; keep one of them");
            }
            (read_endpoint(rest, protocol.usual_port(), reader)?, Manner::Starttls(protocol))
        }
    };
    if own.accept_status.is_some() && !matches!(manner, Manner::Https { .. }) {
        reader.problem("certificate.accept_status", "belongs to a target that begins with https://");
    }
    let Own { server_name, warn_days, scan, tls, .. } = own;
    let shown = match &manner {
        Manner::Https { url, .. } => url.to_string(),
        Manner::Direct | Manner::Starttls(_) => endpoint.to_string(),
    };
    let options = Options { endpoint, manner, server_name, warn_days, scan, tls };
    (reader.problem_count() == before).then_some((shown, options))
}

/// The scheme of a target, and what follows it.
fn read_scheme<'t>(text: &'t str, reader: &mut Reader) -> Option<(Scheme, &'t str)> {
    let Some((scheme, rest)) = text.split_once("://") else { return Some((Scheme::None, text)) };
    let is = |word: &str| scheme.eq_ignore_ascii_case(word);
    if is("https") {
        return Some((Scheme::Https, rest));
    }
    if is("tls") {
        return Some((Scheme::None, rest));
    }
    if let Some(protocol) = Starttls::parse(scheme) {
        return Some((Scheme::Starttls(protocol), rest));
    }
    let shown: String = scheme.chars().filter(|c| !c.is_control()).take(20).collect();
    let message = format!("has the scheme {shown}; a certificate test needs HOST:PORT or an https:// URL");
    reader.problem_with_code("target", message, UNKNOWN_PROTOCOL);
    None
}

fn read_endpoint(text: &str, usual_port: u16, reader: &mut Reader) -> Option<Endpoint> {
    Endpoint::read(Some(text), &[], Some(usual_port), MISSING, reader)
}

fn read_https(text: &str, own: &Own, reader: &mut Reader) -> Option<(Endpoint, Manner)> {
    for (field, is_given) in [("starttls", own.starttls.is_some()), ("server_name", own.server_name.is_some())] {
        if is_given {
            reader.problem(&format!("certificate.{field}"), "cannot stand beside an https:// target; write HOST:PORT");
        }
    }
    let mut url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => {
            reader.problem_with_code("target", format_args!("is not a URL: {error}"), MISSING);
            return None;
        }
    };
    if !url.username().is_empty() || url.password().is_some() {
        reader.problem("target", "has a user or a password, which the certificate test does not send; leave it out");
        return None;
    }
    if url.as_str().parse::<http::Uri>().is_err() {
        reader.problem_with_code("target", "is too long or has characters that cannot be sent in a request", MISSING);
        return None;
    }
    url.set_fragment(None);
    let endpoint = read_endpoint(url.authority(), USUAL_PORT, reader)?;
    let accept_status = own.accept_status.clone().unwrap_or_default();
    Some((endpoint, Manner::Https { url, accept_status }))
}

fn read_own(reader: &mut Reader) -> Own {
    let starttls = reader.text("starttls").and_then(|word| {
        let known = Starttls::parse(&word);
        if known.is_none() {
            let message = format!("must be one of {}; this robot knows no other", Starttls::WORDS.join(", "));
            reader.problem_with_code("starttls", message, UNKNOWN_PROTOCOL);
        }
        known
    });
    Own {
        starttls,
        server_name: reader.parse("server_name"),
        accept_status: reader.parse("accept_status"),
        warn_days: WarnDays::read(reader, "warn_days").unwrap_or_default(),
        scan: if reader.flag("scan") == Some(true) { Scan::Versions } else { Scan::Off },
        tls: TlsSettings::read(reader),
    }
}
