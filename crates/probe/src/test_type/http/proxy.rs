//! A tunnel through an HTTP proxy by CONNECT (RFC 9110, 9.3.6).
//! Driven by the test's own task, so that nothing is left behind when the test ends.

use std::{future::poll_fn, pin::pin, task::Poll};

use http::{HeaderValue, Method, Request, header};
use http_body_util::Empty;
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use url::{Position, Url};
use watchkeep_catalogue::service;
use watchkeep_model::{Verdict, http::Proxy};

use super::{
    driver::{BEFORE_THE_HEAD, LARGEST_HEAD, MOST_HEADERS},
    faults::too_much,
    hop::basic,
};
use crate::{Step, net::stream::Tcp};

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
        request.headers_mut().insert(header::PROXY_AUTHORIZATION, basic(user, password.expose())?);
    }
    let meter = stream.meter();
    meter.allow(BEFORE_THE_HEAD);
    let mut builder = http1::Builder::new();
    builder.max_buf_size(LARGEST_HEAD as usize).max_headers(MOST_HEADERS);
    let (mut sender, mut connection) = builder.handshake(TokioIo::new(stream)).await.map_err(broke)?;
    let mut reply = pin!(sender.send_request(request));
    let (mut status, mut is_handed_over) = (None, false);
    // The connection hands its stream over once the reply has come and it has nothing left to do. It is asked
    // before and after the reply, because each may have news for the other.
    let driven = poll_fn(|cx| {
        for _ in 0..2 {
            if !is_handed_over && let Poll::Ready(moved) = connection.poll_without_shutdown(cx) {
                is_handed_over = moved.is_ok();
                if let (Err(error), Some(_)) = (moved, status) {
                    return Poll::Ready(Err(error));
                }
            }
            if status.is_none()
                && let Poll::Ready(replied) = reply.as_mut().poll(cx)
            {
                match replied {
                    Ok(reply) => status = Some(reply.status()),
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
        }
        match status {
            Some(status) if is_handed_over || !status.is_success() => Poll::Ready(Ok(())),
            _ => Poll::Pending,
        }
    });
    driven.await.map_err(broke)?;
    match status {
        Some(status) if status.is_success() => {}
        Some(status) if status.as_u16() == 407 => {
            return Err(failed(format!(
                "refused the connection to {authority}: it wants a user and password (status 407)"
            )));
        }
        status => {
            let status = status.map(|status| status.as_u16()).unwrap_or_default();
            return Err(failed(format!("refused the connection to {authority} with status {status}")));
        }
    }
    // What comes through the tunnel has bounds of its own.
    meter.allow(u64::MAX);
    let parts = connection.into_parts();
    let mut stream = parts.io.into_inner();
    stream.give_back(parts.read_buf);
    Ok(stream)
}
