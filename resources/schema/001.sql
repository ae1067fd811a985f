-- The first schema. Later versions are steps of their own (002.sql ...); this file never changes once released.
-- Text times are ISO 8601 in UTC. Sizes are bytes.

CREATE TABLE hosts (
  id           INTEGER PRIMARY KEY,
  name         TEXT NOT NULL,
  cpu          TEXT NOT NULL,
  isa          TEXT NOT NULL,
  kernel       TEXT NOT NULL,
  cores        INTEGER NOT NULL,
  memory_bytes INTEGER NOT NULL,
  UNIQUE (name, cpu, isa, kernel, cores, memory_bytes)
) STRICT;

CREATE TABLE models (
  id           INTEGER PRIMARY KEY,
  fingerprint  TEXT NOT NULL UNIQUE,
  path         TEXT NOT NULL,
  name         TEXT NOT NULL,
  architecture TEXT NOT NULL,
  format       TEXT NOT NULL,
  parameters   INTEGER NOT NULL,
  file_bytes   INTEGER NOT NULL
) STRICT;

CREATE TABLE plans (
  id        INTEGER PRIMARY KEY,
  canonical TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE sweeps (
  id      INTEGER PRIMARY KEY,
  name    TEXT NOT NULL,
  created TEXT NOT NULL,
  text    TEXT NOT NULL,
  plans   INTEGER NOT NULL
) STRICT;

CREATE TABLE runs (
  id               INTEGER PRIMARY KEY,
  key              TEXT NOT NULL,
  model            INTEGER NOT NULL REFERENCES models (id),
  host             INTEGER NOT NULL REFERENCES hosts (id),
  plan             INTEGER NOT NULL REFERENCES plans (id),
  sweep            INTEGER REFERENCES sweeps (id),           -- the one that made it
  command_line     TEXT NOT NULL,
  task             TEXT NOT NULL,
  data_fingerprint TEXT NOT NULL DEFAULT '',
  seed             INTEGER NOT NULL,
  state            TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'refused', 'cancelled', 'interrupted')),
  failure_kind     TEXT NOT NULL DEFAULT '',
  message          TEXT NOT NULL DEFAULT '',
  engine_version   TEXT NOT NULL,
  process          TEXT NOT NULL DEFAULT '',                 -- who runs it: host, boot, process id and its start
  started          TEXT NOT NULL DEFAULT '',
  finished         TEXT NOT NULL DEFAULT '',
  noisy            INTEGER NOT NULL DEFAULT 0 CHECK (noisy IN (0, 1)),
  note             TEXT NOT NULL DEFAULT '',
  archived         INTEGER NOT NULL DEFAULT 0 CHECK (archived IN (0, 1))
) STRICT;
CREATE INDEX runs_by_key ON runs (key);
CREATE INDEX runs_by_state ON runs (state);

-- A sweep also shows runs that an earlier one measured.
CREATE TABLE sweep_runs (
  sweep INTEGER NOT NULL REFERENCES sweeps (id) ON DELETE CASCADE,
  run   INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  PRIMARY KEY (sweep, run)
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
  run   INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  name  TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;

-- NULL in value: the measurement was not a finite number.
CREATE TABLE metrics (
  run    INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  name   TEXT NOT NULL,
  value  REAL,
  stderr REAL,
  n      INTEGER,
  PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE samples (
  run   INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  item  INTEGER NOT NULL,
  name  TEXT NOT NULL,
  value REAL,
  PRIMARY KEY (run, item, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE engaged (
  run   INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  name  TEXT NOT NULL,
  value REAL,
  PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;
