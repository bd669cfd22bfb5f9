-- Everything belongs to an organisation. Keys inside are integers; the text ids are what users see.
-- Times are microseconds since 1970.

-- Something encrypted, to tell whether a key is the one of this database.
CREATE TABLE vault (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    proof BLOB NOT NULL
) STRICT;

CREATE TABLE org (
    id TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE monitor (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    org TEXT NOT NULL REFERENCES org,
    name TEXT NOT NULL,
    family TEXT NOT NULL,
    -- Encrypted, because it holds secrets.
    settings BLOB NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX monitor_by_org ON monitor (org, id);

CREATE TABLE monitor_state (
    monitor INTEGER PRIMARY KEY REFERENCES monitor ON DELETE CASCADE,
    revision INTEGER NOT NULL,
    state TEXT NOT NULL
) STRICT;

-- The status as users saw it: each row stands until the next of its monitor.
CREATE TABLE status_interval (
    monitor INTEGER NOT NULL REFERENCES monitor ON DELETE CASCADE,
    since INTEGER NOT NULL,
    code INTEGER NOT NULL,
    PRIMARY KEY (monitor, since)
) STRICT, WITHOUT ROWID;

CREATE TABLE incident (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    org TEXT NOT NULL REFERENCES org,
    monitor INTEGER NOT NULL REFERENCES monitor ON DELETE CASCADE,
    code INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    resolved_at INTEGER,
    entries TEXT NOT NULL
) STRICT;
CREATE INDEX incident_by_org ON incident (org, seq);
CREATE INDEX incident_by_monitor ON incident (monitor, seq);
CREATE INDEX incident_open ON incident (org, seq) WHERE resolved_at IS NULL;

-- History, and at the same time the outbox: `waiting` is 1 until the event is routed to its deliveries.
CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    org TEXT NOT NULL REFERENCES org,
    monitor INTEGER REFERENCES monitor ON DELETE CASCADE,
    kind TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    about TEXT,
    waiting INTEGER NOT NULL
) STRICT;
CREATE INDEX event_waiting ON event (seq) WHERE waiting = 1;
CREATE INDEX event_by_org ON event (org, seq);
CREATE INDEX event_by_monitor ON event (monitor, seq);

CREATE TABLE contact (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL REFERENCES org,
    name TEXT NOT NULL,
    -- Encrypted, because they are or hold secrets.
    channels BLOB NOT NULL,
    webhook_token BLOB NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX contact_by_org ON contact (org, id);

CREATE TABLE delivery (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    org TEXT NOT NULL REFERENCES org,
    event TEXT NOT NULL,
    contact TEXT NOT NULL REFERENCES contact ON DELETE CASCADE,
    channel TEXT NOT NULL,
    monitor TEXT,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- The next try while waiting; otherwise the end.
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'failed')),
    at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    last_outcome TEXT
) STRICT;
CREATE INDEX delivery_waiting ON delivery (at) WHERE state = 'waiting';
CREATE INDEX delivery_due ON delivery (channel, at) WHERE state = 'waiting';
CREATE INDEX delivery_queue ON delivery (channel, monitor, seq) WHERE state = 'waiting';
CREATE INDEX delivery_by_org ON delivery (org, seq);

CREATE TABLE user (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL REFERENCES org,
    name TEXT NOT NULL,
    -- The name in lower case: what signing in goes by.
    sign_in TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE session (
    hash BLOB PRIMARY KEY,
    user TEXT NOT NULL REFERENCES user ON DELETE CASCADE,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE token (
    id TEXT PRIMARY KEY,
    org TEXT NOT NULL REFERENCES org,
    name TEXT NOT NULL,
    scope TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT;

CREATE TABLE setup_link (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    hash BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE robot_mark (
    robot TEXT PRIMARY KEY,
    epoch INTEGER NOT NULL,
    number INTEGER NOT NULL
) STRICT;

-- Results not yet sealed, one row per commit; and sealed ones, in compressed blocks of one monitor.
-- Blocks hold all of their monitor's results from head rows before `upto`.
CREATE TABLE head (
    seq INTEGER PRIMARY KEY,
    data BLOB NOT NULL
) STRICT;

CREATE TABLE block (
    id INTEGER PRIMARY KEY,
    monitor INTEGER NOT NULL,
    -- The starts of the oldest and the newest result.
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    upto INTEGER NOT NULL,
    data BLOB NOT NULL
) STRICT;
CREATE INDEX block_by_time ON block (monitor, last, first);
-- For start-up: what was sealed since the oldest head row.
CREATE INDEX block_by_row ON block (upto, monitor);
