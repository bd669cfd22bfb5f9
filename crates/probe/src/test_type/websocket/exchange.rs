//! Moves a conversation on over a connection: what waits is sent while what comes is read, so that neither side can
//! hold the other up.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures_util::FutureExt;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::timeout,
};
use watchkeep_model::{
    Verdict,
    websocket::{Kind, Observed, Options},
};

use super::{
    Trace,
    conversation::{Conversation, Lost, Turn},
    frame::{self, Breach, Reader},
    handshake::Opened,
};
use crate::{
    Step,
    net::{
        deadline::{Deadline, Passed},
        http1::inside,
        stream::{BoxedStream, TooMuch},
    },
};

/// The most bytes that may come over the network in a conversation.
const MOST_BYTES: u64 = 16 << 20;
/// The most frames that may come in it.
const MOST_FRAMES: u32 = 20_000;
/// How much is read at once.
const PIECE: usize = 4096;
/// How long the server has to answer a farewell.
const FAREWELL: Duration = Duration::from_secs(1);

/// "Normal closure" (RFC 6455, 7.4.1).
const NORMAL: u16 = 1000;

/// A conversation that has brought what was waited for.
pub(super) struct Answered {
    line: Line,
}

/// Why a conversation ended.
enum End {
    Done,
    /// What the server said ends the test.
    Failed(Verdict),
    Breached(Breach),
    Lost(Lost),
    TooMuch(String),
}

/// Says what is to be said and waits for what is expected.
pub(super) async fn exchange(opened: Opened, options: &Options, total: Deadline, trace: &mut Trace) -> Step<Answered> {
    let Opened { stream, early, wire_meter, first_byte } = opened;
    wire_meter.allow(MOST_BYTES);
    let mut conversation = Conversation::new(&options.exchange);
    let mut line = Line {
        stream,
        out: Vec::new(),
        sent: 0,
        is_flushed: true,
        pong: None,
        reader: Reader::default(),
        rest: Vec::new(),
    };
    let held = total.bound(line.hold(&mut conversation, &early)).await;
    trace.phases.transfer = Some(first_byte.elapsed());
    let is_cut = !line.reader.is_between_messages();
    let verdict = match held {
        Ok(End::Done) => {
            conversation.tell(None, &mut trace.observed);
            return Ok(Answered { line });
        }
        Ok(End::Failed(verdict)) => {
            line.say_close(NORMAL);
            verdict
        }
        Ok(End::Breached(breach)) => {
            line.say_close(breach.close_code());
            conversation.breached(breach)
        }
        Ok(End::Lost(lost)) => conversation.lost(&lost, is_cut),
        Ok(End::TooMuch(bound)) => {
            line.say_close(NORMAL);
            conversation.too_much(&bound)
        }
        Err(Passed(limit)) => {
            line.say_close(NORMAL);
            conversation.late(limit, is_cut)
        }
    };
    conversation.tell(Some(&verdict), &mut trace.observed);
    Err(verdict)
}

impl Answered {
    /// Closes the WebSocket and waits a moment for the server to do the same (RFC 6455, 7.1.1). Nothing of it counts.
    pub(super) async fn take_leave(self, total: Deadline, observed: &mut Observed) {
        let Self { mut line } = self;
        if line.queue(Kind::Close, &NORMAL.to_be_bytes()).is_err() {
            return;
        }
        if !matches!(total.bound(timeout(FAREWELL, line.hear_close())).await, Ok(Ok(()))) {
            observed.remarks.push("The server did not answer the close frame at the end of the test.");
        }
        // TLS has a farewell of its own. It is said if that can be done at once.
        let _ = poll_fn(|cx| Pin::new(&mut line.stream).poll_shutdown(cx)).now_or_never();
    }
}

/// A connection with what waits to be sent, and what has begun to come.
struct Line {
    stream: BoxedStream,
    out: Vec<u8>,
    sent: usize,
    is_flushed: bool,
    /// The content of a pong that is due; of several only the last one is (RFC 6455, 5.5.3).
    pong: Option<Vec<u8>>,
    reader: Reader,
    /// What came behind the end of the conversation.
    rest: Vec<u8>,
}

