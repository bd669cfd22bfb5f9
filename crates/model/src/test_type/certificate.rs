//! The certificate test: its options and how they are written; `read` validates them, `observed` is what it saw.
//! The codes that a bad option leads to are those of the catalogue's `certificate` section.

mod observed;
mod read;

use serde::{Serialize, Serializer};
use serde_json::json;
use url::Url;
use watchkeep_catalogue::{StatusCode, certificate};

pub use observed::{Observed, Revocation, RevocationSource, RevocationStatus, SeenTls, SeenVersion};
pub(crate) use read::read;

use crate::{AcceptStatus, Endpoint, Exposure, Field, HostName, Object, Shape, TlsSettings, WarnDays};

/// The code of a test whose time limits cannot be used.
pub(crate) const LIMITS_CODE: StatusCode = certificate::CERTIFICATE_TIME_LIMIT_NOT_COMPUTABLE;

/// What a person may set.
pub const FIELDS: &[Field] = &[
    Field {
        name: "warn_days",
        flag: None,
        label: "Days of warning",
        help: "Contacts are told once when this many days are left, 0 to 365 each.",
        default: WarnDays::DEFAULT_TEXT,
        shape: Shape::Numbers,
    },
    Field {
        name: "starttls",
        flag: None,
        label: "STARTTLS",
        help: "The protocol in which the server is asked to begin TLS.",
        default: "",
        shape: Shape::Choice(&Starttls::WORDS),
    },
    Field {
        name: "server_name",
        flag: None,
        label: "Server name",
        help: "The name that is asked for and that the certificate must have, where it is not the host.",
        default: "",
        shape: Shape::Text,
    },
    Field {
        name: "accept_status",
        flag: None,
        label: "Accepted statuses",
        help: "Of an https:// target: the HTTP statuses that count as right, after redirects (otherwise 414).",
        default: "200-399",
        shape: Shape::Text,
    },
    Field {
        name: "scan",
        flag: None,
        label: "Look for old TLS versions",
        help: "Make one more handshake for each version from TLS 1.0 to 1.3 and tell which the server accepts.",
        default: "false",
        shape: Shape::Flag,
    },
    TlsSettings::CA_FILE,
    TlsSettings::INSECURE,
    TlsSettings::CLIENT_CERT,
    TlsSettings::TLS_MIN,
];

/// Valid options of a certificate test.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Whose certificate is looked at.
    pub endpoint: Endpoint,
    /// What is asked of the server besides.
    pub manner: Manner,
    /// The name that is asked for, where it is not the host.
    pub server_name: Option<HostName>,
    /// When contacts are told of the certificate's end.
    pub warn_days: WarnDays,
    /// Whether every TLS version is tried.
    pub scan: Scan,
    /// What is asked of TLS.
    pub tls: TlsSettings,
}

/// How the server is spoken to.
#[derive(Clone, Debug, PartialEq)]
pub enum Manner {
    /// TLS from the first byte, and nothing else.
    Direct,
    /// TLS begins within another protocol.
    Starttls(Starttls),
    /// TLS, and a page is fetched besides.
    Https {
        /// An https URL without credentials and fragment.
        url: Url,
        /// The final statuses that count as right.
        accept_status: AcceptStatus,
    },
}

/// A protocol in which TLS can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starttls {
    /// Mail between servers, and from clients (RFC 3207).
    Smtp,
    /// Reading mail (RFC 3501, 6.2.1).
    Imap,
    /// Reading mail (RFC 2595, 4).
    Pop3,
    /// Files (RFC 4217).
    Ftp,
    /// The database PostgreSQL.
    Postgresql,
    /// Messaging (RFC 6120, 5).
    Xmpp,
    /// Directories (RFC 4511, 4.14).
    Ldap,
}

impl Starttls {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Smtp, Self::Imap, Self::Pop3, Self::Ftp, Self::Postgresql, Self::Xmpp, Self::Ldap];
    const WORDS: [&'static str; 7] = ["smtp", "imap", "pop3", "ftp", "postgresql", "xmpp", "ldap"];

    /// The word used in configuration and results.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Ftp => "ftp",
            Self::Postgresql => "postgresql",
            Self::Xmpp => "xmpp",
            Self::Ldap => "ldap",
        }
    }

    /// What people call it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Smtp => "SMTP",
            Self::Imap => "IMAP",
            Self::Pop3 => "POP3",
            Self::Ftp => "FTP",
            Self::Postgresql => "PostgreSQL",
            Self::Xmpp => "XMPP",
            Self::Ldap => "LDAP",
        }
    }

    /// The port where it is usually found.
    #[must_use]
    pub const fn usual_port(self) -> u16 {
        match self {
            Self::Smtp => 25,
            Self::Imap => 143,
            Self::Pop3 => 110,
            Self::Ftp => 21,
            Self::Postgresql => 5432,
            Self::Xmpp => 5222,
            Self::Ldap => 389,
        }
    }

    /// The protocol that a word names, if any.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(word))
    }
}

impl Serialize for Starttls {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Whether every TLS version is tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scan {
    /// Only what is negotiated.
    #[default]
    Off,
    /// Each from TLS 1.0 to 1.3, with a handshake of its own.
    Versions,
}

impl Options {
    /// The name that the certificate must have.
    #[must_use]
    pub fn name(&self) -> &HostName {
        self.server_name.as_ref().unwrap_or(&self.endpoint.host)
    }

    /// The object that is read back as the same options; fields at their default are left out.
    pub(crate) fn write(&self, _: Exposure) -> Object {
        let mut object = Object::new();
        let mut set = |name: &str, value: serde_json::Value| {
            object.insert(name.to_owned(), value);
        };
        set("warn_days", json!(self.warn_days.days()));
        match &self.manner {
            Manner::Direct => {}
            Manner::Starttls(protocol) => set("starttls", json!(protocol)),
            Manner::Https { accept_status, .. } => set("accept_status", json!(accept_status.to_string())),
        }
        if let Some(name) = &self.server_name {
            set("server_name", json!(name.to_string()));
        }
        if self.scan == Scan::Versions {
            set("scan", json!(true));
        }
        self.tls.write(&mut object);
        object
    }
}
