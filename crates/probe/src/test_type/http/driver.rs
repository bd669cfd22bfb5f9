//! Moves an HTTP connection on in the task that waits for the reply: no task, channel or lock per test, and
//! nothing that outlives it.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
    rt::Executor,
};
use hyper_util::rt::TokioIo;

use crate::net::{
    http1::{LARGEST_HEAD, MOST_HEADERS},
    stream::BoxedStream,
};

type Body = Full<Bytes>;
type Io = TokioIo<BoxedStream>;
type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A connection that must be moved on for its reply to arrive.
pub(super) enum Driver {
    Http1 { connection: Box<http1::Connection<Io, Body>>, has_ended: bool },
    Http2 { tasks: Vec<Task>, begun: Tasks, _sender: http2::SendRequest<Body> },
}

/// What an HTTP/2 connection wants to be run beside it.
#[derive(Clone, Default)]
pub(super) struct Tasks(Arc<Mutex<Vec<Task>>>);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Tasks {
    fn execute(&self, task: F) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Box::pin(task));
    }
}

/// Sends a request over HTTP/1 and waits for status and headers.
pub(super) async fn ask_http1(
    stream: BoxedStream,
    request: Request<Body>,
) -> hyper::Result<(Response<Incoming>, Driver)> {
    let mut builder = http1::Builder::new();
    builder
        .max_buf_size(LARGEST_HEAD as usize)
        .max_headers(MOST_HEADERS)
        // Some old servers know header names only as they were once written.
        .title_case_headers(true)
        // Browsers pass over these faults, and so does a site's visitor.
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_spaces_after_header_name_in_responses(true)
        .ignore_invalid_headers_in_responses(true);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
    let mut driver = Driver::Http1 { connection: Box::new(connection), has_ended: false };
    let response = driver.drive(pin!(sender.send_request(request))).await?;
    Ok((response, driver))
}

/// Sends a request over HTTP/2 and waits for status and headers.
pub(super) async fn ask_http2(
    stream: BoxedStream,
    request: Request<Body>,
) -> hyper::Result<(Response<Incoming>, Driver)> {
    let begun = Tasks::default();
    let mut builder = http2::Builder::new(begun.clone());
    builder.max_header_list_size(LARGEST_HEAD);
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
    let connection: Task = Box::pin(async { drop(connection.await) });
    // The connection ends with its last sender, and the body is still to come.
    let mut asking = sender.clone();
    let mut driver = Driver::Http2 { tasks: vec![connection], begun, _sender: sender };
    let response = driver.drive(pin!(asking.send_request(request))).await?;
    Ok((response, driver))
}

impl Driver {
    /// Runs `future` while the connection that feeds it is moved on.
    pub(super) async fn drive<F: Future>(&mut self, mut future: Pin<&mut F>) -> F::Output {
        poll_fn(|cx| {
            self.move_on(cx);
            match future.as_mut().poll(cx) {
                Poll::Ready(output) => Poll::Ready(output),
                // What the future has just asked for must reach the connection before the task sleeps.
                Poll::Pending => {
                    self.move_on(cx);
                    future.as_mut().poll(cx)
                }
            }
        })
        .await
    }

    fn move_on(&mut self, cx: &mut Context<'_>) {
        match self {
            Self::Http1 { has_ended: true, .. } => {}
            // Failures reach the reply or the body by themselves.
            Self::Http1 { connection, has_ended } => *has_ended = connection.poll_without_shutdown(cx).is_ready(),
            Self::Http2 { tasks, begun, .. } => loop {
                tasks.retain_mut(|task| task.as_mut().poll(cx).is_pending());
                let mut begun = begun.0.lock().unwrap_or_else(PoisonError::into_inner);
                if begun.is_empty() {
                    break;
                }
                tasks.append(&mut begun);
            },
        }
    }

    /// Bytes that came after the end of the reply, as far as they have been read.
    pub(super) fn surplus(self) -> Bytes {
        match self {
            Self::Http1 { connection, .. } => connection.into_parts().read_buf,
            Self::Http2 { .. } => Bytes::new(),
        }
    }
}
