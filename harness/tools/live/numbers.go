package live

import (
	"context"
	"errors"
	"fmt"

	"prabench/harness/engine"
	"prabench/harness/tools/terminal"
	"prabench/internal/numeral"
	"prabench/metrics/quantity"
	"prabench/results"
	"prabench/results/record"
	data "prabench/results/view"
)

// The page has the first of so many points, of so many cells.
const (
	shownPoints = 200
	mostCells   = 500
)

// numbers are an experiment's points as the page shows them.
type numbers struct {
	Columns  []column
	Outcomes bool // some point failed, which seeds and cells do not say here
	Rows     []point
	Hidden   int // points that are not shown
}

// column is a metric.
type column struct {
	Name, Unit string
	factor     float64 // of stored values, in the unit
}

// Better is +1 where more is better, −1 where less is, else 0.
func (c column) Better() int {
	if m := quantity.Find(c.Name); m != nil {
		return m.Better
	}
	return 0
}

// About is the metric in words.
func (c column) About() string {
	if m := quantity.Find(c.Name); m != nil {
		return m.Label
	}
	return ""
}

// point is one line.
type point struct {
	Name, Seeds string
	Values      []number // one a column
	Outcome     string
}

// number is a mean and half of its interval; both are empty without one.
type number struct{ Value, Interval string }

// readNumbers adds the experiments' points. Those that cannot be read, or are not
// those of the file that is shown, are reported in their place; the rest is shown.
func (b *base) readNumbers(ctx context.Context, db *results.DB, artifacts string) error {
	b.refs = map[string]string{}
	for i := range b.experiments {
		e := &b.experiments[i]
		s, err := b.summary(ctx, db, e.Name)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			e.Notes = []string{err.Error()}
			continue
		}
		e.Numbers, e.Notes = numbersOf(s), append(s.Notes(), terminal.Uncertified(artifacts, s)...)
		if others, err := db.Others(ctx, e.Name); err == nil && others != "" && b.plan == nil {
			e.Notes = append(e.Notes, others)
		}
	}
	return nil
}

// summary reads an experiment's points, none before it has been run.
func (b *base) summary(ctx context.Context, db *results.DB, experiment string) (data.Summary, error) {
	name := experiment
	if b.plan != nil {
		for _, x := range b.plan.Experiments {
			if x.Name != name {
				continue
			}
			err := x.CheckPlanned(ctx, db)
			if other := (*engine.NotPlanned)(nil); errors.As(err, &other) && other.Stored == 0 {
				return data.Summary{}, nil
			}
			if err != nil {
				return data.Summary{}, err
			}
			name = x.Ref()
		}
	}
	b.refs[experiment] = name
	return db.Summary(ctx, name, mostCells, nil)
}

func numbersOf(s data.Summary) numbers {
	n := numbers{Hidden: max(0, len(s.Points)-shownPoints)}
	for _, m := range s.Metrics {
		factor, unit := s.Shown(m)
		n.Columns = append(n.Columns, column{m, unit, factor})
	}
	n.Outcomes = s.Has(func(o string) bool { return o != record.OK && o != record.Pending })
	for i := range s.Points[:len(s.Points)-n.Hidden] {
		p := &s.Points[i]
		row := point{Name: p.Label, Seeds: fmt.Sprint(p.Seeds), Outcome: p.Outcome}
		if fewest := p.Fewest(s.Metrics); fewest < p.Seeds {
			row.Seeds = fmt.Sprintf("%d of %d", fewest, p.Seeds)
		}
		if p.Reason != "" {
			row.Outcome += ": " + p.Reason
		}
		for k, name := range s.Metrics {
			var v number
			if m, ok := p.Means[name]; ok {
				v.Value, v.Interval = numeral.WithInterval(m.Value, m.Lo, m.Hi, n.Columns[k].factor)
			}
			row.Values = append(row.Values, v)
		}
		n.Rows = append(n.Rows, row)
	}
	return n
}
