//! A hashed hierarchical timer wheel: up to millions of timers, each set and cancelled in constant time.
//! Pure: ticks come in as arguments. Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987, scheme 7.

/// Slots of a level, one bit of a word each.
const SLOTS: usize = 64;
/// Bits of a tick that a level looks at.
const BITS: u32 = 6;
/// Levels that together look at all 64 bits, so that no due time is out of reach.
const LEVELS: usize = 11;
/// The list of timers that are due already.
const DUE: u16 = (LEVELS * SLOTS) as u16;
/// The place of a timer that is not set.
const NOWHERE: u16 = u16::MAX;
/// The end of a list.
const END: u32 = u32::MAX;

/// Timers are named by small numbers, best without gaps: each number up to the highest takes 24 bytes.
///
/// A timer stands in the level of the highest bits in which its tick differs from the present one. When the present
/// comes to a slot of a higher level, its timers move down; each does so [`LEVELS`] times at most.
#[derive(Debug)]
pub struct Wheel {
    now: u64,
    occupied: [u64; LEVELS],
    first: Vec<u32>,
    timers: Vec<Timer>,
}

#[derive(Clone, Copy, Debug)]
struct Timer {
    due: u64,
    next: u32,
    previous: u32,
    place: u16,
}

const UNSET: Timer = Timer { due: 0, next: END, previous: END, place: NOWHERE };

impl Wheel {
    /// A wheel without timers.
    #[must_use]
    pub fn new(now: u64) -> Self {
        Self { now, occupied: [0; LEVELS], first: vec![END; LEVELS * SLOTS + 1], timers: Vec::new() }
    }

    /// Sets a timer, again if it is set already. One that is due already fires with the next [`Wheel::advance`].
    pub fn set(&mut self, timer: u32, due: u64) {
        self.cancel(timer);
        let index = timer as usize;
        if index >= self.timers.len() {
            self.timers.resize(index + 1, UNSET);
        }
        self.timers[index].due = due;
        self.link(timer);
    }

    /// Unsets a timer. One that is not set stays so.
    pub fn cancel(&mut self, timer: u32) {
        let Some(&Timer { next, previous, place, .. }) = self.timers.get(timer as usize) else { return };
        if place == NOWHERE {
            return;
        }
        match previous {
            END => self.first[usize::from(place)] = next,
            previous => self.timers[previous as usize].next = next,
        }
        if next != END {
            self.timers[next as usize].previous = previous;
        }
        self.timers[timer as usize].place = NOWHERE;
        self.note_empty(place);
    }

    /// The tick to which the wheel must be advanced next: never after the earliest timer, sometimes before it.
    #[must_use]
    pub fn next_tick(&self) -> Option<u64> {
        if self.first[usize::from(DUE)] != END { Some(self.now) } else { self.next_slot().map(|(tick, _)| tick) }
    }

    /// Moves the present to `now` (never back) and appends the timers that are due by then, which are unset with that.
    pub fn advance(&mut self, now: u64, fired: &mut Vec<u32>) {
        self.fire(DUE, fired);
        while let Some((tick, place)) = self.next_slot().filter(|(tick, _)| *tick <= now) {
            self.now = tick;
            self.fire(place, fired);
        }
        self.now = self.now.max(now);
    }

    /// The first occupied slot with the tick at which it begins.
    fn next_slot(&self) -> Option<(u64, u16)> {
        // Timers of a lower level share more of the present's bits, so they come first.
        let level = self.occupied.iter().position(|slots| *slots != 0)?;
        let slot = self.occupied[level].trailing_zeros();
        let shift = BITS * level as u32;
        let above = self.now.checked_shr(shift + BITS).map_or(0, |bits| bits << (shift + BITS));
        Some((above | (u64::from(slot) << shift), place(level, slot)))
    }

    /// Empties a list: what is due fires, the rest moves down.
    fn fire(&mut self, place: u16, fired: &mut Vec<u32>) {
        let mut timer = std::mem::replace(&mut self.first[usize::from(place)], END);
        self.note_empty(place);
        while timer != END {
            let entry = &mut self.timers[timer as usize];
            let next = entry.next;
            entry.place = NOWHERE;
            if entry.due <= self.now {
                fired.push(timer);
            } else {
                self.link(timer);
            }
            timer = next;
        }
    }

