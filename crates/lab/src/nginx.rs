//! A private nginx: own configuration, port and folder; can be killed and started again on the same port.
//! Serves one page of [`PAGE_SIZE`] bytes, in clear text or over TLS.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{ca::Identity, program};

/// Bytes of the page that every request is answered with.
pub const PAGE_SIZE: usize = 1024;

/// A running nginx.
pub struct Nginx {
    program: PathBuf,
    folder: TempDir,
    port: u16,
    child: Option<Child>,
    scheme: &'static str,
}

impl Nginx {
    /// Starts in clear text with a page of 1 KiB. `None` when nginx is known to be missing.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::launch(None)
    }

    /// Starts with TLS.
    #[must_use]
    pub fn start_tls(identity: &Identity) -> Option<Self> {
        Self::launch(Some(identity))
    }

    fn launch(identity: Option<&Identity>) -> Option<Self> {
        let program = program::find("nginx", "nginx")?;
        let folder = TempDir::new().unwrap();
        let port = free_port();
        let path = folder.path().display();
        let page = "watchkeep ".repeat(PAGE_SIZE / 10 + 1);
        fs::create_dir(folder.path().join("html")).unwrap();
        fs::write(folder.path().join("html/index.html"), &page[..PAGE_SIZE]).unwrap();
        let mut tls = String::new();
        if let Some(identity) = identity {
            fs::write(folder.path().join("identity.pem"), identity.pem()).unwrap();
            tls = format!(
                "ssl_certificate {path}/identity.pem; ssl_certificate_key {path}/identity.pem; ssl_session_tickets off;"
            );
        }
        let ssl = if identity.is_some() { " ssl" } else { "" };
        let configuration = format!(
            "daemon off; worker_processes 1; pid {path}/nginx.pid; error_log {path}/error.log;\n\
             events {{ worker_connections 4096; }}\n\
             http {{ access_log off; client_body_temp_path {path}/body; proxy_temp_path {path}/proxy; fastcgi_temp_path {path}/fastcgi;\n\
             uwsgi_temp_path {path}/uwsgi; scgi_temp_path {path}/scgi;\n\
             server {{ listen 127.0.0.1:{port}{ssl} backlog=4096; {tls} root {path}/html; }} }}\n"
        );
        fs::write(folder.path().join("nginx.conf"), configuration).unwrap();
        let scheme = if identity.is_some() { "https" } else { "http" };
        let mut nginx = Self { program, folder, port, child: None, scheme };
        nginx.restart();
        Some(nginx)
    }

    /// Starts it again on the same port and waits until it accepts connections.
    pub fn restart(&mut self) {
        self.kill();
        let folder = self.folder.path();
        let child = Command::new(&self.program)
            .args(["-p".as_ref(), folder.as_os_str(), "-c".as_ref(), folder.join("nginx.conf").as_os_str()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        let give_up = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(self.address()).is_err() {
            assert!(Instant::now() < give_up, "nginx does not accept connections on {}", self.address());
            std::thread::yield_now();
        }
    }

    /// Ends it at once, workers included.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // The master takes its workers with it when it is asked for a fast shutdown.
            let pid = child.id().to_string();
            let _ = Command::new("kill").args(["-TERM", &pid]).status();
            let _ = child.wait();
        }
    }

    /// The process of the master.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// The URL of its page.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://127.0.0.1:{}/", self.scheme, self.port)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that was free a moment ago; nginx cannot choose one itself.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
