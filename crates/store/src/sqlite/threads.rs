//! The threads that own the connections. Work is sent to them as closures and answered through a channel.

use std::{
    panic::{self, AssertUnwindSafe},
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

/// A panic in one job is an error of that job, and the connection goes on. What was begun is rolled back.
fn guarded<T>(doing: &'static str, work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let fault = |_| StoreError::Engine { doing, reason: "a fault of watchkeep itself, which its log shows".to_owned() };
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(fault)?
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
                let value = guarded(doing, || work(&transaction))?;
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
        worker.run(|connection| guarded("read", || work(connection))).await
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_undoes_its_own_work_and_the_next_job_runs() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (n INTEGER)").unwrap();
        let writer = Writer::start(connection).unwrap();
        let insert = |transaction: &Transaction<'_>| transaction.execute("INSERT INTO t VALUES (1)", []).unwrap();
        let broken = writer.write::<()>("test", move |transaction| {
            insert(transaction);
            panic!("a bug");
        });
        assert!(broken.await.unwrap_err().to_string().contains("could not test"));
        let count = writer.write("test", move |transaction| {
            insert(transaction);
            Ok(transaction.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap())
        });
        assert_eq!(count.await.unwrap(), 1);
    }

    #[tokio::test]
    async fn readers_outlive_a_panic() {
        let readers = Readers::start(vec![Connection::open_in_memory().unwrap()]).unwrap();
        assert!(readers.read::<()>(|_| panic!("a bug")).await.is_err());
        assert_eq!(readers.read(|_| Ok(7)).await.unwrap(), 7);
    }
}
