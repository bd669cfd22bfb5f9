//! The catalogue's table: every entry, the sections, and a named constant per code.
//! The names of the constants are the names of the codes in capitals.

use std::fmt::Write;

use super::NOTICE;
use crate::sections::{Code, Family, Section, camel};

pub(super) fn text(sections: &[Section]) -> String {
    let mut out = format!("//! The table of all status codes.\n{NOTICE}\n");
    out += "use crate::{Entry, Family, Severity, StatusCode};\n\n";
    section_enum(&mut out, sections);
    let mut entries: Vec<(Family, &Code, &Section)> = Vec::new();
    for section in sections {
        for code in &section.codes {
            entries.extend(code.families().map(|family| (family, code, section)));
        }
    }
    entries.sort_by_key(|(family, code, _)| (*family, code.code));
    out += "/// Every entry, ordered by family and code.\npub(crate) static ENTRIES: &[Entry] = &[\n";
    for (family, code, section) in &entries {
        let Code { code: number, name, severity, summary, explanation, remedy, since, .. } = code;
        let _ = writeln!(
            out,
            "Entry {{ family: Family::{family:?}, code: StatusCode::new({number}), section: Section::{}, name: {name:?}, \
             summary: {summary:?}, severity: Severity::{severity:?}, explanation: {explanation:?}, remedy: {remedy:?}, since: {since:?} }},",
            camel(&section.name),
        );
    }
    out += "];\n\n";
    for family in Family::ALL {
        let word = family.as_str();
        let _ =
            writeln!(out, "/// The codes of the {word} family by name.\npub mod {word} {{\nuse crate::StatusCode;\n");
        for (_, code, _) in entries.iter().filter(|(other, ..)| *other == family) {
            let constant = code.name.to_ascii_uppercase();
            let _ = writeln!(
                out,
                "/// {}\npub const {constant}: StatusCode = StatusCode::new({});",
                code.summary, code.code
            );
        }
        out += "}\n\n";
    }
    out
}

fn section_enum(out: &mut String, sections: &[Section]) {
    *out += "/// The parts of the catalogue.\n#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]\npub enum Section {\n";
    for section in sections {
        let _ = writeln!(out, "/// {}\n{},", section.description, camel(&section.name));
    }
    *out += "}\n\nimpl Section {\n/// All sections, in the order in which people read them.\npub const ALL: &'static [Self] = &[";
    for section in sections {
        let _ = write!(out, "Self::{},", camel(&section.name));
    }
    *out += "];\n\n";
    method(
        out,
        "The word that names it; also the name of its test type, where it has one.",
        "as_str",
        sections,
        |section| &section.name,
    );
    method(out, "What people call it.", "title", sections, |section| &section.title);
    method(out, "What it covers.", "description", sections, |section| &section.description);
    *out += "/// The section that a word names, if any.\n#[must_use]\npub fn parse(word: &str) -> Option<Self> {\n\
             Self::ALL.iter().copied().find(|section| section.as_str() == word)\n}\n}\n\n";
}

fn method(out: &mut String, doc: &str, name: &str, sections: &[Section], value: impl Fn(&Section) -> &String) {
    let _ = writeln!(out, "/// {doc}\n#[must_use]\npub const fn {name}(self) -> &'static str {{\nmatch self {{");
    for section in sections {
        let _ = writeln!(out, "Self::{} => {:?},", camel(&section.name), value(section));
    }
    *out += "}\n}\n\n";
}
