//! A webhook receiver: writes down every request with its time, answers by a script, and lets a test wait.
//! Nothing sleeps: whoever waits is woken by the request.

use std::{
    collections::VecDeque,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use http::Response;
use http_body_util::Full;
use tokio::sync::watch;

use crate::http::{Received, Reply, Server, reply};

/// How the receiver answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// With this status.
    Status(u16),
    /// With this status and one header.
    Header(u16, &'static str, &'static str),
    /// Not at all.
    Silent,
}

/// When a request came; see [`arrival`].
#[derive(Clone, Copy)]
struct Arrival(Instant);

/// When a request came to a receiver.
///
/// # Panics
/// When it came to something else.
#[must_use]
pub fn arrival(request: &Received) -> Instant {
    request.extensions().get::<Arrival>().expect("the request was received by a Receiver").0
}

/// A running receiver.
pub struct Receiver {
    server: Server,
    seen: watch::Receiver<usize>,
    requests: Arc<Mutex<Vec<Received>>>,
    moods: Arc<Mutex<Moods>>,
}

/// The answers to come, and the one for all that follow.
struct Moods {
    next: VecDeque<Mood>,
    then: Mood,
}

impl Receiver {
    /// Starts on a free port and answers 204.
    pub async fn start() -> Self {
        Self::start_on(0).await
    }

    /// Starts on a given port.
    pub async fn start_on(port: u16) -> Self {
        let requests: Arc<Mutex<Vec<Received>>> = Arc::default();
        let moods = Arc::new(Mutex::new(Moods { next: VecDeque::new(), then: Mood::Status(204) }));
        let (tell, seen) = watch::channel(0);
        let (kept, answers) = (Arc::clone(&requests), Arc::clone(&moods));
        let server = Server::start_on(IpAddr::V4(Ipv4Addr::LOCALHOST), port, move |mut request| {
            request.extensions_mut().insert(Arrival(Instant::now()));
            let count = {
                let mut kept = kept.lock().unwrap();
                kept.push(request);
                kept.len()
            };
            tell.send_replace(count);
            let mood = {
                let mut moods = answers.lock().unwrap();
                moods.next.pop_front().unwrap_or(moods.then)
            };
            async move { answer(mood).await }
        })
        .await;
        Self { server, seen, requests, moods }
    }

    /// Changes how it answers from now on.
    pub fn set_mood(&self, mood: Mood) {
        self.set_script([], mood);
    }

    /// Answers the next requests one by one like this, and all that follow with `then`.
    pub fn set_script(&self, next: impl IntoIterator<Item = Mood>, then: Mood) {
        *self.moods.lock().unwrap() = Moods { next: next.into_iter().collect(), then };
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Its URL.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url("/hook")
    }

    /// Everything that has come so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Received> {
        self.requests.lock().unwrap().clone()
    }

    /// Waits for a request that `is_wanted`, those already received included.
    ///
    /// # Panics
    /// When none has come within `limit`.
    pub async fn wait_for(&self, limit: Duration, is_wanted: impl Fn(&Received) -> bool) -> Received {
        self.wait(limit, |requests| requests.iter().find(|request| is_wanted(request)).cloned()).await
    }

    /// Waits for the request with this number, counted from 1.
    ///
    /// # Panics
    /// When it has not come within `limit`.
    pub async fn wait_for_number(&self, limit: Duration, number: usize) -> Received {
        self.wait(limit, |requests| requests.get(number - 1).cloned()).await
    }

    async fn wait(&self, limit: Duration, find: impl Fn(&[Received]) -> Option<Received>) -> Received {
        let mut seen = self.seen.clone();
        let found = tokio::time::timeout(limit, async {
            loop {
                seen.mark_unchanged();
                if let Some(request) = find(&self.requests.lock().unwrap()) {
                    return request;
                }
                seen.changed().await.unwrap();
            }
        });
        let Ok(request) = found.await else {
            let came: Vec<_> =
                self.requests().iter().map(|request| String::from_utf8_lossy(request.body()).into_owned()).collect();
            panic!("no such request within {limit:?}; these came: {came:#?}");
        };
        request
    }
}

async fn answer(mood: Mood) -> Reply {
    match mood {
        Mood::Status(status) => Response::builder().status(status).body(Full::default()).unwrap(),
        Mood::Header(status, name, value) => reply(status, (name, value), ""),
        Mood::Silent => std::future::pending().await,
    }
}
