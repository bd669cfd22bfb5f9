//! `watchkeep serve`: everything on one machine, wired together and taken apart again.
//! The order matters: what takes comes up before what gives, and goes down after it.

mod descriptors;
mod ending;

use std::{
    env::VarError,
    io::IsTerminal,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use clap::{Arg, ArgMatches, Command, value_parser};
use jiff::Timestamp;
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
    task::JoinHandle,
    time::timeout,
};
use tracing_subscriber::EnvFilter;
use url::Url;
use watchkeep_alert::{AlertOptions, AlertWorker};
use watchkeep_bus::in_process;
use watchkeep_model::{EgressPolicy, LocationName};
use watchkeep_probe::{Prober, ProberOptions};
use watchkeep_robot::{Robot, RobotOptions};
use watchkeep_server::{
    App, Board, Robots, Server,
    api::Answers,
    auth::{Auth, Bootstrap, FirstStart, first_start},
    pipeline::{Health, Pipeline},
};
use watchkeep_store::{SqliteStore, Store};

use self::{
    descriptors::Shares,
    ending::{Ending, Signals},
};
use crate::output;

/// Names what is logged.
const LOG: &str = "WATCHKEEP_LOG";
/// The first administrator's token.
const BOOTSTRAP: &str = "WATCHKEEP_BOOTSTRAP_TOKEN";
/// Batches that may wait for the pipeline; the robot keeps what does not fit.
const WAITING_BATCHES: usize = 64;
// All that follows the wish to end is done within ten seconds: after so long most supervisors kill.
/// How long tests under way may take once the server closes.
const LAST_TESTS: Duration = Duration::from_secs(3);
/// How long it may take to keep the last results; it takes longer only where the store fails.
const LAST_RESULTS: Duration = Duration::from_secs(1);
/// How long messages under way may take.
const LAST_MESSAGES: Duration = Duration::from_secs(3);
/// How long requests may take that outlast all of this.
const LAST_REQUESTS: Duration = Duration::from_secs(1);
/// How long threads may take that do nothing for us any more.
const LAST_THREADS: Duration = Duration::from_millis(500);

pub(crate) fn command() -> Command {
    Command::new("serve")
        .about("Runs everything on this machine: dashboard, API, robot and alerts, with embedded storage")
        .after_help(
            "Environment:\n  \
             WATCHKEEP_BOOTSTRAP_TOKEN  An administrator's token for the first start, 32 characters or more\n  \
             WATCHKEEP_LOG              What is logged to standard error, for example debug [default: info]\n\n\
             Exit status: 0 stopped as asked, 1 broken off, 2 could not start.\n\
             SIGTERM and Ctrl-C stop it in order, a second one at once.",
        )
        .arg(
            Arg::new("data-dir")
                .long("data-dir")
                .value_name("FOLDER")
                .env("WATCHKEEP_DATA_DIR")
                .default_value("data")
                .value_parser(value_parser!(PathBuf))
                .help("Where everything is kept; made if it does not exist"),
        )
        .arg(
            Arg::new("listen")
                .long("listen")
                .value_name("IP:PORT")
                .env("WATCHKEEP_LISTEN")
                .default_value("127.0.0.1:8080")
                .value_parser(listen_address)
                .help("Where to listen; port 0 takes any free one"),
        )
        .arg(
            Arg::new("public-url")
                .long("public-url")
                .value_name("URL")
                .env("WATCHKEEP_PUBLIC_URL")
                .value_parser(public_url)
                .help("Where people reach this installation, behind a proxy for instance; links in messages begin with it"),
        )
}

fn listen_address(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse().map_err(|_| "must be an IP address and a port, such as 127.0.0.1:8080 or [::]:8080")
}

fn public_url(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|error| format!("this is not a URL ({error})"))?;
    let is_plain = url.query().is_none() && url.fragment().is_none() && url.path() == "/";
    let is_anonymous = url.username().is_empty() && url.password().is_none();
    if matches!(url.scheme(), "http" | "https") && is_plain && is_anonymous {
        Ok(url)
    } else {
        Err("must be http or https with a host, without user and path, such as https://watch.example".to_owned())
    }
}

