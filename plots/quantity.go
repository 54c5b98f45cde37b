package plots

import (
	"strings"

	"prabench/metrics/quantity"
	"prabench/results/where"
)

// called is how a metric or a key is called in a figure. better is +1 when
// higher is better, −1 when lower is, 0 when neither.
type called struct {
	label  string           // on axes
	short  string           // in tables, headings and legends
	metric *quantity.Metric // nil for keys, and for metrics without a row
	better int
}

// describe names a metric or a key; whatever the catalogue does not have is
// shown by its own name with spaces for underscores. A cell's own label needs
// no name.
func describe(name string) called {
	if isLabel(name) {
		return called{}
	}
	if m := quantity.Find(name); m != nil {
		return called{m.Label, m.Called(), m, m.Better}
	}
	if k := quantity.FindKey(name); k != nil {
		return called{label: k.Label, short: k.Short}
	}
	last := strings.ReplaceAll(name[strings.LastIndexByte(name, '.')+1:], "_", " ")
	return called{label: last, short: last}
}

// direction is the reader's hint, in words.
func (q called) direction() string { return quantity.Direction(q.better) }

// axisLabel is the label with its unit and direction.
func (q called) axisLabel(unit string) string {
	var in []string
	if unit != "" {
		in = append(in, unit)
	}
	if d := q.direction(); d != "" {
		in = append(in, d)
	}
	if len(in) == 0 {
		return q.label
	}
	return q.label + " (" + strings.Join(in, ", ") + ")"
}

// brief is the short label with the same.
func (q called) brief(unit string) string {
	parts := []string{q.short}
	for _, s := range []string{unit, q.direction()} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ", ")
}

// show writes the value of a key.
func show(v any) string { return where.Show(v) }

// Quantity is how a metric or a key is called where its values are shown.
type Quantity struct {
	Label  string // on axes
	Short  string // in tables, headings and legends
	Better int    // +1 when higher is better, −1 when lower is, 0 when neither
}

// Describe names a metric or a key; one that is not known keeps its own name,
// with spaces for underscores.
func Describe(name string) Quantity {
	q := describe(name)
	return Quantity{q.label, q.short, q.better}
}

// Direction is the reader's hint: "lower is better", or "".
func (q Quantity) Direction() string { return quantity.Direction(q.Better) }

// ShownUnit chooses how values of a metric are shown that are stored in a unit:
// shown = stored · factor. largest is the largest finite magnitude among them.
func ShownUnit(metric, stored string, largest float64) (factor float64, unit string) {
	return quantity.Shown(metric, stored, largest)
}

// Show writes the value of a key.
func Show(v any) string { return show(v) }
