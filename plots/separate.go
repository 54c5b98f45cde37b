package plots

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"prabench/internal/numeral"
	"prabench/metrics/quantity"
	"prabench/metrics/stat"
	"prabench/results/view"
)

// Difference is that of two values, a − b, with what can be said about it.
type Difference = view.Difference

// Compare gives the difference of two values, see [view.Compare].
func Compare(a, b MetricValue) Difference { return view.Compare(a.side(), b.side(), nil) }

func (m MetricValue) side() view.Side {
	return view.Side{Value: m.Value, Values: m.Values, Seeds: m.Seeds, Same: m.Same}
}

// Compare gives the difference of two cells in a metric that both have: over pairs of
// images where they drew from the same weights and have one seed.
func (d Data) Compare(a, b CellData, metric string) Difference {
	x, y := a.Metrics[metric], b.Metrics[metric]
	if d.Images == nil || len(x.Values) > 1 || len(y.Values) > 1 {
		return Compare(x, y)
	}
	return view.Compare(x.side(), y.side(), func() (stat.Difference, float64, bool) {
		over, ok := d.Images(a, b, metric)
		return over, 2 * math.Hypot(x.half(), y.half()), ok
	})
}

// half is that of the value's own interval, 0 without one.
func (m MetricValue) half() float64 {
	if m.Lo == nil || m.Hi == nil {
		return 0
	}
	return (*m.Hi - *m.Lo) / 2
}

// How says what a difference's interval is over, and what pairs were worth; empty
// where there is none.
func How(d Difference) string {
	var s string
	switch {
	case !d.HasInterval():
		return ""
	case d.Pairs > 0:
		s = fmt.Sprintf("%d pairs of seeds", d.Pairs)
		if d.Alone > 0 {
			s += fmt.Sprintf(" (%d without a partner left out)", d.Alone)
		}
	case d.Method == stat.ImagePairs:
		s = "pairs of images of the same weights"
	default:
		return "unpaired seeds (Welch)"
	}
	if d.R != 0 {
		s += ", r = " + strings.ReplaceAll(numeral.Signless(d.R, 2), "-", "−")
	}
	switch n := d.Narrower(); {
	case n == 0:
	case n >= 1.05:
		s += ", " + numeral.Compact(n, 2) + " times narrower than unpaired"
	case n <= 0.95:
		s += ", " + numeral.Compact(1/n, 2) + " times wider than unpaired"
	default:
		s += ", as wide as unpaired"
	}
	return s
}

// Standing is what a value is among the others of its column.
type Standing int

// The standings. Close is not separated from the best.
const (
	Apart Standing = iota
	Best
	Close
)

// Standings says of each cell where its value of a metric stands: which is best, and
// which others are not separated from it, with all comparisons considered (Holm).
// Values of one seed are compared by their own intervals. It is nil where nothing
// can be said: fewer than two values, no direction, or nothing but single values, or equal ones.
func (d Data) Standings(metric string, cells []CellData) []Standing {
	top, n := -1, 0
	better := float64(Better(metric))
	for i, c := range cells {
		if m, ok := c.Metrics[metric]; ok && !math.IsNaN(m.Value) && !math.IsInf(m.Value, 0) {
			if n++; top < 0 || (m.Value-cells[top].Metrics[metric].Value)*better > 0 {
				top = i
			}
		}
	}
	if n < 2 || better == 0 {
		return nil
	}
	p := make([]float64, len(cells))
	known := false
	for i, c := range cells {
		p[i] = math.NaN()
		if _, ok := c.Metrics[metric]; ok && i != top {
			p[i] = d.chance(metric, cells[top], c)
			known = known || !math.IsNaN(p[i])
		}
	}
	alike := !slices.ContainsFunc(cells, func(c CellData) bool {
		m, ok := c.Metrics[metric]
		return ok && m.Value != cells[top].Metrics[metric].Value
	})
	if !known || alike {
		return nil
	}
	out := make([]Standing, len(cells))
	for i, v := range stat.Holm(p) {
		m, ok := cells[i].Metrics[metric]
		switch {
		case !ok:
		case m.Value == cells[top].Metrics[metric].Value:
			out[i] = Best
		case !(v <= stat.Level):
			out[i] = Close
		}
	}
	return out
}

// chance is the p-value of no difference between two values: by the seeds where
// there are several; 0 for what is counted, and where their own intervals, which
// a test was not made of, do not meet, and 1 where they do; NaN where nothing
// tells them apart.
func (d Data) chance(metric string, a, b CellData) float64 {
	x, y := a.Metrics[metric], b.Metrics[metric]
	apart := func(yes bool) float64 {
		if yes {
			return 0
		}
		return 1
	}
	if isCounted(metric) {
		return apart(x.Value != y.Value)
	}
	switch diff := d.Compare(a, b, metric); {
	case diff.Why == "" && !diff.Separated():
		return 1
	case diff.Why == "":
		return diff.P
	case x.Lo != nil && x.Hi != nil && y.Lo != nil && y.Hi != nil:
		return apart(*x.Hi < *y.Lo || *y.Hi < *x.Lo)
	}
	return math.NaN()
}

// isCounted tells the metrics that follow from the configuration alone.
func isCounted(metric string) bool {
	m := quantity.Find(metric)
	return m != nil && m.Nature == quantity.Counted
}
