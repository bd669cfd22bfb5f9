//! What it costs to keep results, beside a plain table with a row per result of the same engine in the same run:
//! processor time, bytes written, bytes on the disk, and the time to read a day of one monitor. Prints ratios.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark prints its figures and fails by panicking"
)]

use std::{
    env, fs,
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use rusqlite::{Connection, params};
use tokio::runtime::Runtime;
use watchkeep_catalogue::{Family, StatusCode};
use watchkeep_model::{
    Certificate, LocationName, Monitor, MonitorId, MonitorSettings, MonitorState, Observed, OrgId, Phases,
    RecordedResult, SeenCertificate, TestResult, TestSubject, TlsSession, Verdict, http,
};
use watchkeep_store::{
    Accounts, Commit, CommitOutcome, Commits, History, Monitors, SqliteStore, StoredMonitor, TimeRange,
};

// Results are made by one thread and freed by another. With the system's allocator half of the figure would be
// memory that is given back to the system and fetched again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const MONITORS: u32 = 1_000;
/// Seconds between two results of a monitor.
const INTERVAL: i64 = 60;
/// When the first results begin, seconds since 1970.
const BEGIN: i64 = 1_780_000_000;
/// Monitors whose day is read.
const READ: u32 = 200;

/// The first argument of the copy of this program that opens a folder and says what that took.
const OPEN: &str = "--open";

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if let [first, folder, ..] = arguments.as_slice()
        && first == OPEN
    {
        return open(Path::new(folder));
    }
    let rows =
        |scene| if arguments.iter().any(|argument| argument == "blocks") { Cost::default() } else { table(scene) };
    println!("{MONITORS} monitors, a result a minute each; what making the results costs is not counted");
    let day = Scene { rounds: 1_440, at_once: 1_000, says: Says::TheSame };
    let (mine, theirs) = (blocks(day), rows(day));
    println!("\n{:46}{:>14}{:>14}{:>8}{:>13}", "a day, 1,000 results a commit", "blocks", "rows", "ratio", "target");
    for (what, mine, theirs, unit, target) in [
        ("processor time per result", mine.processor, theirs.processor, "µs", "2 (0.23)"),
        ("results per second", mine.per_second / 1e3, theirs.per_second / 1e3, "k", ""),
        ("bytes written per result", mine.written, theirs.written, "B", "117"),
        ("bytes on the disk per result", mine.kept, theirs.kept, "B", ""),
        ("the same once all is sealed", mine.sealed, theirs.kept, "B", "11.7-12.5"),
        ("a day of one monitor, its latencies", mine.latencies, theirs.latencies, "µs", "35"),
        ("a day of one monitor, whole results", mine.whole, theirs.whole, "µs", ""),
    ] {
        println!("{what:46}{mine:>11.2} {unit:2}{theirs:>11.2} {unit:2}{:>8.3}{target:>13}", mine / theirs);
    }
    println!("start-up after it {:.0} ms, {:.0} MiB of memory in all", mine.start, mine.memory);
    println!();
    for (what, scene) in [
        ("every result says something else", Scene { rounds: 240, says: Says::SomethingElse, ..day }),
        ("170 results a commit", Scene { rounds: 60, at_once: 170, ..day }),
        ("17 results a commit", Scene { rounds: 60, at_once: 17, ..day }),
    ] {
        let (mine, theirs) = (blocks(scene), rows(scene));
        for (of, mine, theirs, unit) in [
            ("processor time", mine.processor, theirs.processor, "µs"),
            ("bytes written", mine.written, theirs.written, "B"),
        ] {
            let what = format!("{what}: {of}");
            println!("{what:46}{mine:>11.2} {unit:2}{theirs:>11.2} {unit:2}{:>8.3}", mine / theirs);
        }
    }
}

/// What is kept and how.
#[derive(Clone, Copy)]
struct Scene {
    /// Results of each monitor.
    rounds: u32,
    /// Results of one commit.
    at_once: usize,
    says: Says,
}

/// What results of one monitor say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    TheSame,
    /// The size of the body changes each time, as that of many pages does.
    SomethingElse,
}

/// What it cost, for each result where nothing else is said.
#[derive(Default)]
struct Cost {
    /// Microseconds.
    processor: f64,
    per_second: f64,
    written: f64,
    kept: f64,
    /// Microseconds for a day of a monitor.
    latencies: f64,
    /// The same with everything that results hold.
    whole: f64,
    /// Bytes of the blocks.
    sealed: f64,
    /// Milliseconds to open it again.
    start: f64,
    /// MiB of a program that has it open.
    memory: f64,
}

