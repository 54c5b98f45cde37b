package results

import (
	"context"
	"maps"
	"slices"
	"strings"

	"prabench/results/where"
)

// WhyNone says why no result of an experiment, or of all, has the parameters
// asked for: a key that no cell of the database varies, by name.
func (db *DB) WhyNone(ctx context.Context, experiment string, params where.Filter) (string, error) {
	cells, err := db.Cells(ctx, experiment)
	if err != nil {
		return "", err
	}
	varied := map[string]bool{"seed": true, "label": true}
	for i := range cells {
		for key := range cells[i].Params {
			varied[key] = true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(params)) {
		if len(cells) == 0 || varied[key] {
			continue
		}
		if _, always := cells[0].Param(key); !always {
			return "--only: no experiment in the database varies " + key + "; allowed: " + strings.Join(slices.Sorted(maps.Keys(varied)), ", "), nil
		}
	}
	return "no result matches; `prabench status` says what there is", nil
}
