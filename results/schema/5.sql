-- Version 5. There are families of models, and not each has patches, blocks, a
-- rollout depth or a state: these columns are NULL for cells of one that has not.
-- What was swept is read by the view params, whatever the family.

DROP VIEW cells;
DROP VIEW results;
DROP VIEW estimates;

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
  UNIQUE (experiment, id)
);
INSERT INTO new_cell(n, experiment, id, plan, position, seed, label, patch, block, rollout_depth, state, params_json)
SELECT n, experiment, id, plan, position, seed, label, patch, block, rollout_depth, state, params_json FROM cell ORDER BY n;
DROP TABLE cell;
ALTER TABLE new_cell RENAME TO cell;
CREATE INDEX cell_plan ON cell(plan, position);

-- These three are as they were.
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
