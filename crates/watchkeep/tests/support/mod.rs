//! The real binary for tests: starts `watchkeep serve` on a folder, waits for it, and ends it politely or not.
//! What it printed is kept, and shown when a test fails.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests fail by panicking"
)]

mod client;

use std::{
    ffi::OsStr,
    net::SocketAddr,
    path::Path,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

pub use client::Client;

/// The administrator's token of every server that is started here.
pub const TOKEN: &str = "a-token-for-tests-0123456789abcdef";
/// Nothing here takes so long; whoever waits longer waits for ever.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The binary, without any setting of the surroundings.
pub fn watchkeep() -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_watchkeep"));
    command.env_clear().stdin(Stdio::null());
    command
}

/// What a run of the binary printed, and its exit status.
#[derive(Debug, PartialEq, Eq)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// The one line of JSON that it printed; nothing in it steers a terminal.
    #[track_caller]
    pub fn json_line(&self) -> Value {
        let line = self.stdout.strip_suffix('\n').unwrap_or_else(|| panic!("no whole line: {:.200}", self.stdout));
        assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line:.200?}");
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:.200}"))
    }
}

/// Runs the binary to its end.
///
/// # Panics
/// When it does not end within [`PATIENCE`], was ended by a signal, or printed what is no text.
pub async fn run<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Run {
    let mut command = watchkeep();
    command.args(arguments);
    run_command(command).await
}

/// The same for a command that was made ready otherwise.
pub async fn run_command(command: std::process::Command) -> Run {
    let mut command = Command::from(command);
    let output = timeout(PATIENCE, command.kill_on_drop(true).output()).await.expect("it ends in time").unwrap();
    Run {
        code: output.status.code().expect("it ends by itself"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Waits until `look` finds something, and gives it.
///
/// # Panics
/// When it has found nothing for [`PATIENCE`].
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let give_up = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < give_up, "not within {PATIENCE:?}: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// A running `watchkeep serve`. It is killed when it is dropped.
pub struct Serving {
    child: Child,
    stdout: Printed,
    stderr: Printed,
    address: SocketAddr,
}

/// How a server ended, and everything that it printed.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Serving {
    /// Starts on `folder` and any free port, with [`TOKEN`] as its first token, and waits until it answers.
    pub async fn start(folder: &Path) -> Self {
        Self::start_with(folder, |_| {}).await
    }

    /// The same, with `change` to the command before it is run.
    pub async fn start_with(folder: &Path, change: impl FnOnce(&mut std::process::Command)) -> Self {
        let mut command = watchkeep();
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder)
            .env("WATCHKEEP_BOOTSTRAP_TOKEN", TOKEN);
        change(&mut command);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = Command::from(command).kill_on_drop(true).spawn().unwrap();
        let stdout = Printed::of(child.stdout.take().unwrap());
        let stderr = Printed::of(child.stderr.take().unwrap());
        let address = until("the greeting", async || {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended at once ({ended:?}): {}{}", stdout.text(), stderr.text());
            address_in(&stdout.text())
        })
        .await;
        Self { child, stdout, stderr, address }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Speaks to its API as the administrator.
    pub fn client(&self) -> Client {
        Client::new(self.address, Some(TOKEN))
    }

    /// What it printed at its start.
    pub fn greeting(&self) -> String {
        self.stdout.text()
    }

    /// Everything that it has logged so far.
    pub fn log(&self) -> String {
        self.stderr.text()
    }

    /// How many descriptors it holds.
    pub fn descriptors(&self) -> usize {
        let pid = self.child.id().expect("it runs still");
        std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count()
    }

    /// Sends it a signal, `TERM` for instance.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().expect("it runs still").to_string();
        let sent = std::process::Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap();
        assert!(sent.success(), "the signal {name} could not be sent");
    }

    /// Ends it at once, as a power cut would.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to end, and waits until it has.
    pub async fn stop(self) -> Ended {
        self.signal("TERM");
        self.ended().await
    }

    /// Waits until it has ended.
    ///
    /// # Panics
    /// When it has not ended within [`PATIENCE`], or panicked on the way.
    pub async fn ended(mut self) -> Ended {
        let status = timeout(PATIENCE, self.child.wait()).await.expect("it ends in time").unwrap();
        let ended = Ended { status, stdout: self.stdout.whole().await, stderr: self.stderr.whole().await };
        assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
        ended
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the server at {} had logged:\n{}", self.address, self.log());
        }
    }
}

/// The address that a greeting names, once the line is complete.
fn address_in(greeting: &str) -> Option<SocketAddr> {
    let complete = &greeting[..greeting.rfind('\n')?];
    let after = complete.rsplit_once("listens on ").or_else(|| complete.split_once(" is at http://"))?.1;
    let end = after.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':').unwrap_or(after.len());
    Some(after[..end].trim_end_matches('.').parse().unwrap_or_else(|error| panic!("{error}: {greeting}")))
}

/// What comes out of one pipe of a program.
struct Printed {
    text: Arc<Mutex<Vec<u8>>>,
    task: JoinHandle<()>,
}

impl Printed {
    fn of(mut pipe: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let text = Arc::<Mutex<Vec<u8>>>::default();
        let kept = Arc::clone(&text);
        let task = tokio::spawn(async move {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
                kept.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self { text, task }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap()).into_owned()
    }

    /// Everything, once the program has closed the pipe.
    async fn whole(&mut self) -> String {
        (&mut self.task).await.unwrap();
        self.text()
    }
}
