package results

import (
	"context"

	"prabench/results/view"
)

// Provenance is where values come from, or why there are none.
type Provenance = view.Provenance

// Provenance gives the attempts that an experiment's results and outcomes come
// from, in the order in which they finished: of every stage its newest attempt
// that ended well and its newest one. [DB.Behind] tells them by cell.
func (db *DB) Provenance(ctx context.Context, experiment string) ([]Provenance, error) {
	n, err := planOf(ctx, db.read, experiment)
	if err != nil {
		return nil, explain(db.path, "reading attempts", err)
	}
	rows, err := db.read.QueryContext(ctx, `WITH needed(stage) AS (
		  SELECT DISTINCT cs.stage FROM plan p CROSS JOIN cell c ON c.plan = p.n CROSS JOIN cell_stage cs ON cs.cell = c.n
		  WHERE p.n = ?)
		SELECT a.id, s.key, s.kind, a.outcome, a.reason, o.device, o.code, e.id, a.started, a.finished
		FROM needed CROSS JOIN stage s ON s.n = needed.stage
		CROSS JOIN attempt a ON a.n = s.attempt OR a.n = s.latest
		CROSS JOIN origin o ON o.n = a.origin CROSS JOIN environment e ON e.n = o.environment
		ORDER BY a.finished, a.id`, n)
	if err != nil {
		return nil, explain(db.path, "reading attempts", err)
	}
	defer rows.Close()
	var all []Provenance
	for rows.Next() {
		var p Provenance
		var started, finished string
		if err := rows.Scan(&p.Attempt, &p.Stage, &p.Kind, &p.Outcome, &p.Reason, &p.Device, &p.Code, &p.Environment, &started,
			&finished); err != nil {
			return nil, explain(db.path, "reading attempts", err)
		}
		p.Started, p.Finished = unstamp(started), unstamp(finished)
		all = append(all, p)
	}
	return all, explain(db.path, "reading attempts", rows.Err())
}
