package results

import (
	"context"
	"time"
)

// Experiment is an experiment's current plan in short.
type Experiment struct {
	Name, Description string
	FileHash          string
	Created           time.Time // of the plan
	Cells             int
}

// Experiments gives all experiments by name.
func (db *DB) Experiments(ctx context.Context) ([]Experiment, error) {
	rows, err := db.read.QueryContext(ctx,
		`SELECT p.experiment, p.description, p.file_hash, p.created, (SELECT count(*) FROM cell c WHERE c.plan = p.n)
		FROM plan p WHERE p.current = 1 ORDER BY p.experiment`)
	if err != nil {
		return nil, explain(db.path, "reading experiments", err)
	}
	defer rows.Close()
	var all []Experiment
	for rows.Next() {
		var e Experiment
		var created string
		if err := rows.Scan(&e.Name, &e.Description, &e.FileHash, &created, &e.Cells); err != nil {
			return nil, explain(db.path, "reading experiments", err)
		}
		e.Created = unstamp(created)
		all = append(all, e)
	}
	return all, explain(db.path, "reading experiments", rows.Err())
}

// Counts gives the number of an experiment's cells by outcome, or of all
// experiments' when it is "".
func (db *DB) Counts(ctx context.Context, experiment string) (map[string]int, error) {
	rows, err := db.read.QueryContext(ctx, "SELECT outcome, count(*) FROM cells WHERE ?1 = '' OR experiment = ?1 GROUP BY outcome", experiment)
	if err != nil {
		return nil, explain(db.path, "counting cells", err)
	}
	defer rows.Close()
	counts := map[string]int{}
	for rows.Next() {
		var outcome string
		var n int
		if err := rows.Scan(&outcome, &n); err != nil {
			return nil, explain(db.path, "counting cells", err)
		}
		counts[outcome] = n
	}
	return counts, explain(db.path, "counting cells", rows.Err())
}
