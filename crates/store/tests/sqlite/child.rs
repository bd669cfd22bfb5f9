//! This test program started once more, as another process that does one thing to a folder.
//! What it is to do comes by environment variables; without them its test does nothing.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use watchkeep_store::SqliteStore;

use crate::kill;

const FOLDER: &str = "WATCHKEEP_TEST_CHILD_FOLDER";
const TASK: &str = "WATCHKEEP_TEST_CHILD_TASK";

/// What the child does.
#[derive(Clone, Copy, Debug)]
pub enum Task {
    /// Opens the store and says how that went.
    Open,
    /// Commits without end and says the number of each result that is acknowledged.
    Commit,
}

/// Starts the child; its standard output is piped.
pub fn start(task: Task, folder: &Path) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "child::the_child", "--nocapture", "--test-threads", "1"])
        .env(FOLDER, folder)
        .env(TASK, format!("{task:?}"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn the_child() {
    let (Some(folder), Ok(task)) = (env::var_os(FOLDER).map(PathBuf::from), env::var(TASK)) else { return };
    match task.as_str() {
        "Open" => match SqliteStore::open(&folder) {
            Ok(_) => println!("\nopened"),
            Err(error) => println!("\n{error}"),
        },
        "Commit" => kill::commit_without_end(&folder),
        other => panic!("unknown task {other}"),
    }
}