impl Line {
    async fn hold(&mut self, conversation: &mut Conversation<'_>, early: &[u8]) -> End {
        for (kind, content) in conversation.beginning() {
            if let Err(error) = self.queue(kind, content) {
                return End::Lost(Lost::Unsent(error));
            }
        }
        if let Some(end) = self.listen(conversation, early) {
            return end;
        }
        let mut piece = vec![0; PIECE];
        let mut unsent = None;
        loop {
            match self.turn(&mut piece, &mut unsent).await {
                Ok(0) => return End::Lost(unsent.map_or(Lost::Closed, Lost::Unsent)),
                Ok(count) => {
                    if let Some(end) = self.listen(conversation, &piece[..count]) {
                        return end;
                    }
                }
                Err(error) if inside::<TooMuch>(&error).is_some() => {
                    return End::TooMuch(format!("more than {MOST_BYTES} bytes"));
                }
                Err(error) => return End::Lost(unsent.map_or(Lost::Broken(error), Lost::Unsent)),
            }
        }
    }

    /// Hears all that is whole in what has come.
    fn listen(&mut self, conversation: &mut Conversation<'_>, mut input: &[u8]) -> Option<End> {
        loop {
            let said = match self.reader.read(&mut input) {
                Ok(Some(said)) => said,
                Ok(None) if self.reader.frames() > MOST_FRAMES => {
                    return Some(End::TooMuch(format!("more than {MOST_FRAMES} frames")));
                }
                Ok(None) => return None,
                Err(breach) => return Some(End::Breached(breach)),
            };
            match conversation.hear(said) {
                Turn::GoOn => {}
                Turn::Pong(content) => self.pong = Some(content),
                Turn::Done => {
                    self.rest = input.to_vec();
                    return Some(End::Done);
                }
                Turn::Failed(verdict) => return Some(End::Failed(verdict)),
            }
        }
    }

    /// Sends what waits, as far as it goes, and reads what comes. Where sending fails, what has come counts still.
    async fn turn(&mut self, piece: &mut [u8], unsent: &mut Option<io::Error>) -> io::Result<usize> {
        poll_fn(|cx| {
            if unsent.is_none()
                && let Poll::Ready(Err(error)) = self.poll_send(cx)
            {
                *unsent = Some(error);
            }
            let mut read = ReadBuf::new(piece);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut read))?;
            Poll::Ready(Ok(read.filled().len()))
        })
        .await
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            while self.sent < self.out.len() {
                match ready!(Pin::new(&mut self.stream).poll_write(cx, &self.out[self.sent..]))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    count => self.sent += count,
                }
                self.is_flushed = false;
            }
            if !self.is_flushed {
                ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
                self.is_flushed = true;
            }
            match self.pong.take() {
                Some(content) => self.queue(Kind::Pong, &content)?,
                None => return Poll::Ready(Ok(())),
            }
        }
    }

    /// Puts a frame behind what waits to be sent.
    fn queue(&mut self, kind: Kind, content: &[u8]) -> io::Result<()> {
        if self.sent == self.out.len() {
            self.out.clear();
            self.sent = 0;
        }
        let mut mask = [0; 4];
        let random = SystemRandom::new().fill(&mut mask);
        random.map_err(|_| io::Error::other("the robot itself has no random numbers"))?;
        frame::write(kind, content, mask, &mut self.out);
        Ok(())
    }

    /// Says goodbye, if that can be done at once: nobody waits for it.
    fn say_close(&mut self, code: u16) {
        if self.queue(Kind::Close, &code.to_be_bytes()).is_ok() {
            let _ = poll_fn(|cx| self.poll_send(cx)).now_or_never();
        }
    }

    /// Reads to the server's own close frame, or to the end of the connection.
    async fn hear_close(&mut self) {
        let mut piece = vec![0; PIECE];
        let mut unsent = None;
        let rest = std::mem::take(&mut self.rest);
        if self.has_close(&rest) {
            // Ours is still to be sent.
            let _ = poll_fn(|cx| self.poll_send(cx)).await;
            return;
        }
        while let Ok(count @ 1..) = self.turn(&mut piece, &mut unsent).await {
            if self.has_close(&piece[..count]) {
                return;
            }
        }
    }

    /// Whether nothing after these bytes is worth being waited for.
    fn has_close(&mut self, mut input: &[u8]) -> bool {
        loop {
            match self.reader.read(&mut input) {
                Ok(Some(said)) if said.kind == Kind::Close => return true,
                Ok(Some(_)) => {}
                Ok(None) => return self.reader.frames() > MOST_FRAMES,
                Err(_) => return true,
            }
        }
    }
}
