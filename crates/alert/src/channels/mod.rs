//! The ways to send a message, one file per channel; the `match` below is where a channel is registered.

pub(crate) mod webhook;

use std::time::Duration;

use jiff::Timestamp;
use watchkeep_model::{ChannelTarget, EventId, Secret};

use crate::client::Client;

/// Why a message was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SendError {
    /// Another try may succeed; not before the given pause, where the receiver asked for one.
    Transient(String, Option<Duration>),
    /// No further try can succeed.
    Permanent(String),
}

/// What is sent, whatever the way.
pub(crate) struct Message {
    /// What it tells; the same on every try.
    pub(crate) event: EventId,
    /// The rendered text.
    pub(crate) body: String,
    /// The contact's fixed token.
    pub(crate) token: Secret,
}

/// Sends a message; what the receiver said, in a few words.
pub(crate) async fn send(
    client: &Client,
    target: &ChannelTarget,
    message: Message,
    now: Timestamp,
) -> Result<String, SendError> {
    match target {
        ChannelTarget::Webhook { url, secret, older_secret } => {
            let secrets = [secret].into_iter().chain(older_secret);
            webhook::send(client, url, secrets, message, now).await
        }
    }
}
