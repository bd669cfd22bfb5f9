//! The way of a result: from a robot's batch to what is kept, shown and told. [`Pipeline::run`] names the steps.
//! A result is acknowledged only after it is kept; when the store fails, nothing is lost, it only waits.

mod health;
mod step;

pub use health::Health;

use std::sync::Arc;

use tokio::sync::Notify;
use watchkeep_bus::{Seen, in_process::BatchReceiver};
use watchkeep_model::{LocationName, RobotSequence};
use watchkeep_store::{Store, StoreError};

use crate::{App, Board};

/// Judges and keeps what robots found. There is one per server.
pub struct Pipeline {
    store: Arc<dyn Store>,
    board: Arc<Board>,
    alerts: Arc<Notify>,
    health: Arc<Health>,
    seen: Seen,
}

impl Pipeline {
    /// A pipeline that goes on where the last one stopped.
    ///
    /// # Errors
    /// The store's.
    pub async fn new(app: &App) -> Result<Self, StoreError> {
        let marks = app.store.robot_marks().await?;
        let mut pipeline = Self {
            store: Arc::clone(&app.store),
            board: Arc::clone(&app.board),
            alerts: Arc::clone(&app.alerts),
            health: Arc::clone(&app.health),
            seen: Seen::new(marks.into_iter().map(|mark| (mark.robot, mark.sequence))),
        };
        pipeline.judge_unreadable().await;
        Ok(pipeline)
    }

    /// How far a robot's results have come: a robot that starts must number its results above it.
    #[must_use]
    pub fn mark(&self, robot: &LocationName) -> Option<RobotSequence> {
        self.seen.mark(robot)
    }

    /// Takes batches until every robot is gone.
    pub async fn run(mut self, mut batches: BatchReceiver) {
        let mut next = batches.recv().await;
        while let Some(first) = next {
            // 1. What arrived meanwhile from the same robot is kept in the same commit.
            let (arrived, other) = step::gather(first, &mut batches);
            // 2. What came before is dropped.
            let (results, mark) = step::unseen(&mut self.seen, &arrived);
            let mut is_news = false;
            if !results.is_empty() {
                // 3. and 4. Each monitor is judged; results, states, incidents and events become one commit.
                let changes = self.decide_and_commit(&results, &mark).await;
                is_news = !changes.is_empty();
                // 5. Lists, pages and listeners get to know it.
                self.board.publish(&results, changes);
            }
            // 6. The robot may forget them.
            arrived.into_iter().for_each(|delivery| delivery.acknowledgement.kept());
            // 7. What must be told is waiting in the store.
            if is_news {
                self.alerts.notify_one();
            }
            next = match other {
                Some(other) => Some(other),
                None => batches.recv().await,
            };
        }
    }
}
