package draw

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"prabench/experiments"
	"prabench/harness/engine"
	"prabench/metrics/quantity"
	"prabench/plots"
	"prabench/plots/figure"
	"prabench/plots/paper"
	"prabench/results/table"
	"prabench/results/where"
)

// Comparing is what is compared.
type Comparing struct {
	Of, Over   string   // a label, an id of a cell, or "key=value,…"
	Experiment string   // may be empty where the database has one
	Metrics    []string // those that tables show first where there are none
}

// Compare compares points of an experiment over pairs of seeds, see [paper.Compare].
func (s Source) Compare(ctx context.Context, c Comparing) ([]paper.Comparison, error) {
	data, err := s.stored(ctx, &c.Experiment)
	if err != nil {
		return nil, err
	}
	cells, err := plots.Selected(figure.Figure{}, data)
	if err != nil {
		return nil, err
	}
	var sides [2][]plots.CellData
	for i, text := range []string{c.Of, c.Over} {
		if sides[i], err = chosenCells(cells, text); err != nil {
			return nil, err
		}
	}
	metrics := c.Metrics
	if len(metrics) == 0 {
		metrics = shownFirst(sides)
	}
	if len(metrics) == 0 {
		return nil, engine.Mistakef("%s and %s have no metric in common that tables show first; name some with --metric", c.Of, c.Over)
	}
	for _, m := range metrics {
		if !slices.ContainsFunc(cells, func(c plots.CellData) bool { _, ok := c.Metrics[m]; return ok }) {
			return nil, engine.Mistakef("--metric %s: no cell of %s has it%s; there are %s", m, c.Experiment,
				experiments.DidYouMean(m, measured(cells)), strings.Join(measured(cells), ", "))
		}
	}
	all := paper.Compare(data, sides[0], sides[1], metrics)
	if len(all) == 0 {
		return nil, engine.Mistakef("%s and %s are the same cell: name two", c.Of, c.Over)
	}
	return all, nil
}

// stored is the data of an experiment as the database has it, whatever files there are.
func (s Source) stored(ctx context.Context, name *string) (plots.Data, error) {
	es, err := s.DB.Experiments(ctx)
	if err != nil {
		return plots.Data{}, err
	}
	var names []string
	for _, e := range es {
		names = append(names, e.Name)
	}
	switch {
	case len(names) == 0:
		return plots.Data{}, engine.Mistakef("the database has no experiment yet; run one first: prabench run FILE")
	case *name == "" && len(names) == 1:
		*name = names[0]
	case *name == "":
		return plots.Data{}, engine.Mistakef("the database has several experiments: say which with --experiment: %s", strings.Join(names, ", "))
	case !slices.Contains(names, strings.Split(*name, "@")[0]):
		return plots.Data{}, engine.Mistakef("--experiment %s: the database has no such experiment, only: %s", *name, strings.Join(names, ", "))
	}
	r := reader{Source: s}
	if r.stages, err = s.DB.CellStages(ctx, *name); err != nil {
		return plots.Data{}, err
	}
	cells, err := s.DB.Cells(ctx, *name)
	if err != nil {
		return plots.Data{}, err
	}
	e, err := s.read(ctx, r.planned(*name, cells))
	if err != nil {
		return plots.Data{}, err
	}
	data, _ := e.data(figure.Means)
	return data, nil
}

