//! `watchkeep check`: one test now, no server needed.

use std::{process::ExitCode, sync::Arc};

use clap::{Arg, ArgAction, ArgMatches, Command};
use jiff::Timestamp;
use watchkeep_catalogue::Severity;
use watchkeep_model::{Invalid, LocationName, Test, TestResult, TestSubject, TestType};
use watchkeep_probe::{Prober, ProberOptions, refused};

use crate::{UNUSABLE, flags, output, report};

pub(crate) fn command() -> Command {
    Command::new("check")
        .about("Runs one test now and tells what it found")
        .after_help(
            "Examples:\n  \
             watchkeep check https://example.org/\n  \
             watchkeep check https://shop.example/ --require Cart --forbid '/fatal error/i' --slow-after 2s\n  \
             watchkeep check https://api.example/health --json-path '$.status=ok' --bearer \"$TOKEN\" --json\n\n\
             Exit status: 0 operational, 1 degraded or down, 2 misconfigured or wrong usage.\n\
             `watchkeep codes CODE` explains a status.",
        )
        .arg(Arg::new("target").value_name("TARGET").required(true).help("What to test, such as https://example.org/"))
        .arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Print the result as one JSON object"))
        .args(flags::of_tests())
}

pub(crate) fn run(arguments: &ArgMatches) -> Result<ExitCode, String> {
    let target = arguments.get_one::<String>("target").map(String::as_str).unwrap_or_default();
    let is_json = arguments.get_flag("json");
    let result = match prepare(arguments, target) {
        Ok(test) => execute(&test)?,
        Err(Refused { word, test_type, invalid }) => {
            let subject = TestSubject { family: test_type.family(), test_type: word.into(), target: target.into() };
            let result = refused(Arc::new(subject), &invalid, &LocationName::local(), Timestamp::now());
            if is_json {
                print_json(&result)?;
            }
            return Err(refusal(arguments, test_type, &invalid));
        }
    };
    if is_json {
        print_json(&result)?;
    } else {
        output::print(&report::text(&result));
    }
    Ok(exit_code(&result))
}

fn print_json(result: &TestResult) -> Result<(), String> {
    output::print(&output::json(result).map_err(|error| error.to_string())?);
    Ok(())
}

/// Arguments that describe no test.
struct Refused {
    /// The word for the type that was wanted.
    word: String,
    /// That type, or the one that explains the flags.
    test_type: TestType,
    invalid: Invalid,
}

/// The test that the arguments describe.
fn prepare(arguments: &ArgMatches, target: &str) -> Result<Test, Refused> {
    // Anything else is taken for a web address, whose parser knows what to say about it.
    let test_type = TestType::of_target(target).unwrap_or(TestType::Http);
    let refused = |invalid| Refused { word: test_type.as_str().to_owned(), test_type, invalid };
    let object = flags::object(arguments, test_type, target).map_err(|message| refused(Invalid::one("", message)))?;
    Test::parse(object).map_err(refused)
}

/// What is wrong, in the words of the command line: flags instead of fields, the first reason for each.
fn refusal(arguments: &ArgMatches, test_type: TestType, invalid: &Invalid) -> String {
    let mut told = Vec::new();
    let mut sentences = Vec::new();
    for problem in invalid.problems() {
        if !told.contains(&&problem.field) {
            told.push(&problem.field);
            sentences.push(match flags::typed(arguments, test_type, &problem.field) {
                Some(typed) => format!("{typed}: {}", problem.message),
                None => problem.to_string(),
            });
        }
    }
    sentences.join("; ")
}

fn execute(test: &Test) -> Result<TestResult, String> {
    let prober = Prober::new(ProberOptions::default()).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the system gives no event loop: {error}"))?;
    Ok(runtime.block_on(prober.run(test, &LocationName::local())))
}

fn exit_code(result: &TestResult) -> ExitCode {
    match result.verdict.code.severity(result.subject.family) {
        Severity::Operational => ExitCode::SUCCESS,
        Severity::Misconfigured => ExitCode::from(UNUSABLE),
        Severity::Inactive | Severity::Pending | Severity::Degraded | Severity::Down => ExitCode::FAILURE,
    }
}
