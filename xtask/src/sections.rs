//! The catalogue's sections, `crates/catalogue/sections/*.toml`: what one holds, and how all are read.
//! Their rules are in `sections/rules.rs`.

pub(crate) mod rules;

use std::{fs, path::Path};

use serde::Deserialize;

/// What kind of thing a code speaks of. The variants and their words are those of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Family {
    Service,
    Server,
    Certificate,
    Domain,
}

impl Family {
    pub(crate) const ALL: [Self; 4] = [Self::Service, Self::Server, Self::Certificate, Self::Domain];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Server => "server",
            Self::Certificate => "certificate",
            Self::Domain => "domain",
        }
    }
}

/// How much a code matters. The variants and their words are those of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    Operational,
    Inactive,
    Pending,
    Misconfigured,
    Degraded,
    Down,
}

impl Severity {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Operational => "operational",
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Misconfigured => "misconfigured",
            Self::Degraded => "degraded",
            Self::Down => "down",
        }
    }
}

/// One file of the catalogue.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Section {
    /// The name of the file, of the test type, and of its modules in `model` and `probe`.
    #[serde(rename = "section")]
    pub(crate) name: String,
    pub(crate) title: String,
    /// Sections are read by people in this order.
    order: u16,
    pub(crate) description: String,
    pub(crate) test: Option<TestType>,
    #[serde(rename = "code")]
    pub(crate) codes: Vec<Code>,
}

/// Present where the section has a working test type, named like the section.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TestType {
    #[serde(rename = "type")]
    name: String,
    pub(crate) family: Family,
    pub(crate) schemes: Vec<String>,
    pub(crate) title: String,
    /// The usual time between two tests, such as `1m`.
    pub(crate) interval: String,
    /// A target as one might look.
    pub(crate) example: String,
}

/// One code, in one family or several.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Code {
    family: Option<Family>,
    #[serde(default)]
    families: Vec<Family>,
    pub(crate) code: i16,
    pub(crate) name: String,
    pub(crate) severity: Severity,
    pub(crate) summary: String,
    pub(crate) explanation: String,
    pub(crate) remedy: String,
    pub(crate) since: String,
}

impl Code {
    pub(crate) fn families(&self) -> impl Iterator<Item = Family> {
        self.family.iter().chain(&self.families).copied()
    }
}

/// Every section, in the order in which people read them. Fails with every problem of every section, a line each.
pub(crate) fn read(root: &Path) -> Result<Vec<Section>, String> {
    let folder = root.join("crates/catalogue/sections");
    let unreadable = |path: &Path, error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let mut sections = Vec::new();
    let mut problems = Vec::new();
    for file in fs::read_dir(&folder).map_err(|error| unreadable(&folder, &error))? {
        let path = file.map_err(|error| unreadable(&folder, &error))?.path();
        let text = fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
        match toml::from_str::<Section>(&text) {
            Ok(section) => {
                if path.file_name().is_none_or(|name| *name != *format!("{}.toml", section.name)) {
                    problems.push(format!("{}: calls itself section {:?}", path.display(), section.name));
                }
                sections.push(section);
            }
            Err(error) => problems.push(unreadable(&path, &error)),
        }
    }
    sections.sort_by(|a, b| (a.order, &a.name).cmp(&(b.order, &b.name)));
    if problems.is_empty() {
        problems = rules::problems(&sections);
    }
    if problems.is_empty() { Ok(sections) } else { Err(problems.join("\n")) }
}

/// `snake_case` to `CamelCase`.
pub(crate) fn camel(name: &str) -> String {
    name.split('_')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
        })
        .collect()
}