    fn link(&mut self, timer: u32) {
        let due = self.timers[timer as usize].due;
        let place = if due <= self.now {
            DUE
        } else {
            let level = ((due ^ self.now).ilog2() / BITS) as usize;
            let slot = (due >> (BITS * level as u32)) as u32 % SLOTS as u32;
            self.occupied[level] |= 1 << slot;
            place(level, slot)
        };
        let next = std::mem::replace(&mut self.first[usize::from(place)], timer);
        if next != END {
            self.timers[next as usize].previous = timer;
        }
        let entry = &mut self.timers[timer as usize];
        (entry.next, entry.previous, entry.place) = (next, END, place);
    }

    fn note_empty(&mut self, place: u16) {
        let place = usize::from(place);
        if place < LEVELS * SLOTS && self.first[place] == END {
            self.occupied[place / SLOTS] &= !(1 << (place % SLOTS));
        }
    }
}

/// The number of a slot's list; below [`DUE`], so it fits.
fn place(level: usize, slot: u32) -> u16 {
    (level * SLOTS) as u16 + slot as u16
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used, reason = "tests fail by panicking")]

    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Act {
        Set(u32, u64),
        Cancel(u32),
        Advance(u64),
        FollowNextTick,
    }

    fn act() -> impl Strategy<Value = Act> {
        // Spans of every size, so that each level is used.
        let span = || (0..50_u32, any::<u64>()).prop_map(|(bits, number)| number & ((1 << bits) - 1));
        prop_oneof![
            6 => (0..40_u32, span()).prop_map(|(timer, span)| Act::Set(timer, span)),
            2 => (0..50_u32).prop_map(Act::Cancel),
            2 => span().prop_map(Act::Advance),
            2 => Just(Act::FollowNextTick),
        ]
    }

    fn fired_by(wheel: &mut Wheel, now: u64) -> Vec<u32> {
        let mut fired = Vec::new();
        wheel.advance(now, &mut fired);
        fired.sort_unstable();
        fired
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3_000))]

        #[test]
        fn it_fires_exactly_what_a_sorted_list_would(start in any::<u32>(), acts in prop::collection::vec(act(), 1..120)) {
            let mut now = u64::from(start);
            let mut wheel = Wheel::new(now);
            let mut naive: BTreeMap<u32, u64> = BTreeMap::new();
            for act in acts {
                match act {
                    Act::Set(timer, span) => {
                        wheel.set(timer, now + span);
                        naive.insert(timer, now + span);
                    }
                    Act::Cancel(timer) => {
                        wheel.cancel(timer);
                        naive.remove(&timer);
                    }
                    Act::Advance(span) => {
                        now += span;
                        let due: Vec<u32> = naive.iter().filter(|(_, due)| **due <= now).map(|(timer, _)| *timer).collect();
                        naive.retain(|_, due| *due > now);
                        prop_assert_eq!(fired_by(&mut wheel, now), due);
                    }
                    Act::FollowNextTick => {
                        let earliest = naive.values().min().copied();
                        let tick = wheel.next_tick();
                        prop_assert_eq!(tick.is_some(), earliest.is_some());
                        if let (Some(tick), Some(earliest)) = (tick, earliest) {
                            prop_assert!(tick <= earliest.max(now), "it would sleep past a timer");
                            now = now.max(tick);
                            let due: Vec<u32> = naive.iter().filter(|(_, due)| **due <= now).map(|(timer, _)| *timer).collect();
                            naive.retain(|_, due| *due > now);
                            prop_assert_eq!(fired_by(&mut wheel, now), due);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn following_the_next_tick_reaches_a_far_timer_in_a_few_steps() {
        let mut wheel = Wheel::new(123_456);
        let due = 123_456 + 7 * 86_400 * 200;
        wheel.set(0, due);
        let mut steps = 0;
        loop {
            let tick = wheel.next_tick().expect("the timer is set");
            steps += 1;
            if fired_by(&mut wheel, tick) == [0] {
                assert_eq!(tick, due);
                break;
            }
        }
        assert!(steps <= LEVELS, "{steps} steps");
    }

    #[test]
    fn the_last_tick_of_all_is_within_reach() {
        let mut wheel = Wheel::new(0);
        wheel.set(3, u64::MAX);
        assert_eq!(fired_by(&mut wheel, u64::MAX - 1), [0; 0]);
        assert_eq!(fired_by(&mut wheel, u64::MAX), [3]);
        assert_eq!(wheel.next_tick(), None);
    }
}
