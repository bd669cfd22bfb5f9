//! What benchmarks measure of this process and of their yardstick: processor time and memory, as Linux counts them.
//! Absolute times drift between machines; a benchmark runs the yardstick beside itself and prints the ratio.

use std::{
    env, fs,
    process::Command,
    time::{Duration, Instant},
};

use tokio::{runtime::Runtime, task::JoinSet, time::sleep};

/// Processor time so far, user and system together, in steps of 10 ms.
#[derive(Clone, Copy, Debug)]
pub struct Processor {
    /// Of this process.
    pub own: Duration,
    /// Of its children that have ended.
    pub children: Duration,
}

impl Processor {
    /// The time now.
    #[must_use]
    pub fn now() -> Self {
        let line = fs::read_to_string("/proc/self/stat").unwrap();
        // The name in parentheses may have spaces; times are the 14th to 17th field, in hundredths of a second.
        let fields: Vec<&str> = line.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let time = |index: usize| Duration::from_millis(10 * fields[index - 3].parse::<u64>().unwrap());
        Self { own: time(14) + time(15), children: time(16) + time(17) }
    }
}

/// Microseconds of a time for each of `count`.
#[must_use]
pub fn microseconds_each(time: Duration, count: u64) -> f64 {
    time.as_secs_f64() * 1e6 / count.max(1) as f64
}

/// Does a job again and again, `at_once` of it at the same time, until the time is up; how often it was done.
///
/// # Panics
/// When the job does.
pub async fn repeat<F: Future<Output = ()> + Send + 'static>(
    at_once: usize,
    span: Duration,
    job: impl Fn() -> F + Clone + Send + 'static,
) -> u64 {
    let end = Instant::now() + span;
    let mut workers = JoinSet::new();
    for _ in 0..at_once {
        let job = job.clone();
        let work = async move {
            let mut count = 0;
            while Instant::now() < end {
                job().await;
                count += 1;
            }
            count
        };
        workers.spawn(work);
    }
    workers.join_all().await.into_iter().sum()
}

/// Microseconds of this process's processor time for each time that a job is done, `at_once` of it at the same time; a
/// while before is not counted.
#[must_use]
pub fn cpu_each<F: Future<Output = ()> + Send + 'static>(
    runtime: &Runtime,
    at_once: usize,
    span: Duration,
    job: impl Fn() -> F + Clone + Send + 'static,
) -> f64 {
    runtime.block_on(repeat(at_once, span / 8, job.clone()));
    let before = Processor::now();
    let count = runtime.block_on(repeat(at_once, span, job));
    microseconds_each(Processor::now().own - before.own, count)
}

/// KiB of this process for each of `count` jobs that do not end.
#[must_use]
pub fn memory_each<F: Future<Output = ()> + Send + 'static>(
    runtime: &Runtime,
    count: usize,
    job: impl Fn() -> F,
) -> f64 {
    runtime.block_on(async {
        let mut stalled = JoinSet::new();
        // What is needed once is not counted.
        (0..count / 10).for_each(|_| drop(stalled.spawn(job())));
        settled().await;
        let before = resident();
        (0..count).for_each(|_| drop(stalled.spawn(job())));
        settled().await;
        resident().saturating_sub(before) as f64 / 1_024.0 / count as f64
    })
}

/// Until nothing grows any more.
async fn settled() {
    let mut last = resident();
    loop {
        sleep(Duration::from_millis(500)).await;
        let now = resident();
        if now.abs_diff(last) < 64 * 1_024 {
            return;
        }
        last = now;
    }
}

/// Bytes of this process in memory.
#[must_use]
pub fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024
}

/// What a copy of this program prints when it is started with these two arguments: for figures of a process that has
/// done nothing else, whose memory is its own.
///
/// # Panics
/// When the copy does not end well.
#[must_use]
pub fn by_a_copy(what: &str, argument: &str) -> String {
    let output = Command::new(env::current_exe().unwrap()).args([what, argument]).output().unwrap();
    assert!(output.status.success(), "{what} {argument}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What this program is to do for [`by_a_copy`], if it is such a copy.
#[must_use]
pub fn asked_of_a_copy(what: &str) -> Option<String> {
    env::args().skip_while(|argument| argument != what).nth(1)
}

/// Microseconds of processor time that wrk takes for each request, a new connection for every one: the floor of what
/// a check can cost.
///
/// # Panics
/// When wrk cannot be run or counts nothing.
#[must_use]
pub fn wrk(url: &str, at_once: usize, span: Duration) -> f64 {
    let before = Processor::now();
    let output = Command::new("wrk")
        .args(["-t1", &format!("-c{at_once}"), &format!("-d{}s", span.as_secs()), "-H", "Connection: close", url])
        .output()
        .unwrap_or_else(|error| panic!("wrk is the yardstick and cannot be run: {error}"));
    let report = String::from_utf8(output.stdout).unwrap();
    let count = report.lines().find_map(|line| line.trim().split_once(" requests in "));
    let count = count.unwrap_or_else(|| panic!("wrk counted nothing: {report}")).0.parse().unwrap();
    microseconds_each(Processor::now().children - before.children, count)
}
