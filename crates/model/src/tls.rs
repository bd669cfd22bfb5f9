//! TLS as tests ask for it and see it; shared by every test type that speaks it.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::Serialize;
use serde_json::json;

use crate::{Field, Object, Reader, Shape};

/// A version of TLS that a test may ask for as the lowest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// TLS 1.2
    Tls12,
    /// TLS 1.3
    Tls13,
}

impl TlsVersion {
    /// The number as people write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tls12 => "1.2",
            Self::Tls13 => "1.3",
        }
    }
}

impl FromStr for TlsVersion {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "1.2" => Ok(Self::Tls12),
            "1.3" => Ok(Self::Tls13),
            _ => Err("must be 1.2 or 1.3; browsers accept nothing older"),
        }
    }
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether the server's certificate is verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verification {
    /// As a browser would.
    #[default]
    Full,
    /// Any certificate will do.
    None,
}

/// What a test asks of TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// Whether the server's certificate is verified.
    pub verification: Verification,
    /// PEM file with the trusted CAs; the public ones when absent.
    pub ca_file: Option<Box<str>>,
    /// PEM file with a client certificate and its key.
    pub client_cert: Option<Box<str>>,
    /// The oldest version that is good enough; what browsers accept when absent.
    pub minimum: Option<TlsVersion>,
}

impl TlsSettings {
    /// The field of [`Self::ca_file`].
    pub const CA_FILE: Field = Field {
        name: "ca_file",
        flag: None,
        label: "CA file",
        help: "A PEM file on the robot whose certificates are trusted instead of the public CAs.",
        default: "",
        shape: Shape::Text,
    };
    /// The field of [`Self::verification`].
    pub const INSECURE: Field = Field {
        name: "insecure",
        flag: None,
        label: "Accept any certificate",
        help: "Do not verify the server's certificate.",
        default: "false",
        shape: Shape::Flag,
    };
    /// The field of [`Self::client_cert`].
    pub const CLIENT_CERT: Field = Field {
        name: "client_cert",
        flag: None,
        label: "Client certificate",
        help: "A PEM file on the robot with a certificate and its private key.",
        default: "",
        shape: Shape::Text,
    };
    /// The field of [`Self::minimum`].
    pub const TLS_MIN: Field = Field {
        name: "tls_min",
        flag: None,
        label: "Lowest TLS version",
        help: "Refuse anything older, although browsers may accept it.",
        default: "",
        shape: Shape::Choice(&["1.2", "1.3"]),
    };

    /// Reads the fields `ca_file`, `insecure`, `client_cert` and `tls_min`.
    pub(crate) fn read(reader: &mut Reader) -> Self {
        Self {
            ca_file: reader.text("ca_file").map(String::into_boxed_str),
            verification: if reader.flag("insecure") == Some(true) { Verification::None } else { Verification::Full },
            client_cert: reader.text("client_cert").map(String::into_boxed_str),
            minimum: reader.parse("tls_min"),
        }
    }

    /// Writes them, those at their default excepted.
    pub(crate) fn write(&self, object: &mut Object) {
        let mut set = |name: &str, value: serde_json::Value| {
            object.insert(name.to_owned(), value);
        };
        if let Some(file) = &self.ca_file {
            set("ca_file", json!(file));
        }
        if self.verification == Verification::None {
            set("insecure", json!(true));
        }
        if let Some(file) = &self.client_cert {
            set("client_cert", json!(file));
        }
        if let Some(version) = self.minimum {
            set("tls_min", json!(version.as_str()));
        }
    }
}

/// What was negotiated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TlsSession {
    /// `TLSv1.3`, `TLSv1.2`.
    pub version: &'static str,
    /// The cipher suite by its IANA name, or OpenSSL's where legacy.
    pub cipher: Cow<'static, str>,
    /// The application protocol agreed by ALPN.
    pub alpn: Option<&'static str>,
    /// True where only a suite that modern libraries refuse, and browsers still accept, was in common.
    pub legacy: bool,
}

impl TlsSession {
    /// Version and cipher, for people.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{} {}", self.version, self.cipher)
    }
}
