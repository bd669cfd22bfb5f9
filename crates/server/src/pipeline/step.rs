//! The steps of the pipeline, each on its own: gather, drop what was seen, decide, commit until it is kept.
//! A conflict means that somebody changed a monitor meanwhile: it is read again and decided again.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use watchkeep_bus::{
    Seen,
    in_process::{BatchReceiver, Delivery},
};
use watchkeep_judge::Snapshot;
use watchkeep_model::{MonitorId, RecordedResult, StateChange, to_the_microsecond};
use watchkeep_store::{Commit, CommitOutcome, RobotMark, StoreError};

use super::Pipeline;

/// Results that one commit takes at most.
const MOST_RESULTS: usize = 10_000;
/// The first and the longest pause when the store fails.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// The batch that arrived with those behind it that go into the same commit, and one of another robot that
/// was met on the way.
pub(super) fn gather(first: Delivery, batches: &mut BatchReceiver) -> (Vec<Delivery>, Option<Delivery>) {
    let robot = first.batch.robot.clone();
    let mut count = first.batch.results.len();
    let mut arrived = vec![first];
    while count < MOST_RESULTS {
        match batches.try_recv() {
            Some(delivery) if delivery.batch.robot == robot => {
                count += delivery.batch.results.len();
                arrived.push(delivery);
            }
            other => return (arrived, other),
        }
    }
    (arrived, None)
}

/// The results that were not seen before, and how far their robot has come with them. They count as seen
/// from now on: the pipeline does not go on until they are kept.
pub(super) fn unseen<'a>(seen: &mut Seen, arrived: &'a [Delivery]) -> (Vec<&'a RecordedResult>, Option<RobotMark>) {
    let mut results = Vec::with_capacity(arrived.iter().map(|delivery| delivery.batch.results.len()).sum());
    for delivery in arrived {
        results.extend(seen.unseen(&delivery.batch));
        seen.note(&delivery.batch.robot, delivery.batch.last);
    }
    let robot = arrived.first().map(|delivery| delivery.batch.robot.clone());
    let mark = robot.and_then(|robot| Some(RobotMark { sequence: seen.mark(&robot)?, robot }));
    (results, mark)
}

impl Pipeline {
    /// Stores the results with what they change, however long it takes; what they changed.
    pub(super) async fn decide_and_commit(
        &self,
        results: &[&RecordedResult],
        mark: &Option<RobotMark>,
    ) -> Vec<StateChange> {
        let mut pause = PAUSES.0;
        loop {
            let (kept, states) = self.decide(results);
            let commit = Commit { mark: mark.clone(), results: kept, states: states.clone() };
            let error = match self.commit_once(commit).await {
                Ok(true) => {
                    if self.health.well() {
                        tracing::info!("results are kept again");
                    }
                    return states;
                }
                Ok(false) => continue,
                Err(error) => error,
            };
            if self.health.failing(error.to_string()) {
                tracing::error!(%error, "results cannot be kept at the moment; they wait");
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// What the results change, monitor by monitor, and those of them that belong to a monitor as it is now.
    fn decide(&self, results: &[&RecordedResult]) -> (Vec<RecordedResult>, Vec<StateChange>) {
        let now = to_the_microsecond(Timestamp::now());
        let mut known = self.board.entries_of(results);
        // Stable: the results of one monitor stay in their order. Which monitor comes first does not matter.
        known.sort_by_key(|(entry, _)| Arc::as_ptr(entry));
        let mut kept = Vec::with_capacity(known.len());
        let mut changes = Vec::new();
        let mut current = Vec::new();
        for group in known.chunk_by(|(one, _), (other, _)| Arc::ptr_eq(one, other)) {
            let entry = &group[0].0;
            let Ok(monitor) = &entry.monitor else { continue };
            // A result of what was tested before the settings changed says nothing about what is tested now.
            let subject = &monitor.settings.test.subject;
            current.clear();
            current.extend(group.iter().map(|(_, result)| *result).filter(|result| result.result.subject == *subject));
            changes.extend(watchkeep_judge::decide(&Snapshot { monitor, state: &entry.state }, &current, now));
            kept.extend_from_slice(&current);
        }
        kept.sort_by_key(|result| result.result.started_at);
        (kept.into_iter().cloned().collect(), changes)
    }

    /// One try; false when somebody else was first, and the monitors in question were read again.
    async fn commit_once(&self, commit: Commit) -> Result<bool, StoreError> {
        match self.store.commit(commit).await? {
            CommitOutcome::Stored => Ok(true),
            CommitOutcome::Conflict(monitors) => {
                for id in monitors {
                    self.read_again(&id).await?;
                }
                Ok(false)
            }
        }
    }

    async fn read_again(&self, id: &MonitorId) -> Result<(), StoreError> {
        let Some(entry) = self.board.find(id) else { return Ok(()) };
        match self.store.monitor(&entry.org, id).await? {
            Some(kept) => drop(self.board.put(kept, Vec::new())),
            None => self.board.remove(id),
        }
        Ok(())
    }

    /// Monitors whose settings this version cannot read become misconfigured.
    pub(super) async fn judge_unreadable(&mut self) {
        let now = to_the_microsecond(Timestamp::now());
        let unreadable = self.board.all().into_iter().filter_map(|entry| {
            let invalid = entry.monitor.as_ref().err()?;
            watchkeep_judge::unreadable(&entry.id, &entry.org, entry.family, &entry.state, invalid, now)
        });
        for change in unreadable.collect::<Vec<_>>() {
            let commit = Commit { states: vec![change.clone()], ..Commit::default() };
            match self.commit_once(commit).await {
                Ok(true) => self.board.publish(&[], vec![change]),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(%error, monitor = %change.monitor, "an unreadable monitor could not be marked as such");
                }
            }
        }
    }
}
