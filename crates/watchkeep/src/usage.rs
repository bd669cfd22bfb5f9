//! What is wrong with a command line, in one sentence: which argument, why, and where help is.
//! The parser's own texts span lines and repeat what was typed whatever its length.

use clap::{
    Error,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::output::{inert, short};

/// The sentence, without a line break or anything else that steers a terminal. `command` is the one that was
/// typed, where it is one.
pub(crate) fn sentence(error: &Error, command: Option<&str>) -> String {
    let what = match error.kind() {
        ErrorKind::UnknownArgument => unknown(error),
        ErrorKind::InvalidSubcommand => {
            let command = text(error, ContextKind::InvalidSubcommand);
            format!("there is no command {}{}", short(&command), hint(error, ContextKind::SuggestedSubcommand))
        }
        ErrorKind::MissingRequiredArgument => format!("{} is missing", name(error)),
        ErrorKind::TooManyValues => format!("{} takes no value", name(error)),
        ErrorKind::InvalidValue => invalid(error),
        ErrorKind::ValueValidation => {
            let reason = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            format!("{}: {}", name(error), inert(&reason))
        }
        ErrorKind::ArgumentConflict => format!("{} stands twice; give it once", name(error)),
        ErrorKind::InvalidUtf8 => "an argument has characters that are not UTF-8".to_owned(),
        _ => first_line(error),
    };
    let command = command.map(|command| format!(" {command}")).unwrap_or_default();
    format!("{what}; `watchkeep{command} --help` explains the usage")
}

fn text(error: &Error, kind: ContextKind) -> String {
    match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        Some(ContextValue::StyledStr(text)) => text.to_string(),
        _ => String::new(),
    }
}

/// The argument alone: without the placeholder of its value, and without brackets where it is a placeholder.
fn name(error: &Error) -> String {
    let text = text(error, ContextKind::InvalidArg);
    short(text.split(' ').next().unwrap_or_default().trim_matches(['<', '>', '[', ']']))
}

fn unknown(error: &Error) -> String {
    let argument = text(error, ContextKind::InvalidArg);
    let shown = short(&argument);
    if argument.starts_with('-') {
        format!("{shown} is not known here{}", hint(error, ContextKind::SuggestedArg))
    } else {
        format!("{shown} is one argument too many")
    }
}

fn hint(error: &Error, kind: ContextKind) -> String {
    let suggested = text(error, kind);
    if suggested.is_empty() { String::new() } else { format!(" (did you mean {}?)", inert(&suggested)) }
}

fn invalid(error: &Error) -> String {
    let value = text(error, ContextKind::InvalidValue);
    if value.is_empty() {
        return format!("{} needs a value", name(error));
    }
    format!("{} must be one of {}, not {}", name(error), text(error, ContextKind::ValidValue), short(&value))
}

fn first_line(error: &Error) -> String {
    let rendered = error.render().to_string();
    short(rendered.lines().next().unwrap_or_default().trim_start_matches("error: "))
}
