//! Sends one request and receives its reply over a connection that is used once.
//! What can go wrong with the reply is told in `faults`.

use std::{pin::pin, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, Version, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as _, Incoming};
use tokio::time::Instant;
use watchkeep_catalogue::service;
use watchkeep_model::{
    Verdict,
    http::{HttpVersion, Options},
};

use super::{
    Trace, add,
    body::Decoder,
    conditions,
    connection::{Route, Wire},
    driver::{Driver, ask_http1, ask_http2},
    faults::{broken_body, broken_head, client_error, cut_body, late, undecodable},
};
use crate::{
    Step,
    net::{deadline::Deadline, http1::BEFORE_THE_HEAD, stream::Meter},
    outside::shown,
};

/// What may come over the network for the body, in proportion to the largest one allowed: framing may be many times its content.
const FRAMING: u64 = 8;

/// A reply whose body is still to come.
pub(super) struct Head {
    response: Response<Incoming>,
    driver: Driver,
    first_byte: Instant,
    wire_meter: Arc<Meter>,
    /// Whether a body may follow, whatever length the headers tell (RFC 9110, 6.4.1).
    may_have_body: bool,
}

/// The whole reply.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// The decoded body, where a condition needs it.
    pub(super) body: Vec<u8>,
}

impl Head {
    pub(super) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }
}

/// Sends the request and waits for status and headers.
pub(super) async fn send(wire: Wire, request: Request<Full<Bytes>>, total: Deadline, trace: &mut Trace) -> Step<Head> {
    let start = Instant::now();
    let Wire { stream, route, meter, wire_meter } = wire;
    let asks_for_head = request.method() == Method::HEAD;
    let before = meter.received();
    wire_meter.allow(BEFORE_THE_HEAD);
    // Boxed because it is large and only few servers need it.
    let answered = match route {
        Route::Http2 => total.bound(Box::pin(ask_http2(stream, request))).await,
        Route::Direct | Route::Proxied => total.bound(ask_http1(stream, request)).await,
    };
    // Over HTTP/2 the connection's own frames come first, so that the headers are the first that is known to count.
    let first_byte = meter.first().filter(|_| route != Route::Http2);
    let received = meter.received() - before;
    match (&answered, first_byte) {
        // Waiting for the first byte was all there was.
        (Err(_), None) => add(&mut trace.phases.first_byte, start.elapsed()),
        (Err(_), Some(at)) => {
            add(&mut trace.phases.first_byte, at.saturating_duration_since(start));
            add(&mut trace.phases.transfer, at.elapsed());
        }
        (Ok(_), at) => {
            let waited = at.map_or_else(|| start.elapsed(), |at| at.saturating_duration_since(start));
            add(&mut trace.phases.first_byte, waited);
        }
    }
    let answered = answered.map_err(|passed| late(passed, "no complete headers"))?;
    let (response, driver) = answered.map_err(|error| broken_head(&error, route, received))?;
    trace.observed.http_status = Some(response.status().as_u16());
    trace.observed.http_version = Some(match response.version() {
        Version::HTTP_2 => HttpVersion::Http2,
        Version::HTTP_10 => HttpVersion::Http10,
        _ => HttpVersion::Http11,
    });
    check_head(&response)?;
    let first_byte = first_byte.unwrap_or_else(Instant::now);
    let is_bodiless = asks_for_head || [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&response.status());
    let may_have_body = !is_bodiless && !response.body().is_end_stream();
    Ok(Head { response, driver, first_byte, wire_meter, may_have_body })
}

/// What makes a head unusable although it can be read.
fn check_head(response: &Response<Incoming>) -> Step<()> {
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Verdict::new(
            service::HTTP_PROTOCOL_NOT_SUPPORTED,
            "the server switched to a protocol that was not asked for (status 101)",
        ));
    }
    let headers = response.headers();
    let Some(coding) = headers.get(header::TRANSFER_ENCODING) else { return Ok(()) };
    if headers.contains_key(header::CONTENT_LENGTH) {
        // The way of request smuggling (RFC 9112, 6.3).
        return Err(client_error("the reply has both Content-Length and Transfer-Encoding"));
    }
    let is_chunked = coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked");
    if is_chunked && headers.get_all(header::TRANSFER_ENCODING).iter().count() == 1 {
        return Ok(());
    }
    let coding = shown(&String::from_utf8_lossy(coding.as_bytes()));
    Err(client_error(format!("the reply has the transfer encoding {coding}, and only chunked is known")))
}

/// Receives the body, unpacked and within its bound.
pub(super) async fn receive(head: Head, options: &Options, total: Deadline, trace: &mut Trace) -> Step<Reply> {
    let Head { response, mut driver, first_byte, wire_meter, may_have_body } = head;
    wire_meter.allow(options.max_body.as_bytes().saturating_mul(FRAMING).saturating_add(BEFORE_THE_HEAD));
    let (parts, mut body) = response.into_parts();
    let expected = body.size_hint().exact().filter(|_| may_have_body);
    let is_http1 = parts.version != Version::HTTP_2;
    let mut decoder = Decoder::new(&parts.headers, options.max_body, conditions::need_body(options));
    let mut bytes = 0;
    if decoder.is_certainly_too_large(expected.unwrap_or_default()) {
        let length = expected.unwrap_or_default();
        let detail = format!("the body is larger than {} (Content-Length: {length})", options.max_body);
        return Err(client_error(detail));
    }
    let reading = async {
        while let Some(frame) = driver.drive(pin!(body.frame())).await {
            let frame = frame.map_err(|error| broken_body(&error, bytes, expected, options))?;
            if let Some(data) = frame.data_ref() {
                bytes += data.len() as u64;
                decoder.write(data).map_err(|error| undecodable(&error, options))?;
            }
        }
        // Over HTTP/2 a body that is given up quietly looks like one that has ended.
        if is_http1 || body.is_end_stream() { Ok(()) } else { Err(cut_body(bytes, expected)) }
    };
    let read = total.bound(reading).await;
    add(&mut trace.phases.transfer, first_byte.elapsed());
    trace.observed.bytes = bytes;
    read.map_err(|passed| late(passed, "the body was not complete"))??;
    let has_length = parts.headers.contains_key(header::CONTENT_LENGTH);
    // Framing that is wrong and harms nobody but the page's readers, who see it cut.
    if is_http1 && has_length && goes_on(&driver.surplus()) {
        trace.observed.remarks.push("The reply goes on after its Content-Length; browsers cut it there.");
    }
    let body = if bytes == 0 { Vec::new() } else { decoder.finish().map_err(|error| undecodable(&error, options))? };
    Ok(Reply { status: parts.status, headers: parts.headers, body })
}

/// Whether anything but line ends, which old servers add (RFC 9112, 2.2), follows a reply.
fn goes_on(surplus: &[u8]) -> bool {
    !surplus.trim_ascii().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_line_ends_may_follow_a_reply() {
        assert!(!goes_on(b""));
        assert!(!goes_on(b"\r\n"));
        assert!(goes_on(b"HTTP/1.1 200 OK\r\n"));
    }
}