/// Keeps results in the store.
fn blocks(scene: Scene) -> Cost {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let folder = tempfile::tempdir_in(target()).unwrap();
    let store = SqliteStore::open(folder.path()).unwrap();
    let org = runtime.block_on(store.default_org()).unwrap();
    let monitors: Vec<_> = (0..MONITORS).map(|number| create(&runtime, &store, &org, number)).collect();
    let mut cost = keep(scene, &monitors, |results| {
        let commit = Commit { results, ..Commit::default() };
        assert_eq!(runtime.block_on(store.commit(commit)).unwrap(), CommitOutcome::Stored);
    });
    drop(store);
    cost.kept = size(folder.path()) / f64::from(MONITORS * scene.rounds);
    cost.sealed = sealed(folder.path());
    let child = Command::new(env::current_exe().unwrap()).arg(OPEN).arg(folder.path()).output().unwrap();
    let said = String::from_utf8(child.stdout).unwrap();
    let numbers: Vec<f64> = said.split_whitespace().map(|number| number.parse().unwrap()).collect();
    (cost.start, cost.memory) = (numbers[0], numbers[1]);
    let store = SqliteStore::open(folder.path()).unwrap();
    let range = TimeRange { from: at(0), until: at(i64::from(scene.rounds) * INTERVAL) };
    cost.latencies = read(&monitors, |monitor| {
        let found = runtime.block_on(store.latencies(&monitor.id, range, usize::MAX)).unwrap();
        assert_eq!(found.len(), scene.rounds as usize);
    });
    cost.whole = read(&monitors, |monitor| {
        let found = runtime.block_on(store.results(&org, &monitor.id, None, scene.rounds as usize)).unwrap();
        assert_eq!(found.items.len(), scene.rounds as usize);
    });
    cost
}

/// Says how many milliseconds opening a folder takes, and how many MiB the program has then.
fn open(folder: &Path) {
    let begun = Instant::now();
    let _store = SqliteStore::open(folder).unwrap();
    println!("{} {}", begun.elapsed().as_secs_f64() * 1e3, resident() / 1024.0);
}

/// Bytes of the blocks for each result in them.
fn sealed(folder: &Path) -> f64 {
    let connection = Connection::open(folder.join("watchkeep.db")).unwrap();
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, f64>(0)).unwrap();
    let bytes = count("SELECT total(length(data)) FROM block");
    let minutes = count("SELECT total(last - first) FROM block") / 1e6 / INTERVAL as f64;
    bytes / (minutes + count("SELECT total(1) FROM block"))
}

/// Keeps results in a table, a row for each: the words in a table of their own.
fn table(scene: Scene) -> Cost {
    let folder = tempfile::tempdir_in(target()).unwrap();
    let mut connection = Connection::open(folder.path().join("rows.db")).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16000;
             CREATE TABLE words (id INTEGER PRIMARY KEY, detail TEXT, observed TEXT NOT NULL) STRICT;
             CREATE TABLE result (monitor INTEGER NOT NULL, start INTEGER NOT NULL, duration INTEGER NOT NULL,
               dns INTEGER, connect INTEGER, tls INTEGER, first_byte INTEGER, transfer INTEGER,
               code INTEGER NOT NULL, attempt INTEGER NOT NULL, words INTEGER NOT NULL, PRIMARY KEY (monitor, start)) STRICT, WITHOUT ROWID;",
        )
        .unwrap();
    let monitors: Vec<_> = (0..MONITORS).map(Watched::new).collect();
    // The newest words of each monitor, as the store remembers them.
    let mut known: Vec<Option<(Observed, Verdict, i64)>> = vec![None; MONITORS as usize];
    let mut cost = keep(scene, &monitors, |results| {
        let transaction = connection.transaction().unwrap();
        for RecordedResult { monitor, attempt, result } in results {
            let key = number_of(&monitor);
            let said = &mut known[key as usize];
            let words = match said {
                Some((observed, verdict, words)) if *observed == result.observed && *verdict == result.verdict => {
                    *words
                }
                _ => {
                    let observed = serde_json::to_string(&result.observed).unwrap();
                    let mut insert =
                        transaction.prepare_cached("INSERT INTO words (detail, observed) VALUES (?1, ?2)").unwrap();
                    let words = insert.insert(params![result.verdict.detail.as_deref(), observed]).unwrap();
                    *said = Some((result.observed.clone(), result.verdict.clone(), words));
                    words
                }
            };
            let sql = "INSERT INTO result VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
            let [dns, connect, tls, first_byte, transfer] =
                result.phases.in_order().map(|(_, phase)| phase.map(|phase| phase.as_micros() as i64));
            let values = params![
                key,
                result.started_at.as_microsecond(),
                result.duration.as_micros() as i64,
                dns,
                connect,
                tls,
                first_byte,
                transfer,
                result.verdict.code.number(),
                attempt,
                words
            ];
            transaction.prepare_cached(sql).unwrap().execute(values).unwrap();
        }
        transaction.commit().unwrap();
    });
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    cost.kept = size(folder.path()) / f64::from(MONITORS * scene.rounds);
    let select = |monitor: &Watched, sql: &str, columns: usize| {
        let mut statement = connection.prepare_cached(sql).unwrap();
        let mut rows = statement.query([monitor.number]).unwrap();
        let mut found = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let numbers: [Option<i64>; 9] =
                std::array::from_fn(|column| if column < columns { row.get(column).unwrap() } else { None });
            let text: Option<String> = if columns == 9 { row.get(9).unwrap() } else { None };
            found.push((numbers, text));
        }
        assert_eq!(found.len(), scene.rounds as usize);
    };
    cost.latencies = read(&monitors, |monitor| {
        select(monitor, "SELECT start, duration, code FROM result WHERE monitor = ?1 ORDER BY start", 3);
    });
    cost.whole = read(&monitors, |monitor| {
        let sql = "SELECT start, duration, dns, connect, tls, first_byte, transfer, code, attempt, observed
                   FROM result JOIN words ON id = words WHERE monitor = ?1 ORDER BY start DESC";
        select(monitor, sql, 9);
    });
    cost
}

