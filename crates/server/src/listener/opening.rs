//! A connection whose first bytes must come in time. Until they have, nobody knows which version of HTTP it speaks,
//! and the versions' own limits have not begun.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// So many bytes tell the versions apart: the length of HTTP/2's preface (RFC 9113, 3.4).
const TELLING: usize = 24;

/// A stream that fails when its first bytes take too long.
pub(super) struct Opening<S> {
    stream: S,
    /// How many bytes are still to come, and until when; none once it is known what is spoken.
    awaited: Option<(usize, Pin<Box<Sleep>>)>,
}

impl<S> Opening<S> {
    pub(super) fn within(limit: Duration, stream: S) -> Self {
        Self { stream, awaited: Some((TELLING, Box::pin(sleep(limit)))) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Opening<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let Some((awaited, limit)) = &mut self.awaited else { return read };
        if read.is_pending() {
            ready!(limit.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        *awaited = awaited.saturating_sub(buffer.filled().len() - before);
        if *awaited == 0 {
            self.awaited = None;
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Opening<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        // Whoever answers knows what is spoken: a request may be shorter than what tells.
        self.awaited = None;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.awaited = None;
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(15);

    #[tokio::test(start_paused = true)]
    async fn what_says_too_little_is_given_up() {
        for said in ["", "PRI * HT"] {
            let (mut client, server) = duplex(100);
            let mut opening = Opening::within(LIMIT, server);
            client.write_all(said.as_bytes()).await.unwrap();
            let error = opening.read_to_end(&mut Vec::new()).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_said_enough_may_be_silent() {
        let (mut client, server) = duplex(100);
        let mut opening = Opening::within(LIMIT, server);
        client.write_all(&[b'x'; TELLING]).await.unwrap();
        opening.read_exact(&mut [0; TELLING]).await.unwrap();
        assert!(tokio::time::timeout(LIMIT * 10, opening.read_u8()).await.is_err(), "it waits on");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_answered_may_be_silent() {
        let (mut client, server) = duplex(100);
        let mut opening = Opening::within(LIMIT, server);
        client.write_all(b"short").await.unwrap();
        opening.read_exact(&mut [0; 5]).await.unwrap();
        opening.write_all(b"answer").await.unwrap();
        assert!(tokio::time::timeout(LIMIT * 10, opening.read_u8()).await.is_err(), "it waits on");
    }
}
