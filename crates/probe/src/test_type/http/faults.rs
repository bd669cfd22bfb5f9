//! What can go wrong between the request and the end of the reply, as verdicts whose details tell the causes apart.

use std::{borrow::Cow, io};

use rustls::AlertDescription;
use watchkeep_catalogue::service;
use watchkeep_model::{Verdict, http::Options};

use super::{body::DecodeError, connection::Route};
use crate::net::{
    deadline::Passed,
    http1::{LARGEST_HEAD, MOST_HEADERS, inside, io_cause, reasons, too_much},
};

pub(super) fn client_error(detail: impl Into<Cow<'static, str>>) -> Verdict {
    Verdict::new(service::HTTP_CLIENT_ERROR, detail)
}

/// The whole time is over, and `what` tells how far it came.
pub(super) fn late(Passed(limit): Passed, what: &str) -> Verdict {
    Verdict::new(service::HTTP_OPERATION_TIMEOUT, format!("{what} within {limit}"))
}

pub(super) fn undecodable(error: &DecodeError, options: &Options) -> Verdict {
    match error {
        DecodeError::TooLarge => client_error(format!("the body is larger than {}", options.max_body)),
        DecodeError::Unknown(encoding) => {
            client_error(format!("the body has the content encoding {encoding}, which was not asked for"))
        }
        DecodeError::Broken(reason) => client_error(format!("the body cannot be decompressed: {reason}")),
    }
}

/// No status and headers came of the connection, of which `received` bytes were read.
pub(super) fn broken_head(error: &hyper::Error, route: Route, received: u64) -> Verdict {
    if error.is_parse_too_large() {
        return client_error(format!("the headers are larger than {LARGEST_HEAD} bytes or more than {MOST_HEADERS}"));
    }
    if error.is_parse() {
        return client_error(format!("the reply is not valid HTTP: {}", reasons(error)));
    }
    let cause = io_cause(error);
    if let Some(allowed) = too_much(error) {
        return client_error(format!("{allowed} bytes came and the headers were not complete"));
    }
    if let Some(rustls::Error::AlertReceived(alert)) = cause.and_then(inside)
        && (received == 0 || route == Route::Http2)
    {
        return refused_afterwards(*alert);
    }
    match (cause, route) {
        (None, Route::Http2) => client_error(format!("the server broke the HTTP/2 exchange off: {}", reasons(error))),
        (Some(cause), Route::Http2) => client_error(format!("the connection broke before the reply: {cause}")),
        (Some(cause), _) if received == 0 => client_error(format!("the connection broke before the reply: {cause}")),
        (Some(cause), _) => {
            client_error(format!("the connection broke in the headers, after {received} bytes: {cause}"))
        }
        (None, _) if error.is_incomplete_message() || error.is_canceled() || error.is_closed() => match received {
            0 => client_error("the server closed the connection before the reply"),
            _ => client_error(format!("the server closed the connection in the headers, after {received} bytes")),
        },
        (None, _) => client_error(format!("the exchange failed: {}", reasons(error))),
    }
}

/// In TLS 1.3 the server may refuse the handshake when the client has done its part already.
fn refused_afterwards(alert: AlertDescription) -> Verdict {
    let detail = match alert {
        AlertDescription::CertificateRequired => "the server demands a client certificate".to_owned(),
        _ => format!("the server broke the handshake off with the alert {alert:?}"),
    };
    Verdict::new(service::HTTP_TLS_FAILED, detail)
}

/// The body ended before its end; `bytes` of `expected` were received.
pub(super) fn broken_body(error: &hyper::Error, bytes: u64, expected: Option<u64>, options: &Options) -> Verdict {
    let cause = io_cause(error);
    if too_much(error).is_some() {
        let largest = options.max_body;
        return client_error(format!("the body is not valid HTTP: its framing is many times larger than {largest}"));
    }
    let of_expected = expected.map(|expected| format!(" of {expected}")).unwrap_or_default();
    match cause {
        // Bad framing reaches us as an I/O error of these kinds; a real one is never of them, unless it is TLS's.
        Some(cause)
            if matches!(cause.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)
                && inside::<rustls::Error>(cause).is_none() =>
        {
            client_error(format!("the body is not valid HTTP after {bytes} bytes: {cause}"))
        }
        Some(cause) => client_error(format!("the body was cut after {bytes}{of_expected} bytes: {cause}")),
        None if error.is_incomplete_message() || error.is_closed() || error.is_canceled() => {
            client_error(format!("the body was cut after {bytes}{of_expected} bytes: the server closed the connection"))
        }
        None => client_error(format!("the body was cut after {bytes}{of_expected} bytes: {}", reasons(error))),
    }
}

/// The server ended before the body did.
pub(super) fn cut_body(bytes: u64, expected: Option<u64>) -> Verdict {
    let of_expected = expected.map(|expected| format!(" of {expected}")).unwrap_or_default();
    client_error(format!("the body was cut after {bytes}{of_expected} bytes: the server closed the connection"))
}
