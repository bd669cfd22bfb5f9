//! The registration of the test types in `model`: modules, the enums over them, and the matches.
//! `model/src/test_type/<name>.rs` has what one type adds; this only names them all, in alphabetical order.

use std::fmt::Write;

use super::{NOTICE, test_types};
use crate::sections::{Section, camel, rules::seconds};

pub(super) fn text(sections: &[Section]) -> String {
    let types = test_types(sections);
    let mut out = format!("//! The registration of the test types, one module each.\n{NOTICE}\n");
    for (section, _) in &types {
        let _ = writeln!(out, "pub mod {};", section.name);
    }
    out += "\nuse serde::Serialize;\nuse watchkeep_catalogue::{Family, StatusCode};\n\nuse crate::{Exposure, Field, Limits, Object, Reader, Span};\n\n";
    let variants = |out: &mut String, payload: &str| {
        for (section, test) in &types {
            let payload = payload.replace('%', &section.name);
            let _ = writeln!(out, "/// {}.\n{}{payload},", test.title, camel(&section.name));
        }
    };
    out += "/// A type of test that this version knows.\n#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]\npub enum TestType {\n";
    variants(&mut out, "");
    out += "}\n\nimpl TestType {\n/// All of them, in the order of the catalogue.\npub const ALL: &'static [Self] = &[";
    for section in sections.iter().filter(|section| section.test.is_some()) {
        let _ = write!(out, "Self::{},", camel(&section.name));
    }
    out += "];\n\n";
    let mut method = |doc: &str, signature: &str, arm: &dyn Fn(&Section, &crate::sections::TestType) -> String| {
        let _ = writeln!(out, "/// {doc}\n{signature} {{\nmatch self {{");
        for (section, test) in &types {
            let _ = writeln!(out, "Self::{} => {},", camel(&section.name), arm(section, test));
        }
        out += "}\n}\n\n";
    };
    method(
        "The word used in configuration, API and results.",
        "#[must_use]\npub const fn as_str(self) -> &'static str",
        &|section, _| format!("{:?}", section.name),
    );
    method("What people call it.", "#[must_use]\npub const fn title(self) -> &'static str", &|_, test| {
        format!("{:?}", test.title)
    });
    method(
        "The usual time between two tests.",
        "#[must_use]\npub const fn usual_interval(self) -> Span",
        &|_, test| format!("Span::seconds({})", seconds(&test.interval).unwrap_or_default()),
    );
    method("A target as one might look.", "#[must_use]\npub const fn example(self) -> &'static str", &|_, test| {
        format!("{:?}", test.example)
    });
    method("The family of its codes.", "#[must_use]\npub const fn family(self) -> Family", &|_, test| {
        format!("Family::{:?}", test.family)
    });
    method(
        "The URL schemes by which `watchkeep check` recognises its targets.",
        "#[must_use]\npub const fn schemes(self) -> &'static [&'static str]",
        &|_, test| format!("&{:?}", test.schemes),
    );
    method(
        "The fields of its options, for forms, flags and reference pages.",
        "#[must_use]\npub const fn fields(self) -> &'static [Field]",
        &|section, _| format!("{}::FIELDS", section.name),
    );
    method(
        "The code of a test whose time limits cannot be used.",
        "pub(crate) const fn limits_code(self) -> StatusCode",
        &|section, _| format!("{}::LIMITS_CODE", section.name),
    );
    method(
        "The canonical target and the options, read from a test's object.",
        "pub(crate) fn read(self, target: Option<&str>, limits: Limits, reader: &mut Reader) -> Option<(String, Options)>",
        &|section, _| {
            let name = &section.name;
            format!(
                "{name}::read(target, limits, reader).map(|(target, options)| (target, Options::{}(options)))",
                camel(name)
            )
        },
    );
    out += "/// The type that a word names, if any.\n#[must_use]\npub fn parse(word: &str) -> Option<Self> {\n\
            Self::ALL.iter().copied().find(|known| known.as_str() == word)\n}\n}\n\n";
    // Whether the lint has something to say depends on which types there are.
    let sizes = "#[allow(clippy::large_enum_variant, reason = \"the largest is the most usual one\")]\n";
    let _ = write!(
        out,
        "/// What each type adds to a test.\n#[derive(Clone, Debug, PartialEq)]\n{sizes}pub enum Options {{\n"
    );
    variants(&mut out, "(%::Options)");
    out += "}\n\nimpl Options {\n/// The object that is read back as the same options.\n\
            pub(crate) fn write(&self, exposure: Exposure) -> Object {\nmatch self {\n";
    for (section, _) in &types {
        let _ = writeln!(out, "Self::{}(options) => options.write(exposure),", camel(&section.name));
    }
    out +=
        "}\n}\n\n/// Whose options they are.\n#[must_use]\npub const fn test_type(&self) -> TestType {\nmatch self {\n";
    for (section, _) in &types {
        let _ = writeln!(out, "Self::{0}(_) => TestType::{0},", camel(&section.name));
    }
    out += "}\n}\n}\n\n/// What each type saw.\n#[derive(Clone, Debug, Default, PartialEq, Serialize)]\n#[serde(untagged)]\n";
    out += sizes;
    out += "pub enum Observed {\n/// The test did not come far enough to see anything.\n#[default]\nNothing,\n";
    variants(&mut out, "(%::Observed)");
    out += "}\n\nimpl Observed {\n/// The same for people, a line each.\n#[must_use]\n\
            pub fn lines(&self) -> Vec<String> {\nmatch self {\nSelf::Nothing => Vec::new(),\n";
    for (section, _) in &types {
        let _ = writeln!(out, "Self::{}(seen) => seen.lines(),", camel(&section.name));
    }
    out += "}\n}\n}\n";
    out
}
