//! What a check costs on its whole way: due, tested, judged, stored in a folder on the disk, shown on the board.
//! Beside it in the same run: wrk, a new connection for each request, as the floor, and the probe alone.
//!
//! `cargo bench -p watchkeep-server --bench whole_way`. Each whole way runs in a process of its own, so that its
//! memory is its own. Processor time for each check is fairly stable, also where others use the machine; how many
//! results are stored in a second, and how late tests begin, are not.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark prints its figures and fails by panicking"
)]

use std::{fs, path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::{
    runtime::Runtime,
    sync::{Notify, watch},
};
use watchkeep_alert::{AlertOptions, AlertWorker};
use watchkeep_bus::in_process;
use watchkeep_lab::{
    ca::{Authority, Profile},
    measure::{Processor, asked_of_a_copy, by_a_copy, microseconds_each, repeat, resident, wrk},
    nginx::Nginx,
};
use watchkeep_model::{EgressPolicy, Lifecycle, LocationName, Monitor, MonitorSettings, MonitorState, Test};
use watchkeep_probe::{Prober, ProberOptions};
use watchkeep_robot::{Gauge, Robot, RobotOptions, Stats};
use watchkeep_server::{
    App, Board, Robots,
    api::Answers,
    auth::{Auth, fresh_id},
    pipeline::{Health, Pipeline},
};
use watchkeep_store::{SqliteStore, Store, StoredMonitor};

/// As the binary has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long each figure is measured.
const MEASURED: Duration = Duration::from_secs(8);
/// The same for the yardsticks.
const YARDSTICK: Duration = Duration::from_secs(4);
/// Checks on the way at the same time, for wrk and for the probe alone.
const AT_ONCE: usize = 16;
/// The first argument of the copy of this program that goes the whole way; a case as JSON follows.
const WHOLE: &str = "--whole-way";
/// Authorities of a Debian system; verification against them costs what it costs in real life.
const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// What is measured: so many monitors at one second, and what their checks may cost.
struct Case {
    name: &'static str,
    url: String,
    options: Value,
    monitors: u64,
    /// Of the processor time of wrk.
    most: f64,
}

fn main() {
    if let Some(case) = asked_of_a_copy(WHOLE) {
        let figures = runtime().block_on(whole_way(&serde_json::from_str(&case).unwrap()));
        println!("{figures}");
        return;
    }
    let authority = Authority::new();
    let folder = tempfile::tempdir().unwrap();
    let trusted = folder.path().join("trusted.pem");
    fs::write(&trusted, [fs::read(BUNDLE).unwrap_or_default(), fs::read(authority.file()).unwrap()].concat()).unwrap();
    let (Some(clear), Some(secure)) = (Nginx::start(), Nginx::start_tls(&authority.issue(&Profile::good()))) else {
        println!("nginx is missing: nothing is measured");
        return;
    };
    println!("{:24}{:>12}{:>12}{:>12}{:>8}{:>8}", "CPU per check", "whole way", "probe", "wrk", "ratio", "target");
    let cases = [
        Case { name: "HTTP", url: clear.url(), options: json!({}), monitors: 5_000, most: 55.0 / 35.0 },
        Case {
            name: "HTTPS, TLS 1.3, verified",
            url: secure.url(),
            options: json!({"ca_file": trusted}),
            monitors: 1_500,
            most: 230.0 / 393.0,
        },
    ];
    let mut rest = String::new();
    for case in cases {
        let floor = wrk(&case.url, AT_ONCE, YARDSTICK);
        let probe = probe_alone(&case);
        let argument = json!({"url": case.url, "options": case.options, "monitors": case.monitors}).to_string();
        let figures: Value = serde_json::from_str(&by_a_copy(WHOLE, &argument)).unwrap();
        let number = |name: &str| figures[name].as_f64().unwrap();
        let whole = number("microseconds");
        println!(
            "{:24}{whole:>9.1} µs{probe:>9.1} µs{floor:>9.1} µs{:>8.2}{:>8.2}",
            case.name,
            whole / floor,
            case.most
        );
        rest += &format!(
            "{:24}{:>9.0} stored/s of {} due{:>9.0} ms late at p99{:>9.1} KiB per monitor\n",
            case.name,
            number("stored"),
            case.monitors,
            number("late_ms"),
            number("resident") / 1_024.0
        );
    }
    println!("\n{rest}");
}

/// As the binary has it.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

/// The settings of the monitor with this number; each has a target of its own.
fn settings(case: &Value, number: u64) -> Value {
    json!({
        "type": "http", "name": format!("monitor {number}"), "target": format!("{}?{number}", case["url"].as_str().unwrap()),
        "interval": "1s", "timeout": "5s", "http": case["options"],
    })
}

/// Microseconds of processor time for each check of the probe, on one thread and without a schedule.
fn probe_alone(case: &Case) -> f64 {
    let settings = json!({"type": "http", "target": case.url, "http": case.options});
    let test = Arc::new(Test::parse(settings.as_object().unwrap().clone()).unwrap());
    let prober = Arc::new(Prober::new(ProberOptions::default()).unwrap());
    let check = move || {
        let (prober, test) = (Arc::clone(&prober), Arc::clone(&test));
        async move {
            let result = prober.run(&test, &LocationName::local()).await;
            assert!(result.verdict.code.is_operational(), "{:?}", result.verdict);
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(repeat(AT_ONCE, YARDSTICK / 8, check.clone()));
    let before = Processor::now();
    let count = runtime.block_on(repeat(AT_ONCE, YARDSTICK, check));
    microseconds_each(Processor::now().own - before.own, count)
}

/// Everything that `watchkeep serve` runs but the listener, with the monitors of the case.
async fn whole_way(case: &Value) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let monitors = case["monitors"].as_u64().unwrap();
    make_monitors(folder.path(), case, monitors).await;
    let before = resident();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path()).unwrap());
    let public_url: url::Url = "http://127.0.0.1:8080/".parse().unwrap();
    let prober = Arc::new(Prober::new(ProberOptions::default()).unwrap());
    let location = LocationName::local();
    let (commands, commanded) = in_process::commands();
    let (batches, results) = in_process::batches(64);
    let (_close, closing) = watch::channel(false);
    let app = App {
        board: Arc::new(Board::load(&*store).await.unwrap()),
        tester: Arc::<Prober>::clone(&prober),
        robots: Robots::new([(location.clone(), commands)]),
        alerts: Arc::new(Notify::new()),
        auth: Auth::new(&public_url),
        public_url: public_url.clone(),
        closing,
        health: Arc::new(Health::default()),
        answers: Answers::default(),
        store: Arc::clone(&store),
    };
    let pipeline = tokio::spawn(Pipeline::new(&app).await.unwrap().run(results));
    let options = AlertOptions { public_url, egress: EgressPolicy::default() };
    let alerts = AlertWorker::start(store, options, Arc::clone(&app.alerts)).unwrap();
    let robot = Robot::start(RobotOptions::new(location, Timestamp::now()), prober, commanded, batches);
    app.robots.assign_all(&app.board);

    // Begins once every monitor was found operational and its first status is told and forgotten.
    let gauge = robot.gauge();
    while stored(&gauge.read()) < 2 * monitors {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (earlier, used) = (gauge.read(), Processor::now().own);
    tokio::time::sleep(MEASURED).await;
    let (later, used) = (gauge.read(), Processor::now().own - used);
    let grown = resident().saturating_sub(before);
    assert_operational(&app, &gauge);

    let count = stored(&later) - stored(&earlier);
    robot.stop(Duration::from_secs(5)).await;
    pipeline.await.unwrap();
    alerts.stop(Duration::from_secs(5)).await;
    json!({
        "microseconds": microseconds_each(used, count),
        "stored": count as f64 / MEASURED.as_secs_f64(),
        "late_ms": later.lateness.since(&earlier.lateness).quantile(0.99).as_secs_f64() * 1e3,
        "resident": grown / monitors,
    })
}

async fn make_monitors(folder: &Path, case: &Value, monitors: u64) {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder).unwrap());
    let org = store.default_org().await.unwrap();
    let now = Timestamp::now();
    for number in 0..monitors {
        let (settings, _) = MonitorSettings::parse(settings(case, number).as_object().unwrap().clone()).unwrap();
        let monitor = Monitor { id: fresh_id(), org: org.clone(), settings, created_at: now, version: 1 };
        let state = MonitorState::new(Lifecycle::Active, now);
        store.create_monitor(StoredMonitor { monitor, state }, Vec::new()).await.unwrap();
    }
}

/// Results that the robot was told are kept.
fn stored(stats: &Stats) -> u64 {
    stats.found.saturating_sub(stats.unacknowledged)
}

/// A failing target would cost something else.
fn assert_operational(app: &App, gauge: &Gauge) {
    let failing = app.board.all().into_iter().filter(|entry| !entry.status().code.is_operational()).count();
    assert_eq!(failing, 0, "monitors fail: {:?}", gauge.read());
}
