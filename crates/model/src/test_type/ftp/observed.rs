//! What an FTP test saw, as results show it under `observed`.

use std::net::IpAddr;

use serde::Serialize;

use crate::{SeenCertificate, TlsSession};

/// What an FTP test saw.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Observed {
    /// The address that answered.
    pub ip: Option<IpAddr>,
    /// The server's first reply.
    pub greeting: Option<String>,
    /// What it said when the login was complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub welcome: Option<String>,
    /// What is known of the path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<SeenPath>,
    /// How many entries the listing had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<u64>,
    /// The server's certificate.
    pub certificate: Option<SeenCertificate>,
    /// The TLS parameters of the control connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Box<TlsSession>>,
    /// Commands and replies in their order, without passwords.
    pub dialogue: Vec<Spoken>,
    /// What is worth knowing although it is no failure.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<&'static str>,
}

/// One command with its reply. The greeting has no command, nor has a further reply to the same one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Spoken {
    /// The command, a password masked.
    pub command: Option<String>,
    /// The reply; none came where it is absent.
    pub reply: Option<String>,
}

/// What the server said of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SeenPath {
    /// What it is.
    pub kind: PathKind,
    /// Its bytes, where it is a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// What a path can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PathKind {
    /// A file.
    File,
    /// A directory.
    Directory,
    /// It is there, and the server does not say what it is.
    Unknown,
}

impl Observed {
    /// The same for people, a line each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let address = self.ip.map(|ip| format!("address {ip}"));
        let tls = self.tls.as_deref().map(TlsSession::line);
        let certificate = self.certificate.as_ref().map(SeenCertificate::line);
        let path = self.path.as_ref().map(SeenPath::line);
        let entries = self.entries.map(|count| match count {
            1 => "the listing has 1 entry".to_owned(),
            _ => format!("the listing has {count} entries"),
        });
        let remarks = self.remarks.iter().map(|remark| (*remark).to_owned());
        let found = address.into_iter().chain(tls).chain(certificate).chain(path).chain(entries).chain(remarks);
        found.chain(self.dialogue.iter().map(Spoken::line)).collect()
    }
}

impl Spoken {
    fn line(&self) -> String {
        match (&self.command, &self.reply) {
            (Some(command), Some(reply)) => format!("{command} → {reply}"),
            (Some(command), None) => format!("{command} → no reply"),
            (None, reply) => format!("→ {}", reply.as_deref().unwrap_or_default()),
        }
    }
}

impl SeenPath {
    fn line(&self) -> String {
        match (self.kind, self.size) {
            (PathKind::File, Some(1)) => "the path is a file of 1 byte".to_owned(),
            (PathKind::File, Some(size)) => format!("the path is a file of {size} bytes"),
            (PathKind::File, None) => "the path is a file".to_owned(),
            (PathKind::Directory, _) => "the path is a directory".to_owned(),
            (PathKind::Unknown, _) => "the path is there".to_owned(),
        }
    }
}
