-- Version 1. Every table has a small integer n as its row id where others
-- refer to it; ids that leave the database (cell, stage key, attempt) are text.
-- No STRICT tables: the sqlite3 of old clusters has to read this file.

-- A plan is an experiment file as it was expanded once. The cells of an
-- experiment are those of its current plan.
CREATE TABLE plan (
  n           INTEGER PRIMARY KEY,
  experiment  TEXT NOT NULL,
  description TEXT NOT NULL,
  file_hash   TEXT NOT NULL,
  hash        TEXT NOT NULL,             -- of everything in the plan but its time
  created     TEXT NOT NULL,
  current     INTEGER NOT NULL
);
CREATE UNIQUE INDEX plan_current ON plan(experiment) WHERE current = 1;

-- A cell is one point with one seed. A cell that left the experiment keeps the
-- number of the last plan that had it.
CREATE TABLE cell (
  n             INTEGER PRIMARY KEY,
  experiment    TEXT NOT NULL,
  id            TEXT NOT NULL,
  plan          INTEGER NOT NULL REFERENCES plan(n),
  position      INTEGER NOT NULL,        -- its place in the plan
  seed          INTEGER NOT NULL,
  label         TEXT NOT NULL,
  patch         INTEGER NOT NULL,
  block         INTEGER NOT NULL,
  rollout_depth INTEGER NOT NULL,        -- of training
  state         INTEGER NOT NULL,
  params_json   TEXT NOT NULL,
  UNIQUE (experiment, id)
);
CREATE INDEX cell_plan ON cell(plan, position);

-- A stage is content-addressed work. attempt is its newest attempt that ended
-- well and latest its newest of any outcome, kept up to date by ingest so that
-- the views need no window function.
CREATE TABLE stage (
  n        INTEGER PRIMARY KEY,
  key      TEXT NOT NULL UNIQUE,
  kind     TEXT NOT NULL,
  config   TEXT,                         -- NULL while only an attempt is known
  attempt  INTEGER REFERENCES attempt(n),
  latest   INTEGER REFERENCES attempt(n),
  severity INTEGER NOT NULL DEFAULT 1    -- of its outcome: 0 ok 1 pending 2 blocked 3 interrupted 4 timeout 5 oom 6 crash 7 invalid
);
CREATE INDEX stage_attempt ON stage(attempt) WHERE attempt IS NOT NULL;
CREATE INDEX stage_latest ON stage(latest) WHERE latest IS NOT NULL;

CREATE TABLE stage_input (
  stage INTEGER NOT NULL REFERENCES stage(n),
  input INTEGER NOT NULL REFERENCES stage(n),
  PRIMARY KEY (stage, input)
) WITHOUT ROWID;

CREATE TABLE cell_stage (
  cell  INTEGER NOT NULL REFERENCES cell(n),
  kind  TEXT NOT NULL,
  stage INTEGER NOT NULL REFERENCES stage(n),
  PRIMARY KEY (cell, kind)
) WITHOUT ROWID;
CREATE INDEX cell_stage_stage ON cell_stage(stage);

CREATE TABLE environment (
  n            INTEGER PRIMARY KEY,
  id           TEXT NOT NULL UNIQUE,     -- hash of json
  cpu          TEXT NOT NULL,
  cores        INTEGER NOT NULL,
  memory_bytes INTEGER NOT NULL,
  os           TEXT NOT NULL,
  gpu          TEXT NOT NULL,
  git_revision TEXT NOT NULL,
  git_dirty    INTEGER NOT NULL,
  json         TEXT NOT NULL             -- all of it
);

-- An origin is a device in an environment, reduced to what must not be mixed.
CREATE TABLE origin (
  n           INTEGER PRIMARY KEY,
  device      TEXT NOT NULL,             -- as it was asked for: cpu, cuda:0
  environment INTEGER NOT NULL REFERENCES environment(n),
  class       TEXT NOT NULL,             -- kind and model of the hardware
  code        TEXT NOT NULL,             -- git revision, +dirty
  UNIQUE (device, environment)
);

