//! The robots as the rest of the server sees them: one way for commands per location.
//! A robot is told once and keeps what it was told; nothing here waits for one.

use watchkeep_bus::{Assignment, Command, FirstTest, in_process::CommandSender};
use watchkeep_model::{Lifecycle, LocationName, Monitor, MonitorId};

use crate::{Board, Entry};

/// Every robot, by where it stands.
#[derive(Debug, Default)]
pub struct Robots {
    ways: Vec<(LocationName, CommandSender)>,
}

impl Robots {
    /// Robots at these locations.
    #[must_use]
    pub fn new(ways: impl IntoIterator<Item = (LocationName, CommandSender)>) -> Self {
        Self { ways: ways.into_iter().collect() }
    }

    /// Whether there is a robot at this location.
    #[must_use]
    pub fn stands_at(&self, location: &LocationName) -> bool {
        self.ways.iter().any(|(known, _)| known == location)
    }

    /// Where there are robots.
    pub fn locations(&self) -> impl Iterator<Item = &LocationName> {
        self.ways.iter().map(|(location, _)| location)
    }

    /// Gives every active monitor to its robots, each to be tested when it is due: for the start of a server.
    pub fn assign_all(&self, board: &Board) {
        for entry in board.all() {
            if entry.state.lifecycle == Lifecycle::Active {
                self.assign(&entry, FirstTest::WhenDue);
            }
        }
    }

    /// A monitor is active, new or changed: its robots test it from now on, and no other robot does.
    pub fn assign(&self, entry: &Entry, first: FirstTest) {
        // What cannot be read cannot be tested; its state says so.
        let Ok(monitor) = &entry.monitor else { return };
        for (location, way) in &self.ways {
            if monitor.settings.locations.contains(location) {
                way.send(Command::Put(Box::new(assignment(monitor, entry, location, first))));
            } else {
                way.send(Command::Remove(monitor.id.clone()));
            }
        }
    }

    /// A monitor is paused or gone: no more tests.
    pub fn withdraw(&self, id: &MonitorId) {
        for (_, way) in &self.ways {
            way.send(Command::Remove(id.clone()));
        }
    }

    /// An active monitor is tested now, out of turn.
    pub fn test_now(&self, id: &MonitorId) {
        for (_, way) in &self.ways {
            way.send(Command::TestNow(id.clone()));
        }
    }
}

fn assignment(monitor: &Monitor, entry: &Entry, location: &LocationName, first: FirstTest) -> Assignment {
    let settings = &monitor.settings;
    Assignment {
        monitor: monitor.id.clone(),
        subject: std::sync::Arc::clone(&settings.test.subject),
        test: Ok(std::sync::Arc::clone(&settings.test)),
        interval: settings.interval,
        confirm: settings.confirm,
        believed: entry.state.locations.get(location).map(|view| view.code),
        first,
    }
}
