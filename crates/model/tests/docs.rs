//! The reference page of each test type carries a table made from its field descriptions.
//! `cargo xtask renew` writes the tables anew.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::{env, fmt::Write, fs, path::PathBuf};

use watchkeep_model::{Field, Shape, Test, TestType};

const BEGIN: &str = "<!-- fields: begin -->\n";
const END: &str = "<!-- fields: end -->\n";

fn row(field: &Field, prefix: &str) -> String {
    let value = match field.shape {
        Shape::Text | Shape::LongText | Shape::Secret => "text".to_owned(),
        Shape::Span => "duration".to_owned(),
        Shape::Size => "size".to_owned(),
        Shape::Number => "number".to_owned(),
        Shape::Numbers => "list of numbers".to_owned(),
        Shape::Flag => "true or false".to_owned(),
        Shape::Choice(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        Shape::List => "list of texts".to_owned(),
        Shape::Headers => "object of texts".to_owned(),
    };
    let default = if field.default.is_empty() { "–".to_owned() } else { format!("`{}`", field.default) };
    format!("| `{prefix}{}` | `--{}` | {value} | {default} | {} |\n", field.name, field.flag_name(), field.help)
}

fn table(test_type: TestType) -> String {
    let mut text = String::from("| field | flag | value | default | meaning |\n|---|---|---|---|---|\n");
    for field in Test::FIELDS {
        write!(text, "{}", row(field, "")).unwrap();
    }
    for field in test_type.fields() {
        write!(text, "{}", row(field, &format!("{test_type}.", test_type = test_type.as_str()))).unwrap();
    }
    text
}

#[test]
fn every_test_type_has_a_page_with_its_fields() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/tests");
    for &test_type in TestType::ALL {
        let path = folder.join(format!("{}.md", test_type.as_str()));
        let page = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (before, rest) = page.split_once(BEGIN).unwrap_or_else(|| panic!("{} lacks {BEGIN}", path.display()));
        let (current, after) = rest.split_once(END).unwrap_or_else(|| panic!("{} lacks {END}", path.display()));
        let expected = table(test_type);
        if env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&path, format!("{before}{BEGIN}{expected}{END}{after}")).unwrap();
        } else {
            assert_eq!(current, expected, "{} is stale; `cargo xtask renew` writes it anew", path.display());
        }
    }
}
