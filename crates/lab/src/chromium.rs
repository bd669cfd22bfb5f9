//! A headless Chromium behind its own chromedriver.
//! Both live in a process group of their own, so that browsers of forgotten sessions end with the driver.

use std::{
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::program;

/// A running chromedriver; it starts the browser when a session is asked for.
pub struct Chromium {
    child: Child,
    port: u16,
    profile: TempDir,
}

impl Chromium {
    /// Starts on a free port. `None` when Chromium is known to be missing.
    #[must_use]
    pub fn start() -> Option<Self> {
        program::find("chromium", "chromium")?;
        let driver = program::find("chromedriver", "chromium")?;
        let mut child = Command::new(driver)
            .arg("--port=0")
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.split_once("started successfully on port ")?.1.trim_end_matches('.').parse().ok())
            .expect("chromedriver says on which port it listens");
        // Whatever else it prints must not block it.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { child, port, profile: TempDir::new().unwrap() })
    }

    /// The `WebDriver` address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The browser's flags for a headless session in a profile of its own.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        let profile = format!("--user-data-dir={}", self.profile.path().display());
        let fixed = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ];
        fixed.into_iter().map(str::to_owned).chain([profile]).collect()
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.child.wait();
    }
}
