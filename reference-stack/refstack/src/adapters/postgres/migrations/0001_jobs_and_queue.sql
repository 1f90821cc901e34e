-- Jobs and queue live in one database, so that a state change and its message are one transaction. Times are milliseconds since
-- 1970, by the clocks of the processes that write.
CREATE TABLE job (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'dead-lettered', 'cancelled')),
    patient_id TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 1,
    done INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    result TEXT,
    error TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE INDEX job_expiry ON job (expires_at) WHERE expires_at IS NOT NULL;

-- Whatever a program does, a final state stays final.
CREATE FUNCTION job_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a job in a final state cannot change its state';
END $$;
CREATE TRIGGER job_final BEFORE UPDATE OF state ON job FOR EACH ROW
WHEN (OLD.state IN ('succeeded', 'failed', 'dead-lettered', 'cancelled') AND NEW.state <> OLD.state)
EXECUTE FUNCTION job_final();

-- Counted as they change: a gauge must not read a million rows. Each connection counts in rows of its own, because one row for
-- all of them would make every transaction wait for the one before it. Sweeping folds the rows of connections that have ended.
CREATE TABLE job_count (
    backend INTEGER NOT NULL,
    state TEXT NOT NULL,
    jobs BIGINT NOT NULL,
    PRIMARY KEY (backend, state)
);
CREATE FUNCTION job_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO job_count AS c VALUES (pg_backend_pid(), OLD.state, -1)
        ON CONFLICT (backend, state) DO UPDATE SET jobs = c.jobs - 1;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO job_count AS c VALUES (pg_backend_pid(), NEW.state, 1)
        ON CONFLICT (backend, state) DO UPDATE SET jobs = c.jobs + 1;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER job_counted AFTER INSERT OR DELETE ON job FOR EACH ROW EXECUTE FUNCTION job_counted();
CREATE TRIGGER job_moved AFTER UPDATE OF state ON job FOR EACH ROW WHEN (NEW.state <> OLD.state) EXECUTE FUNCTION job_counted();

CREATE TABLE msg (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    queue TEXT NOT NULL,
    job TEXT,
    body BYTEA NOT NULL,
    state TEXT NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'leased', 'dead')),
    visible_at BIGINT NOT NULL,
    lease_token TEXT,
    lease_until BIGINT,
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    -- When a broker confirmed that it has it; only where one carries messages.
    sent_at BIGINT
);
CREATE INDEX msg_ready ON msg (queue, visible_at, id) WHERE state = 'ready';
CREATE INDEX msg_leased ON msg (queue, lease_until) WHERE state = 'leased';
CREATE INDEX msg_dead ON msg (queue) WHERE state = 'dead';
CREATE INDEX msg_job ON msg (job) WHERE job IS NOT NULL;
CREATE INDEX msg_unsent ON msg (queue, visible_at) WHERE sent_at IS NULL AND state <> 'leased';

-- Messages moved per second, for rates that every process tells alike; by connection for the reason given above.
CREATE TABLE flow (
    queue TEXT NOT NULL,
    second BIGINT NOT NULL,
    backend INTEGER NOT NULL,
    published BIGINT NOT NULL,
    delivered BIGINT NOT NULL,
    PRIMARY KEY (queue, second, backend)
);

CREATE TABLE idempotency (
    key TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    lease_until BIGINT NOT NULL,
    digest TEXT,
    job TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX idempotency_age ON idempotency (created_at);

-- Tells the messages of this database from those of another on the same broker.
CREATE TABLE stack (identity TEXT NOT NULL);
INSERT INTO stack VALUES (gen_random_uuid());