CREATE TABLE protocol (
  n    INTEGER PRIMARY KEY,
  text TEXT NOT NULL UNIQUE              -- key=value; key=value
);

CREATE TABLE attempt (
  n        INTEGER PRIMARY KEY,
  id       TEXT NOT NULL UNIQUE,
  stage    INTEGER NOT NULL REFERENCES stage(n),
  cell     TEXT NOT NULL,                -- on whose behalf; the cell need not be known here
  outcome  TEXT NOT NULL,
  reason   TEXT NOT NULL,
  log      TEXT NOT NULL,
  started  TEXT NOT NULL,
  finished TEXT NOT NULL,
  origin   INTEGER NOT NULL REFERENCES origin(n),
  protocol TEXT NOT NULL,                -- JSON object as the worker gave it
  digest   TEXT NOT NULL                 -- SHA-256 of the whole attempt
);
CREATE INDEX attempt_stage ON attempt(stage, finished, id);
CREATE INDEX attempt_cell ON attempt(cell); -- what a cell ran before its stages changed

CREATE TABLE value (
  attempt  INTEGER NOT NULL REFERENCES attempt(n),
  metric   TEXT NOT NULL,
  protocol INTEGER NOT NULL REFERENCES protocol(n),
  unit     TEXT NOT NULL,
  value    REAL NOT NULL,
  lo       REAL,
  hi       REAL,
  n        INTEGER NOT NULL,
  PRIMARY KEY (attempt, metric, protocol)
) WITHOUT ROWID;

CREATE TABLE sample (
  attempt  INTEGER NOT NULL REFERENCES attempt(n),
  position INTEGER NOT NULL,
  metric   TEXT NOT NULL,
  unit     TEXT NOT NULL,
  round    INTEGER NOT NULL,
  value    REAL NOT NULL,
  PRIMARY KEY (attempt, position)
) WITHOUT ROWID;

CREATE TABLE artifact (
  attempt INTEGER NOT NULL REFERENCES attempt(n),
  name    TEXT NOT NULL,
  sha256  TEXT NOT NULL,
  bytes   INTEGER NOT NULL,
  PRIMARY KEY (attempt, name)
) WITHOUT ROWID;
CREATE INDEX artifact_sha256 ON artifact(sha256);

-- The columns of the two views are a promise. CROSS JOIN fixes the order of
-- the joins in SQLite: the planner has no statistics here and would otherwise
-- start from value for a query by metric.
CREATE VIEW cells AS
SELECT c.experiment, c.id AS cell, c.seed, c.patch, c.block, c.rollout_depth, c.state, c.params_json,
  CASE coalesce((SELECT max(s.severity) FROM cell_stage cs JOIN stage s ON s.n = cs.stage WHERE cs.cell = c.n), 1)
    WHEN 0 THEN 'ok' WHEN 1 THEN 'pending' WHEN 2 THEN 'blocked' WHEN 3 THEN 'interrupted'
    WHEN 4 THEN 'timeout' WHEN 5 THEN 'oom' WHEN 6 THEN 'crash' ELSE 'invalid' END AS outcome
FROM plan p CROSS JOIN cell c ON c.plan = p.n
WHERE p.current = 1;

CREATE VIEW results AS
SELECT c.experiment, c.id AS cell, c.seed, v.metric, v.unit, v.value, v.lo, v.hi, v.n,
  pr.text AS protocol, a.id AS attempt, a.outcome, a.finished AS created_at
FROM plan p
CROSS JOIN cell c ON c.plan = p.n
CROSS JOIN cell_stage cs ON cs.cell = c.n
CROSS JOIN stage s ON s.n = cs.stage
CROSS JOIN attempt a ON a.n = s.attempt
CROSS JOIN value v ON v.attempt = a.n
CROSS JOIN protocol pr ON pr.n = v.protocol
WHERE p.current = 1;
