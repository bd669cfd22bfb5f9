//! Batches and commands inside one program, over channels.
//! A batch is acknowledged after it is kept, so its sender knows what it may forget.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use crate::{Batch, Command};

/// A way for batches that holds at most `capacity` of them (at least one); then senders wait.
#[must_use]
pub fn batches(capacity: usize) -> (BatchSender, BatchReceiver) {
    let (sender, receiver) = mpsc::channel(capacity.max(1));
    (BatchSender { sender }, BatchReceiver { receiver })
}

/// Sends batches.
#[derive(Clone, Debug)]
pub struct BatchSender {
    sender: mpsc::Sender<Delivery>,
}

impl BatchSender {
    /// Sends a batch and waits until it is kept.
    ///
    /// # Errors
    /// When it may not be kept: send the same batch again, with the same numbers, or give up when the way is
    /// closed.
    pub async fn send(&self, batch: Arc<Batch>) -> Result<(), SendError> {
        let (sender, acknowledged) = oneshot::channel();
        let delivery = Delivery { batch, acknowledgement: Acknowledgement { sender } };
        self.sender.send(delivery).await.map_err(|_| SendError::Closed)?;
        acknowledged.await.map_err(|_| SendError::NotKept)
    }
}

/// Why a batch was not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The receiver gave it up; it may take the same batch later.
    #[error("the results could not be kept; they will be sent again")]
    NotKept,
    /// There is no receiver any more.
    #[error("nobody receives results any more")]
    Closed,
}

/// Receives batches.
#[derive(Debug)]
pub struct BatchReceiver {
    receiver: mpsc::Receiver<Delivery>,
}

impl BatchReceiver {
    /// The next batch; `None` once all senders are gone.
    pub async fn recv(&mut self) -> Option<Delivery> {
        self.receiver.recv().await
    }

    /// The next batch if one is there already, to keep several in one go.
    pub fn try_recv(&mut self) -> Option<Delivery> {
        self.receiver.try_recv().ok()
    }
}

/// A batch with the way to acknowledge it. Dropped without that, it counts as not kept and comes again.
#[derive(Debug)]
pub struct Delivery {
    /// The batch. Its sender holds it too, until it is acknowledged.
    pub batch: Arc<Batch>,
    /// Says that it is kept.
    pub acknowledgement: Acknowledgement,
}

/// Tells a sender that its batch is kept.
#[derive(Debug)]
pub struct Acknowledgement {
    sender: oneshot::Sender<()>,
}

impl Acknowledgement {
    /// The batch is kept, or was kept before.
    pub fn kept(self) {
        // A sender that is gone needs no answer.
        let _ = self.sender.send(());
    }
}

/// A way for commands. It is unbounded: commands are small, and a robot takes them at once.
#[must_use]
pub fn commands() -> (CommandSender, CommandReceiver) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (CommandSender { sender }, CommandReceiver { receiver })
}

/// Sends commands.
#[derive(Clone, Debug)]
pub struct CommandSender {
    sender: mpsc::UnboundedSender<Command>,
}

impl CommandSender {
    /// Sends a command. To a robot that has stopped it means nothing.
    pub fn send(&self, command: Command) {
        // A robot that has stopped tests nothing, whatever it is told.
        let _ = self.sender.send(command);
    }
}

/// Receives commands, in the order in which they were sent.
#[derive(Debug)]
pub struct CommandReceiver {
    receiver: mpsc::UnboundedReceiver<Command>,
}

impl CommandReceiver {
    /// The next command; `None` once all senders are gone.
    pub async fn recv(&mut self) -> Option<Command> {
        self.receiver.recv().await
    }

    /// Takes up to `limit` commands at once, waiting for the first. None means that all senders are gone.
    pub async fn recv_many(&mut self, commands: &mut Vec<Command>, limit: usize) -> usize {
        self.receiver.recv_many(commands, limit).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use watchkeep_model::{LocationName, RobotSequence};

    use super::*;

    fn batch() -> Arc<Batch> {
        let last = RobotSequence { epoch: 1, number: 0 };
        Arc::new(Batch { robot: LocationName::local(), last, results: Vec::new() })
    }

    #[tokio::test]
    async fn a_sender_waits_until_the_batch_is_kept() {
        let (sender, mut receiver) = batches(1);
        let sent = tokio::spawn(async move { sender.send(batch()).await });
        let delivery = receiver.recv().await.unwrap();
        assert!(!sent.is_finished());
        delivery.acknowledgement.kept();
        assert_eq!(sent.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn a_batch_that_is_given_up_is_not_kept() {
        let (sender, mut receiver) = batches(1);
        let sent = tokio::spawn(async move { sender.send(batch()).await });
        drop(receiver.recv().await.unwrap());
        assert_eq!(sent.await.unwrap(), Err(SendError::NotKept));
    }

    #[tokio::test]
    async fn without_a_receiver_the_way_is_closed() {
        let (sender, receiver) = batches(1);
        drop(receiver);
        assert_eq!(sender.send(batch()).await, Err(SendError::Closed));
        let (commands, receiver) = commands();
        drop(receiver);
        commands.send(Command::Remove(watchkeep_model::MonitorId::from_random([1; 16])));
    }
}
