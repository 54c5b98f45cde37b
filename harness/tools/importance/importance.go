// Package importance says which axes of a sweep decide a metric.
//
// Its principle is that a sweep is read by its axes before it is read by its cells: an
// analysis of variance over the crossed axes, with what training seeds differ by as
// the error, says how much each axis and each pair of axes explains, and whether that
// is more than chance.
package importance

import (
	"context"
	"fmt"
	"io"
	"math"
	"strings"

	"prabench/internal/numeral"
	"prabench/metrics/quantity"
	"prabench/metrics/stat"
	"prabench/results"
	"prabench/results/table"
	"prabench/results/view"
)

// Report is what decides the metrics of an experiment.
type Report []Metric

// Metric is what decides one of them.
type Metric struct {
	Name, Unit string
	view.Importance
}

// Read reads what the database has of an experiment whose axes are lists of keys that
// move together; for some metrics, or for those of quality that tables show first.
// What it refuses to put together it returns as an error of [view.Rule].
func Read(ctx context.Context, db *results.DB, experiment string, axes [][]string, metrics []string) (Report, error) {
	rows, err := db.Results(ctx, results.Filter{Experiment: experiment, Metrics: metrics})
	if err != nil {
		return nil, err
	}
	by := map[string][]view.Row{}
	var names []string
	for _, r := range rows {
		m := quantity.Find(r.Metric)
		if len(metrics) == 0 && (m == nil || !m.Front || m.Group != quantity.Quality) {
			continue
		}
		if by[r.Metric] == nil {
			names = append(names, r.Metric)
		}
		by[r.Metric] = append(by[r.Metric], r)
	}
	var out Report
	for _, name := range names {
		var draws []view.Draw
		var of []view.Circumstances
		by[name] = view.Distinct(by[name])
		for i := range by[name] {
			r := &by[name][i]
			draws = append(draws, view.Draw{Label: r.Label, Params: r.Params, Seed: r.Seed, Value: r.Value})
			of = append(of, r.Circumstances())
		}
		var swept []string
		for _, keys := range axes {
			swept = append(swept, keys...)
		}
		if err := (view.Rule{Use: view.Averaged, Where: "the analysis of axes", Shown: swept}).Check(name, of); err != nil {
			return nil, &Mixed{err}
		}
		if i, ok := view.ImportanceOf(draws, axes); ok {
			out = append(out, Metric{name, by[name][0].Unit, i})
		}
	}
	return out, nil
}

// Mixed says that values cannot stand in one analysis.
type Mixed struct{ error }

func (m *Mixed) Unwrap() error { return m.error }

// Nothing says why a report is empty.
func (r Report) Nothing(experiment string) error {
	if len(r) > 0 {
		return nil
	}
	return fmt.Errorf("%s has no metric that differs along an axis (seeds are none); it needs results at two values of a swept key",
		experiment)
}

// Line is one effect for programs.
type Line struct {
	Metric string   `json:"metric"`
	Effect string   `json:"effect"`
	Share  float64  `json:"share"`         // of the sum of squares
	Net    float64  `json:"net,omitempty"` // of the variance, corrected for chance
	Lo     *float64 `json:"lo,omitempty"`
	Hi     *float64 `json:"hi,omitempty"`
	DF     int      `json:"df"`
	F      *float64 `json:"f,omitempty"`
	P      *float64 `json:"p,omitempty"`      // of this effect alone
	Holm   *float64 `json:"p_holm,omitempty"` // over the effects of the metric
	Levels []Level  `json:"levels,omitempty"`
}

// Level is the mean at one value of an axis.
type Level struct {
	Value string  `json:"value"`
	Mean  float64 `json:"mean"`
	N     int     `json:"n"`
}

// The rows of what is no effect of an axis or a pair.
const (
	seeds  = "seeds, the same in all cells"
	higher = "interactions of three axes and more"
	others = "error: seeds, different in each cell"
)

