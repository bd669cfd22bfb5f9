//! A tunnel through an HTTP proxy by CONNECT (RFC 9110, 9.3.6).
//! Whatever is wrong with it, the connection to the target failed.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, header};
use http_body_util::Empty;
use url::{Position, Url};
use watchkeep_catalogue::service;
use watchkeep_model::{Verdict, http::Proxy};

use super::hop::basic;
use crate::{
    Step,
    net::{
        http1::{Answer, BEFORE_THE_HEAD, ask_for_connection, too_much},
        stream::Tcp,
    },
};

/// The stream to the target, once the proxy has connected to it.
pub(super) async fn tunnel(stream: Tcp, proxy: &Proxy, target: &Url) -> Step<Tcp> {
    let failed = |reason: String| {
        let detail = format!("the proxy {} {reason}", proxy.url.authority());
        Verdict::new(service::HTTP_CONNECT_FAILED, detail)
    };
    let broke = |error: hyper::Error| {
        failed(match too_much(&error) {
            Some(allowed) => format!("sent {allowed} bytes and did not open a tunnel"),
            None => format!("broke off instead of opening a tunnel: {error}"),
        })
    };
    let host = &target[Position::BeforeHost..Position::AfterHost];
    let authority = format!("{host}:{}", target.port_or_known_default().unwrap_or_default());
    let mut request = Request::new(Empty::<Bytes>::new());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = authority.parse().map_err(|_| failed(format!("cannot be asked for {authority}")))?;
    if let Ok(host) = HeaderValue::from_str(&authority) {
        request.headers_mut().insert(header::HOST, host);
    }
    if let Some((user, password)) = &proxy.credentials {
        request.headers_mut().insert(header::PROXY_AUTHORIZATION, basic(user, password)?);
    }
    let meter = stream.meter();
    meter.allow(BEFORE_THE_HEAD);
    let answer = ask_for_connection(stream, request, |status| status.is_success()).await.map_err(broke)?;
    let (mut stream, early) = match answer {
        Answer::Granted(_, stream, early) => (stream, early),
        Answer::Refused(head) if head.status.as_u16() == 407 => {
            return Err(failed(format!(
                "refused the connection to {authority}: it wants a user and password (status 407)"
            )));
        }
        Answer::Refused(head) => {
            let status = head.status.as_u16();
            return Err(failed(format!("refused the connection to {authority} with status {status}")));
        }
    };
    // What comes through the tunnel has bounds of its own.
    meter.allow(u64::MAX);
    stream.give_back(early);
    Ok(stream)
}
