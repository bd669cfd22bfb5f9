//! A monitor: a test with its schedule, its confirmation, and who is told.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;
use watchkeep_catalogue::{Family, StatusCode, certificate, domain, find, server, service};

use crate::{
    ContactId, Exposure, Field, Invalid, Label, Lifecycle, LocationName, MonitorId, Name, Object, OrgId, Reader, Shape,
    Span, Test,
};

/// How a failure is confirmed before it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirm {
    /// Re-tests that must fail too, 0 to 10.
    pub retries: u16,
    /// The pause before each re-test.
    pub delay: Span,
    /// How many locations must agree; never more than the monitor has.
    pub locations: u16,
}

impl Default for Confirm {
    fn default() -> Self {
        Self { retries: 1, delay: Span::seconds(2), locations: 1 }
    }
}

/// What a user decides about a monitor.
#[derive(Clone, Debug, PartialEq)]
pub struct MonitorSettings {
    /// What people call it.
    pub name: Name,
    /// What is tested; shared with the robots that test it.
    pub test: Arc<Test>,
    /// Time between two tests.
    pub interval: Span,
    /// The locations that test it, at least one, each once.
    pub locations: Vec<LocationName>,
    /// How a failure is confirmed.
    pub confirm: Confirm,
    /// Labels to filter by.
    pub tags: Vec<Label>,
    /// Who is told.
    pub contacts: Vec<ContactId>,
}

impl Confirm {
    /// Its fields, for forms and reference pages.
    pub const FIELDS: &'static [Field] = &[
        Field {
            name: "retries",
            flag: None,
            label: "Re-tests",
            help: "How many must fail too before a failure counts, 0 to 10.",
            default: "1",
            shape: Shape::Number,
        },
        Field {
            name: "delay",
            flag: None,
            label: "Pause before a re-test",
            help: "How long to wait before each re-test, 5m at most.",
            default: "2s",
            shape: Shape::Span,
        },
        Field {
            name: "locations",
            flag: None,
            label: "Agreeing locations",
            help: "How many locations must agree, at most as many as test it.",
            default: "1",
            shape: Shape::Number,
        },
    ];
}

