// Package noise keeps the ledger of an experiment: how much of its numbers is chance,
// and whose.
//
// Its principle is that a number without its noise decides nothing, and that noise is
// measured like anything else: trainings that differ in a seed alone, crossed with
// sampling seeds, say what a difference between two settings has to exceed, and so
// how many seeds it needs. Timings have a ledger too: between rounds, between the
// processes of a round, and between the readings of a process.
package noise

import (
	"context"
	"fmt"
	"math"
	"slices"

	"prabench/metrics/quantity"
	"prabench/metrics/stat"
	"prabench/results"
	"prabench/results/record"
	"prabench/results/view"
)

// Report is the ledger of an experiment.
type Report struct {
	Experiment string
	Quality    []Quality
	Timings    []Timing
}

// Quality is the ledgers of one metric, one for each point.
type Quality struct {
	Metric, Unit string
	Ledgers      []view.Ledger
	Pairs        view.Pairing // of the points that have trainings of the same seeds
	Images       float64      // standard error of one value over its images (jackknife), 0 where there is none
}

// Timing is the noise of one timed metric, as shares of its value.
type Timing struct {
	Metric        string
	Cells, Rounds int
	Noise         stat.Nested // variances of the logarithm
}

// Read reads what the database has of an experiment, for some metrics or for those
// of quality that tables show first and all timings.
func Read(ctx context.Context, db *results.DB, experiment string, metrics []string) (Report, error) {
	out := Report{Experiment: experiment}
	rows, err := db.Results(ctx, results.Filter{Experiment: experiment, Metrics: metrics})
	if err != nil {
		return out, err
	}
	by := map[string][]view.Row{}
	var names []string
	for _, r := range rows {
		if by[r.Metric] == nil {
			names = append(names, r.Metric)
		}
		by[r.Metric] = append(by[r.Metric], r)
	}
	readings := map[string][]record.Reading{}
	for _, name := range names {
		m := quantity.Find(name)
		if err := alike(name, by[name]); err != nil {
			return out, err
		}
		switch {
		case m != nil && m.InRounds():
			t, ok, err := timing(ctx, db, m, by[name], readings)
			if err != nil {
				return out, err
			}
			if ok {
				out.Timings = append(out.Timings, t)
			}
		case len(metrics) > 0 || m != nil && m.Front && m.Group == quantity.Quality:
			if q := quality(name, by[name]); len(q.Ledgers) > 0 {
				out.Quality = append(out.Quality, q)
			}
		}
	}
	return out, nil
}

// alike refuses values that differ in more than what was set: the difference would
// pass for noise.
func alike(metric string, rows []view.Row) error {
	var of []view.Circumstances
	for i := range rows {
		of = append(of, rows[i].Circumstances())
	}
	var shown []string // what is an axis of [measure] parts points
	for key := range rows[0].Params {
		shown = append(shown, key)
	}
	if err := (view.Rule{Use: view.Averaged, Where: "the ledger of noise", Shown: shown}).Check(metric, of); err != nil {
		return &Mixed{err}
	}
	return nil
}

// Mixed says that values cannot stand in one ledger.
type Mixed struct{ error }

func (m *Mixed) Unwrap() error { return m.error }

// quality splits the noise of the values of one metric.
func quality(metric string, rows []view.Row) Quality {
	q := Quality{Metric: metric, Unit: rows[0].Unit}
	var draws []view.Draw
	var over []float64
	rows = view.Distinct(rows)
	for i := range rows {
		r := &rows[i]
		draws = append(draws, view.Draw{Label: r.Label, Params: r.Params, Seed: r.Seed, Value: r.Value})
		if r.Method == stat.Jackknife && r.Lo != nil && r.Hi != nil {
			over = append(over, (*r.Hi-*r.Lo)/2)
		}
	}
	q.Ledgers, q.Pairs = view.Ledgers(draws), view.PairsOf(draws)
	if len(over) > 0 {
		const quantile = 2.02 // Student's, of about twice as many groups as are left out
		q.Images = stat.Median(over, stat.Rounds).Value / quantile
	}
	return q
}

// timing splits the noise of the readings of one metric: of rounds that all cells
// have, of which each is a process of its own.
func timing(ctx context.Context, db *results.DB, m *quantity.Metric, rows []view.Row,
	known map[string][]record.Reading) (Timing, bool, error) {
	t := Timing{Metric: m.Name}
	cells := map[string]map[int][]float64{} // attempt → round → readings
	var order []string
	for _, r := range rows {
		if cells[r.Attempt] != nil {
			continue // cells that share their timing
		}
		if known[r.Attempt] == nil {
			all, err := db.Samples(ctx, r.Attempt)
			if err != nil {
				return t, false, err
			}
			known[r.Attempt] = all
		}
		of := map[int][]float64{}
		for _, x := range known[r.Attempt] {
			if x.Metric == m.Name && x.Value > 0 {
				of[x.Round] = append(of[x.Round], math.Log(x.Value))
			}
		}
		cells[r.Attempt], order = of, append(order, r.Attempt)
	}
	var y [][][]float64
	for _, round := range rounds(cells) {
		var row [][]float64
		for _, attempt := range order {
			row = append(row, cells[attempt][round])
		}
		y = append(y, row)
	}
	if len(y) < 2 {
		return t, false, nil
	}
	t.Cells, t.Rounds, t.Noise = len(order), len(y), stat.NestedIn(y)
	return t, t.Noise.Cells.Value+t.Noise.Rows.Value+t.Noise.Within.Value > 0, nil
}

// rounds are those that every cell has readings of.
func rounds(cells map[string]map[int][]float64) (all []int) {
	count := map[int]int{}
	for _, of := range cells {
		for r := range of {
			count[r]++
		}
	}
	for r, n := range count {
		if n == len(cells) {
			all = append(all, r)
		}
	}
	slices.Sort(all)
	return all
}

// Nothing says why a report is empty.
func (r Report) Nothing() error {
	if len(r.Quality)+len(r.Timings) > 0 {
		return nil
	}
	return fmt.Errorf("nothing of %s repeats: a point needs at least three training seeds (repeats), or timings two rounds", r.Experiment)
}
