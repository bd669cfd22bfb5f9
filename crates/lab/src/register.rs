//! What an authority tells of its certificates: OCSP answers and lists of the revoked ones, made by the program `openssl`.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use openssl::x509::X509;
use tempfile::TempDir;

use crate::{ca::Identity, program};

/// What is told of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Issued, and not revoked.
    Good,
    /// Revoked in the year 2026, because its key was stolen.
    Revoked,
    /// Never heard of.
    Unknown,
}

/// The books of one authority.
pub struct Register {
    program: PathBuf,
    folder: TempDir,
    issuer: X509,
}

impl Register {
    /// The books of `issuer`. `None` when openssl is known to be missing.
    #[must_use]
    pub fn of(issuer: &Identity) -> Option<Self> {
        let program = program::find("openssl", "openssl")?;
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("issuer.pem"), issuer.pem()).unwrap();
        Some(Self { program, folder, issuer: issuer.chain[0].clone() })
    }

    /// An OCSP answer of today and tomorrow, signed by `signer`, the issuer itself or a responder.
    #[must_use]
    pub fn answer(&self, subject: &X509, standing: Standing, signer: &Identity) -> Vec<u8> {
        self.write_index(subject, standing);
        let path = |name: &str| self.folder.path().join(name);
        fs::write(path("subject.pem"), subject.to_pem().unwrap()).unwrap();
        fs::write(path("issuer-only.pem"), self.issuer.to_pem().unwrap()).unwrap();
        fs::write(path("signer.pem"), signer.pem()).unwrap();
        self.run(&[
            "ocsp",
            "-index",
            "index.txt",
            "-CA",
            "issuer-only.pem",
            "-issuer",
            "issuer-only.pem",
            "-cert",
            "subject.pem",
            "-rsigner",
            "signer.pem",
            "-ndays",
            "2",
            "-respout",
            "answer.der",
            "-noverify",
        ]);
        fs::read(path("answer.der")).unwrap()
    }

    /// A list of today and tomorrow.
    #[must_use]
    pub fn list(&self, subject: &X509, standing: Standing) -> Vec<u8> {
        self.write_index(subject, standing);
        let configuration = "[ca]\ndefault_ca=own\n[own]\ndatabase=index.txt\ncertificate=issuer.pem\n\
                             private_key=issuer.pem\ndefault_md=sha256\ncrlnumber=number.txt\ncrl_extensions=list\n\
                             [list]\nauthorityKeyIdentifier=issuer:always\n";
        fs::write(self.folder.path().join("ca.cnf"), configuration).unwrap();
        fs::write(self.folder.path().join("number.txt"), "01\n").unwrap();
        self.run(&["ca", "-config", "ca.cnf", "-gencrl", "-crldays", "2", "-out", "list.pem"]);
        self.run(&["crl", "-in", "list.pem", "-outform", "DER", "-out", "list.der"]);
        fs::read(self.folder.path().join("list.der")).unwrap()
    }

    /// The database as `openssl ca` keeps it.
    fn write_index(&self, subject: &X509, standing: Standing) {
        let serial = subject.serial_number().to_bn().unwrap().to_hex_str().unwrap().to_string();
        let mut line = String::new();
        let _ = match standing {
            Standing::Good => writeln!(line, "V\t491231235959Z\t\t{serial}\tunknown\t/CN=subject"),
            Standing::Revoked => {
                writeln!(line, "R\t491231235959Z\t260102030405Z,keyCompromise\t{serial}\tunknown\t/CN=subject")
            }
            Standing::Unknown => Ok(()),
        };
        fs::write(self.folder.path().join("index.txt"), line).unwrap();
    }

    fn run(&self, arguments: &[&str]) {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        // No configuration of the machine's own.
        let output = command.env("OPENSSL_CONF", Path::new("/dev/null")).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {} failed: {told}", arguments.join(" "));
    }
}
