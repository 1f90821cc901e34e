-- One file holds jobs and queue, so that a state change and its message are one transaction. Times are milliseconds since 1970.
CREATE TABLE job (
    id TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'dead-lettered', 'cancelled')),
    patient_id TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 1,
    done INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    result TEXT,
    error TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT;
CREATE INDEX job_expiry ON job (expires_at) WHERE expires_at IS NOT NULL;

-- Whatever a program does, a final state stays final.
CREATE TRIGGER job_final BEFORE UPDATE OF state ON job
WHEN OLD.state IN ('succeeded', 'failed', 'dead-lettered', 'cancelled') AND NEW.state <> OLD.state
BEGIN
    SELECT RAISE(ABORT, 'a job in a final state cannot change its state');
END;

-- Counted as they change: a gauge must not read a million rows.
CREATE TABLE job_count (state TEXT PRIMARY KEY NOT NULL, jobs INTEGER NOT NULL) STRICT;
CREATE TRIGGER job_added AFTER INSERT ON job BEGIN
    INSERT INTO job_count (state, jobs) VALUES (NEW.state, 1) ON CONFLICT (state) DO UPDATE SET jobs = jobs + 1;
END;
CREATE TRIGGER job_removed AFTER DELETE ON job BEGIN
    UPDATE job_count SET jobs = jobs - 1 WHERE state = OLD.state;
END;
CREATE TRIGGER job_moved AFTER UPDATE OF state ON job WHEN NEW.state <> OLD.state BEGIN
    UPDATE job_count SET jobs = jobs - 1 WHERE state = OLD.state;
    INSERT INTO job_count (state, jobs) VALUES (NEW.state, 1) ON CONFLICT (state) DO UPDATE SET jobs = jobs + 1;
END;

CREATE TABLE msg (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    job TEXT,
    body BLOB NOT NULL,
    state TEXT NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'leased', 'dead')),
    visible_at INTEGER NOT NULL,
    lease_token TEXT,
    lease_until INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT
) STRICT;
CREATE INDEX msg_ready ON msg (queue, visible_at, id) WHERE state = 'ready';
CREATE INDEX msg_leased ON msg (queue, lease_until) WHERE state = 'leased';
CREATE INDEX msg_dead ON msg (queue) WHERE state = 'dead';
CREATE INDEX msg_job ON msg (job) WHERE job IS NOT NULL;

-- Messages moved per second, for rates that every process tells alike.
CREATE TABLE flow (
    queue TEXT NOT NULL,
    second INTEGER NOT NULL,
    published INTEGER NOT NULL DEFAULT 0,
    delivered INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (queue, second)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency (
    key TEXT PRIMARY KEY NOT NULL,
    owner TEXT NOT NULL,
    lease_until INTEGER NOT NULL,
    digest TEXT,
    job TEXT,
    created_at INTEGER NOT NULL
) STRICT;

PRAGMA user_version = 1;