pub(crate) fn run(arguments: &ArgMatches) -> Result<ExitCode, String> {
    // Read before there are threads beside this one.
    let surroundings = Surroundings::read()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the system gives no event loop: {error}"))?;
    let outcome = runtime.block_on(serve(arguments, &surroundings));
    // A thread may still wait for the system's resolver; nobody waits for it.
    runtime.shutdown_timeout(LAST_THREADS);
    outcome
}

/// What the environment says, beside the flags that it may give.
struct Surroundings {
    bootstrap: Option<String>,
}

impl Surroundings {
    /// Begins to log as the environment wants it, and takes what else it says.
    fn read() -> Result<Self, String> {
        let filter = match variable(LOG)? {
            // What libraries say at this level is of use to their authors alone.
            None => EnvFilter::new("warn,watchkeep=info"),
            Some(text) => {
                text.parse().map_err(|error| format!("{LOG} is no filter for logs: {error}; try {LOG}=debug"))?
            }
        };
        let has_colours = std::io::stderr().is_terminal() && variable("NO_COLOR")?.is_none();
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(has_colours).with_writer(std::io::stderr).init();
        Ok(Self { bootstrap: variable(BOOTSTRAP)? })
    }
}

/// An environment variable that is set to something.
fn variable(name: &str) -> Result<Option<String>, String> {
    match std::env::var(name) {
        Ok(text) => Ok(Some(text).filter(|text| !text.is_empty())),
        Err(VarError::NotPresent) => Ok(None),
        Err(VarError::NotUnicode(_)) => Err(format!("{name} has characters that are not UTF-8")),
    }
}

