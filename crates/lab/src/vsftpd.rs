//! A private vsftpd: own configuration, port and folder, run as whoever runs the tests.
//! It serves [`FILE`] of [`FILE_SIZE`] bytes and the directory [`DIRECTORY`]; local users cannot log in to it.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{ca::Identity, program};

/// The file that it serves.
pub const FILE: &str = "page.txt";
/// Bytes of the file.
pub const FILE_SIZE: usize = 1024;
/// The directory that it serves, with two entries.
pub const DIRECTORY: &str = "inner";

/// A running vsftpd.
pub struct Vsftpd {
    _folder: TempDir,
    port: u16,
    child: Child,
}

impl Vsftpd {
    /// Starts in clear text with these lines of configuration beside the usual ones. `None` when vsftpd is known to be
    /// missing.
    #[must_use]
    pub fn start(settings: &str) -> Option<Self> {
        Self::launch(None, settings)
    }

    /// Starts with TLS, which clients ask for by AUTH unless the settings say otherwise.
    #[must_use]
    pub fn start_tls(identity: &Identity, settings: &str) -> Option<Self> {
        Self::launch(Some(identity), settings)
    }

    fn launch(identity: Option<&Identity>, settings: &str) -> Option<Self> {
        let program = program::find("vsftpd", "vsftpd")?;
        let folder = TempDir::new().unwrap();
        let path = folder.path().display();
        lay_out(folder.path());
        let tls = identity.map(|identity| {
            fs::write(folder.path().join("identity.pem"), identity.pem()).unwrap();
            format!(
                "ssl_enable=YES\nallow_anon_ssl=YES\nssl_ciphers=HIGH\nrsa_cert_file={path}/identity.pem\n\
                 rsa_private_key_file={path}/identity.pem\n"
            )
        });
        let port = free_port();
        // The service of PAM does not exist, so PAM falls back to its own and knows none of the users that tests make up.
        let configuration = format!(
            "listen=YES\nlisten_ipv6=NO\nlisten_address=127.0.0.1\nlisten_port={port}\nbackground=NO\n\
             run_as_launching_user=YES\nseccomp_sandbox=NO\nisolate=NO\nisolate_network=NO\nxferlog_enable=NO\n\
             connect_from_port_20=NO\nlocal_enable=YES\npam_service_name=watchkeep-lab\nanon_root={path}/served\n\
             secure_chroot_dir={path}/empty\n{}{settings}\n",
            tls.unwrap_or_default(),
        );
        let file = folder.path().join("vsftpd.conf");
        fs::write(&file, configuration).unwrap();
        let null = Stdio::null;
        let child = Command::new(program).arg(&file).stdin(null()).stdout(null()).stderr(null()).spawn().unwrap();
        let vsftpd = Self { _folder: folder, port, child };
        let give_up = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(vsftpd.address()).is_err() {
            assert!(Instant::now() < give_up, "vsftpd does not accept connections on {}", vsftpd.address());
            std::thread::yield_now();
        }
        Some(vsftpd)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }
}

impl Drop for Vsftpd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is served. vsftpd refuses to serve a folder that whoever logs in may write to.
fn lay_out(folder: &Path) {
    let served = folder.join("served");
    fs::create_dir_all(served.join(DIRECTORY)).unwrap();
    fs::create_dir(folder.join("empty")).unwrap();
    fs::write(served.join(FILE), vec![b'x'; FILE_SIZE]).unwrap();
    for name in ["a", "b"] {
        fs::write(served.join(DIRECTORY).join(name), name).unwrap();
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(served, fs::Permissions::from_mode(0o555)).unwrap();
}

/// A port that was free a moment ago; vsftpd cannot choose one itself.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}
