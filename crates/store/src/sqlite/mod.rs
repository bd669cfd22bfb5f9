//! The embedded engine: SQLite with one writer thread and a few readers. Queries are split by noun.

mod accounts;
mod columns;
mod commit;
mod contacts;
mod history;
mod monitors;
mod outbox;
mod past;
mod results;
mod threads;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use crate::{
    StoreError,
    series::head::Bounds,
    vault::{Place, Vault},
};

use self::{
    columns::{execute, get, row},
    results::Results,
    threads::{Readers, Writer},
};

/// The schema's steps, oldest first; a step that was released is never changed.
const STEPS: [&str; 1] = [include_str!("../migrations/0001_first.sql")];
const DATABASE: &str = "watchkeep.db";
const LOCK: &str = "watchkeep.lock";
const READERS: usize = 2;
/// Memory for pages, KiB, of the connection that writes and of each that reads; the system keeps more of them.
const CACHES: (u32, u32) = (8_000, 2_000);

/// What is kept, in one folder of this machine.
pub struct SqliteStore {
    writer: Writer,
    readers: Readers,
    results: Arc<Results>,
    vault: Arc<Vault>,
    /// Held while the store lives: a second process must not write beside us.
    _lock: File,
}

impl SqliteStore {
    /// Opens the store in `folder`, which is made if it does not exist, and brings its schema up to date.
    ///
    /// # Errors
    /// When the folder cannot be used, another process has it open, a newer version wrote it, or the key of its
    /// secrets is missing.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        make_private(folder)?;
        let lock = lock(folder)?;
        let path = folder.join(DATABASE);
        let mut connection = connect(&path, CACHES.0)?;
        let vault = prove(&connection, schema(&connection)?, folder)?;
        migrate(&mut connection)?;
        keep_proof(&connection, &vault)?;
        let results = Arc::new(Results::recover(&connection, Bounds::default())?);
        accounts::ensure_org(&connection)?;
        let readers = (0..READERS).map(|_| connect(&path, CACHES.1)).collect::<Result<Vec<_>, _>>()?;
        let (writer, readers) = (Writer::start(connection)?, Readers::start(readers)?);
        Ok(Self { writer, readers, results, vault: Arc::new(vault), _lock: lock })
    }
}

fn engine(doing: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |error| StoreError::Engine { doing, reason: error.to_string() }
}

/// Makes the folder if it does not exist, and the database's file; both for nobody else's eyes. A folder that
/// exists is left as its owner made it.
fn make_private(folder: &Path) -> Result<(), StoreError> {
    let failed = |error: std::io::Error| StoreError::Engine {
        doing: "use its folder",
        reason: format!("{}: {error}; choose a folder that can be written to, with --data-dir", folder.display()),
    };
    let mut make = fs::DirBuilder::new();
    let mut open = File::options();
    open.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
        make.mode(0o700);
        open.mode(0o600);
    }
    make.recursive(true).create(folder).map_err(failed)?;
    // The engine gives its other files the rights of this one.
    open.open(folder.join(DATABASE)).map(drop).map_err(failed)
}

fn lock(folder: &Path) -> Result<File, StoreError> {
    let path: PathBuf = folder.join(LOCK);
    let failed = |reason: String| StoreError::Engine { doing: "lock its folder", reason };
    let file = File::create(&path).map_err(|error| failed(format!("{}: {error}", path.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => {
            Err(failed(format!("another watchkeep uses {}; stop it or choose another --data-dir", folder.display())))
        }
        Err(fs::TryLockError::Error(error)) => Err(failed(format!("{}: {error}", path.display()))),
    }
}

fn connect(path: &Path, cache: u32) -> Result<Connection, StoreError> {
    let connection = Connection::open(path).map_err(engine("open its file"))?;
    // auto_vacuum must be set before the first table; the others are per connection.
    connection
        .execute_batch(&format!(
            "PRAGMA busy_timeout = 5000; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -{cache}; PRAGMA temp_store = MEMORY;",
        ))
        .map_err(engine("set itself up"))?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

/// How many steps of the schema were taken; none in a new database.
fn schema(connection: &Connection) -> Result<u32, StoreError> {
    let found: u32 =
        connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(engine("tell its schema"))?;
    let known = STEPS.len() as u32;
    if found > known { Err(StoreError::NewerSchema { found, known }) } else { Ok(found) }
}

const PROOF: Place<'_> = Place { column: "vault.proof", id: "" };

/// The vault of a folder, whose key is the one of the database. Where nothing was encrypted yet, a key is made.
fn prove(connection: &Connection, schema: u32, folder: &Path) -> Result<Vault, StoreError> {
    let read = |row: &rusqlite::Row<'_>| get::<Vec<u8>>(row, "proof");
    let proof = if schema == 0 { None } else { row(connection, "SELECT proof FROM vault", [], read)? };
    let Some(proof) = proof else {
        if !Vault::exists(folder) {
            Vault::make(folder)?;
        }
        return Vault::open(folder);
    };
    let vault = Vault::open(folder)?;
    match vault.unlock(PROOF, &proof) {
        Ok(_) => Ok(vault),
        Err(_) => Err(vault.is_another()),
    }
}

fn keep_proof(connection: &Connection, vault: &Vault) -> Result<(), StoreError> {
    let sql = "INSERT INTO vault (only, proof) VALUES (1, $1) ON CONFLICT DO NOTHING";
    execute(connection, "note its key", sql, [vault.lock(PROOF, "")?]).map(drop)
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let steps = Migrations::new(STEPS.iter().map(|step| M::up(step)).collect());
    steps
        .to_latest(connection)
        .map_err(|error| StoreError::Engine { doing: "bring its schema up to date", reason: error.to_string() })
}
