//! Sessions: the cookie of a signed-in browser, and the extractor that pages use.
//! The cookie's value is random; the store knows only its hash.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use jiff::Timestamp;
use url::Url;
use watchkeep_model::{OrgId, TokenHash, UserId};

use super::{NewSecret, random::hash_of};
use crate::{App, api::Problem};

/// How long a session lasts, in seconds.
pub(super) const LIFETIME_SECONDS: i64 = 30 * 86_400;

/// The cookie's name; the second one where it is only sent over https (RFC 6265bis, 4.1.3.2).
const NAMES: [&str; 2] = ["watchkeep_session", "__Host-watchkeep_session"];

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

    fn write(self, value: &str, seconds: i64) -> SessionCookie {
        let text = match self {
            Self::Plain => format!("{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax", NAMES[0]),
            Self::HttpsOnly => {
                format!("{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax; Secure", NAMES[1])
            }
        };
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

/// The session secrets among the cookies, hashed.
fn presented(headers: &HeaderMap) -> impl Iterator<Item = TokenHash> + '_ {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|value| value.split(';')).filter_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (NAMES.contains(&name) && !value.is_empty()).then(|| hash_of(value))
    })
}

/// Whether the request carries a session cookie, valid or not.
pub(super) fn has_cookie(headers: &HeaderMap) -> bool {
    presented(headers).next().is_some()
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
    for hash in presented(headers).take(2) {
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
                let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
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
