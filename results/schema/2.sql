-- Version 2. Configurations and logs are long, and almost no query wants them:
-- they move out of the rows that every query reads. A finished sweep of 100,000
-- cells has a quarter of a gigabyte less to go through.

CREATE TABLE stage_config (
  stage  INTEGER PRIMARY KEY REFERENCES stage(n),
  config TEXT NOT NULL                   -- JSON; no row while only an attempt is known
);
INSERT INTO stage_config(stage, config) SELECT n, config FROM stage WHERE config IS NOT NULL ORDER BY n;
ALTER TABLE stage DROP COLUMN config;

CREATE TABLE attempt_log (
  attempt INTEGER PRIMARY KEY REFERENCES attempt(n),
  log     TEXT NOT NULL                  -- no row for an empty one
);
INSERT INTO attempt_log(attempt, log) SELECT n, log FROM attempt WHERE log <> '' ORDER BY n;
ALTER TABLE attempt DROP COLUMN log;
