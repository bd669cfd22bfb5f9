//! What every handler shares: the store, the board, the ways to robots and alerts, and who may come in.
//! One value, made once by the binary, behind an `Arc`.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{Notify, watch};
use url::Url;
use watchkeep_model::{LocationName, Test, TestResult};
use watchkeep_probe::Prober;
use watchkeep_store::Store;

use crate::{Board, Robots, api::Answers, auth::Auth, pipeline::Health};

/// Runs one test now, for `POST /api/v1/tests` and the "try it" of forms.
#[async_trait]
pub trait Tester: Send + Sync + 'static {
    /// Runs the test within its own limits. A failing target is a result, never an error.
    async fn run(&self, test: &Test) -> TestResult;
}

#[async_trait]
impl Tester for Prober {
    async fn run(&self, test: &Test) -> TestResult {
        Self::run(self, test, &LocationName::local()).await
    }
}

/// Shared by all handlers as `State<Arc<App>>`.
pub struct App {
    /// What is kept.
    pub store: Arc<dyn Store>,
    /// What is known now.
    pub board: Arc<Board>,
    /// Runs tests that nobody keeps.
    pub tester: Arc<dyn Tester>,
    /// Run the tests of monitors.
    pub robots: Robots,
    /// Wakes the alert worker after something to tell was stored.
    pub alerts: Arc<Notify>,
    /// Sign-in, sessions and tokens.
    pub auth: Auth,
    /// Where people reach this installation.
    pub public_url: Url,
    /// Turns true when the server is closing: streams end themselves.
    pub closing: watch::Receiver<bool>,
    /// Whether results can be stored.
    pub health: Arc<Health>,
    /// Answers to repeatable creations; begin with [`Answers::default`].
    pub answers: Answers,
}

impl App {
    /// An absolute URL of this installation, for links in messages. `path` begins with a slash.
    #[must_use]
    pub fn link(&self, path: &str) -> String {
        format!("{}{path}", self.public_url.as_str().trim_end_matches('/'))
    }
}
