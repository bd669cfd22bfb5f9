//! The registration of the test types in `probe`: modules and the one match that runs a test.
//! `probe/src/test_type/<name>.rs` runs one type; this only names them all, in alphabetical order.

use std::fmt::Write;

use super::{NOTICE, test_types};
use crate::sections::{Section, camel};

pub(super) fn text(sections: &[Section]) -> String {
    let types = test_types(sections);
    let mut out = format!("//! The registration of the test types: which module runs which options.\n{NOTICE}\n");
    for (section, _) in &types {
        let _ = writeln!(out, "mod {};", section.name);
    }
    out += "\nuse watchkeep_model::{Observed, Options, Test};\n\nuse crate::{Finding, Prober};\n\n\
            /// Runs a test of whatever type it is. Boxed, so that a test takes the room of its own type and not of the largest.\n\
            pub(crate) async fn run(prober: &Prober, test: &Test) -> Finding<Observed> {\nmatch &test.options {\n";
    for (section, _) in &types {
        let name = &section.name;
        let variant = camel(name);
        let _ = writeln!(
            out,
            "Options::{variant}(options) => Box::pin({name}::run(prober, test, options)).await.map(Observed::{variant}),"
        );
    }
    out += "}\n}\n";
    out
}
