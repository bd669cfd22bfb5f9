//! The ways to send a message, one file per channel; the `match` below is where a channel is registered.

pub(crate) mod webhook;

use std::time::Duration;

use jiff::Timestamp;
use watchkeep_model::ChannelTarget;
use watchkeep_store::PendingDelivery;

use crate::client::Client;

/// Why a message was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SendError {
    /// Another try may succeed; not before the given pause, where the receiver asked for one.
    Transient(String, Option<Duration>),
    /// No further try can succeed.
    Permanent(String),
}

/// Sends a delivery by its channel; what the receiver said, in a few words.
pub(crate) async fn send(client: &Client, pending: &PendingDelivery, now: Timestamp) -> Result<String, SendError> {
    match &pending.channel.target {
        ChannelTarget::Webhook { url, secret } => webhook::send(client, pending, url, secret, now).await,
    }
}