/// Makes all results in the order of their start and has them kept; what keeping them cost.
fn keep(scene: Scene, monitors: &[Watched], mut commit: impl FnMut(Vec<RecordedResult>)) -> Cost {
    /// Results that are made before the clock runs.
    const MADE: usize = 10_000;
    let mut noise = Noise(1);
    let mut all = (0..scene.rounds).flat_map(|round| monitors.iter().map(move |monitor| (round, monitor)));
    let (mut processor, mut time) = (Duration::ZERO, Duration::ZERO);
    let written = written();
    loop {
        let mut made: Vec<_> =
            all.by_ref().take(MADE).map(|(round, monitor)| monitor.result(round, scene.says, &mut noise)).collect();
        if made.is_empty() {
            break;
        }
        let mut batches = Vec::new();
        while !made.is_empty() {
            let rest = made.split_off(scene.at_once.min(made.len()));
            batches.push(std::mem::replace(&mut made, rest));
        }
        let (used, begun) = (self::processor(), Instant::now());
        batches.into_iter().for_each(&mut commit);
        time += begun.elapsed();
        processor += self::processor() - used;
    }
    let results = f64::from(MONITORS * scene.rounds);
    Cost {
        processor: processor.as_secs_f64() * 1e6 / results,
        per_second: results / time.as_secs_f64(),
        written: (self::written() - written) / results,
        ..Cost::default()
    }
}

