//! A connection as the test types see it: any byte stream, with a count of the bytes received.
//! The count tells "nothing came" from "cut in the middle", and ends what would never end.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Instant,
};

/// Both directions of a connection.
pub(crate) trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for S {}

/// A connection of whatever kind.
pub(crate) type BoxedStream = Box<dyn ByteStream>;

/// A TCP connection to the server, or through a proxy.
pub(crate) type Tcp = Metered<TcpStream>;

/// What a [`Metered`] stream has received, readable while somebody else owns the stream.
pub(crate) struct Meter {
    received: AtomicU64,
    allowed: AtomicU64,
    first: OnceLock<(Instant, u8)>,
}

/// More came than was allowed: the error inside the [`io::Error`] that ends the stream.
#[derive(Debug, thiserror::Error)]
#[error("more than {0} bytes came")]
pub(crate) struct TooMuch(pub(crate) u64);

impl Meter {
    /// How many bytes came.
    pub(crate) fn received(&self) -> u64 {
        self.received.load(Relaxed)
    }

    /// When the first of them came.
    pub(crate) fn first(&self) -> Option<Instant> {
        self.first.get().map(|(at, _)| *at)
    }

    /// The first of them.
    pub(crate) fn first_byte(&self) -> Option<u8> {
        self.first.get().map(|(_, byte)| *byte)
    }

    /// Ends the stream once `more` bytes have come from now on.
    pub(crate) fn allow(&self, more: u64) {
        self.allowed.store(self.received().saturating_add(more), Relaxed);
    }

    fn add(&self, more: &[u8]) -> io::Result<()> {
        let count = more.len() as u64;
        let received = self.received.fetch_add(count, Relaxed).saturating_add(count);
        if let Some(byte) = more.first() {
            self.first.get_or_init(|| (Instant::now(), *byte));
        }
        let allowed = self.allowed.load(Relaxed);
        if received > allowed { Err(io::Error::other(TooMuch(allowed))) } else { Ok(()) }
    }
}

/// Counts what a stream receives.
pub(crate) struct Metered<S> {
    inner: S,
    early: Bytes,
    meter: Arc<Meter>,
}

impl<S> Metered<S> {
    /// Counts from now on; nothing is too much yet.
    pub(crate) fn new(inner: S) -> Self {
        let meter = Meter { received: AtomicU64::new(0), allowed: AtomicU64::new(u64::MAX), first: OnceLock::new() };
        Self { inner, early: Bytes::new(), meter: Arc::new(meter) }
    }

    /// The count.
    pub(crate) fn meter(&self) -> Arc<Meter> {
        Arc::clone(&self.meter)
    }

    /// The stream inside.
    pub(crate) fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The stream inside, to be counted anew. Nothing may have been given back.
    pub(crate) fn into_inner(self) -> S {
        self.inner
    }

    /// Gives bytes back that were read and counted too early; they come first.
    pub(crate) fn give_back(&mut self, early: Bytes) {
        self.early = early;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.early.is_empty() {
            let count = self.early.len().min(buf.remaining());
            buf.put_slice(&self.early[..count]);
            self.early.advance(count);
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        match Pin::new(&mut self.inner).poll_read(cx, buf) {
            // A TLS peer that closes without saying so. Whether something is missing is for the framing to say.
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
            Poll::Ready(Ok(())) if buf.filled().len() > before => Poll::Ready(self.meter.add(&buf.filled()[before..])),
            polled => polled,
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail by panicking")]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn bytes_are_counted_and_bounded() {
        let (mut peer, stream) = duplex(64);
        let mut stream = Metered::new(stream);
        let meter = stream.meter();
        assert_eq!((meter.received(), meter.first(), meter.first_byte()), (0, None, None));
        peer.write_all(b"12345").await.unwrap();
        let mut buffer = [0; 16];
        assert_eq!(stream.read(&mut buffer).await.unwrap(), 5);
        assert_eq!((meter.received(), meter.first().is_some(), meter.first_byte()), (5, true, Some(b'1')));
        stream.give_back(Bytes::from_static(b"45"));
        assert_eq!(stream.read(&mut buffer).await.unwrap(), 2);
        meter.allow(3);
        peer.write_all(b"6789").await.unwrap();
        let error = stream.read(&mut buffer).await.unwrap_err();
        assert_eq!(error.get_ref().unwrap().downcast_ref::<TooMuch>().unwrap().0, 8);
    }
}
