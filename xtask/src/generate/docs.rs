//! The page `docs/status-codes.md`: per section a table, then an entry for each code.
//! An entry is addressed by its key: `#service-451`.

use std::fmt::Write;

use super::NOTICE_IN_PAGES;
use crate::sections::{Code, Section};

const INTRODUCTION: &str = "
# Status codes

Every test and every report ends in one status code. `watchkeep codes 451` shows an entry of this page on the command line, and
`GET /api/v1/status-codes` gives all of them to programs.

- A number never changes its meaning and is never used again for another.
- The same number may stand in two families: the key is the family and the code.
- Numbers from 600 on are Watchkeep's own extensions; those below are fixed.
- Beside the code a result carries a *detail*: what exactly was seen this time.

| severity | means | opens an incident |
|---|---|---|
| operational | every condition was met | no |
| inactive | nobody watches: not yet activated, or paused | no |
| pending | activated, no result yet | no |
| misconfigured | the test itself cannot run; this says nothing about the target | no |
| degraded | it answers, and not as it should | yes |
| down | it does not do its job | yes |

";

pub(super) fn text(sections: &[Section]) -> String {
    let mut out = format!("{NOTICE_IN_PAGES}{INTRODUCTION}Sections: ");
    let links: Vec<_> = sections.iter().map(|section| format!("[{}](#{})", section.title, section.name)).collect();
    let _ = writeln!(out, "{}.", links.join(", "));
    for section in sections {
        let _ = write!(
            out,
            "\n## <a id=\"{}\"></a>{}\n\n{}\n\n| code | family | meaning | severity | name |\n|---|---|---|---|---|\n",
            section.name, section.title, section.description
        );
        for code in &section.codes {
            row(&mut out, code);
        }
        for code in &section.codes {
            entry(&mut out, code);
        }
    }
    out
}

fn row(out: &mut String, code: &Code) {
    let families: Vec<_> = code.families().map(|family| family.as_str()).collect();
    let Code { code: number, name, severity, summary, .. } = code;
    let anchor = families.first().copied().unwrap_or_default();
    let _ = writeln!(
        out,
        "| [{number}](#{anchor}-{number}) | {} | {summary} | {} | `{name}` |",
        families.join(", "),
        severity.as_str()
    );
}

fn entry(out: &mut String, code: &Code) {
    let Code { code: number, name, severity, summary, explanation, remedy, since, .. } = code;
    let families: Vec<_> = code.families().map(|family| family.as_str()).collect();
    let anchors: String = families.iter().map(|family| format!("<a id=\"{family}-{number}\"></a>")).collect();
    let extension = if *number >= 600 { " · extension" } else { "" };
    let title = summary.trim_end_matches('.');
    let _ = write!(
        out,
        "\n### {anchors}{number}: {title}\n\n`{name}` · {} · {} · since {since}{extension}\n\n{explanation}\n\n**What to do:** {remedy}\n",
        severity.as_str(),
        families.join(", "),
    );
}
