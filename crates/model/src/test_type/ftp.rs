//! The FTP test: its options and how they are written; `read` validates them, `observed` is what it saw.
//! The codes that a bad option leads to are those of the catalogue's `general` section.

mod observed;
mod read;

use serde_json::json;
use watchkeep_catalogue::{StatusCode, service};

pub use observed::{Observed, PathKind, SeenPath, Spoken};
pub(crate) use read::read;

use crate::{Endpoint, Exposure, Field, Object, Secret, Shape, TlsSettings};

/// The code of a test whose time limits cannot be used.
pub(crate) const LIMITS_CODE: StatusCode = service::NOT_ENOUGH_PARAMETERS;

/// What a person may set.
pub const FIELDS: &[Field] = &[
    Field {
        name: "user",
        flag: None,
        label: "User",
        help: "Who logs in; without a user the login is anonymous.",
        default: "",
        shape: Shape::Text,
    },
    Field {
        name: "password",
        flag: None,
        label: "Password",
        help: "The user's password, sent when the server asks for one.",
        default: "",
        shape: Shape::Secret,
    },
    Field {
        name: "anonymous",
        flag: None,
        label: "Anonymous",
        help: "Log in as anonymous (otherwise 486), as a test without a user does anyway.",
        default: "false",
        shape: Shape::Flag,
    },
    Field {
        name: "no_login",
        flag: None,
        label: "No login",
        help: "Leave the login out; a command that needs one ends in 485.",
        default: "false",
        shape: Shape::Flag,
    },
    Field {
        name: "path",
        flag: None,
        label: "File or directory",
        help: "It must be there (otherwise 482); a directory ends in a slash. Without a slash before it, it starts at the login directory.",
        default: "",
        shape: Shape::Text,
    },
    Field {
        name: "list",
        flag: None,
        label: "List the directory",
        help: "List the directory, or that of the login, over a passive data connection.",
        default: "false",
        shape: Shape::Flag,
    },
    Field {
        name: "tls",
        flag: Some("ftp-tls"),
        label: "TLS",
        help: "None, explicit (AUTH TLS after the greeting) or implicit (from the first byte; what ftps:// means).",
        default: "none",
        shape: Shape::Choice(&["none", "explicit", "implicit"]),
    },
    TlsSettings::CA_FILE,
    TlsSettings::INSECURE,
    TlsSettings::CLIENT_CERT,
    TlsSettings::TLS_MIN,
];

/// Valid options of an FTP test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where the server listens.
    pub endpoint: Endpoint,
    /// When TLS begins.
    pub security: Security,
    /// Who logs in.
    pub login: Login,
    /// What must be there.
    pub path: Option<RemotePath>,
    /// Whether the path was written in the target, where it is shown again.
    pub is_path_in_target: bool,
    /// Whether a directory is listed: that of the path, or that of the login.
    pub is_listed: bool,
    /// What is asked of TLS.
    pub tls: TlsSettings,
}

/// When TLS begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Security {
    /// Never.
    #[default]
    None,
    /// After the greeting, by AUTH TLS (RFC 4217).
    Explicit,
    /// With the first byte.
    Implicit,
}

impl Security {
    /// The word used in configuration and API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Explicit => "explicit",
            Self::Implicit => "implicit",
        }
    }

    /// The port where nobody says another.
    #[must_use]
    pub const fn usual_port(self) -> u16 {
        match self {
            Self::None | Self::Explicit => 21,
            Self::Implicit => 990,
        }
    }

    /// The scheme of targets.
    #[must_use]
    pub const fn scheme(self) -> &'static str {
        match self {
            Self::None | Self::Explicit => "ftp",
            Self::Implicit => "ftps",
        }
    }
}

/// Who logs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// Nobody: the test goes on after the greeting.
    Skipped,
    /// The public, by one of the two names for it (RFC 1635).
    Anonymous {
        /// `anonymous` or `ftp`.
        user: Box<str>,
    },
    /// Somebody known to the server.
    User {
        /// The name, without control characters.
        user: Box<str>,
        /// The password, without control characters; it may be empty.
        password: Secret,
    },
}

impl Login {
    /// The name of the public where the test gives none.
    pub const ANONYMOUS: &'static str = "anonymous";

    /// Whether a name is one of those that stand for the public.
    #[must_use]
    pub fn is_public(user: &str) -> bool {
        user.eq_ignore_ascii_case(Self::ANONYMOUS) || user.eq_ignore_ascii_case("ftp")
    }
}

/// A file or directory on the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemotePath(Box<str>);

impl RemotePath {
    /// The path as commands name it: a directory without the slash at its end.
    #[must_use]
    pub fn name(&self) -> &str {
        match self.0.trim_end_matches('/') {
            "" => "/",
            name if self.is_directory() => name,
            _ => &self.0,
        }
    }

    /// Whether it is a directory, which its last slash says.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.0.ends_with('/')
    }
}

impl Options {
    pub(crate) fn write(&self, exposure: Exposure) -> Object {
        let mut object = Object::new();
        let mut set = |name: &str, value: serde_json::Value| {
            object.insert(name.to_owned(), value);
        };
        set("tls", json!(self.security.as_str()));
        match &self.login {
            Login::Skipped => set("no_login", json!(true)),
            Login::Anonymous { user } if **user == *Login::ANONYMOUS => set("anonymous", json!(true)),
            Login::Anonymous { user } => set("user", json!(user)),
            Login::User { user, password } => {
                set("user", json!(user));
                set("password", json!(exposure.of(password)));
            }
        }
        if let Some(path) = self.path.as_ref().filter(|_| !self.is_path_in_target) {
            set("path", json!(path.0));
        }
        if self.is_listed {
            set("list", json!(true));
        }
        self.tls.write(&mut object);
        object
    }
}
