//! The task that decides what is tested when: timers, tests under way, and what follows a result.
//! One task owns all of it, so there are no locks; tests themselves run beside it.

use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until, timeout_at},
};
use watchkeep_bus::{Assignment, Command, FirstTest, in_process::CommandReceiver};
use watchkeep_catalogue::Severity;
use watchkeep_judge::{Next, after_result};
use watchkeep_model::{LocationName, RecordedResult, TestResult};
use watchkeep_probe::refused;

use crate::{
    Tester,
    clock::{Clock, TICK},
    gather::{Found, Weight},
    roster::{Key, Roster, Stage},
    stats::Counters,
    wheel::Wheel,
};

/// A robot that woke up so much later than it wanted to stood still (suspended, or starved of processor time).
const STANDSTILL: u64 = 1_000;
/// Commands and reports taken in one go.
const AT_ONCE: usize = 1_024;

/// What became of a test.
pub(crate) struct Report {
    key: Key,
    /// None when it broke off.
    result: Option<TestResult>,
}

/// Reports on a test even when it panics or is aborted, so that its monitor never waits for ever.
struct Reporter {
    key: Key,
    result: Option<TestResult>,
    reports: mpsc::UnboundedSender<Report>,
}

impl Reporter {
    fn done(mut self, result: TestResult) {
        self.result = Some(result);
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        // A scheduler that has ended needs no report.
        let _ = self.reports.send(Report { key: self.key, result: self.result.take() });
    }
}

pub(crate) struct Scheduler<T> {
    location: LocationName,
    tester: Arc<T>,
    clock: Clock,
    wheel: Wheel,
    roster: Roster,
    /// Due, in the order in which they became so; entries whose monitor was changed meanwhile are skipped.
    queue: VecDeque<Key>,
    in_flight: usize,
    most_in_flight: usize,
    reports: mpsc::UnboundedSender<Report>,
    results: mpsc::UnboundedSender<Found>,
    counters: Arc<Counters>,
    fired: Vec<u32>,
}

impl<T: Tester> Scheduler<T> {
    pub(crate) fn new(
        location: LocationName,
        tester: Arc<T>,
        clock: Clock,
        most_in_flight: usize,
        results: mpsc::UnboundedSender<Found>,
        counters: Arc<Counters>,
    ) -> (Self, mpsc::UnboundedReceiver<Report>) {
        let (reports, receiver) = mpsc::unbounded_channel();
        let wheel = Wheel::new(Clock::tick_reached(clock.time(Instant::now())));
        let scheduler = Self {
            location,
            tester,
            clock,
            wheel,
            roster: Roster::default(),
            queue: VecDeque::new(),
            in_flight: 0,
            most_in_flight: most_in_flight.max(1),
            reports,
            results,
            counters,
            fired: Vec::new(),
        };
        (scheduler, receiver)
    }

    /// Tests until it is told how long tests under way may still take; then waits for them that long.
    pub(crate) async fn run(
        mut self,
        mut commands: CommandReceiver,
        mut reports: mpsc::UnboundedReceiver<Report>,
        mut stop: oneshot::Receiver<Duration>,
    ) {
        let (mut told, mut reported) = (Vec::new(), Vec::new());
        let mut commanded = true;
        let patience = loop {
            let wake = self.wheel.next_tick().map(|tick| self.clock.instant(tick * TICK));
            tokio::select! {
                // A robot that was dropped instead of stopped has no patience.
                patience = &mut stop => break patience.unwrap_or_default(),
                _ = reports.recv_many(&mut reported, AT_ONCE) => {}
                count = commands.recv_many(&mut told, AT_ONCE), if commanded => commanded = count > 0,
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {}
            }
            let now = Instant::now();
            reported.drain(..).for_each(|report| self.take_report(report, now));
            told.drain(..).for_each(|command| self.obey(command, now));
            self.fire_timers(wake, now);
            self.count();
        };
        self.wait_for_tests(&mut reports, Instant::now() + patience).await;
    }

    fn count(&self) {
        self.counters.monitors.store(self.roster.len() as u64, Relaxed);
        self.counters.in_flight.store(self.in_flight as u64, Relaxed);
        self.counters.waiting.store(self.queue.len() as u64, Relaxed);
    }

    fn obey(&mut self, command: Command, now: Instant) {
        match command {
            Command::Put(assignment) => self.put(*assignment, now),
            Command::Remove(monitor) => {
                if let Some((number, watched)) = self.roster.remove(&monitor) {
                    self.wheel.cancel(number);
                    abort(&watched.stage);
                }
            }
            Command::TestNow(monitor) => {
                let Some(key) = self.roster.key(&monitor) else { return };
                if let Some(watched) = self.roster.get_mut(key)
                    && matches!(watched.stage, Stage::Timed)
                {
                    watched.due = self.clock.time(now);
                    self.wheel.cancel(key.number);
                    self.begin(key, now);
                }
            }
        }
    }

    fn put(&mut self, assignment: Assignment, now: Instant) {
        let first = assignment.first;
        let (key, replaced) = self.roster.put(assignment);
        if let Some(watched) = replaced {
            self.wheel.cancel(key.number);
            abort(&watched.stage);
        }
        match first {
            FirstTest::WhenDue => self.await_turn(key, now),
            FirstTest::AtOnce => {
                let time = self.clock.time(now);
                if let Some(watched) = self.roster.get_mut(key) {
                    watched.due = time;
                }
                self.begin(key, now);
            }
        }
    }

