//! Validates the target and the options of an FTP test: the one place that says what is wrong with them.
//! What goes into a command cannot end its line: nothing here has control characters.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use watchkeep_catalogue::{StatusCode, service};

use super::{Login, Options, RemotePath, Security};
use crate::{Endpoint, Limits, Reader, Secret, TlsSettings, split_scheme};

const MISSING: StatusCode = service::NOT_ENOUGH_PARAMETERS;

/// The longest user, password or path, in bytes: a command with it is a line that every server takes.
const LONGEST: usize = 1_000;

/// What stands for itself in the path of a target (RFC 3986, 3.3).
const ENCODED_IN_PATHS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// What a target says beside host and port.
#[derive(Default)]
struct InTarget {
    security: Option<Security>,
    user: Option<String>,
    password: Option<String>,
    path: Option<String>,
}

/// The canonical target and the options, from a test's object.
pub(crate) fn read(target: Option<&str>, _: Limits, reader: &mut Reader) -> Option<(String, Options)> {
    let before = reader.problem_count();
    let (server, in_target) = take_apart(target.map(str::trim).unwrap_or_default(), reader);
    let is_path_in_target = in_target.path.is_some();
    let (security, login, path, is_listed, tls) = reader.nested("ftp", |reader| {
        let security = read_security(in_target.security, reader);
        let login = read_login(in_target.user, in_target.password, reader);
        let path = read_path(in_target.path, reader);
        let is_listed = reader.flag("list") == Some(true);
        if is_listed && path.as_ref().is_some_and(|path| !path.is_directory()) {
            reader.problem("list", "needs a directory; end the path with a slash");
        }
        (security, login, path, is_listed, TlsSettings::read(reader))
    });
    let endpoint = server.and_then(|server| {
        Endpoint::read(Some(server), &[], Some(security.unwrap_or_default().usual_port()), MISSING, reader)
    });
    let (endpoint, security, login) = (endpoint?, security?, login?);
    if reader.problem_count() != before {
        return None;
    }
    let mut canonical = format!("{}://{endpoint}", security.scheme());
    if let Some(path) = path.as_ref().filter(|_| is_path_in_target) {
        canonical.push('/');
        canonical.push_str(&encoded(path));
    }
    Some((canonical, Options { endpoint, security, login, path, is_path_in_target, is_listed, tls }))
}

/// Host and port of a target as they were written, and what else it says.
fn take_apart<'t>(text: &'t str, reader: &mut Reader) -> (Option<&'t str>, InTarget) {
    let (scheme, rest) = split_scheme(text, &["ftp", "ftps"]);
    if scheme.is_none() && rest.contains("://") {
        reader.problem_with_code("target", "must begin with ftp:// or ftps://, or with the host", MISSING);
        return (None, InTarget::default());
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (credentials, server) = authority.rsplit_once('@').map_or((None, authority), |(c, s)| (Some(c), s));
    let (user, password) = match credentials.map(|credentials| credentials.split_once(':').ok_or(credentials)) {
        None => (None, None),
        Some(Err(user)) => (Some(user), None),
        Some(Ok((user, password))) => (Some(user), Some(password)),
    };
    if path.contains(['?', '#']) {
        reader.problem("target", "has ? or # in its path; write them as %3F and %23");
    }
    let mut decoded = |text: &str| match percent_decode_str(text).decode_utf8() {
        Ok(text) => Some(text.into_owned()),
        Err(_) => {
            reader.problem("target", "has %-escapes that are no UTF-8 text");
            None
        }
    };
    let in_target = InTarget {
        security: (scheme == Some("ftps")).then_some(Security::Implicit),
        user: user.and_then(&mut decoded),
        password: password.and_then(&mut decoded),
        path: Some(path).filter(|path| !path.is_empty()).and_then(&mut decoded),
    };
    (Some(server), in_target)
}

fn read_security(by_scheme: Option<Security>, reader: &mut Reader) -> Option<Security> {
    let security = match reader.text("tls").as_deref() {
        None => by_scheme.unwrap_or_default(),
        Some("none") => Security::None,
        Some("explicit") => Security::Explicit,
        Some("implicit") => Security::Implicit,
        Some(_) => {
            reader.problem("tls", "must be none, explicit or implicit");
            return None;
        }
    };
    if by_scheme.is_some_and(|by_scheme| by_scheme != security) {
        let message = "is not implicit although the target begins with ftps://; begin it with ftp://, or leave tls out";
        reader.problem("tls", message);
        return None;
    }
    Some(security)
}

fn read_login(user: Option<String>, password: Option<String>, reader: &mut Reader) -> Option<Login> {
    let before = reader.problem_count();
    let user = one_of("user", user, reader).filter(|user| is_filled("user", user, reader));
    let password = one_of("password", password, reader);
    let is_anonymous = reader.flag("anonymous") == Some(true);
    let is_skipped = reader.flag("no_login") == Some(true);
    if is_skipped && (is_anonymous || user.is_some() || password.is_some()) {
        reader.problem("no_login", "cannot stand beside a user, a password or anonymous; keep one of them");
    } else if is_anonymous && (user.is_some() || password.is_some()) {
        reader.problem("anonymous", "cannot stand beside a user or a password; keep one of them");
    } else if user.is_none() && password.is_some() {
        reader.problem_with_code("user", "is missing; say whose password it is", MISSING);
    }
    let login = match (user, password) {
        _ if is_skipped => Login::Skipped,
        (None, _) => Login::Anonymous { user: Login::ANONYMOUS.into() },
        (Some(user), Some(password)) => Login::User { user: user.into(), password: Secret::new(&password) },
        (Some(user), None) => {
            if !Login::is_public(&user) {
                let message = "is missing; give the user's password, an empty one if there is none";
                reader.problem_with_code("password", message, MISSING);
            }
            Login::Anonymous { user: user.into() }
        }
    };
    (reader.problem_count() == before).then_some(login)
}

fn read_path(in_target: Option<String>, reader: &mut Reader) -> Option<RemotePath> {
    let path = one_of("path", in_target, reader).filter(|path| is_filled("path", path, reader))?;
    Some(RemotePath(path.into()))
}

/// Notes a text that is empty, which a user and a path cannot be.
fn is_filled(field: &str, text: &str, reader: &mut Reader) -> bool {
    if text.is_empty() {
        reader.problem(field, "is empty; fill it in or leave it out");
    }
    !text.is_empty()
}

/// What stands in the target or in the field of this name, not in both.
fn one_of(field: &str, in_target: Option<String>, reader: &mut Reader) -> Option<String> {
    let in_options = reader.text(field);
    if in_target.is_some() && in_options.is_some() {
        reader.problem(field, "stands in the target too; keep one of them");
    }
    let text = in_options.or(in_target)?;
    if text.len() > LONGEST {
        reader.problem(field, format_args!("must have {LONGEST} bytes at most"));
    } else if text.contains(char::is_control) {
        reader.problem(field, "must not contain control characters or line breaks");
    }
    Some(text)
}

/// A path as a target has it. A slash at its beginning would be lost beside the one that ends the host.
fn encoded(path: &RemotePath) -> String {
    let (slash, rest) = path.0.strip_prefix('/').map_or(("", &*path.0), |rest| ("%2F", rest));
    format!("{slash}{}", utf8_percent_encode(rest, ENCODED_IN_PATHS))
}
