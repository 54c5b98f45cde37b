package results

import (
	"context"
	"database/sql"
	"time"

	"prabench/results/record"
)

// Past is a value of an earlier or the latest attempt at a stage of a cell.
type Past struct {
	Cell, Label string
	Seed        uint64
	Metric      string
	Unit        string
	Value       float64
	Lo, Hi      *float64 // 95 % interval, nil when there is none
	N           int
	Protocol    string
	Attempt     string
	DeviceClass string
	Code        string // the program's revision, with +dirty
	Finished    time.Time
}

// History gives the values of every attempt that ended well at the timings of
// an experiment's current cells, in the order of the plan and, for each cell, of
// time: what the same work took with the program's earlier revisions.
func (db *DB) History(ctx context.Context, experiment string, metrics []string) ([]Past, error) {
	n, err := planOf(ctx, db.read, experiment)
	if err != nil {
		return nil, explain(db.path, "reading earlier timings", err)
	}
	query := `SELECT c.id, ` + label + `, c.seed, v.metric, v.unit, v.value, v.lo, v.hi, v.n, pr.text, a.id, o.class, o.code, a.finished
		FROM plan p CROSS JOIN cell c ON c.plan = p.n CROSS JOIN cell_stage cs ON cs.cell = c.n CROSS JOIN stage s ON s.n = cs.stage
		CROSS JOIN attempt a ON a.stage = s.n CROSS JOIN origin o ON o.n = a.origin CROSS JOIN value v ON v.attempt = a.n
		CROSS JOIN protocol pr ON pr.n = v.protocol
		WHERE p.n = ? AND cs.kind IN (SELECT name FROM kind WHERE own = 1) AND a.outcome = ?`
	args := []any{n, record.OK}
	if len(metrics) > 0 {
		query += " AND v.metric IN " + marks(len(metrics))
		for _, m := range metrics {
			args = append(args, m)
		}
	}
	found, err := db.read.QueryContext(ctx, query+" ORDER BY c.position, v.metric, a.finished, a.id", args...)
	if err != nil {
		return nil, explain(db.path, "reading earlier timings", err)
	}
	defer found.Close()
	var all []Past
	for found.Next() {
		var p Past
		var lo, hi sql.NullFloat64
		var finished string
		if err := found.Scan(&p.Cell, &p.Label, &p.Seed, &p.Metric, &p.Unit, &p.Value, &lo, &hi, &p.N, &p.Protocol, &p.Attempt, &p.DeviceClass,
			&p.Code, &finished); err != nil {
			return nil, explain(db.path, "reading earlier timings", err)
		}
		p.Lo, p.Hi, p.Finished = pointer(lo), pointer(hi), unstamp(finished)
		all = append(all, p)
	}
	return all, explain(db.path, "reading earlier timings", found.Err())
}
