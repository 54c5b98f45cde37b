package results

import (
	"context"

	"prabench/results/view"
)

// Points gives the points of the cells that pass a filter, averaged over their
// training seeds in spite of the differences named by across, and the means that
// would hide another one.
func (db *DB) Points(ctx context.Context, f Filter, across []string) ([]view.Point, view.LeftOut, error) {
	cells, err := db.CellsOf(ctx, f)
	if err != nil {
		return nil, nil, err
	}
	rows, err := db.Results(ctx, f)
	if err != nil {
		return nil, nil, err
	}
	points, left := view.Points(cells, rows, across)
	return points, left, nil
}

// Summary is the points of an experiment for a short table. Of more cells than
// most it has the first.
func (db *DB) Summary(ctx context.Context, experiment string, most int, across []string) (view.Summary, error) {
	return db.SummaryOf(ctx, Filter{Experiment: experiment}, most, across)
}

// SummaryOf is [DB.Summary] of the cells that pass a filter, all of them where it
// chooses any.
func (db *DB) SummaryOf(ctx context.Context, f Filter, most int, across []string) (view.Summary, error) {
	all, err := db.cellCount(ctx, f.Experiment)
	if err != nil {
		return view.Summary{}, err
	}
	if chosen := len(f.Params) > 0 || len(f.Cells) > 0; chosen {
		all = 0 // those that are chosen are not counted beforehand
	} else if all > most {
		f.First = most
	}
	points, left, err := db.Points(ctx, f, across)
	if err != nil {
		return view.Summary{}, err
	}
	if f.First > 0 {
		points = points[:max(1, len(points)-1)] // of the last one some seeds may be beyond
	}
	return view.Summarize(points, left, all), nil
}

// cellCount is the number of an experiment's cells.
func (db *DB) cellCount(ctx context.Context, experiment string) (int, error) {
	v, _, err := db.Find(ctx, experiment)
	return v.Cells, err
}

// Means averages rows over training seeds, in spite of the differences named by
// across; it refuses to hide another one, see [view.MixedError].
func Means(rows []Row, across []string) ([]view.Mean, error) {
	return view.Averaging{Across: across}.Mean(rows)
}
