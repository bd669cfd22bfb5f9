//! The control connection: sends commands and hears replies, whatever carries the bytes.

use std::{io, ops::Range};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::reply::{Broken, Progress, Replies, Reply};
use crate::net::stream::ByteStream;

/// How much of what is no reply is shown, in bytes.
const EXCERPT: usize = 60;

/// A connection with what has come over it and is not heard yet.
pub(super) struct Control<S> {
    stream: S,
    replies: Replies,
    buffer: Box<[u8; 512]>,
    unheard: Range<usize>,
}

/// Why there is no reply.
#[derive(Debug)]
pub(super) enum Unheard {
    /// What came is none; this is how it begins.
    Broken(Broken, String),
    Closed,
    Failed(io::Error),
}

impl<S: ByteStream> Control<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, replies: Replies::default(), buffer: Box::new([0; 512]), unheard: 0..0 }
    }

    /// The stream, and how many bytes have come over it that nobody asked for.
    pub(super) fn into_stream(self) -> (S, usize) {
        (self.stream, self.unheard.len() + self.replies.line().len())
    }

    /// How much of the next reply has come.
    pub(super) fn progress(&self) -> Progress {
        self.replies.progress()
    }

    /// The next reply.
    pub(super) async fn hear(&mut self) -> Result<Reply, Unheard> {
        loop {
            let mut input = &self.buffer[self.unheard.clone()];
            let taken = self.replies.take(&mut input);
            let start = self.unheard.end - input.len();
            match taken {
                Ok(Some(reply)) => {
                    self.unheard.start = start;
                    return Ok(reply);
                }
                Ok(None) => {}
                Err(broken) => {
                    let rest = input.split(|&byte| byte == b'\n').next().unwrap_or_default();
                    let line = [self.replies.line(), rest].concat();
                    let excerpt = String::from_utf8_lossy(&line[..line.len().min(EXCERPT)]).into_owned();
                    return Err(Unheard::Broken(broken, excerpt));
                }
            }
            self.unheard = match self.stream.read(&mut *self.buffer).await {
                Ok(0) => return Err(Unheard::Closed),
                Ok(length) => 0..length,
                Err(error) => return Err(Unheard::Failed(error)),
            };
        }
    }

    /// Sends a line. A server that does not take it any more has a last word perhaps, or is found gone by whoever
    /// waits for its reply: that tells more than why the line was not taken.
    pub(super) async fn say(&mut self, line: &str) {
        if self.stream.write_all(line.as_bytes()).await.is_ok() {
            let _ = self.stream.flush().await;
        }
    }
}
