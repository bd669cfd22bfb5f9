//! A whole server in memory for tests: the real routes and store, a tester and robots that only take notes.
//! Nothing listens on a port; requests go straight through the router.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

pub mod people;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use futures_util::FutureExt;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::{Notify, watch};
use tower::ServiceExt;
use url::Url;
use watchkeep_bus::{
    Command,
    in_process::{self, CommandReceiver},
};
use watchkeep_model::{LocationName, Observed, OrgId, Phases, Scope, Test, TestResult, Token, Verdict};
use watchkeep_server::{
    App, Board, Robots, Tester,
    api::Answers,
    auth::{Auth, NewSecret, fresh_id},
    pipeline::Health,
    router,
};
use watchkeep_store::{NewToken, SqliteStore, Store};

/// A server with an administrator's token.
pub struct Place {
    pub app: Arc<App>,
    pub routes: Router,
    pub robots: RobotNotes,
    pub org: OrgId,
    pub admin: String,
    pub close: watch::Sender<bool>,
    _folder: tempfile::TempDir,
}

/// Notes what a robot is told.
pub struct RobotNotes {
    commands: Mutex<CommandReceiver>,
}

impl RobotNotes {
    /// The notes since the last time.
    pub fn take(&self) -> Vec<String> {
        let mut commands = self.commands.lock().unwrap();
        let mut notes = Vec::new();
        while let Some(Some(command)) = commands.recv().now_or_never() {
            notes.push(match command {
                Command::Put(assignment) => format!("assign {}", assignment.monitor),
                Command::Remove(id) => format!("withdraw {id}"),
                Command::TestNow(id) => format!("test {id}"),
            });
        }
        notes
    }
}

/// Finds everything operational.
pub struct ContentTester;

#[async_trait]
impl Tester for ContentTester {
    async fn run(&self, test: &Test) -> TestResult {
        result_of(test, Verdict::OPERATIONAL, Timestamp::now())
    }
}

/// A result of `test` that began at `started_at` and took 12 ms.
pub fn result_of(test: &Test, verdict: Verdict, started_at: Timestamp) -> TestResult {
    TestResult {
        subject: Arc::clone(&test.subject),
        location: LocationName::local(),
        started_at,
        verdict,
        duration: Duration::from_millis(12),
        phases: Phases::default(),
        observed: Observed::Nothing,
        notable: None,
    }
}

impl Place {
    pub async fn new() -> Self {
        Self::at("http://127.0.0.1:8080/").await
    }

    pub async fn at(public_url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path()).unwrap());
        Self::with_store(store, folder, public_url).await
    }

    pub async fn with_store(store: Arc<dyn Store>, folder: tempfile::TempDir, public_url: &str) -> Self {
        let public_url: Url = public_url.parse().unwrap();
        let (close, closing) = watch::channel(false);
        let (way, commands) = in_process::commands();
        let app = Arc::new(App {
            board: Arc::new(Board::load(&*store).await.unwrap()),
            tester: Arc::new(ContentTester),
            robots: Robots::new([(LocationName::local(), way)]),
            alerts: Arc::new(Notify::new()),
            auth: Auth::new(&public_url),
            public_url,
            closing,
            health: Arc::new(Health::default()),
            answers: Answers::default(),
            store,
        });
        let org = app.store.default_org().await.unwrap();
        let robots = RobotNotes { commands: Mutex::new(commands) };
        let mut place =
            Self { routes: router(Arc::clone(&app)), app, robots, org, admin: String::new(), close, _folder: folder };
        place.admin = place.token(Scope::Admin).await;
        place
    }

    /// A new token of the default organisation.
    pub async fn token(&self, scope: Scope) -> String {
        self.token_of(&self.org, scope).await
    }

    /// An administrator's token of another organisation.
    pub async fn stranger(&self) -> String {
        let org = fresh_id();
        self.app.store.create_org(&org, Timestamp::now()).await.unwrap();
        self.token_of(&org, Scope::Admin).await
    }

    async fn token_of(&self, org: &OrgId, scope: Scope) -> String {
        let secret = NewSecret::with_prefix("wkt_");
        let token = Token {
            id: fresh_id(),
            org: org.clone(),
            name: "test".parse().unwrap(),
            scope,
            created_at: Timestamp::now(),
            last_used_at: None,
        };
        self.app.store.create_token(NewToken { token, hash: secret.hash() }).await.unwrap();
        secret.expose().to_owned()
    }

    /// Sends any request.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.routes.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body: body.to_vec() }
    }

    /// Sends a request to the API as the administrator.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.call_as(&self.admin, method, path, body).await
    }

    pub async fn call_as(&self, token: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        let body = match body {
            None => Body::empty(),
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
        };
        self.send(request.body(body).unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    /// A new active website monitor; its document.
    pub async fn monitor(&self, name: &str) -> Value {
        let answer =
            self.post("/monitors", json!({"type": "http", "name": name, "target": "http://shop.example/"})).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()
    }
}

/// A whole response.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text()))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Checks that this is a problem document with this status and one sentence that has `part`.
    #[track_caller]
    pub fn assert_problem(&self, status: u16, part: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text());
        let problem = self.json();
        assert_eq!(problem["status"], status);
        assert!(problem["type"].is_string() && problem["title"].is_string(), "{problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(part), "{part:?} is not in {detail:?}");
        assert!(!detail.contains('\n') && detail.len() < 1_000, "{detail:?}");
        problem
    }
}
