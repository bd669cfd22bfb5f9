//! `watchkeep serve`: everything on one machine, wired together and taken apart again.
//! The order matters: what takes comes up before what gives, and goes down after it.

use std::{
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
    signal::unix::{SignalKind, signal},
    sync::{Notify, watch},
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

use crate::output;

/// Batches that may wait for the pipeline; the robot keeps what does not fit.
const WAITING_BATCHES: usize = 64;
/// How long tests under way may take once the server closes.
const LAST_TESTS: Duration = Duration::from_secs(5);
/// How long messages under way may take once the server closes.
const LAST_MESSAGES: Duration = Duration::from_secs(5);

pub(crate) fn command() -> Command {
    Command::new("serve")
        .about("Runs everything on this machine: dashboard, API, robot and alerts, with embedded storage")
        .after_help("Set WATCHKEEP_LOG to choose what is logged, for example WATCHKEEP_LOG=debug.")
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
                .value_parser(value_parser!(SocketAddr))
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

fn public_url(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|error| format!("this is not a URL ({error})"))?;
    let is_plain = matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none();
    if is_plain && url.path() == "/" {
        Ok(url)
    } else {
        Err("must be http or https with a host and no path, such as https://watch.example".to_owned())
    }
}

pub(crate) fn run(arguments: &ArgMatches) -> Result<ExitCode, String> {
    log();
    // A descriptor for each test under way: what the system allows at most is wanted, less is worked with.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the system gives no event loop: {error}"))?;
    runtime.block_on(serve(arguments))?;
    Ok(ExitCode::SUCCESS)
}

fn log() {
    let filter = EnvFilter::try_from_env("WATCHKEEP_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

async fn serve(arguments: &ArgMatches) -> Result<(), String> {
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
    let public_url = arguments.get_one::<Url>("public-url").cloned().map_or_else(|| local_url(address), Ok)?;

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
    let options = AlertOptions { public_url: public_url.clone(), egress };
    let alerts = AlertWorker::start(Arc::clone(&store), options, Arc::clone(&app.alerts)).map_err(sentence)?;
    let options = RobotOptions { previous, ..RobotOptions::new(location, Timestamp::now()) };
    let robot = Robot::start(options, prober, commanded, batches);
    app.robots.assign_all(&app.board);

    let bootstrap = std::env::var("WATCHKEEP_BOOTSTRAP_TOKEN").ok().filter(|token| !token.is_empty());
    let first = first_start(&*store, &public_url, bootstrap.as_deref(), Timestamp::now()).await.map_err(sentence)?;
    let server = tokio::spawn(Server::new(listener, Arc::clone(&app)).run(closing));
    output::print(&greeting(&public_url, &first));
    let recall = tokio::spawn(recall(Arc::clone(&app)));

    asked_to_stop().await?;
    tracing::info!("stopping: tests and messages under way get some seconds to finish");
    recall.abort();
    // Fails only when nobody listens any more.
    let _ = close.send(true);
    let left = robot.stop(LAST_TESTS).await;
    if left.results > 0 {
        tracing::warn!(results = left.results, "some results could not be kept");
    }
    // The robot was the last to send: the pipeline ends after what it has.
    if let Err(error) = pipeline.await {
        tracing::error!(%error, "the pipeline ended early");
    }
    alerts.stop(LAST_MESSAGES).await;
    if let Err(error) = server.await {
        tracing::error!(%error, "the server ended early");
    }
    Ok(())
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

fn greeting(public_url: &Url, first: &FirstStart) -> String {
    let mut text = format!("Watchkeep {} is at {public_url}\n", env!("CARGO_PKG_VERSION"));
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

/// Returns when the process is asked to end.
async fn asked_to_stop() -> Result<(), String> {
    let mut ended = signal(SignalKind::terminate()).map_err(sentence)?;
    let mut interrupted = signal(SignalKind::interrupt()).map_err(sentence)?;
    tokio::select! {
        _ = ended.recv() => {}
        _ = interrupted.recv() => {}
    }
    Ok(())
}
