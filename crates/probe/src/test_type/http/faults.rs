//! What can go wrong between the request and the end of the reply, as verdicts whose details tell the causes apart.

use std::{borrow::Cow, error::Error as _, io};

use rustls::AlertDescription;
use watchkeep_catalogue::service;
use watchkeep_model::{Verdict, http::Options};

use super::{
    body::DecodeError,
    connection::Route,
    driver::{LARGEST_HEAD, MOST_HEADERS},
};
use crate::{
    net::{deadline::Passed, stream::TooMuch},
    outside::shown,
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

/// How many bytes were allowed, where more than those ended the connection.
pub(super) fn too_much(error: &hyper::Error) -> Option<u64> {
    io_cause(error).and_then(inside).map(|TooMuch(allowed)| *allowed)
}

/// The I/O error at the bottom of one of hyper's, if there is one.
fn io_cause(error: &hyper::Error) -> Option<&io::Error> {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(found) = inner.downcast_ref::<io::Error>() {
            return Some(found);
        }
        cause = inner.source();
    }
    None
}

/// The error of this type inside an I/O error, however deep.
fn inside<E: std::error::Error + 'static>(error: &io::Error) -> Option<&E> {
    let mut inner: &(dyn std::error::Error + 'static) = error.get_ref()?;
    loop {
        if let Some(found) = inner.downcast_ref::<E>() {
            return Some(found);
        }
        inner = match inner.downcast_ref::<io::Error>() {
            Some(nested) => nested.get_ref()?,
            None => inner.source()?,
        };
    }
}

/// Everything that hyper has to say, from the outside to the innermost cause.
fn reasons(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        cause = inner.source();
    }
    shown(&text)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[test]
    fn causes_are_found_however_deep() {
        let deep = io::Error::new(io::ErrorKind::InvalidData, io::Error::other(TooMuch(7)));
        assert_eq!(inside::<TooMuch>(&deep).unwrap().0, 7);
        assert!(inside::<rustls::Error>(&deep).is_none());
        assert!(inside::<TooMuch>(&io::ErrorKind::ConnectionReset.into()).is_none());
    }
}