    /// Sets the timer for the next regular test.
    fn await_turn(&mut self, key: Key, now: Instant) {
        let time = self.clock.time(now);
        if let Some(watched) = self.roster.get_mut(key) {
            watched.attempt = 0;
            watched.stage = Stage::Timed;
            watched.due = watched.grid.next(time);
            self.wheel.set(key.number, Clock::tick_of_due(watched.due));
        }
    }

    fn fire_timers(&mut self, wake: Option<Instant>, now: Instant) {
        let time = self.clock.time(now);
        let mut fired = std::mem::take(&mut self.fired);
        self.wheel.advance(Clock::tick_reached(time), &mut fired);
        let standstill = wake.map_or(0, |wake| time.saturating_sub(self.clock.time(wake)));
        for number in fired.drain(..) {
            let key = self.roster.key_of(number);
            if standstill > STANDSTILL { self.put_off(key, standstill, time) } else { self.begin(key, now) }
        }
        self.fired = fired;
    }

    /// After a standstill everything that became due meanwhile would begin at the same moment. Instead it is spread
    /// over as long a time as the standstill took, and what was missed altogether is skipped.
    fn put_off(&mut self, key: Key, standstill: u64, time: u64) {
        if let Some(watched) = self.roster.get_mut(key) {
            let later = watched.due.saturating_add(standstill).max(time);
            watched.due = if watched.attempt == 0 { later.min(watched.grid.next(time)) } else { later };
            self.wheel.set(key.number, Clock::tick_of_due(watched.due));
            self.counters.postponed.fetch_add(1, Relaxed);
        }
    }

    /// Begins a test that is due, or lets it wait where too many are under way.
    fn begin(&mut self, key: Key, now: Instant) {
        let Some(watched) = self.roster.get_mut(key) else { return };
        let test = match &watched.assignment.test {
            Ok(test) => Arc::clone(test),
            Err(invalid) => {
                let subject = Arc::clone(&watched.assignment.subject);
                let result = refused(subject, invalid, &self.location, Timestamp::now());
                self.counters.began(now.saturating_duration_since(self.clock.instant(watched.due)));
                self.take_result(key, result, now);
                return;
            }
        };
        if self.in_flight >= self.most_in_flight {
            watched.stage = Stage::Queued;
            self.queue.push_back(key);
            return;
        }
        let due = self.clock.instant(watched.due);
        let (tester, location) = (Arc::clone(&self.tester), self.location.clone());
        let counters = Arc::clone(&self.counters);
        let reporter = Reporter { key, result: None, reports: self.reports.clone() };
        // A test is kilobytes large, and the runtime moves what it is given several times: only a pointer moves.
        let task = tokio::spawn(Box::pin(async move {
            counters.began(Instant::now().saturating_duration_since(due));
            reporter.done(tester.run(&test, &location).await);
        }));
        watched.stage = Stage::Running(task.abort_handle());
        self.in_flight += 1;
    }

    fn take_report(&mut self, report: Report, now: Instant) {
        self.in_flight -= 1;
        match report.result {
            Some(result) => self.take_result(report.key, result, now),
            None => self.take_broken(report.key, now),
        }
        while self.in_flight < self.most_in_flight
            && let Some(key) = self.queue.pop_front()
        {
            if self.roster.get_mut(key).is_some_and(|watched| matches!(watched.stage, Stage::Queued)) {
                self.begin(key, now);
            }
        }
    }

    /// A test ended without a result. When its monitor is still the same, that is a fault of ours.
    fn take_broken(&mut self, key: Key, now: Instant) {
        if let Some(watched) = self.roster.get_mut(key) {
            tracing::error!(monitor = %watched.assignment.monitor, "a test broke off without a result; this is a bug");
            self.counters.broken.fetch_add(1, Relaxed);
            self.await_turn(key, now);
        }
    }

    fn take_result(&mut self, key: Key, result: TestResult, now: Instant) {
        let Some(watched) = self.roster.get_mut(key) else { return };
        let code = result.verdict.code;
        let found = code.severity(watched.assignment.subject.family);
        let weight = match (watched.last_code == Some(code), found) {
            (false, _) => Weight::News,
            (true, Severity::Operational) => Weight::Routine,
            (true, _) => Weight::Repeated,
        };
        watched.last_code = Some(code);
        let attempt = watched.attempt;
        let recorded = RecordedResult { monitor: watched.assignment.monitor.clone(), attempt, result };
        match after_result(&watched.assignment.confirm, watched.believed, found, attempt) {
            Next::Regular => {
                watched.believed = found;
                self.await_turn(key, now);
            }
            Next::Retest { after, attempt } => {
                watched.attempt = attempt;
                watched.stage = Stage::Timed;
                watched.due = self.clock.time(now + after);
                self.wheel.set(key.number, Clock::tick_of_due(watched.due));
            }
        }
        self.counters.found.fetch_add(1, Relaxed);
        // Fails only when nobody receives results any more; then nobody misses them either.
        let _ = self.results.send(Found { recorded, weight });
    }

    async fn wait_for_tests(&mut self, reports: &mut mpsc::UnboundedReceiver<Report>, until: Instant) {
        self.queue.clear();
        while self.in_flight > 0 {
            match timeout_at(until, reports.recv()).await {
                Ok(Some(report)) => self.take_report(report, Instant::now()),
                Ok(None) => break,
                Err(_) => {
                    tracing::warn!(tests = self.in_flight, "tests did not end in time and were broken off");
                    self.roster.all().for_each(|watched| abort(&watched.stage));
                    break;
                }
            }
        }
        self.count();
    }
}

fn abort(stage: &Stage) {
    if let Stage::Running(task) = stage {
        task.abort();
    }
}
