//! HTTP/1 as the test types share it: the bounds of a head, a request that asks for the connection itself, and what is
//! inside hyper's errors.

use std::{
    error::Error as _,
    future::{Future, poll_fn},
    io,
    pin::pin,
    task::Poll,
};

use bytes::Bytes;
use http::{Request, StatusCode, response};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{net::stream::TooMuch, outside::shown};

/// The most bytes that status line and headers may take together.
pub(crate) const LARGEST_HEAD: u32 = 64 * 1024;
/// What may come over the network before the headers are complete: frames, interim replies and TLS records that
/// say nothing would otherwise keep the robot busy to the end of the time.
pub(crate) const BEFORE_THE_HEAD: u64 = 1 << 20;
/// The most headers of a reply.
pub(crate) const MOST_HEADERS: usize = 256;

/// The answer to a request that asks for the connection itself.
pub(crate) enum Answer<S> {
    /// The connection is the asker's, with what has come of it already.
    Granted(response::Parts, S, Bytes),
    /// Anything else.
    Refused(response::Parts),
}

/// Sends a request, and takes the connection over where `is_granted` says so of the status. Driven by the test's own
/// task, so that nothing is left behind when the test ends.
pub(crate) async fn ask_for_connection<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    stream: S,
    request: Request<Empty<Bytes>>,
    is_granted: impl Fn(StatusCode) -> bool,
) -> hyper::Result<Answer<S>> {
    let mut builder = http1::Builder::new();
    builder
        .max_buf_size(LARGEST_HEAD as usize)
        .max_headers(MOST_HEADERS)
        // Some old servers know header names only as they were once written.
        .title_case_headers(true);
    let (mut sender, mut connection) = builder.handshake(TokioIo::new(stream)).await?;
    let mut reply = pin!(sender.send_request(request));
    let (mut head, mut is_handed_over) = (None, false);
    // The connection hands its stream over once the reply has come and it has nothing left to do. It is asked
    // before and after the reply, because each may have news for the other.
    let driven = poll_fn(|cx| {
        for _ in 0..2 {
            if !is_handed_over && let Poll::Ready(moved) = connection.poll_without_shutdown(cx) {
                is_handed_over = moved.is_ok();
                if let (Err(error), Some(_)) = (moved, &head) {
                    return Poll::Ready(Err(error));
                }
            }
            if head.is_none()
                && let Poll::Ready(replied) = reply.as_mut().poll(cx)
            {
                match replied {
                    Ok(reply) => head = Some(reply.into_parts().0),
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
        }
        match head.take() {
            Some(come) if is_handed_over || !is_granted(come.status) => Poll::Ready(Ok(come)),
            waiting => {
                head = waiting;
                Poll::Pending
            }
        }
    });
    let head = driven.await?;
    if !is_granted(head.status) {
        return Ok(Answer::Refused(head));
    }
    let parts = connection.into_parts();
    Ok(Answer::Granted(head, parts.io.into_inner(), parts.read_buf))
}

/// How many bytes were allowed, where more than those ended the connection.
pub(crate) fn too_much(error: &hyper::Error) -> Option<u64> {
    io_cause(error).and_then(inside).map(|TooMuch(allowed)| *allowed)
}

/// The I/O error at the bottom of one of hyper's, if there is one.
pub(crate) fn io_cause(error: &hyper::Error) -> Option<&io::Error> {
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
pub(crate) fn inside<E: std::error::Error + 'static>(error: &io::Error) -> Option<&E> {
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
pub(crate) fn reasons(error: &hyper::Error) -> String {
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