/// Microseconds to read something of one monitor, the median; everything was read once before.
fn read(monitors: &[Watched], mut one: impl FnMut(&Watched)) -> f64 {
    let some = || monitors.iter().step_by((MONITORS / READ) as usize);
    some().for_each(&mut one);
    let mut times: Vec<_> = some()
        .map(|monitor| {
            let begun = Instant::now();
            one(monitor);
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e6
}

/// A monitor, and what its results share.
struct Watched {
    number: u32,
    id: MonitorId,
    subject: Arc<TestSubject>,
    certificate: Arc<Certificate>,
    /// Typical microseconds of the first byte.
    typical: f64,
}

impl Watched {
    fn new(number: u32) -> Self {
        let mut bytes = [0; 16];
        bytes[12..].copy_from_slice(&number.to_be_bytes());
        let host = format!("shop-{number}.example");
        let certificate = Certificate {
            subject: format!("CN={host}"),
            issuer: "C=US, O=Let's Encrypt, CN=R11".to_owned(),
            names: vec![host.clone(), format!("www.{host}")],
            not_before: at(-86_400),
            not_after: at(86_400 * 80),
            key: "EC P-256".to_owned(),
            signature: "ecdsa-with-SHA384".to_owned(),
            fingerprint: format!("{number:064x}"),
            serial: format!("{number:036x}"),
        };
        let target = format!("https://{host}/");
        Self {
            number,
            id: MonitorId::from_random(bytes),
            subject: Arc::new(TestSubject { family: Family::Service, test_type: "http".into(), target: target.into() }),
            certificate: Arc::new(certificate),
            typical: 15_000.0 + f64::from(number % 97) * 900.0,
        }
    }

    fn result(&self, round: u32, says: Says, noise: &mut Noise) -> RecordedResult {
        let due = i64::from(round) * INTERVAL * 1_000_000 + i64::from(self.number) * 60_000;
        let started_at = at(0) + Duration::from_micros(due as u64 + noise.around(400.0, 0.5));
        let mut micros = |typical: f64, spread: f64| Duration::from_micros(noise.around(typical, spread));
        let (dns, connect, tls) = (micros(300.0, 0.4), micros(4_000.0, 0.1), micros(9_000.0, 0.1));
        let (first_byte, transfer) = (micros(self.typical, 0.2), micros(600.0, 0.4));
        let verdict = match noise.next() % 833 {
            0 => Verdict::new(StatusCode::new(414), format!("the server answered {}", 500 + noise.next() % 4)),
            _ => Verdict::OPERATIONAL,
        };
        let observed = http::Observed {
            ip: Some([192, 0, 2, (self.number % 250) as u8].into()),
            http_status: Some(200),
            http_version: Some(http::HttpVersion::Http2),
            bytes: if says == Says::TheSame { 48_213 } else { 48_000 + noise.next() % 2_000 },
            certificate: Some(SeenCertificate::at(Arc::clone(&self.certificate), at(0))),
            tls: Some(TlsSession {
                version: "TLSv1.3",
                cipher: "TLS_AES_128_GCM_SHA256".into(),
                alpn: Some("h2"),
                legacy: false,
            }),
            ..http::Observed::default()
        };
        RecordedResult {
            monitor: self.id.clone(),
            attempt: 0,
            result: TestResult {
                subject: Arc::clone(&self.subject),
                location: LocationName::local(),
                started_at,
                verdict,
                duration: dns + connect + tls + first_byte + transfer,
                phases: Phases {
                    dns: Some(dns),
                    connect: Some(connect),
                    tls: Some(tls),
                    first_byte: Some(first_byte),
                    transfer: Some(transfer),
                },
                observed: Observed::Http(observed),
                notable: None,
            },
        }
    }
}

fn create(runtime: &Runtime, store: &SqliteStore, org: &OrgId, number: u32) -> Watched {
    let watched = Watched::new(number);
    let object = serde_json::json!({"type": "http", "name": "shop", "target": &*watched.subject.target});
    let (settings, lifecycle) = MonitorSettings::parse(object.as_object().unwrap().clone()).unwrap();
    let monitor = Monitor { id: watched.id.clone(), org: org.clone(), settings, created_at: at(0), version: 1 };
    let stored = StoredMonitor { monitor, state: MonitorState::new(lifecycle, at(0)) };
    runtime.block_on(store.create_monitor(stored, Vec::new())).unwrap();
    watched
}

fn number_of(id: &MonitorId) -> u32 {
    // Base 32, of which the last seven letters hold the number.
    const ALPHABET: &str = "0123456789abcdefghjkmnpqrstvwxyz";
    let letters = id.as_str().chars().rev().take(6);
    letters.zip(0..).map(|(letter, place)| (ALPHABET.find(letter).unwrap() as u32) << (5 * place)).sum()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(BEGIN + seconds).unwrap()
}

/// Repeatable noise.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 11
    }

    /// Log-normal.
    fn around(&mut self, typical: f64, spread: f64) -> u64 {
        let uniform = |noise: &mut Self| (noise.next() % 1_000_000) as f64 / 1e6;
        let normal: f64 = (0..12).map(|_| uniform(self)).sum::<f64>() - 6.0;
        (typical * (normal * spread).exp()) as u64
    }
}

/// Time on the processor of all threads of this process.
fn processor() -> Duration {
    let threads = fs::read_dir("/proc/self/task").unwrap();
    let nanoseconds = threads.map(|thread| {
        let text = fs::read_to_string(thread.unwrap().path().join("schedstat")).unwrap_or_default();
        text.split_whitespace().next().map_or(0, |number| number.parse::<u64>().unwrap())
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// Bytes that this process has caused to be written to a disk.
fn written() -> f64 {
    let text = fs::read_to_string("/proc/self/io").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("write_bytes: ")).unwrap();
    line.parse().unwrap()
}

/// KiB in memory.
fn resident() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Bytes of all files of a folder.
fn size(folder: &Path) -> f64 {
    fs::read_dir(folder).unwrap().map(|file| file.unwrap().metadata().unwrap().len() as f64).sum()
}

/// A folder on a disk; the system's temporary one may be in memory.
fn target() -> &'static str {
    env!("CARGO_TARGET_TMPDIR")
}
