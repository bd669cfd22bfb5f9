//! A network of the test's own: a thread in a network namespace that has a loopback interface and nothing else.
//! What is set, refused or taken away there touches neither the machine nor other tests.

use std::{
    fmt::Display,
    fs, io,
    process::{Command, Stdio},
    thread,
};

use caps::{CapSet, Capability};
use nix::sched::{CloneFlags, unshare};
use tokio::runtime::Builder;

use crate::program;

/// The network that the present thread is in; threads that it starts are in it too.
pub struct Namespace(());

impl Namespace {
    /// Runs `work` in a network of its own, on a thread of its own with a tokio runtime. `None`, with a note, where this
    /// user may make no networks or `ip` is missing.
    ///
    /// # Panics
    /// When `work` does.
    pub fn run<T: Send>(work: impl AsyncFnOnce(Namespace) -> T + Send) -> Option<T> {
        program::find("ip", "ip")?;
        let inside = || {
            if let Err(error) = unshare(CloneFlags::CLONE_NEWNET) {
                return skipped(error);
            }
            let namespace = Namespace(());
            namespace.ip("link set lo up");
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            Some(runtime.block_on(work(namespace)))
        };
        thread::scope(|scope| scope.spawn(inside).join()).unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Runs `ip` with these words.
    ///
    /// # Panics
    /// When it fails.
    pub fn ip(&self, words: &str) {
        let output = Command::new("ip").args(words.split(' ')).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "ip {words}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Sets a value below `/proc/sys/net`.
    ///
    /// # Panics
    /// When the system does not take it.
    pub fn set(&self, name: &str, value: impl Display) {
        fs::write(format!("/proc/sys/net/{name}"), value.to_string())
            .unwrap_or_else(|error: io::Error| panic!("{name} = {value}: {error}"));
    }

    /// The system no longer answers echoes, so that a [`crate::echo::Responder`] can.
    pub fn answer_no_echoes(&self) {
        self.set("ipv4/icmp_echo_ignore_all", 1);
        self.set("ipv6/icmp/echo_ignore_all", 1);
    }

    /// From now on this thread may open no raw sockets.
    ///
    /// # Panics
    /// When the system does not allow to give that up.
    pub fn give_up_raw_sockets(&self) {
        caps::drop(None, CapSet::Effective, Capability::CAP_NET_RAW).unwrap();
    }
}

fn skipped<T>(error: impl Display) -> Option<T> {
    eprintln!("skipped: this user may not make a network namespace: {error}");
    None
}
