//! Which echoes are under way and what became of each: the number in an echo's header leads to the test that waits.
//! No I/O here; sockets bring what they received, with the time at which it came.

use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    task::Waker,
    time::{Duration, Instant},
};

use watchkeep_model::icmp::LARGEST_SIZE;

use super::packet::{Fault, HEADER};

/// Bytes of a payload that identify the echo: which one it is, and what nobody else can know about it.
const IDENTITY: usize = 16;
/// What the rest of every payload is cut from.
const FILL: [u8; LARGEST_SIZE as usize] = fill();
/// Numbers that are kept ready at first; more are made when half of them are under way.
const FIRST_NUMBERS: usize = 4_096;

const fn fill() -> [u8; LARGEST_SIZE as usize] {
    let mut bytes = [0; LARGEST_SIZE as usize];
    let mut index = 0;
    while index < bytes.len() {
        // Letters, so that a capture shows whose echo it is; 23 of them, so that cut and moved bytes are noticed.
        bytes[index] = b'a' + (index % 23) as u8;
        index += 1;
    }
    bytes
}

/// A moment on both clocks: the system stamps packets by the wall clock, and only the steady one can be trusted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// Nanoseconds since 1970, if known.
    pub(crate) wall: Option<u64>,
    pub(crate) steady: Instant,
}

impl Moment {
    /// The time from `self` to `later`. By the wall clock where that agrees with the steady one, which at `later` may
    /// have been read some time after the packet came.
    fn until(self, later: Self) -> Duration {
        let at_most = later.steady.saturating_duration_since(self.steady);
        let stamped = self.wall.zip(later.wall).and_then(|(sent, came)| came.checked_sub(sent));
        stamped.map(Duration::from_nanos).filter(|stamped| *stamped <= at_most).unwrap_or(at_most)
    }
}

/// What makes a reply none: it came from the right host under the right number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    Checksum,
    Length { sent: usize, came: usize },
    Altered,
}

/// All that is known of one test's echoes.
#[derive(Debug)]
pub(crate) struct Ping {
    target: IpAddr,
    size: usize,
    count: usize,
    echoes: Vec<Echo>,
    settled: usize,
    waker: Option<Waker>,
    /// The first reply that was none.
    pub(crate) defect: Option<Defect>,
    /// The first ICMP error, and who sent it.
    pub(crate) fault: Option<(IpAddr, Fault)>,
    /// Who sent a reply that only the target may send.
    pub(crate) stranger: Option<IpAddr>,
    /// Replies beyond the first to the same echo.
    pub(crate) duplicates: u32,
}

#[derive(Debug)]
struct Echo {
    number: u32,
    serial: u64,
    sent: Moment,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Waiting,
    Answered(Duration),
    Failed,
}

impl Ping {
    /// How many echoes were sent.
    pub(crate) fn sent(&self) -> usize {
        self.echoes.len()
    }

    /// The round trips of those that were answered, in the order of sending.
    pub(crate) fn round_trips(&self) -> impl Iterator<Item = Duration> + Clone {
        self.echoes.iter().filter_map(|echo| match echo.outcome {
            Outcome::Answered(time) => Some(time),
            Outcome::Waiting | Outcome::Failed => None,
        })
    }

    fn is_settled(&self) -> bool {
        self.settled == self.count
    }

    fn settle(&mut self, index: usize, outcome: Outcome) -> Option<Waker> {
        let echo = self.echoes.get_mut(index)?;
        if echo.outcome == Outcome::Waiting {
            self.settled += 1;
        }
        echo.outcome = outcome;
        if self.is_settled() { self.waker.take() } else { None }
    }
}

/// Where a number leads.
#[derive(Clone, Copy, Debug)]
struct Ticket {
    /// The place of the test, or [`NOBODY`].
    place: u32,
    /// Which of its echoes.
    index: u32,
}

const NOBODY: u32 = u32::MAX;
const FREE: Ticket = Ticket { place: NOBODY, index: 0 };

/// There is no number left for one more echo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("as many echoes are under way as can be told apart")]
pub(crate) struct Full;

/// The echoes of one socket.
pub(crate) struct Ledger {
    numbers: Vec<Ticket>,
    most_numbers: usize,
    cursor: usize,
    under_way: usize,
    pings: Vec<Option<Ping>>,
    free_places: Vec<u32>,
    serial: u64,
    secret: RandomState,
}

impl Ledger {
    /// An empty one for as many echoes at the same time.
    pub(crate) fn new(most_numbers: usize) -> Self {
        Self {
            numbers: vec![FREE; FIRST_NUMBERS.min(most_numbers)],
            most_numbers,
            cursor: 0,
            under_way: 0,
            pings: Vec::new(),
            free_places: Vec::new(),
            serial: 0,
            secret: RandomState::new(),
        }
    }

    /// A place for a test that will send `count` echoes of `size` bytes.
    pub(crate) fn open(&mut self, target: IpAddr, count: usize, size: usize) -> u32 {
        let ping = Ping {
            target,
            size,
            count,
            echoes: Vec::with_capacity(count),
            settled: 0,
            waker: None,
            defect: None,
            fault: None,
            stranger: None,
            duplicates: 0,
        };
        if let Some(place) = self.free_places.pop() {
            self.pings[place as usize] = Some(ping);
            return place;
        }
        self.pings.push(Some(ping));
        // Far fewer tests fit in memory.
        (self.pings.len() - 1) as u32
    }

