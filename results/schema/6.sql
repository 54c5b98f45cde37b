-- Version 6. Every plan that an experiment had stays whole, as a version of its
-- name: what is planned under the name later has cells of its own, and takes
-- nothing away. current marks the version that the views show.

ALTER TABLE plan ADD COLUMN version INTEGER NOT NULL DEFAULT 0;  -- 1, 2, … of its name; 0 where later plans took all of its cells
ALTER TABLE plan ADD COLUMN tag TEXT NOT NULL DEFAULT '';        -- its name for people
ALTER TABLE plan ADD COLUMN source TEXT NOT NULL DEFAULT '';     -- the file that it came from, '' where it is not known
ALTER TABLE plan ADD COLUMN narrowed TEXT NOT NULL DEFAULT '';   -- what set it apart from the file's own plan, '' for the whole file
ALTER TABLE plan ADD COLUMN content TEXT NOT NULL DEFAULT '';    -- hash of its cells and their stages, '' before version 6
ALTER TABLE plan ADD COLUMN ids TEXT NOT NULL DEFAULT '';        -- hash of the cells' ids, likewise
ALTER TABLE plan ADD COLUMN used INTEGER NOT NULL DEFAULT 0;     -- order of the last runs
ALTER TABLE plan ADD COLUMN partial INTEGER NOT NULL DEFAULT 0;  -- 1: from before version 6, without the cells that later plans took
ALTER TABLE plan ADD COLUMN removed TEXT NOT NULL DEFAULT '';    -- when it was removed: garbage may be made of what it alone needs

UPDATE plan SET used = n, partial = 1 - current;
UPDATE plan SET version = numbered.version FROM (
  SELECT n, row_number() OVER (PARTITION BY experiment ORDER BY n) AS version FROM plan p
  WHERE p.current = 1 OR EXISTS (SELECT 1 FROM cell c WHERE c.plan = p.n)) numbered
WHERE numbered.n = plan.n;
CREATE UNIQUE INDEX plan_version ON plan(experiment, version) WHERE version > 0;

DROP VIEW cells;
DROP VIEW results;
DROP VIEW estimates;
DROP VIEW params;

-- A cell stands once in each version that has it.
CREATE TABLE new_cell (
  n             INTEGER PRIMARY KEY,
  experiment    TEXT NOT NULL,
  id            TEXT NOT NULL,
  plan          INTEGER NOT NULL REFERENCES plan(n),
  position      INTEGER NOT NULL,        -- its place in the plan
  seed          INTEGER NOT NULL,
  label         TEXT NOT NULL,
  patch         INTEGER,
  block         INTEGER,
  rollout_depth INTEGER,                 -- of training
  state         INTEGER,
  params_json   TEXT NOT NULL,
  UNIQUE (plan, id)
);
INSERT INTO new_cell(n, experiment, id, plan, position, seed, label, patch, block, rollout_depth, state, params_json)
SELECT n, experiment, id, plan, position, seed, label, patch, block, rollout_depth, state, params_json FROM cell ORDER BY n;
DROP TABLE cell;
ALTER TABLE new_cell RENAME TO cell;
CREATE INDEX cell_plan ON cell(plan, position);

-- These four are as they were.
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

CREATE VIEW estimates AS
SELECT c.experiment, c.id AS cell, c.seed, v.metric, v.unit, v.value, v.lo, v.hi,
  CASE v.method WHEN '' THEN 'none' ELSE v.method END AS method, v.n, pr.text AS protocol, a.id AS attempt
FROM plan p
CROSS JOIN cell c ON c.plan = p.n
CROSS JOIN cell_stage cs ON cs.cell = c.n
CROSS JOIN stage s ON s.n = cs.stage
CROSS JOIN attempt a ON a.n = s.attempt
CROSS JOIN value v ON v.attempt = a.n
CROSS JOIN protocol pr ON pr.n = v.protocol
WHERE p.current = 1;

-- One row for each cell and swept key; its columns are a promise as well.
CREATE VIEW params AS
SELECT c.experiment, c.id AS cell, j.key, j.value
FROM plan p CROSS JOIN cell c ON c.plan = p.n CROSS JOIN json_each(c.params_json) j
WHERE p.current = 1;
