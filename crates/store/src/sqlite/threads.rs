//! The threads that own the connections. Work is sent to them as closures and answered through a channel.

use std::{
    sync::{
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc,
    },
    thread,
};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::engine;
use crate::StoreError;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// One connection and its thread; ends when it is dropped, after what was sent before.
struct Worker {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Worker {
    fn start(name: &str, mut connection: Connection) -> Result<Self, StoreError> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                while let Ok(job) = queue.recv() {
                    job(&mut connection);
                }
            })
            .map_err(|error| StoreError::Engine { doing: "start its threads", reason: error.to_string() })?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // Whoever asked may have gone away.
            let _ = answer.send(work(connection));
        });
        let jobs = self.jobs.as_ref().ok_or(StoreError::Closed)?;
        jobs.send(job).map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The only connection that writes.
pub(super) struct Writer(Worker);

impl Writer {
    pub(super) fn start(connection: Connection) -> Result<Self, StoreError> {
        Worker::start("store-writer", connection).map(Self)
    }

    /// Runs `work` in one transaction, which is committed when it succeeds.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write_then(doing, work, |value| value).await
    }

    /// The same, and `after` runs once the transaction is durable and before the next one begins.
    pub(super) async fn write_then<T: 'static, U: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
        after: impl FnOnce(T) -> U + Send + 'static,
    ) -> Result<U, StoreError> {
        self.0
            .run(move |connection| {
                let transaction =
                    connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(engine(doing))?;
                let value = work(&transaction)?;
                transaction.commit().map_err(engine(doing))?;
                Ok(after(value))
            })
            .await
    }
}

/// The connections that read.
pub(super) struct Readers {
    workers: Vec<Worker>,
    next: AtomicUsize,
}

impl Readers {
    pub(super) fn start(connections: Vec<Connection>) -> Result<Self, StoreError> {
        let workers = connections
            .into_iter()
            .map(|connection| Worker::start("store-reader", connection))
            .collect::<Result<_, _>>()?;
        Ok(Self { workers, next: AtomicUsize::new(0) })
    }

    /// Runs `work` on one of them.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = self.next.fetch_add(1, Relaxed) % self.workers.len().max(1);
        let worker = self.workers.get(turn).ok_or(StoreError::Closed)?;
        worker.run(|connection| work(connection)).await
    }
}