    /// Ends a test: its numbers are free, and what comes for them from now on is ignored.
    pub(crate) fn close(&mut self, place: u32) -> Option<Ping> {
        let ping = self.pings.get_mut(place as usize)?.take()?;
        for echo in &ping.echoes {
            self.numbers[echo.number as usize] = FREE;
        }
        self.under_way -= ping.echoes.len();
        self.free_places.push(place);
        Some(ping)
    }

    /// Notes the next echo of a test, which is about to be sent: its number, and its payload written.
    pub(crate) fn begin(&mut self, place: u32, payload: &mut [u8], sent: Moment) -> Result<u32, Full> {
        if self.under_way * 2 >= self.numbers.len() && self.numbers.len() < self.most_numbers {
            let more = (self.numbers.len() * 2).min(self.most_numbers);
            self.numbers.resize(more, FREE);
        }
        if self.under_way >= self.numbers.len() {
            return Err(Full);
        }
        // Round and round, so that a number rests for as long as possible before it is used again.
        while self.numbers[self.cursor].place != NOBODY {
            self.cursor = (self.cursor + 1) % self.numbers.len();
        }
        let number = self.cursor;
        self.cursor = (self.cursor + 1) % self.numbers.len();
        let Some(Some(ping)) = self.pings.get_mut(place as usize) else { return Err(Full) };
        // At most 2^20, and at most as many as a test may send.
        self.numbers[number] = Ticket { place, index: ping.echoes.len() as u32 };
        self.under_way += 1;
        self.serial += 1;
        let number = number as u32;
        ping.echoes.push(Echo { number, serial: self.serial, sent, outcome: Outcome::Waiting });
        write_payload(payload, self.serial, self.secret.hash_one(self.serial));
        Ok(number)
    }

    /// Takes back the echo that was noted last: it could not be sent.
    pub(crate) fn take_back(&mut self, place: u32) {
        if let Some(Some(ping)) = self.pings.get_mut(place as usize)
            && let Some(echo) = ping.echoes.pop()
        {
            self.numbers[echo.number as usize] = FREE;
            self.under_way -= 1;
        }
    }

    /// Whether all echoes of a test have been sent and answered, or refused. If not, `waker` is woken then.
    pub(crate) fn is_settled(&mut self, place: u32, waker: &Waker) -> bool {
        let Some(Some(ping)) = self.pings.get_mut(place as usize) else { return true };
        if !ping.is_settled() && !ping.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
            ping.waker = Some(waker.clone());
        }
        ping.is_settled()
    }

    /// A reply came from `from` to the echo with this number; who is to be woken for it.
    pub(crate) fn reply(
        &mut self,
        from: IpAddr,
        number: u32,
        payload: &[u8],
        checksum_holds: bool,
        came: Moment,
    ) -> Option<Waker> {
        let ticket = *self.numbers.get(number as usize)?;
        let ping = self.pings.get_mut(ticket.place as usize)?.as_mut()?;
        let echo = ping.echoes.get(ticket.index as usize)?;
        let identity = payload.first_chunk::<IDENTITY>().map(|identity| {
            let (serial, token) = u128::from_be_bytes(*identity).split();
            (serial, token == self.secret.hash_one(serial))
        });
        let is_for_this = identity == Some((echo.serial, true));
        if matches!(identity, Some((_, true))) && !is_for_this {
            // Late: the echo that it answers had the same number and was given up.
            return None;
        }
        if from != ping.target {
            if is_for_this && checksum_holds {
                ping.stranger.get_or_insert(from);
            }
            return None;
        }
        let defect = if !checksum_holds {
            Defect::Checksum
        } else if payload.len() != ping.size {
            Defect::Length { sent: ping.size, came: payload.len() }
        } else if !is_for_this || payload[IDENTITY..] != FILL[..payload.len() - IDENTITY] {
            Defect::Altered
        } else if let Outcome::Answered(_) = echo.outcome {
            ping.duplicates = ping.duplicates.saturating_add(1);
            return None;
        } else {
            let time = echo.sent.until(came);
            return ping.settle(ticket.index as usize, Outcome::Answered(time));
        };
        ping.defect.get_or_insert(defect);
        None
    }

    /// An ICMP error came from `from` about the echo with this number that was going to `target`.
    pub(crate) fn fault(&mut self, from: IpAddr, number: u32, target: IpAddr, fault: Fault) -> Option<Waker> {
        let ticket = *self.numbers.get(number as usize)?;
        let ping = self.pings.get_mut(ticket.place as usize)?.as_mut().filter(|ping| ping.target == target)?;
        let echo = ping.echoes.get(ticket.index as usize)?;
        if echo.outcome != Outcome::Waiting {
            return None;
        }
        ping.fault.get_or_insert((from, fault));
        ping.settle(ticket.index as usize, Outcome::Failed)
    }
}

trait Halves {
    fn split(self) -> (u64, u64);
}

impl Halves for u128 {
    fn split(self) -> (u64, u64) {
        // Cut on purpose.
        ((self >> 64) as u64, self as u64)
    }
}

/// A packet for echoes of `size` bytes; only its header and the beginning of its payload change from one to the next.
pub(crate) fn blank_packet(size: usize) -> Vec<u8> {
    let mut packet = vec![0; HEADER + size];
    if let Some(rest) = packet.get_mut(HEADER + IDENTITY..) {
        let length = rest.len();
        rest.copy_from_slice(&FILL[..length]);
    }
    packet
}

fn write_payload(payload: &mut [u8], serial: u64, token: u64) {
    if let Some(identity) = payload.first_chunk_mut::<IDENTITY>() {
        *identity = ((u128::from(serial) << 64) | u128::from(token)).to_be_bytes();
    }
}

#[cfg(test)]
mod tests;
