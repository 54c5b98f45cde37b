package results

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"prabench/results/record"
)

// StageDone gives the newest attempt of a stage that ended well, with its
// artifacts but without values and samples, and whether there is one.
func (db *DB) StageDone(ctx context.Context, key string) (record.Attempt, bool, error) {
	return db.stageAttempt(ctx, "SELECT a.id FROM stage s JOIN attempt a ON a.n = s.attempt WHERE s.key = ?", key)
}

// LatestAttempt gives the newest attempt of a stage, however it ended, with its
// artifacts but without values and samples, and whether there is one.
func (db *DB) LatestAttempt(ctx context.Context, stage string) (record.Attempt, bool, error) {
	return db.stageAttempt(ctx, "SELECT a.id FROM stage s JOIN attempt a ON a.n = s.latest WHERE s.key = ?", stage)
}

func (db *DB) stageAttempt(ctx context.Context, query, key string) (record.Attempt, bool, error) {
	var id string
	err := db.read.QueryRowContext(ctx, query, key).Scan(&id)
	if err == sql.ErrNoRows {
		return record.Attempt{}, false, nil
	} else if err != nil {
		return record.Attempt{}, false, explain(db.path, "reading stage "+key, err)
	}
	a, _, err := db.attempt(ctx, id)
	return a, err == nil, explain(db.path, "reading attempt "+id, err)
}

// Attempt gives a stored attempt with everything in it, and whether it exists.
// Times are kept to the microsecond. A value's protocol comes back joined with
// the attempt's.
func (db *DB) Attempt(ctx context.Context, id string) (record.Attempt, bool, error) {
	a, n, err := db.attempt(ctx, id)
	if err == sql.ErrNoRows {
		return record.Attempt{}, false, nil
	}
	if err == nil {
		a.Values, err = db.values(ctx, n)
	}
	if err == nil {
		a.Readings, err = db.samples(ctx, n)
	}
	return a, err == nil, explain(db.path, "reading attempt "+id, err)
}

// StageConfig gives what a stage's key was made from, as JSON; nil when the
// stage is not known or came with an attempt before any plan.
func (db *DB) StageConfig(ctx context.Context, key string) (json.RawMessage, error) {
	var config string
	err := db.read.QueryRowContext(ctx, "SELECT c.config FROM stage s JOIN stage_config c ON c.stage = s.n WHERE s.key=?", key).Scan(&config)
	if err == sql.ErrNoRows {
		return nil, nil
	}
	return json.RawMessage(config), explain(db.path, "reading stage "+key, err)
}

// Samples gives the raw measurements of an attempt in the order they came;
// none when the attempt is not known.
func (db *DB) Samples(ctx context.Context, attempt string) ([]record.Reading, error) {
	var n int64
	err := db.read.QueryRowContext(ctx, "SELECT n FROM attempt WHERE id=?", attempt).Scan(&n)
	if err == sql.ErrNoRows {
		return nil, nil
	}
	var samples []record.Reading
	if err == nil {
		samples, err = db.samples(ctx, n)
	}
	return samples, explain(db.path, "reading samples of attempt "+attempt, err)
}

func (db *DB) attempt(ctx context.Context, id string) (a record.Attempt, n int64, err error) {
	var started, finished, protocol, environment string
	err = db.read.QueryRowContext(ctx,
		`SELECT a.n, a.id, s.key, s.kind, a.cell, a.outcome, a.reason, coalesce((SELECT log FROM attempt_log l
		WHERE l.attempt = a.n), ''), a.started, a.finished, a.protocol, o.device, e.json
		FROM attempt a JOIN stage s ON s.n = a.stage JOIN origin o ON o.n = a.origin JOIN environment e ON e.n = o.environment
		WHERE a.id = ?`, id).
		Scan(&n, &a.ID, &a.Stage, &a.Kind, &a.Cell, &a.Outcome, &a.Reason, &a.Log, &started, &finished, &protocol, &a.Device, &environment)
	if err != nil {
		return a, 0, err
	}
	a.Started, a.Finished = unstamp(started), unstamp(finished)
	if err := json.Unmarshal([]byte(environment), &a.Environment); err != nil {
		return a, 0, err
	}
	a.Environment.ID = a.Environment.Hash()
	if err := json.Unmarshal([]byte(protocol), &a.Protocol); err != nil {
		return a, 0, err
	}
	rows, err := db.read.QueryContext(ctx, "SELECT name, sha256, bytes FROM artifact WHERE attempt=? ORDER BY name", n)
	if err != nil {
		return a, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var f record.Artifact
		if err := rows.Scan(&f.Name, &f.SHA256, &f.Bytes); err != nil {
			return a, 0, err
		}
		a.Artifacts = append(a.Artifacts, f)
	}
	return a, n, rows.Err()
}