// Flat is the report as lines.
func (r Report) Flat() []Line {
	var out []Line
	for _, m := range r {
		for _, e := range m.Effects {
			l := Line{Metric: m.Name, Effect: e.Name, Share: e.Share, Net: e.Net.Value, DF: e.DF, F: number(e.F), P: number(e.P),
				Holm: number(e.Corrected)}
			l.Lo, l.Hi = e.Net.Bounds()
			for _, level := range e.Levels {
				l.Levels = append(l.Levels, Level{level.Name, level.Mean, level.N})
			}
			out = append(out, l)
		}
		for _, rest := range m.rest() {
			out = append(out, Line{Metric: m.Name, Effect: rest.name, Share: rest.Share, DF: rest.DF})
		}
	}
	return out
}

func number(x float64) *float64 {
	if math.IsNaN(x) {
		return nil
	}
	return &x
}

type named struct {
	name string
	stat.Effect
}

// rest are the parts that are no effect of an axis or a pair.
func (m *Metric) rest() (out []named) {
	for _, r := range []named{{higher, m.Higher}, {seeds, m.Blocks}, {others, m.Error}} {
		if r.DF > 0 {
			out = append(out, r)
		}
	}
	return out
}

// Print writes the report for people.
func (r Report) Print(w io.Writer) error {
	for i, m := range r {
		if i > 0 {
			fmt.Fprintln(w)
		}
		factor, unit := quantity.Shown(m.Name, m.Unit, math.Abs(m.Mean))
		fmt.Fprintf(w, "%s: mean %s over %d points × %d seeds\n", m.Name, quantity.With(short(m.Mean*factor), unit), m.Points, m.Seeds)
		t := table.Table{Columns: []string{"effect", "share of variance", "corrected for chance", "F", "p (Holm)",
			quantity.Head("mean at each value", unit)}}
		for _, e := range m.Effects {
			t.Rows = append(t.Rows, []any{e.Name, percent(e.Share), net(e.Net), shown(e.F), shown(e.Corrected), levels(e.Levels, factor)})
		}
		for _, rest := range m.rest() {
			t.Rows = append(t.Rows, []any{rest.name, percent(rest.Share), "", "", "", ""})
		}
		if err := table.WriteText(w, t); err != nil {
			return err
		}
		for _, note := range m.notes() {
			fmt.Fprintln(w, note)
		}
	}
	return nil
}

// notes say what a reader has to know about the analysis.
func (m *Metric) notes() (out []string) {
	few := "There is one seed"
	if m.Seeds > 1 {
		few = "There are too few seeds per point"
	}
	switch {
	case m.ErrorIsHigher:
		out = append(out, few+", so interactions of three or more axes are taken as noise; repeats = 3 or more would measure it.")
	case m.Error.DF == 0:
		out = append(out, few+", so the noise cannot be estimated; repeats = 3 or more would allow it.")
	case m.Error.Squares == 0:
		out = append(out, "There is no noise between seeds, so no effect has an interval or a p-value.")
	}
	if !m.Balanced {
		out = append(out, "Not every value of every axis meets all others with all seeds, so shares are of type II sums of squares "+
			"and do not add up to 100 %.")
	}
	if m.Left > 0 {
		out = append(out, fmt.Sprintf("Left out: %d values that are not finite.", m.Left))
	}
	return out
}

func levels(all []view.Level, factor float64) string {
	const most = 6
	var parts []string
	for i, l := range all {
		if i == most && len(all) > most+1 {
			parts = append(parts, fmt.Sprintf("… %d more", len(all)-most))
			break
		}
		parts = append(parts, l.Name+": "+short(l.Mean*factor))
	}
	return strings.Join(parts, ", ")
}

func short(x float64) string { return numeral.Compact(x, 3) }

func shown(x float64) string {
	if math.IsNaN(x) {
		return "–"
	}
	return numeral.Compact(x, 2)
}

func percent(x float64) string { return numeral.Compact(100*x, 3) + " %" }

func net(e stat.Estimate) string {
	if !e.HasInterval() {
		return "–"
	}
	return fmt.Sprintf("%s [%s, %s] %%", short(100*e.Value), short(100*e.Lo), short(100*e.Hi))
}
