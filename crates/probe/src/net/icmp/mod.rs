//! Pings: one socket for each version of the protocol, shared by all tests of a prober and opened when the first needs it.
//! A task reads it and tells each test what became of its echoes.

mod ledger;
mod packet;
mod socket;

use std::{
    future::poll_fn,
    io::{self, ErrorKind},
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    task::{Poll, Waker},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use socket2::SockAddr;
use tokio::task::JoinHandle;

pub(crate) use self::{
    ledger::{Defect, Ping},
    socket::OpenError,
};
use self::{
    ledger::{Ledger, Moment, blank_packet},
    packet::{HEADER, Message, Version},
    socket::{Inbox, Received, Socket},
};

/// Messages that are read before other tasks get their turn.
const AT_ONCE: usize = 64;
/// After as many echoes whoever sent the last one looks for replies too, so that those to a burst find room to wait in.
const LOOK_AFTER: u32 = 32;

/// The sockets, as far as they are open.
#[derive(Default)]
pub(crate) struct Pinger {
    v4: Mutex<Option<Open>>,
    v6: Mutex<Option<Open>>,
}

/// An open socket and the task that reads it.
struct Open {
    line: Arc<Line>,
    reader: JoinHandle<()>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// A socket and what is under way on it.
struct Line {
    socket: Socket,
    ledger: Mutex<Ledger>,
    inbox: Mutex<Inbox>,
    /// Echoes since somebody looked for replies.
    unread: AtomicU32,
}

impl Pinger {
    /// Gets ready to send `count` echoes of `size` bytes to `target`.
    pub(crate) fn aim(&self, target: IpAddr, count: u8, size: u16) -> Result<Aim, OpenError> {
        let line = self.line(Version::of(target))?;
        let (count, size) = (usize::from(count), usize::from(size));
        let place = locked(&line.ledger).open(target, count, size);
        Ok(Aim { line, place: Some(place), packet: blank_packet(size), to: SocketAddr::new(target, 0).into() })
    }

    fn line(&self, version: Version) -> Result<Arc<Line>, OpenError> {
        let mut open = locked(match version {
            Version::V4 => &self.v4,
            Version::V6 => &self.v6,
        });
        // The reader ends only with the runtime that it was started in.
        if let Some(open) = open.as_ref().filter(|open| !open.reader.is_finished()) {
            return Ok(Arc::clone(&open.line));
        }
        let socket = Socket::open(version)?;
        let ledger = Mutex::new(Ledger::new(socket.most_numbers()));
        let inbox = Mutex::new(Inbox::new());
        let line = Arc::new(Line { socket, ledger, inbox, unread: AtomicU32::new(0) });
        let reader = tokio::spawn(Arc::clone(&line).read_for_ever());
        *open = Some(Open { line: Arc::clone(&line), reader });
        Ok(line)
    }
}

/// One test's way to send echoes and to learn what became of them. When it is dropped, what still comes is ignored.
pub(crate) struct Aim {
    line: Arc<Line>,
    /// None once it was given back: it may be somebody else's already.
    place: Option<u32>,
    packet: Vec<u8>,
    to: SockAddr,
}

impl Aim {
    /// Sends the next echo; waits while the system has no room for it.
    pub(crate) async fn send(&mut self) -> io::Result<()> {
        match self.try_send() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let line = Arc::clone(&self.line);
                line.socket.when_writable(|| self.try_send()).await
            }
            sent => sent,
        }
    }

    fn try_send(&mut self) -> io::Result<()> {
        let Self { line, place, packet, to } = self;
        let place = place.ok_or(ErrorKind::NotConnected)?;
        let number = locked(&line.ledger).begin(place, &mut packet[HEADER..], now());
        let number = number.map_err(io::Error::other)?;
        if let Err(error) = line.socket.send(packet, number, to) {
            locked(&line.ledger).take_back(place);
            return Err(error);
        }
        if line.unread.fetch_add(1, Ordering::Relaxed) >= LOOK_AFTER {
            line.read();
        }
        Ok(())
    }

    /// Until every echo was sent and answered or refused.
    pub(crate) async fn settled(&self) {
        let Some(place) = self.place else { return };
        poll_fn(|context| match locked(&self.line.ledger).is_settled(place, context.waker()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }

    /// What became of the echoes.
    pub(crate) fn finish(mut self) -> Option<Ping> {
        // Replies that came in time may still wait to be read.
        self.line.read();
        self.close()
    }

    /// Gives the place back, once.
    fn close(&mut self) -> Option<Ping> {
        let place = self.place.take()?;
        locked(&self.line.ledger).close(place)
    }
}

impl Drop for Aim {
    fn drop(&mut self) {
        self.close();
    }
}

/// Whether more may wait to be read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    Nothing,
    Something,
}

impl Line {
    async fn read_for_ever(self: Arc<Self>) {
        // Fails only where the runtime ends.
        while self.socket.readable().await.is_ok() {
            let read = self.socket.try_read(|| match self.read() {
                Left::Nothing => Err(ErrorKind::WouldBlock.into()),
                Left::Something => Ok(()),
            });
            if read.is_ok() {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Reads what waits, but not for ever, and tells the tests.
    fn read(&self) -> Left {
        // Whoever has it reads all that there is.
        let Ok(mut inbox) = self.inbox.try_lock() else { return Left::Something };
        self.unread.store(0, Ordering::Relaxed);
        for _ in 0..AT_ONCE {
            let errors = self.take(self.socket.receive_error(&mut inbox));
            let messages = self.take(self.socket.receive(&mut inbox));
            if (errors, messages) == (Left::Nothing, Left::Nothing) {
                return Left::Nothing;
            }
        }
        Left::Something
    }

    fn take(&self, received: io::Result<Received<'_>>) -> Left {
        match received {
            Ok(received) => {
                if let Some(waker) = self.dispatch(&received) {
                    waker.wake();
                }
                Left::Something
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Left::Nothing,
            // An error of an earlier packet, which is told once.
            Err(_) => Left::Something,
        }
    }

    fn dispatch(&self, received: &Received<'_>) -> Option<Waker> {
        let Received { from, message, wall } = *received;
        let socket = &self.socket;
        match message? {
            Message::Reply { id, sequence, payload, checksum_holds } => {
                let number = socket.number(id, sequence)?;
                let came = Moment { wall, steady: Instant::now() };
                locked(&self.ledger).reply(from, number, payload, checksum_holds, came)
            }
            Message::Error { fault, quoted } => {
                let number = socket.number(quoted.id, quoted.sequence)?;
                locked(&self.ledger).fault(from, number, quoted.target, fault)
            }
        }
    }
}

fn now() -> Moment {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    Moment { wall: wall.and_then(|wall| u64::try_from(wall.as_nanos()).ok()), steady: Instant::now() }
}

/// Nothing panics while it holds one of these locks; if it did, the others could still go on.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