func (db *DB) values(ctx context.Context, attempt int64) ([]record.Value, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT v.metric, v.unit, v.value, v.lo, v.hi, v.n, v.method, p.text
		FROM value v JOIN protocol p ON p.n = v.protocol WHERE v.attempt=? ORDER BY v.metric, p.text`, attempt)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []record.Value
	for rows.Next() {
		var v record.Value
		var lo, hi sql.NullFloat64
		if err := rows.Scan(&v.Metric, &v.Unit, &v.Value, &lo, &hi, &v.N, &v.Method, &v.Protocol); err != nil {
			return nil, err
		}
		v.Lo, v.Hi = pointer(lo), pointer(hi)
		all = append(all, v)
	}
	return all, rows.Err()
}

func (db *DB) samples(ctx context.Context, attempt int64) ([]record.Reading, error) {
	rows, err := db.read.QueryContext(ctx, "SELECT metric, unit, round, value FROM sample WHERE attempt=? ORDER BY position", attempt)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []record.Reading
	for rows.Next() {
		var s record.Reading
		if err := rows.Scan(&s.Metric, &s.Unit, &s.Round, &s.Value); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}

// StageState is what is known about a stage of an experiment.
type StageState struct {
	Key, Kind string
	Outcome   string // pending when it was never tried
	Done      string // id of the newest attempt that ended well, or ""
	Latest    string // id of the newest attempt, or ""
	Reason    string // of the latest attempt
	Tries     int    // attempts stored
	Took      time.Duration
	Cells     int // cells of the experiment that need it
}

// Stages gives the stages that the cells of an experiment need, in the order of
// the chain. Took is that of the attempt that ended well, else of the latest.
func (db *DB) Stages(ctx context.Context, experiment string) ([]StageState, error) {
	all, err := db.stages(ctx, experiment)
	return all, explain(db.path, "reading stages", err)
}

func (db *DB) stages(ctx context.Context, experiment string) ([]StageState, error) {
	n, err := planOf(ctx, db.read, experiment)
	if err != nil {
		return nil, err
	}
	rows, err := db.read.QueryContext(ctx, `WITH needed(stage, cells) AS (
		  SELECT cs.stage, count(*) FROM plan p CROSS JOIN cell c ON c.plan = p.n CROSS JOIN cell_stage cs ON cs.cell = c.n
		  WHERE p.n = ? GROUP BY cs.stage)
		SELECT s.key, s.kind, s.severity, coalesce(d.id, ''), coalesce(l.id, ''), coalesce(l.reason, ''),
		  coalesce(d.started, l.started, ''), coalesce(d.finished, l.finished, ''),
		  (SELECT count(*) FROM attempt a WHERE a.stage = s.n), needed.cells
		FROM needed JOIN stage s ON s.n = needed.stage
		LEFT JOIN attempt d ON d.n = s.attempt LEFT JOIN attempt l ON l.n = s.latest
		LEFT JOIN kind k ON k.name = s.kind
		ORDER BY `+byChain+`, s.n`, n)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []StageState
	for rows.Next() {
		var s StageState
		var grade int
		var started, finished string
		if err := rows.Scan(&s.Key, &s.Kind, &grade, &s.Done, &s.Latest, &s.Reason, &started, &finished, &s.Tries, &s.Cells); err != nil {
			return nil, err
		}
		s.Outcome = record.Severities[grade]
		s.Took = max(0, unstamp(finished).Sub(unstamp(started))) // a clock set back gives no negative time
		all = append(all, s)
	}
	return all, rows.Err()
}

// StageEnd is how a stage ended: its newest attempt that ended well or, where
// none did, its newest attempt.
type StageEnd struct {
	Attempt, Outcome, Reason string
	Log                      string // of an attempt that did not end well
	Took                     time.Duration
	Finished                 time.Time
}

// StageEnds gives the ends of stages by their keys, in one query; a stage that
// was never tried is absent.
func (db *DB) StageEnds(ctx context.Context, keys []string) (map[string]StageEnd, error) {
	ends := make(map[string]StageEnd, len(keys))
	if len(keys) == 0 {
		return ends, nil
	}
	list, err := json.Marshal(keys)
	if err != nil {
		return nil, err
	}
	rows, err := db.read.QueryContext(ctx, `SELECT s.key, a.id, a.outcome, a.reason, a.started, a.finished,
			CASE WHEN s.attempt IS NULL THEN coalesce((SELECT log FROM attempt_log l WHERE l.attempt = a.n), '') ELSE '' END
		FROM json_each(?) k CROSS JOIN stage s ON s.key = k.value CROSS JOIN attempt a ON a.n = coalesce(s.attempt, s.latest)`, string(list))
	if err != nil {
		return nil, explain(db.path, "reading how stages ended", err)
	}
	defer rows.Close()
	for rows.Next() {
		var key, started, finished string
		var e StageEnd
		if err := rows.Scan(&key, &e.Attempt, &e.Outcome, &e.Reason, &started, &finished, &e.Log); err != nil {
			return nil, explain(db.path, "reading how stages ended", err)
		}
		e.Took = max(0, unstamp(finished).Sub(unstamp(started))) // a clock set back gives no negative time
		e.Finished = unstamp(finished)
		ends[key] = e
	}
	return ends, explain(db.path, "reading how stages ended", rows.Err())
}

// StageValues gives a metric's value of stages by their keys, of the newest attempt that
// ended well; a stage without one is absent.
func (db *DB) StageValues(ctx context.Context, metric string, keys []string) (map[string]float64, error) {
	values := map[string]float64{}
	if len(keys) == 0 {
		return values, nil
	}
	list, err := json.Marshal(keys)
	if err != nil {
		return nil, err
	}
	rows, err := db.read.QueryContext(ctx, `SELECT s.key, v.value
		FROM json_each(?) k CROSS JOIN stage s ON s.key = k.value CROSS JOIN value v ON v.attempt = s.attempt AND v.metric = ?`,
		string(list), metric)
	if err != nil {
		return nil, explain(db.path, "reading values of stages", err)
	}
	defer rows.Close()
	for rows.Next() {
		var key string
		var v float64
		if err := rows.Scan(&key, &v); err != nil {
			return nil, explain(db.path, "reading values of stages", err)
		}
		values[key] = v
	}
	return values, explain(db.path, "reading values of stages", rows.Err())
}

// CellStage is one stage in the chain of a cell, as the database knows it.
type CellStage struct {
	Experiment, Cell string
	Kind, Key        string
	Outcome          string // of the stage; pending when nothing was tried
}

// CellStages gives the stages of the cells of an experiment, or of all that are
// shown when it is "", in the order of experiments, plans and chains.
func (db *DB) CellStages(ctx context.Context, experiment string) ([]CellStage, error) {
	n, err := planOf(ctx, db.read, experiment)
	if err != nil {
		return nil, explain(db.path, "reading the stages of cells", err)
	}
	found, err := db.read.QueryContext(ctx, `SELECT p.experiment, c.id, s.kind, s.key, s.severity
		FROM plan p CROSS JOIN cell c ON c.plan = p.n CROSS JOIN cell_stage cs ON cs.cell = c.n CROSS JOIN stage s ON s.n = cs.stage
		LEFT JOIN kind k ON k.name = s.kind
		WHERE CASE ?1 WHEN '' THEN p.current = 1 ELSE p.n = ?2 END ORDER BY p.experiment, c.position, `+byChain, experiment, n)
	if err != nil {
		return nil, explain(db.path, "reading the stages of cells", err)
	}
	defer found.Close()
	var all []CellStage
	for found.Next() {
		var s CellStage
		var grade int
		if err := found.Scan(&s.Experiment, &s.Cell, &s.Kind, &s.Key, &grade); err != nil {
			return nil, explain(db.path, "reading the stages of cells", err)
		}
		s.Outcome = record.Severities[grade]
		all = append(all, s)
	}
	return all, explain(db.path, "reading the stages of cells", found.Err())
}