async fn serve(arguments: &ArgMatches, surroundings: &Surroundings) -> Result<ExitCode, String> {
    let mut signals = Signals::keep().map_err(|error| format!("signals cannot be received: {error}"))?;
    // The parser of the command line has given both of them a default.
    let (Some(folder), Some(listen)) =
        (arguments.get_one::<PathBuf>("data-dir"), arguments.get_one::<SocketAddr>("listen"))
    else {
        return Err("--data-dir and --listen are missing".to_owned());
    };
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder).map_err(sentence)?);
    let listener = TcpListener::bind(listen).await.map_err(|error| {
        format!("cannot listen on {listen}: {error}; choose another address with --listen, or stop what uses it")
    })?;
    let address = listener.local_addr().map_err(sentence)?;
    let given_url = arguments.get_one::<Url>("public-url").cloned();
    let behind = given_url.as_ref().map(|_| address);
    let public_url = given_url.map_or_else(|| local_url(address), Ok)?;
    // Whatever can be refused is refused before anything runs.
    let first = first_start(&*store, &public_url, surroundings.bootstrap.as_deref(), Timestamp::now())
        .await
        .map_err(sentence)?;

    let mut running = Running::start(store, listener, public_url.clone()).await?;
    output::print(&greeting(&public_url, behind, &first));

    let Running { pipeline, alerts, server, .. } = &mut running;
    let ending = ending::first(signals.next(), pipeline, alerts.broken_off(), server).await;
    match ending {
        Ending::Asked => tracing::info!("stopping: tests and messages under way get some seconds to finish"),
        Ending::Broken(part) => tracing::error!("stopping: {part} broke off; this is a bug"),
    }
    tokio::select! {
        () = running.stop() => {}
        () = signals.next() => {
            tracing::warn!("stopping at once: tests and messages under way are broken off");
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(if ending == Ending::Asked { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Everything that runs, in the order in which it is stopped.
struct Running {
    recall: JoinHandle<()>,
    close: watch::Sender<bool>,
    robot: Robot,
    pipeline: JoinHandle<()>,
    alerts: AlertWorker,
    server: JoinHandle<()>,
}

impl Running {
    async fn start(store: Arc<dyn Store>, listener: TcpListener, public_url: Url) -> Result<Self, String> {
        let egress = EgressPolicy::default();
        let prober = Arc::new(Prober::new(ProberOptions { egress }).map_err(sentence)?);
        let location = LocationName::local();
        let (commands, commanded) = in_process::commands();
        let (batches, results) = in_process::batches(WAITING_BATCHES);
        let (close, closing) = watch::channel(false);
        let app = Arc::new(App {
            board: Arc::new(Board::load(&*store).await.map_err(sentence)?),
            tester: Arc::<Prober>::clone(&prober),
            robots: Robots::new([(location.clone(), commands)]),
            alerts: Arc::new(Notify::new()),
            auth: Auth::new(&public_url),
            public_url: public_url.clone(),
            closing: closing.clone(),
            health: Arc::new(Health::default()),
            answers: Answers::default(),
            store: Arc::clone(&store),
        });
        let pipeline = Pipeline::new(&app).await.map_err(sentence)?;
        let previous = pipeline.mark(&location);
        let pipeline = tokio::spawn(pipeline.run(results));
        let options = AlertOptions { public_url, egress };
        let alerts = AlertWorker::start(store, options, Arc::clone(&app.alerts)).map_err(sentence)?;
        let shares = Shares::take();
        let options =
            RobotOptions { previous, most_in_flight: shares.tests, ..RobotOptions::new(location, Timestamp::now()) };
        let robot = Robot::start(options, prober, commanded, batches);
        app.robots.assign_all(&app.board);
        let server = Server::new(listener, Arc::clone(&app)).with_most_connections(shares.connections);
        let server = tokio::spawn(server.run(closing));
        let recall = tokio::spawn(recall(app));
        Ok(Self { recall, close, robot, pipeline, alerts, server })
    }

    async fn stop(self) {
        let Self { recall, close, robot, pipeline, alerts, server } = self;
        recall.abort();
        // Fails only when nobody listens any more.
        let _ = close.send(true);
        let left = robot.stop(LAST_TESTS).await;
        if left.results > 0 {
            tracing::warn!(results = left.results, "some results could not be kept");
        }
        // The robot was the last to send: the pipeline ends after what it has, unless the store fails.
        finish(pipeline, LAST_RESULTS).await;
        alerts.stop(LAST_MESSAGES).await;
        finish(server, LAST_REQUESTS).await;
    }
}

/// Waits for the end of a part, but not longer than `limit`.
async fn finish(mut part: JoinHandle<()>, limit: Duration) {
    // One that has ended may have been asked already, which works once; its panic is in the log.
    if !part.is_finished() && timeout(limit, &mut part).await.is_err() {
        part.abort();
    }
}

/// Fills the past 24 hours of all monitors, beside everything else.
async fn recall(app: Arc<App>) {
    if let Err(error) = app.board.recall(&*app.store, Timestamp::now()).await {
        tracing::warn!(%error, "the last 24 hours could not be read; pages show them from now on");
    }
}

fn sentence(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// The URL of a listener for whoever sits at this machine.
fn local_url(address: SocketAddr) -> Result<Url, String> {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}/", SocketAddr::new(ip, address.port())).parse().map_err(sentence)
}

/// What the operator reads first; `behind` is where it listens when that is not what people type.
fn greeting(public_url: &Url, behind: Option<SocketAddr>, first: &FirstStart) -> String {
    let mut text = format!("Watchkeep {} is at {public_url}\n", env!("CARGO_PKG_VERSION"));
    if let Some(address) = behind {
        text += &format!("It listens on {address}.\n");
    }
    if let Some(link) = &first.setup_link {
        text += &format!("Choose a name and a password here; the link works once, within 24 hours:\n  {link}\n");
    }
    match first.bootstrap {
        Some(Bootstrap::Created) => text += "WATCHKEEP_BOOTSTRAP_TOKEN is an administrator's token from now on.\n",
        Some(Bootstrap::Ignored) => {
            text += "WATCHKEEP_BOOTSTRAP_TOKEN is ignored: there is a user or a token already.\n";
        }
        None => {}
    }
    text
}
