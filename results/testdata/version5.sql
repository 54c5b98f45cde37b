PRAGMA application_id=1886544226;
PRAGMA user_version=5;
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
CREATE TABLE stage (
  n        INTEGER PRIMARY KEY,
  key      TEXT NOT NULL UNIQUE,
  kind     TEXT NOT NULL,
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
  started  TEXT NOT NULL,
  finished TEXT NOT NULL,
  origin   INTEGER NOT NULL REFERENCES origin(n),
  protocol TEXT NOT NULL,                -- JSON object as the worker gave it
  digest   TEXT NOT NULL                 -- SHA-256 of the whole attempt
);
CREATE INDEX attempt_stage ON attempt(stage, finished, id);
CREATE INDEX attempt_cell ON attempt(cell);
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
CREATE TABLE stage_config (
  stage  INTEGER PRIMARY KEY REFERENCES stage(n),
  config TEXT NOT NULL                   -- JSON; no row while only an attempt is known
);
CREATE TABLE attempt_log (
  attempt INTEGER PRIMARY KEY REFERENCES attempt(n),
  log     TEXT NOT NULL                  -- no row for an empty one
);
CREATE TABLE old_method (
  metric TEXT PRIMARY KEY,
  method TEXT NOT NULL
) WITHOUT ROWID;
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
CREATE TABLE kind (
  name  TEXT PRIMARY KEY,
  place INTEGER NOT NULL,                -- in the order of a cell's chain
  own   INTEGER NOT NULL                 -- 1: its results stand on themselves, wherever its inputs were made
) WITHOUT ROWID;
CREATE TABLE "cell" (
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
CREATE INDEX cell_plan ON cell(plan, position);
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
CREATE VIEW params AS
SELECT c.experiment, c.id AS cell, j.key, j.value
FROM plan p CROSS JOIN cell c ON c.plan = p.n CROSS JOIN json_each(c.params_json) j
WHERE p.current = 1;
INSERT INTO plan VALUES(1,'old','a test','f00d','6ea27536c126913b0e23f4e8c4de293906ccd04cc9db6329c1b8aa50f892c28d','2026-03-04T12:00:00.000000Z',0);
INSERT INTO plan VALUES(2,'old','a test','f00d','2db720befa58d83e97af2628678dfe980c7b521c72e76aa8365d0f4550b4512e','2026-03-04T12:00:00.000000Z',0);
INSERT INTO plan VALUES(3,'old','said otherwise','f00d','983da1d0204bff19d8ca59866637bc796a72bcb66df780043633af8b4fdfc5e4','2026-03-04T12:00:00.000000Z',1);
INSERT INTO plan VALUES(4,'other','a test','f00d','2555bf02eb60296478271b1ecfa7a2443c85fb4c0128f9d696f8092a120817c3','2026-03-04T12:00:00.000000Z',1);
INSERT INTO stage VALUES(1,'ref','reference',NULL,NULL,1);
INSERT INTO stage VALUES(2,'train-p4s1','train',NULL,NULL,1);
INSERT INTO stage VALUES(3,'sample-p4s1','sample',NULL,NULL,1);
INSERT INTO stage VALUES(4,'score-p4s1','score',3,3,0);
INSERT INTO stage VALUES(5,'time-p4s1','time',NULL,NULL,1);
INSERT INTO stage VALUES(6,'train-p4s2','train',NULL,NULL,1);
INSERT INTO stage VALUES(7,'sample-p4s2','sample',NULL,NULL,1);
INSERT INTO stage VALUES(8,'score-p4s2','score',NULL,NULL,1);
INSERT INTO stage VALUES(9,'time-p4s2','time',NULL,NULL,1);
INSERT INTO stage VALUES(10,'train-p7s1','train',NULL,NULL,1);
INSERT INTO stage VALUES(11,'sample-p7s1','sample',NULL,NULL,1);
INSERT INTO stage VALUES(12,'score-p7s1','score',2,2,0);
INSERT INTO stage VALUES(13,'time-p7s1','time',1,1,0);
INSERT INTO stage VALUES(14,'train-p7s2','train',NULL,NULL,1);
INSERT INTO stage VALUES(15,'sample-p7s2','sample',NULL,NULL,1);
INSERT INTO stage VALUES(16,'score-p7s2','score',NULL,NULL,1);
INSERT INTO stage VALUES(17,'time-p7s2','time',NULL,NULL,1);
INSERT INTO stage VALUES(18,'sample-theirs','sample',NULL,NULL,1);
INSERT INTO stage VALUES(19,'train-p2s1','train',NULL,NULL,1);
INSERT INTO stage VALUES(20,'sample-p2s1','sample',NULL,NULL,1);
INSERT INTO stage VALUES(21,'score-p2s1','score',NULL,NULL,1);
INSERT INTO stage VALUES(22,'time-p2s1','time',NULL,NULL,1);
INSERT INTO stage_input VALUES(3,2);
INSERT INTO stage_input VALUES(4,1);
INSERT INTO stage_input VALUES(4,3);
INSERT INTO stage_input VALUES(5,2);
INSERT INTO stage_input VALUES(7,6);
INSERT INTO stage_input VALUES(8,1);
INSERT INTO stage_input VALUES(8,7);
INSERT INTO stage_input VALUES(9,6);
INSERT INTO stage_input VALUES(11,10);
INSERT INTO stage_input VALUES(12,1);
INSERT INTO stage_input VALUES(12,11);
INSERT INTO stage_input VALUES(13,10);
INSERT INTO stage_input VALUES(15,14);
INSERT INTO stage_input VALUES(16,1);
INSERT INTO stage_input VALUES(16,15);
INSERT INTO stage_input VALUES(17,14);
INSERT INTO stage_input VALUES(20,19);
INSERT INTO stage_input VALUES(21,1);
INSERT INTO stage_input VALUES(21,20);
INSERT INTO stage_input VALUES(22,19);
INSERT INTO cell_stage VALUES(1,'reference',1);
INSERT INTO cell_stage VALUES(2,'reference',1);
INSERT INTO cell_stage VALUES(3,'reference',1);
INSERT INTO cell_stage VALUES(4,'reference',1);
INSERT INTO cell_stage VALUES(6,'reference',1);
INSERT INTO cell_stage VALUES(1,'train',2);
INSERT INTO cell_stage VALUES(1,'sample',3);
INSERT INTO cell_stage VALUES(1,'score',4);
INSERT INTO cell_stage VALUES(1,'time',5);
INSERT INTO cell_stage VALUES(2,'train',6);
INSERT INTO cell_stage VALUES(2,'sample',7);
INSERT INTO cell_stage VALUES(2,'score',8);
INSERT INTO cell_stage VALUES(2,'time',9);
INSERT INTO cell_stage VALUES(3,'train',10);
INSERT INTO cell_stage VALUES(3,'sample',11);
INSERT INTO cell_stage VALUES(3,'score',12);
INSERT INTO cell_stage VALUES(3,'time',13);
INSERT INTO cell_stage VALUES(4,'train',14);
INSERT INTO cell_stage VALUES(4,'sample',15);
INSERT INTO cell_stage VALUES(4,'score',16);
INSERT INTO cell_stage VALUES(4,'time',17);
INSERT INTO cell_stage VALUES(5,'sample',18);
INSERT INTO cell_stage VALUES(6,'train',19);
INSERT INTO cell_stage VALUES(6,'sample',20);
INSERT INTO cell_stage VALUES(6,'score',21);
INSERT INTO cell_stage VALUES(6,'time',22);
INSERT INTO environment VALUES(1,'1c1d67217b704b457efdf40e8f574728','Xeon',2,0,'linux','','abc123',0,'{"cpu":"Xeon","cores":2,"os":"linux","git_revision":"abc123","extra":{"governor":"performance"}}');
INSERT INTO environment VALUES(2,'d8556ef403a9bd6d3d7eee8bf1b598b9','Xeon',2,0,'linux','','abc123',0,'{"cpu":"Xeon","cores":2,"os":"linux","git_revision":"abc123"}');
INSERT INTO origin VALUES(1,'cpu',1,'cpu Xeon','abc123');
INSERT INTO origin VALUES(2,'cpu',2,'cpu Xeon','abc123');
INSERT INTO protocol VALUES(1,'precision=fp32');
INSERT INTO protocol VALUES(2,'precision=fp32; batch=1');
INSERT INTO protocol VALUES(3,'precision=fp32; embedder=beef');
INSERT INTO attempt VALUES(1,'a',13,'p7s1','ok','','2026-03-04T12:04:00.000000Z','2026-03-04T12:05:00.000000Z',1,'{"precision":"fp32"}','a18096141194bfeca7dbee8c3a62eb935fd984b36cc9eacddd718efc437c45bd');
INSERT INTO attempt VALUES(2,'b',12,'','ok','','2026-03-04T12:01:00.000000Z','2026-03-04T12:02:00.000000Z',2,'{"precision":"fp32"}','afdfc13514c44e38a22e38443d310bb47b65d3aff99b1418d05e84ab77f506be');
INSERT INTO attempt VALUES(3,'c',4,'','ok','','2026-03-04T12:01:00.000000Z','2026-03-04T12:02:00.000000Z',2,'{"precision":"fp32"}','6fc6fd4b21a4cc6d46322f3c5e3eaa00321c72e7c083e5d1fb84342998c799d0');
INSERT INTO sample VALUES(1,0,'throughput','images/s',1,118.0);
INSERT INTO sample VALUES(1,1,'throughput','images/s',2,123.0);
INSERT INTO sample VALUES(1,2,'latency','s',1,0.01);
INSERT INTO artifact VALUES(1,'curve.json','aa',10);
INSERT INTO artifact VALUES(1,'model.safetensors','bb',1099511627776);
INSERT INTO stage_config VALUES(1,'{"set":"mnist"}');
INSERT INTO stage_config VALUES(2,'{}');
INSERT INTO stage_config VALUES(3,'{}');
INSERT INTO stage_config VALUES(4,'{}');
INSERT INTO stage_config VALUES(5,'{}');
INSERT INTO stage_config VALUES(6,'{}');
INSERT INTO stage_config VALUES(7,'{}');
INSERT INTO stage_config VALUES(8,'{}');
INSERT INTO stage_config VALUES(9,'{}');
INSERT INTO stage_config VALUES(10,'{}');
INSERT INTO stage_config VALUES(11,'{}');
INSERT INTO stage_config VALUES(12,'{}');
INSERT INTO stage_config VALUES(13,'{}');
INSERT INTO stage_config VALUES(14,'{}');
INSERT INTO stage_config VALUES(15,'{}');
INSERT INTO stage_config VALUES(16,'{}');
INSERT INTO stage_config VALUES(17,'{}');
INSERT INTO stage_config VALUES(19,'{}');
INSERT INTO stage_config VALUES(20,'{}');
INSERT INTO stage_config VALUES(21,'{}');
INSERT INTO stage_config VALUES(22,'{}');
INSERT INTO attempt_log VALUES(1,'last line');
INSERT INTO old_method VALUES('ar_steps','rounds');
INSERT INTO old_method VALUES('class_accuracy','wilson');
INSERT INTO old_method VALUES('cpu_frequency','rounds');
INSERT INTO old_method VALUES('device_clock','rounds');
INSERT INTO old_method VALUES('device_clock_share','rounds');
INSERT INTO old_method VALUES('device_others','rounds');
INSERT INTO old_method VALUES('device_power','rounds');
INSERT INTO old_method VALUES('device_temperature','rounds');
INSERT INTO old_method VALUES('fid_mosaic','jackknife');
INSERT INTO old_method VALUES('fid_prefix_0','jackknife');
INSERT INTO old_method VALUES('fid_prefix_100','jackknife');
INSERT INTO old_method VALUES('fid_prefix_25','jackknife');
INSERT INTO old_method VALUES('fid_prefix_50','jackknife');
INSERT INTO old_method VALUES('fid_prefix_75','jackknife');
INSERT INTO old_method VALUES('fid_proxy','jackknife');
INSERT INTO old_method VALUES('fid_proxy_floor','jackknife');
INSERT INTO old_method VALUES('first_block_latency','rounds');
INSERT INTO old_method VALUES('flops_image','rounds');
INSERT INTO old_method VALUES('foreign_load','rounds');
INSERT INTO old_method VALUES('foreign_load_worst','rounds');
INSERT INTO old_method VALUES('joules_image','rounds');
INSERT INTO old_method VALUES('kid','jackknife');
INSERT INTO old_method VALUES('kid_floor','jackknife');
INSERT INTO old_method VALUES('latency','rounds');
INSERT INTO old_method VALUES('memory_activations','rounds');
INSERT INTO old_method VALUES('memory_cache','rounds');
INSERT INTO old_method VALUES('memory_model','rounds');
INSERT INTO old_method VALUES('memory_peak','rounds');
INSERT INTO old_method VALUES('mfu','rounds');
INSERT INTO old_method VALUES('near_share','jackknife');
INSERT INTO old_method VALUES('nearest_distance','jackknife');
INSERT INTO old_method VALUES('nearest_distance_real','jackknife');
INSERT INTO old_method VALUES('nearest_ratio','jackknife');
INSERT INTO old_method VALUES('nfe','rounds');
INSERT INTO old_method VALUES('params','rounds');
INSERT INTO old_method VALUES('peak_flops','rounds');
INSERT INTO old_method VALUES('precision','jackknife');
INSERT INTO old_method VALUES('precision_floor','jackknife');
INSERT INTO old_method VALUES('probe_accuracy','wilson');
INSERT INTO old_method VALUES('probe_accuracy_untrained','wilson');
INSERT INTO old_method VALUES('recall','jackknife');
INSERT INTO old_method VALUES('recall_floor','jackknife');
INSERT INTO old_method VALUES('seam_index','jackknife');
INSERT INTO old_method VALUES('stolen_load','rounds');
INSERT INTO old_method VALUES('throughput','rounds');
INSERT INTO old_method VALUES('train_throughput','rounds');
INSERT INTO value VALUES(1,'latency',2,'s',0.01,NULL,NULL,3,'');
INSERT INTO value VALUES(1,'throughput',1,'images/s',120.5,118.0,123.0,3,'rounds');
INSERT INTO value VALUES(2,'fid_proxy',3,'1',15.2,14.9,15.5,2000,'jackknife');
INSERT INTO value VALUES(3,'fid_proxy',3,'1',9.0,NULL,NULL,2000,'');
INSERT INTO kind VALUES('exposure',5,0);
INSERT INTO kind VALUES('nearest',7,0);
INSERT INTO kind VALUES('probe',4,0);
INSERT INTO kind VALUES('reference',0,0);
INSERT INTO kind VALUES('sample',2,0);
INSERT INTO kind VALUES('score',3,0);
INSERT INTO kind VALUES('seam',6,0);
INSERT INTO kind VALUES('time',8,1);
INSERT INTO kind VALUES('train',1,0);
INSERT INTO cell VALUES(1,'old','p4s1',1,0,1,'p=4',4,1,1,12,'{"model.patch":4,"model.target":"x","train.lr":0.001}');
INSERT INTO cell VALUES(2,'old','p4s2',1,1,2,'p=4',4,1,1,12,'{"model.patch":4,"model.target":"x","train.lr":0.001}');
INSERT INTO cell VALUES(3,'old','p7s1',3,0,1,'p=7',7,1,1,12,'{"model.patch":7,"model.target":"x","train.lr":0.001}');
INSERT INTO cell VALUES(4,'old','p7s2',3,1,2,'p=7',7,1,1,12,'{"model.patch":7,"model.target":"x","train.lr":0.001}');
INSERT INTO cell VALUES(5,'old','outside-1',3,2,1,'theirs',NULL,NULL,NULL,NULL,'{"outside":"theirs"}');
INSERT INTO cell VALUES(6,'other','p2s1',4,0,1,'p=2',2,1,1,12,'{"model.patch":2,"model.target":"x","train.lr":0.001}');
