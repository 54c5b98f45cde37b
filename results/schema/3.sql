-- Version 3. A value says what its interval is over. Until now whoever read one
-- guessed it from the kind of its stage, and was wrong for half of the kinds.

-- What the intervals of a metric were over while values did not say: needed
-- once for the rows that are here, and whenever an older result comes in.
CREATE TABLE old_method (
  metric TEXT PRIMARY KEY,
  method TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO old_method(metric, method) VALUES
  ('fid_proxy', 'jackknife'), ('kid', 'jackknife'), ('precision', 'jackknife'), ('recall', 'jackknife'),
  ('fid_proxy_floor', 'jackknife'), ('kid_floor', 'jackknife'), ('precision_floor', 'jackknife'), ('recall_floor', 'jackknife'),
  ('fid_prefix_0', 'jackknife'), ('fid_prefix_25', 'jackknife'), ('fid_prefix_50', 'jackknife'), ('fid_prefix_75', 'jackknife'),
  ('fid_prefix_100', 'jackknife'), ('fid_mosaic', 'jackknife'), ('seam_index', 'jackknife'),
  ('nearest_distance', 'jackknife'), ('nearest_distance_real', 'jackknife'), ('nearest_ratio', 'jackknife'), ('near_share', 'jackknife'),
  ('class_accuracy', 'wilson'), ('probe_accuracy', 'wilson'), ('probe_accuracy_untrained', 'wilson'),
  ('throughput', 'rounds'), ('latency', 'rounds'), ('first_block_latency', 'rounds'), ('train_throughput', 'rounds'), ('mfu', 'rounds'),
  ('memory_peak', 'rounds'), ('memory_model', 'rounds'), ('memory_cache', 'rounds'), ('memory_activations', 'rounds'),
  ('params', 'rounds'), ('ar_steps', 'rounds'), ('nfe', 'rounds'), ('flops_image', 'rounds'), ('peak_flops', 'rounds'), ('cpu_frequency', 'rounds'),
  ('foreign_load', 'rounds'), ('foreign_load_worst', 'rounds'), ('stolen_load', 'rounds'),
  ('device_clock', 'rounds'), ('device_clock_share', 'rounds'), ('device_temperature', 'rounds'), ('device_power', 'rounds'),
  ('device_others', 'rounds'), ('joules_image', 'rounds');

-- The table is written anew: adding to every row in its place would leave its
-- pages half empty. An interval without width was how a value without one used
-- to be written; lo and hi stay, the method is none.
DROP VIEW results;
ALTER TABLE value RENAME TO old_value;
CREATE TABLE value (
  attempt  INTEGER NOT NULL REFERENCES attempt(n),
  metric   TEXT NOT NULL,
  protocol INTEGER NOT NULL REFERENCES protocol(n),
  unit     TEXT NOT NULL,
  value    REAL NOT NULL,
  lo       REAL,
  hi       REAL,
  n        INTEGER NOT NULL,
  method   TEXT NOT NULL DEFAULT '',     -- jackknife, wilson, rounds, …; '' where there is no interval
  PRIMARY KEY (attempt, metric, protocol)
) WITHOUT ROWID;
INSERT INTO value(attempt, metric, protocol, unit, value, lo, hi, n, method)
SELECT v.attempt, v.metric, v.protocol, v.unit, v.value, v.lo, v.hi, v.n,
  CASE WHEN v.lo < v.hi THEN coalesce(o.method, 'unstated') ELSE '' END
FROM old_value v LEFT JOIN old_method o ON o.metric = v.metric
ORDER BY v.attempt, v.metric, v.protocol;
DROP TABLE old_value;

-- results is as it was; estimates has the method as well.
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
