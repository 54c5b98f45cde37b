package results

import (
	"context"
	"encoding/json"
	"time"
)

// Provenance is where values come from, or why there are none: an attempt
// without its values.
type Provenance struct {
	Attempt, Stage, Kind string
	Outcome, Reason      string
	Device, Code         string // as asked for; the program's revision
	Environment          string // id, see [DB.Provenance]
	Started, Finished    time.Time
}

// IntervalOver says what the row's own interval is over: images, rounds, or
// nothing when it has none; see [Mean].
func (r *Row) IntervalOver() string {
	if r.Lo == nil || r.Hi == nil {
		return IntervalNone
	}
	return ownInterval(r.Kind)
}

// Provenance gives the attempts that an experiment's results and outcomes come
// from, in the order in which they finished: of every stage its newest attempt
// that ended well and its newest one. The environments are by id.
func (db *DB) Provenance(ctx context.Context, experiment string) ([]Provenance, map[string]Environment, error) {
	all, environments, err := db.provenance(ctx, experiment)
	return all, environments, explain(db.path, "reading attempts", err)
}

func (db *DB) provenance(ctx context.Context, experiment string) ([]Provenance, map[string]Environment, error) {
	rows, err := db.read.QueryContext(ctx, `WITH needed(stage) AS (
		  SELECT DISTINCT cs.stage FROM plan p CROSS JOIN cell c ON c.plan = p.n CROSS JOIN cell_stage cs ON cs.cell = c.n
		  WHERE p.current = 1 AND p.experiment = ?)
		SELECT a.id, s.key, s.kind, a.outcome, a.reason, o.device, o.code, e.id, e.json, a.started, a.finished
		FROM needed CROSS JOIN stage s ON s.n = needed.stage
		CROSS JOIN attempt a ON a.n = s.attempt OR a.n = s.latest
		CROSS JOIN origin o ON o.n = a.origin CROSS JOIN environment e ON e.n = o.environment
		ORDER BY a.finished, a.id`, experiment)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	var all []Provenance
	environments := map[string]Environment{}
	for rows.Next() {
		var p Provenance
		var text, started, finished string
		if err := rows.Scan(&p.Attempt, &p.Stage, &p.Kind, &p.Outcome, &p.Reason, &p.Device, &p.Code, &p.Environment, &text, &started, &finished); err != nil {
			return nil, nil, err
		}
		p.Started, p.Finished = unstamp(started), unstamp(finished)
		if _, known := environments[p.Environment]; !known {
			var e Environment
			if err := json.Unmarshal([]byte(text), &e); err != nil {
				return nil, nil, err
			}
			e.ID = p.Environment
			environments[p.Environment] = e
		}
		all = append(all, p)
	}
	return all, environments, rows.Err()
}
