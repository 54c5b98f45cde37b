package plots

import (
	"math"
	"strconv"
	"strings"

	"prabench/internal/numeral"
	"prabench/metrics/quantity"
	"prabench/results/where"
)

// What texts beside a figure need to say the same as the figure.

// Label is what figures call a metric or a key.
func Label(name string) string { return describe(name).label }

// ShortLabel is what tables, headings and legends call it.
func ShortLabel(name string) string { return describe(name).short }

// Better is +1 for metrics of which more is better, −1 for those of which less
// is, 0 where neither is known.
func Better(metric string) int { return describe(metric).better }

// Direction is Better in words, empty for 0.
func Direction(metric string) string { return describe(metric).direction() }

// Shown lists the metrics that a figure shows, the one it is about first.
func Shown(fig Figure, data Data) []string {
	sel, err := choose(fig, data)
	if err != nil {
		return nil
	}
	names := fig.Metrics()
	if fig.Text() && len(fig.Columns) == 0 {
		names = sel.metrics()
	}
	var out []string
	for _, n := range names {
		for _, c := range sel.cells {
			if _, ok := c.Metrics[n]; ok && !contains(out, n) {
				out = append(out, n)
			}
		}
	}
	return out
}

// Selected gives the cells that a figure is about, each with a label.
func Selected(fig Figure, data Data) ([]CellData, error) {
	sel, err := choose(fig, data)
	if err != nil {
		return nil, err
	}
	out := make([]CellData, len(sel.cells))
	for i, c := range sel.cells {
		c.Label = sel.label(c)
		out[i] = c
	}
	return out, nil
}

// Has says whether a cell has all the values wanted, as in Figure.Where.
func (c CellData) Has(wanted map[string]any) bool {
	return where.Filter(wanted).Accepts(func(key string) (any, bool) {
		v, ok := param(c, key)
		if n, known := c.Params[quantity.ShortKey(quantity.FullKey(key))]; ok && known { // "exact" and its number
			return where.Names{v, n}, true
		}
		return v, ok
	})
}

// Text is a cell's value of a key as figures write it, "" where it has none.
func (c CellData) Text(key string) string {
	if v, ok := param(c, key); ok {
		return show(v)
	}
	return ""
}

// Words write values of a metric: in one unit and with the same decimals.
type Words struct {
	Unit   string // shown; empty for pure numbers
	factor float64
	digits int // decimals; −1 writes four significant digits
}

// WordsFor chooses unit and decimals for some values of a metric, as a table
// would.
func WordsFor(metric string, cells []CellData) Words {
	sel := &selection{cells: cells}
	c := column{dimension: dimension{name: metric, metric: true, q: describe(metric)}}
	c.factor, c.unit = sel.unit(c.dimension)
	w := Words{Unit: c.unit, factor: c.factor, digits: c.decimals(cells)}
	if w.digits == 0 {
		w.digits = -1
		for _, cell := range cells {
			if m, ok := cell.Metrics[metric]; ok && m.Lo != nil {
				w.digits = 0
			}
		}
	}
	return w
}

func (w Words) number(v float64) string {
	v *= w.factor
	s := numeral.Compact(v, 4)
	if w.digits >= 0 && w.digits <= 8 && math.Abs(v) < 1e7 {
		s = strconv.FormatFloat(v, 'f', w.digits, 64)
	}
	if w.digits < 0 && v == math.Trunc(v) && math.Abs(v) < 1e6 {
		s = strconv.FormatFloat(v, 'f', 0, 64)
	}
	if strings.Trim(s, "-0.") == "" { // no negative zero
		s = strings.TrimPrefix(s, "-")
	}
	return strings.ReplaceAll(s, "-", "−")
}

func (w Words) unit() string {
	switch w.Unit {
	case "":
		return ""
	case "%":
		return " %"
	}
	return " " + w.Unit
}

// Value is "15.2 [14.5, 15.9] ms", or without an interval "15.2 ms".
func (w Words) Value(m MetricValue) string {
	s := w.number(m.Value)
	if m.Lo != nil && m.Hi != nil {
		s += " [" + w.number(*m.Lo) + ", " + w.number(*m.Hi) + "]"
	}
	return s + w.unit()
}

// Difference is "+1.2 [0.3, 2.1] ms", with decimals enough for its own interval: that of
// pairs may be far narrower than those of the values.
func (w Words) Difference(d Difference) string {
	if half := (d.Hi - d.Lo) / 2 * w.factor; d.HasInterval() && half > 0 && w.digits >= 0 {
		w.digits = max(w.digits, decimalsFor(half))
	}
	s := w.number(d.Value)
	if d.Value > 0 {
		s = "+" + s
	}
	if d.HasInterval() {
		s += " [" + w.number(d.Lo) + ", " + w.number(d.Hi) + "]"
	}
	return s + w.unit()
}
