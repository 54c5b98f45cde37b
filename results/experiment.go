package results

import (
	"context"
)

// Experiment is an experiment with the version that is shown of it.
type Experiment struct {
	Name string
	Version
	Kept int // versions of the name, this one among them
}

// Experiments gives all experiments by name.
func (db *DB) Experiments(ctx context.Context) ([]Experiment, error) {
	versions, err := db.Versions(ctx, "", false)
	if err != nil {
		return nil, err
	}
	var all []Experiment
	kept := map[string]int{}
	for _, v := range versions {
		kept[v.Experiment]++
		if v.Shown {
			all = append(all, Experiment{Name: v.Experiment, Version: v})
		}
	}
	for i := range all {
		all[i].Kept = kept[all[i].Name]
	}
	return all, nil
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
