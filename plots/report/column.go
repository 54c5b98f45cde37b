package report

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"prabench/internal/numeral"
	"prabench/metrics/quantity"
	"prabench/plots"
	"prabench/results/record"
	"prabench/results/view"
)

// column is one metric of a table.
type column struct {
	Metric, Name, Unit string
	Hint               string // in which direction it is better
	Group              quantity.Group
	stored             string // unit
	factor             float64
	decimals           int // of values with an interval
	protocols          []string
}

// groups are those of the quantities; the load of the machine is shown with the speeds that it disturbs.
var groups = slices.DeleteFunc(slices.Clone(quantity.Groups), func(g quantity.Group) bool { return g == quantity.Load })

// groupOf is the group of columns that a reader finds a metric in. One without a
// row in the catalogue, of another version, stands with what its stage measures.
func groupOf(metric, kind string) quantity.Group {
	m := quantity.Find(metric)
	switch {
	case m != nil && m.Group == quantity.Load:
		return quantity.Speed
	case m != nil:
		return m.Group
	case kind == record.Train:
		return quantity.Training
	case kind == record.Time:
		return quantity.Speed
	}
	return quantity.Quality
}

// columnsOf are the metrics of rows, apart by unit.
func columnsOf(rows []view.Row) []*column {
	type name struct{ metric, unit string }
	by := map[name]*column{}
	largest := map[name]float64{}
	var all []*column
	for i := range rows {
		r := &rows[i]
		n := name{r.Metric, r.Unit}
		c := by[n]
		if c == nil {
			q := plots.Describe(r.Metric)
			c = &column{Metric: r.Metric, Name: q.Short, Hint: q.Direction(), Group: groupOf(r.Metric, r.Kind), stored: r.Unit}
			by[n] = c
			all = append(all, c)
		}
		largest[n] = max(largest[n], math.Abs(r.Value))
		if !slices.Contains(c.protocols, r.Protocol) {
			c.protocols = append(c.protocols, r.Protocol)
		}
	}
	halves := map[*column][]float64{}
	for n, c := range by {
		c.factor, c.Unit = plots.ShownUnit(c.Metric, c.stored, largest[n])
	}
	for i := range rows {
		if r := &rows[i]; r.Lo != nil && r.Hi != nil && *r.Hi > *r.Lo {
			c := by[name{r.Metric, r.Unit}]
			halves[c] = append(halves[c], (*r.Hi-*r.Lo)/2*c.factor)
		}
	}
	for c, h := range halves { // those that show the middle interval with two digits
		slices.Sort(h)
		c.decimals = numeral.Decimals(h[len(h)/2], 2)
	}
	slices.SortStableFunc(all, func(a, b *column) int {
		return cmp.Or(quantity.Order(a.Metric, b.Metric), strings.Compare(a.Metric, b.Metric), strings.Compare(a.stored, b.stored))
	})
	return all
}

// Main says whether the column is shown at first.
func (c *column) Main() bool {
	m := quantity.Find(c.Metric)
	return m != nil && m.Front
}

// mark tells values of several protocols in one column apart; "" where there
// is one.
func (c *column) mark(protocol string) string {
	if len(c.protocols) < 2 {
		return ""
	}
	return letter(slices.Index(c.protocols, protocol))
}

// letter counts a, b, …, z, aa, ab, …
func letter(i int) string {
	text := ""
	for i++; i > 0; i /= 26 {
		i--
		text = string(rune('a'+i%26)) + text
	}
	return text
}