// chosenCells are the points of a label, of the cell of an id, or of a filter.
func chosenCells(cells []plots.CellData, text string) (out []plots.CellData, err error) {
	var called []where.Cell
	var swept, labels []string
	for _, c := range cells {
		for _, id := range c.IDs {
			called = append(called, where.Cell{ID: id, Label: c.Label, Step: c.Text("label")})
		}
		swept = slices.AppendSeq(swept, maps.Keys(c.Params))
	}
	accepts := func(plots.CellData) bool { return false }
	named, err := where.Named(text, len(called), func(i int) where.Cell { return called[i] })
	if err != nil || len(named) > 0 || strings.Contains(text, "=") {
		f, ids, err := experiments.ChoicesAmong(text, len(called), func(i int) where.Cell { return called[i] }, swept)
		if err != nil {
			return nil, engine.Mistakef("%w", err)
		}
		accepts = func(c plots.CellData) bool {
			return c.Has(f) && (ids == nil || slices.ContainsFunc(c.IDs, func(id string) bool { return slices.Contains(ids, id) }))
		}
	}
	for _, c := range cells {
		labels = append(labels, c.Label)
		if accepts(c) {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		if len(labels) > 20 {
			labels = append(labels[:20], "…")
		}
		return nil, engine.Mistakef("no point is %q: give a label, the id of a cell or key=value,…; the points are %s", text,
			strings.Join(labels, "; "))
	}
	return out, nil
}

// shownFirst are the metrics that tables show first and both sides have.
func shownFirst(sides [2][]plots.CellData) []string {
	return quantity.Names(func(m *quantity.Metric) bool {
		for _, side := range sides {
			if !slices.ContainsFunc(side, func(c plots.CellData) bool { _, ok := c.Metrics[m.Name]; return ok }) {
				return false
			}
		}
		return m.Front && m.Better != 0 // the sampling that cells chose is no score
	})
}

func measured(cells []plots.CellData) []string {
	var all []string
	for _, c := range cells {
		for m := range c.Metrics {
			all = append(all, m)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// PrintComparisons prints a line for each.
func PrintComparisons(w io.Writer, all []paper.Comparison) error {
	t := table.Table{Columns: []string{"metric", "of", "value", "over", "its value", "difference", "interval over", "p", "verdict"}}
	for _, k := range all {
		t.Rows = append(t.Rows, []any{k.Metric, k.Of, k.A, k.Over, k.B, k.Difference, k.How, k.PText(), k.Says()})
	}
	if err := table.WriteText(w, t); err != nil {
		return err
	}
	said := "p is of one comparison, not corrected"
	if len(all) > 1 {
		said = fmt.Sprintf("p is corrected for %d comparisons (Holm)", len(all))
	}
	_, err := fmt.Fprintf(w, "\nIntervals are 95 %%; %s.\n", said)
	return err
}

// Compared is a comparison for programs.
type Compared struct {
	Metric      string   `json:"metric"`
	Of          string   `json:"of"`
	Over        string   `json:"over"`
	Difference  *float64 `json:"difference,omitempty"` // of minus over, in the unit of the metric; absent where it was not tested
	Lo          *float64 `json:"lo,omitempty"`
	Hi          *float64 `json:"hi,omitempty"`
	Method      string   `json:"method"` // pairs, seeds (Welch), image_pairs or none
	Pairs       int      `json:"pairs,omitempty"`
	Correlation float64  `json:"correlation,omitempty"`
	Narrower    float64  `json:"narrower,omitempty"` // times, than the interval without pairs
	P           *float64 `json:"p,omitempty"`        // corrected (Holm)
	Needs       int      `json:"needs,omitempty"`    // seeds a side, for a difference of this size
	Verdict     string   `json:"verdict"`
}

// ComparedOf are comparisons for programs.
func ComparedOf(all []paper.Comparison) []Compared {
	var out []Compared
	for _, k := range all {
		d := k.Measured()
		c := Compared{Metric: k.Metric, Of: k.Of, Over: k.Over, Method: d.Method.String(), Pairs: d.Pairs,
			Correlation: d.R, Narrower: d.Narrower(), Needs: k.Needs, Verdict: k.Says()}
		if k.Verdict != paper.NotTested {
			c.Difference = &d.Value
		}
		c.Lo, c.Hi = d.Bounds()
		if !math.IsNaN(k.P) {
			c.P = &k.P
		}
		out = append(out, c)
	}
	return out
}
