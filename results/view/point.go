package view

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"prabench/results/record"
)

// Point is one point of an experiment over its training seeds.
type Point struct {
	Label   string          // for people; the experiment's name where the file has none
	Params  map[string]any  // dotted keys, and the short names patch, block, rollout_depth, state
	Means   map[string]Mean // by metric; what was not measured is absent
	Outcome string          // ok when all cells are, else the first that is not
	Reason  string          // of that outcome
	Seeds   int             // planned
	Cells   []string        // ids, one per seed

	// Of the first seed, and of all of them for Steps; nil where they were not
	// asked for or are not there.
	Curve []CurvePoint
	Steps []StepLine
	Sheet *Sheet

	Response *Response // of the first seed; nil where it chose nothing or was not asked for
	// Code and Device are what curve, steps and sheet were made by and on; means
	// have their own.
	Code, Device string
}

// CurvePoint is one logged training step: values by name (train_loss, flow_loss, …).
type CurvePoint struct {
	Step   int
	Values map[string]float64
}

// Sheet is generated images, uint8 [Rows·Cols, Size, Size, Channels], row by row.
// RowLabels names the rows, which are classes, and may be empty.
type Sheet struct {
	Images         []uint8
	Rows, Cols     int
	Size, Channels int
	RowLabels      []string
}

// Points averages rows over the seeds of each point, in the order of the cells.
// A mean that would hide a difference that is not among across is left out.
func Points(cells []Cell, rows []Row, across []string) ([]Point, LeftOut) {
	var points []Point
	at, of := map[string]int{}, map[string]int{} // by point, by cell
	for i := range cells {
		c := &cells[i]
		name := pointName(c)
		k, known := at[name]
		if !known {
			k = len(points)
			at[name] = k
			points = append(points, newPoint(c))
		}
		p := &points[k]
		of[c.Cell] = k
		p.Cells = append(p.Cells, c.Cell)
		p.Seeds++
		if c.Outcome != record.OK && (p.Outcome == record.OK || p.Outcome == record.Pending) {
			p.Outcome, p.Reason = c.Outcome, c.Reason
		}
	}
	groups := make([]map[string][]Row, len(points))
	for _, r := range rows {
		k, known := of[r.Cell]
		if !known {
			continue
		}
		if groups[k] == nil {
			groups[k] = map[string][]Row{}
		}
		groups[k][r.Metric] = append(groups[k][r.Metric], r)
	}
	var left LeftOut
	for k := range points {
		for metric, rows := range groups[k] {
			means, err := Averaging{Across: across}.Mean(rows)
			if err != nil {
				left.add(err)
			} else if len(means) == 1 {
				points[k].Means[metric] = means[0]
			}
		}
	}
	sort.Slice(left, func(i, j int) bool { return left[i].Error() < left[j].Error() })
	return points, left
}

func newPoint(c *Cell) Point {
	p := Point{Label: c.Label, Outcome: record.OK, Means: map[string]Mean{}, Params: map[string]any{}}
	if p.Label == "" {
		p.Label = c.Experiment
	}
	p.Rename("", c.Params)
	for name, column := range map[string]*int{"patch": c.Patch, "block": c.Block, "rollout_depth": c.RolloutDepth, "state": c.State} {
		if column != nil {
			p.Params[name] = *column
		}
	}
	return p
}

// Rename gives a point the name and the keys that a file has for it now; an
// empty label keeps the one it has.
func (p *Point) Rename(label string, params map[string]any) {
	if label != "" {
		p.Label = label
	}
	short := map[string]any{}
	for _, k := range []string{"patch", "block", "rollout_depth", "state"} {
		if v, ok := p.Params[k]; ok {
			short[k] = v
		}
	}
	p.Params = map[string]any{}
	for k, v := range params {
		p.Params[k] = v
	}
	for k, v := range short {
		p.Params[k] = v
	}
}

// pointName is the same for cells that differ in their seed alone.
func pointName(c *Cell) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q", c.Experiment)
	for _, column := range []*int{c.Patch, c.Block, c.RolloutDepth, c.State} {
		if column == nil {
			b.WriteString(" -")
		} else {
			fmt.Fprintf(&b, " %d", *column)
		}
	}
	keys := make([]string, 0, len(c.Params))
	for k := range c.Params {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		fmt.Fprintf(&b, " %q=%v", k, c.Params[k])
	}
	return b.String()
}

// Fewest is the least number of seeds behind one of the metrics, where that is
// less than the planned one: some seeds failed or were not measured yet.
func (p *Point) Fewest(metrics []string) int {
	least := p.Seeds
	for _, m := range metrics {
		if v, ok := p.Means[m]; ok {
			least = min(least, max(v.N, v.Same))
		}
	}
	return least
}

// LeftOut are the means that would have hidden a difference, each once.
type LeftOut []*MixedError

func (l *LeftOut) add(err error) {
	mixed, ok := err.(*MixedError)
	if !ok || slices.ContainsFunc(*l, func(e *MixedError) bool { return e.Error() == mixed.Error() }) {
		return
	}
	*l = append(*l, mixed)
}

// Notes tells the first of them in sentences, and how many more there are.
func (l LeftOut) Notes() []string {
	var notes []string
	for i, e := range l {
		if i == 3 {
			return append(notes, fmt.Sprintf("… and %d more means left out for the like", len(l)-3))
		}
		notes = append(notes, "left out: "+e.Error())
	}
	return notes
}
