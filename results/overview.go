package results

import (
	"cmp"
	"context"
	"slices"

	"prabench/results/record"
)

// CountsByExperiment gives the number of cells by experiment and outcome: quick
// where there are many cells.
func (db *DB) CountsByExperiment(ctx context.Context) (map[string]map[string]int, error) {
	rows, err := db.read.QueryContext(ctx, "SELECT experiment, outcome, count(*) FROM cells GROUP BY experiment, outcome")
	if err != nil {
		return nil, explain(db.path, "counting cells", err)
	}
	defer rows.Close()
	counts := map[string]map[string]int{}
	for rows.Next() {
		var experiment, outcome string
		var n int
		if err := rows.Scan(&experiment, &outcome, &n); err != nil {
			return nil, explain(db.path, "counting cells", err)
		}
		if counts[experiment] == nil {
			counts[experiment] = map[string]int{}
		}
		counts[experiment][outcome] = n
	}
	return counts, explain(db.path, "counting cells", rows.Err())
}

// FailedStage is a stage that ended badly, on behalf of one of its cells.
type FailedStage struct {
	Experiment, Cell, Label string // of the first cell that needs it
	Seed                    uint64
	Cells                   int // that need it
	Kind, Key               string
	Outcome, Reason         string // of the newest attempt
}

// FailedStages gives at most so many stages of current plans that ended badly,
// the worst first; those that merely wait for one of these are left out.
func (db *DB) FailedStages(ctx context.Context, most int) ([]FailedStage, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT c.experiment, c.id, `+label+`, c.seed, count(*), s.kind, s.key, s.severity,
		a.reason, min(c.n)
		FROM stage s CROSS JOIN attempt a ON a.n = s.latest CROSS JOIN cell_stage cs ON cs.stage = s.n
		CROSS JOIN cell c ON c.n = cs.cell CROSS JOIN plan p ON p.n = c.plan
		WHERE s.severity > 2 AND p.current = 1 GROUP BY s.n ORDER BY s.severity DESC, min(c.n) LIMIT ?`, most)
	if err != nil {
		return nil, explain(db.path, "reading failed stages", err)
	}
	defer rows.Close()
	var all []FailedStage
	for rows.Next() {
		var f FailedStage
		var grade, first int
		if err := rows.Scan(&f.Experiment, &f.Cell, &f.Label, &f.Seed, &f.Cells, &f.Kind, &f.Key, &grade, &f.Reason, &first); err != nil {
			return nil, explain(db.path, "reading failed stages", err)
		}
		f.Outcome = record.Severities[grade]
		all = append(all, f)
	}
	slices.SortStableFunc(all, func(a, b FailedStage) int { return cmp.Compare(a.Experiment, b.Experiment) })
	return all, explain(db.path, "reading failed stages", rows.Err())
}