impl MonitorSettings {
    /// The fields that every monitor has beside its test's, for forms and reference pages.
    pub const FIELDS: &'static [Field] = &[
        Field {
            name: "name",
            flag: None,
            label: "Name",
            help: "What people call it, 1 to 200 characters.",
            default: "",
            shape: Shape::Text,
        },
        Field {
            name: "interval",
            flag: None,
            label: "Interval",
            help: "Time between two tests, 1s to 7d; when left out, what is usual for the type: 1m for most.",
            default: "",
            shape: Shape::Span,
        },
        Field {
            name: "tags",
            flag: None,
            label: "Tags",
            help: "Labels to filter by: lower-case letters, digits and -_.:",
            default: "",
            shape: Shape::List,
        },
    ];

    /// The shortest interval: below it a site would be loaded rather than watched.
    pub const SHORTEST_INTERVAL: Span = Span::seconds(1);
    /// The longest interval.
    pub const LONGEST_INTERVAL: Span = Span::seconds(7 * 86_400);

    /// Reads the settings and whether the monitor starts active, from an object that holds nothing else.
    ///
    /// # Errors
    /// Every problem found.
    pub fn parse(object: Object) -> Result<(Self, Lifecycle), Invalid> {
        let mut reader = Reader::new(object);
        let lifecycle = match reader.flag("active") {
            Some(false) => Lifecycle::Created,
            _ => Lifecycle::Active,
        };
        let settings = Self::read(&mut reader);
        match (settings, Invalid::check(reader.into_problems())) {
            (Some(settings), Ok(())) => Ok((settings, lifecycle)),
            (_, Err(invalid)) => Err(invalid),
            (None, Ok(())) => Err(Invalid::one("", "this is not a complete monitor")),
        }
    }

    fn read(reader: &mut Reader) -> Option<Self> {
        let name = reader.parse::<Name>("name");
        if name.is_none() && reader.problem_count() == 0 {
            reader.problem("name", "is missing; say what people call this monitor");
        }
        let interval = reader.parse::<Span>("interval");
        let mut locations =
            reader.list::<LocationName>("locations", 100).unwrap_or_else(|| vec![LocationName::local()]);
        locations.sort();
        locations.dedup();
        if locations.is_empty() {
            reader.problem("locations", "must name one location at least");
        }
        let confirm = reader.nested("confirm", |inner| {
            let default = Confirm::default();
            let number =
                |found: Option<u64>, default: u16| found.and_then(|n| u16::try_from(n).ok()).unwrap_or(default);
            let retries = number(inner.number("retries", 0, 10), default.retries);
            let delay = inner.parse::<Span>("delay").unwrap_or(default.delay);
            if delay > Span::seconds(300) {
                inner.problem("delay", "must be 5m at most");
            }
            let most = locations.len().max(1) as u64;
            Confirm { retries, delay, locations: number(inner.number("locations", 1, most), default.locations) }
        });
        let mut tags = reader.list::<Label>("tags", 50).unwrap_or_default();
        tags.sort();
        tags.dedup();
        let mut contacts = reader.list::<ContactId>("contacts", 50).unwrap_or_default();
        contacts.sort();
        contacts.dedup();
        let test = Test::read(reader);
        let usual = test.as_ref().map_or(Span::seconds(60), |test| test.options.test_type().usual_interval());
        let interval = interval.unwrap_or(usual);
        if !(Self::SHORTEST_INTERVAL..=Self::LONGEST_INTERVAL).contains(&interval) {
            reader.problem(
                "interval",
                format_args!("must be from {} to {}", Self::SHORTEST_INTERVAL, Self::LONGEST_INTERVAL),
            );
        }
        Some(Self { name: name?, test: Arc::new(test?), interval, locations, confirm, tags, contacts })
    }

    /// The object that [`MonitorSettings::parse`] reads back as the same settings (for [`Exposure::Stored`]).
    #[must_use]
    pub fn write(&self, exposure: Exposure) -> Object {
        let mut object = self.test.write(exposure);
        let mut set = |name: &str, value: serde_json::Value| {
            object.insert(name.to_owned(), value);
        };
        set("name", json!(self.name));
        set("interval", json!(self.interval));
        set("locations", json!(self.locations));
        set(
            "confirm",
            json!({"retries": self.confirm.retries, "delay": self.confirm.delay, "locations": self.confirm.locations}),
        );
        set("tags", json!(self.tags));
        set("contacts", json!(self.contacts));
        object
    }
}

/// A monitor as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Monitor {
    /// Its identifier.
    pub id: MonitorId,
    /// Its owner.
    pub org: OrgId,
    /// What the user decided.
    pub settings: MonitorSettings,
    /// When it was made.
    pub created_at: Timestamp,
    /// Counts the changes of the settings; the API's `ETag`.
    pub version: u64,
}

impl Monitor {
    /// The family of its codes.
    #[must_use]
    pub fn family(&self) -> Family {
        self.settings.test.subject.family
    }
}

/// The code and sentence for a stored test that this version cannot run, an older robot given a newer
/// test for instance. The code is one of the test's family.
#[must_use]
pub fn unusable(invalid: &Invalid, family: Family) -> (StatusCode, String) {
    let of_family = invalid.code().filter(|code| find(family, *code).is_some());
    let code = of_family.unwrap_or(match family {
        Family::Service => service::NOT_ENOUGH_PARAMETERS,
        Family::Server => server::SETTINGS_UNUSABLE,
        Family::Certificate => certificate::SETTINGS_UNUSABLE,
        Family::Domain => domain::SETTINGS_UNUSABLE,
    });
    (code, invalid.to_string())
}
