//! The monitors of a robot: where each stands, and which of its tests still counts.
//! Each has a small number, which also names its timer; numbers are used again.

use std::collections::HashMap;

use tokio::task::AbortHandle;
use watchkeep_bus::Assignment;
use watchkeep_catalogue::{Severity, StatusCode};
use watchkeep_judge::schedule::Grid;
use watchkeep_model::MonitorId;

/// Names one monitor under one set of settings: a number that was given away again does not match any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) number: u32,
    generation: u32,
}

/// One monitor.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) assignment: Assignment,
    pub(crate) grid: Grid,
    /// The code that this location has confirmed, as far as the robot knows.
    pub(crate) believed: Severity,
    /// The code of its newest result; before the first, the one that was confirmed earlier.
    pub(crate) last_code: Option<StatusCode>,
    /// The number of the coming or running test in its series of re-tests.
    pub(crate) attempt: u16,
    /// When that test is or was due.
    pub(crate) due: u64,
    pub(crate) stage: Stage,
}

/// How far a monitor's coming test is.
#[derive(Debug)]
pub(crate) enum Stage {
    /// Its timer is set.
    Timed,
    /// It is due and waits for a free place.
    Queued,
    /// It is under way.
    Running(AbortHandle),
}

impl Watched {
    fn new(assignment: Assignment) -> Self {
        let family = assignment.subject.family;
        let believed = assignment.believed.map_or(Severity::Pending, |code| code.severity(family));
        Self {
            grid: Grid::new(&assignment.monitor, assignment.interval),
            believed,
            last_code: assignment.believed,
            attempt: 0,
            due: 0,
            stage: Stage::Timed,
            assignment,
        }
    }
}

#[derive(Debug, Default)]
struct Slot {
    generation: u32,
    watched: Option<Box<Watched>>,
}

/// All monitors of a robot.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    numbers: HashMap<MonitorId, u32>,
    slots: Vec<Slot>,
    free: Vec<u32>,
}

impl Roster {
    pub(crate) fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Takes a monitor in, or another assignment for one that is known. Also returns what it replaces.
    pub(crate) fn put(&mut self, assignment: Assignment) -> (Key, Option<Box<Watched>>) {
        let number = match self.numbers.get(&assignment.monitor) {
            Some(number) => *number,
            None => {
                let number = self.free.pop().unwrap_or_else(|| {
                    self.slots.push(Slot::default());
                    // A robot runs out of memory long before it runs out of numbers.
                    u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
                });
                self.numbers.insert(assignment.monitor.clone(), number);
                number
            }
        };
        let slot = &mut self.slots[number as usize];
        slot.generation = slot.generation.wrapping_add(1);
        let replaced = slot.watched.replace(Box::new(Watched::new(assignment)));
        (Key { number, generation: slot.generation }, replaced)
    }

    /// Lets a monitor go.
    pub(crate) fn remove(&mut self, monitor: &MonitorId) -> Option<(u32, Box<Watched>)> {
        let number = self.numbers.remove(monitor)?;
        let slot = &mut self.slots[number as usize];
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(number);
        slot.watched.take().map(|watched| (number, watched))
    }

    pub(crate) fn key(&self, monitor: &MonitorId) -> Option<Key> {
        self.numbers.get(monitor).map(|number| self.key_of(*number))
    }

    /// The key of whoever has this number now.
    pub(crate) fn key_of(&self, number: u32) -> Key {
        let generation = self.slots.get(number as usize).map_or(0, |slot| slot.generation);
        Key { number, generation }
    }

    /// A monitor, if it is still the one that the key was made for.
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut Watched> {
        let slot = self.slots.get_mut(key.number as usize)?;
        if slot.generation == key.generation { slot.watched.as_deref_mut() } else { None }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Watched> {
        self.slots.iter().filter_map(|slot| slot.watched.as_deref())
    }
}
