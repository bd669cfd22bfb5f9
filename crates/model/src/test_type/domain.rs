//! The domain test: its options and how they are written; `read` validates them, `observed` is what it saw.
//! Settings that are wrong have no code of their own here: nothing is tested, and 600 says so.

mod observed;
mod read;
mod registrable;

use serde_json::json;
use url::Url;
use watchkeep_catalogue::{StatusCode, domain};

pub use observed::{Listing, Observed, Remark, Source};
pub(crate) use read::read;

use crate::{Endpoint, Exposure, Field, HostName, Object, Shape, WarnDays};

/// The code of a test whose time limits cannot be used.
pub(crate) const LIMITS_CODE: StatusCode = domain::SETTINGS_UNUSABLE;

/// What a person may set.
pub const FIELDS: &[Field] = &[
    Field {
        name: "rdap",
        flag: None,
        label: "RDAP server",
        help: "The URL of the RDAP service to ask instead of the registry's own.",
        default: "",
        shape: Shape::Text,
    },
    Field {
        name: "whois",
        flag: None,
        label: "WHOIS server",
        help: "HOST or HOST:PORT of the WHOIS server to ask instead of the registry's own.",
        default: "",
        shape: Shape::Text,
    },
    Field {
        name: "blocklists",
        flag: Some("blocklist"),
        label: "Blocklists",
        help: "Zones of DNS blocklists for domain names; being on one of them is 512.",
        default: "",
        shape: Shape::List,
    },
    Field {
        name: "warn_days",
        flag: None,
        label: "Days of warning",
        help: "How many days before the domain expires an event tells of it, 0 to 365 each.",
        default: WarnDays::DEFAULT_TEXT,
        shape: Shape::Numbers,
    },
];

/// Valid options of a domain test.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The name that the target gives.
    pub asked: HostName,
    /// The name that is registered: the target, or what it lies under.
    pub domain: Box<str>,
    /// The RDAP service to ask, without credentials and fragment; its path ends in a slash.
    pub rdap: Option<Url>,
    /// The WHOIS server to ask.
    pub whois: Option<Endpoint>,
    /// The blocklists to ask.
    pub blocklists: Vec<HostName>,
    /// When contacts are told of the end.
    pub warn_days: WarnDays,
}

impl Options {
    /// The object that is read back as the same options.
    pub(crate) fn write(&self, _: Exposure) -> Object {
        let mut object = Object::new();
        let mut set = |name: &str, value: serde_json::Value| {
            object.insert(name.to_owned(), value);
        };
        if let Some(rdap) = &self.rdap {
            set("rdap", json!(rdap.as_str()));
        }
        if let Some(whois) = &self.whois {
            set("whois", json!(whois.to_string()));
        }
        if !self.blocklists.is_empty() {
            set("blocklists", self.blocklists.iter().map(ToString::to_string).collect());
        }
        set("warn_days", json!(self.warn_days.days()));
        object
    }
}
