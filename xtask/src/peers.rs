//! The real programs that tests and benchmarks talk to: installed by apt when they are missing and that is allowed.
//!
//! A test whose peer is not installed fails, so that nothing is skipped by accident. It is skipped only where the variable
//! `WATCHKEEP_MISSING_PEERS` names the peer; `cargo xtask test` sets it for what it could not install, and says so.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// The environment variable that names the peers that tests do without, separated by commas. `lab` reads it.
const MISSING: &str = "WATCHKEEP_MISSING_PEERS";

/// A real program.
#[derive(Clone, Copy)]
struct Program {
    /// The name of its file.
    file: &'static str,
    /// The Debian package that has it.
    package: &'static str,
    /// What tests call it.
    peer: &'static str,
}

const NGINX: Program = Program { file: "nginx", package: "nginx-light", peer: "nginx" };
const DNSMASQ: Program = Program { file: "dnsmasq", package: "dnsmasq-base", peer: "dnsmasq" };
const OPENSSL: Program = Program { file: "openssl", package: "openssl", peer: "openssl" };
const CHROMIUM: Program = Program { file: "chromium", package: "chromium", peer: "chromium" };
const CHROMEDRIVER: Program = Program { file: "chromedriver", package: "chromium-driver", peer: "chromium" };
const VSFTPD: Program = Program { file: "vsftpd", package: "vsftpd", peer: "vsftpd" };
const FPING: Program = Program { file: "fping", package: "fping", peer: "fping" };
const WRK: Program = Program { file: "wrk", package: "wrk", peer: "wrk" };

const FOR_TESTS: &[Program] = &[NGINX, DNSMASQ, VSFTPD, OPENSSL, CHROMIUM, CHROMEDRIVER];
const FOR_BENCHMARKS: &[Program] = &[NGINX, WRK, FPING];

/// The peers that could not be had, by the names that tests know.
pub(crate) struct Missing(Vec<&'static str>);

impl Missing {
    /// Tells the tests that `command` runs what they must do without.
    pub(crate) fn announce_to(&self, command: &mut Command) {
        if !self.0.is_empty() {
            command.env(MISSING, self.0.join(","));
        }
    }

    /// Prints what is skipped for their sake; nothing when all are there.
    pub(crate) fn print(&self) {
        for peer in &self.0 {
            println!("skipping what needs {peer}: it is not installed");
        }
    }

    /// An error that names them, if there are any.
    pub(crate) fn as_error(&self) -> Result<(), String> {
        if self.0.is_empty() { Ok(()) } else { Err(format!("install {} first", self.0.join(" and "))) }
    }
}

/// The real programs that tests talk to, by the names that tests know.
pub(crate) fn of_tests() -> impl Iterator<Item = &'static str> {
    FOR_TESTS.iter().map(|program| program.peer)
}

/// Installs what tests need.
pub(crate) fn provide_for_tests() -> Missing {
    provide(FOR_TESTS)
}

/// Installs what benchmarks need: the peers and the yardsticks beside them.
pub(crate) fn provide_for_benchmarks() -> Missing {
    provide(FOR_BENCHMARKS)
}

fn provide(wanted: &[Program]) -> Missing {
    let missing = || wanted.iter().filter(|program| !is_installed(program.file));
    let packages: Vec<_> = missing().map(|program| program.package).collect();
    if !packages.is_empty() {
        println!("installing {}", packages.join(", "));
        if let Err(reason) = install(&packages) {
            println!("could not install {}: {reason}", packages.join(", "));
        }
    }
    let mut peers: Vec<_> = missing().map(|program| program.peer).collect();
    peers.dedup();
    Missing(peers)
}

fn is_installed(file: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    // Debian keeps servers where the path of an ordinary user does not look.
    let system = ["/usr/sbin", "/sbin"].map(Path::new);
    std::env::split_paths(&folders).any(|folder| folder.join(file).is_file())
        || system.iter().any(|folder| folder.join(file).is_file())
}

fn install(packages: &[&str]) -> Result<(), String> {
    if !is_installed("apt-get") {
        return Err("there is no apt-get here".to_owned());
    }
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    if !is_root && !succeeds_quietly(Command::new("sudo").args(["-n", "true"])) {
        return Err("this user is not root and has no sudo without a password".to_owned());
    }
    let apt = |arguments: &[&str]| {
        let mut command = Command::new(if is_root { "env" } else { "sudo" });
        if !is_root {
            command.args(["-n", "env"]);
        }
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet", "--yes"]).args(arguments);
        match command.stdin(Stdio::null()).stdout(Stdio::null()).status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(format!("apt-get {} ended with {status}", arguments.join(" "))),
            Err(error) => Err(format!("apt-get {}: {error}", arguments.join(" "))),
        }
    };
    apt(&["update"])?;
    apt(&[&["install", "--no-install-recommends"], packages].concat())
}

fn succeeds_quietly(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
