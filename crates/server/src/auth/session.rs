//! Sessions: the cookie of a signed-in browser, and the extractor that pages use.
//! The cookie's value is random; the store knows only its hash.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::{HeaderMap, HeaderValue, Method, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use url::Url;
use watchkeep_model::{OrgId, TokenHash, UserId};

use super::{NewSecret, random::hash_of};
use crate::{App, api::Problem};

/// How long a session lasts, in seconds.
pub(super) const LIFETIME_SECONDS: i64 = 30 * 86_400;

/// The cookie's name, and the one where it is only sent over https (RFC 6265bis, 4.1.3.2).
const NAMES: [&str; 2] = ["watchkeep_session", "__Host-watchkeep_session"];
/// Cookies of our name that are looked at; others of the same host may have set some.
const MOST_COOKIES: usize = 8;

/// How the session cookie is written here.
#[derive(Clone, Copy, Debug)]
pub(super) enum CookieForm {
    Plain,
    HttpsOnly,
}

impl CookieForm {
    pub(super) fn of(public_url: &Url) -> Self {
        if public_url.scheme() == "https" { Self::HttpsOnly } else { Self::Plain }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Plain => NAMES[0],
            Self::HttpsOnly => NAMES[1],
        }
    }

    fn write(self, value: &str, seconds: i64) -> SessionCookie {
        let secure = match self {
            Self::Plain => "",
            Self::HttpsOnly => "; Secure",
        };
        let text = format!("{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}", self.name());
        // Made of URL-safe characters only; an empty value would sign nobody in.
        let mut header = HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""));
        header.set_sensitive(true);
        SessionCookie(header)
    }

    pub(super) fn of_secret(self, secret: &NewSecret) -> SessionCookie {
        self.write(secret.expose(), LIFETIME_SECONDS)
    }

    pub(super) fn gone(self) -> SessionCookie {
        self.write("", 0)
    }
}

/// A `Set-Cookie` header that begins or ends a session: return it as part of a response.
#[derive(Clone, Debug)]
pub struct SessionCookie(HeaderValue);

impl axum::response::IntoResponseParts for SessionCookie {
    type Error = std::convert::Infallible;

    fn into_response_parts(
        self,
        mut parts: axum::response::ResponseParts,
    ) -> Result<axum::response::ResponseParts, Self::Error> {
        parts.headers_mut().append(header::SET_COOKIE, self.0);
        Ok(parts)
    }
}

/// The session secrets among the cookies of these names, hashed.
fn presented<'a>(headers: &'a HeaderMap, names: &'a [&'static str]) -> impl Iterator<Item = TokenHash> + 'a {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|value| value.split(';')).filter_map(move |pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (names.contains(&name) && !value.is_empty()).then(|| hash_of(value))
    })
}

/// Whether the request carries a session cookie, valid or not.
pub(super) fn has_cookie(headers: &HeaderMap) -> bool {
    presented(headers, &NAMES).next().is_some()
}

/// A person who is signed in. As an extractor it sends everybody else to the sign-in page.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// Who.
    pub user: UserId,
    /// The user's organisation.
    pub org: OrgId,
    /// The session, to end it.
    pub session: TokenHash,
}

/// The signed-in person behind a request, if any.
pub(super) async fn signed_in(app: &App, headers: &HeaderMap) -> Result<Option<SignedIn>, Problem> {
    for hash in presented(headers, &[app.auth.cookie.name()]).take(MOST_COOKIES) {
        if let Some(session) = app.store.session(hash, Timestamp::now()).await? {
            return Ok(Some(SignedIn { user: session.user, org: session.org, session: session.hash }));
        }
    }
    Ok(None)
}

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        match signed_in(app, &parts.headers).await {
            Ok(Some(person)) => Ok(person),
            Ok(None) => {
                // Where something was to be done, there is nothing to look at afterwards.
                let path = parts.uri.path_and_query().filter(|_| parts.method == Method::GET);
                let path = path.map_or("/", |path| path.as_str());
                let next: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
                Err(Redirect::to(&format!("/sign-in?next={next}")).into_response())
            }
            Err(problem) => Err(problem.into_response()),
        }
    }
}

impl OptionalFromRequestParts<Arc<App>> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Option<Self>, Response> {
        signed_in(app, &parts.headers).await.map_err(IntoResponse::into_response)
    }
}
