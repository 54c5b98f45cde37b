package plots

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// MixedError refuses to put values on one axis that cannot be compared.
type MixedError struct {
	Metric string
	What   string   // "protocols" or "units"
	Values []string // the different ones
}

func (e *MixedError) Error() string {
	return fmt.Sprintf("%s was measured in %d different %s, which never share an axis: %s; draw them apart with where, or measure again under one protocol",
		e.Metric, len(e.Values), e.What, strings.Join(e.Values, " | "))
}

// hidden is the part of a protocol that the figure does not show: where an axis,
// the series or the panels are a key of [measure], such as its batch, that
// part differs before the reader's eyes.
func (s *selection) hidden(protocol string) string {
	parts := strings.Split(protocol, "; ")
	for _, name := range []string{s.fig.X, s.fig.Y, s.fig.Series, s.fig.Facet} {
		if key, ok := strings.CutPrefix(name, "measure."); ok {
			parts = slices.DeleteFunc(parts, func(p string) bool { return strings.HasPrefix(p, key+"=") })
		}
	}
	return strings.Join(parts, "; ")
}

// comparable refuses values of different protocols or units.
func (s *selection) comparable(d dimension) error {
	for _, what := range []string{"protocols", "units"} {
		var values []string
		for _, c := range s.cells {
			if m, ok := c.Metrics[d.name]; ok {
				v := s.hidden(m.Protocol)
				if what == "units" {
					v = storedUnit(d.q, m.Unit)
				}
				if v == "" {
					v = "(none)"
				}
				if !contains(values, v) {
					values = append(values, v)
				}
			}
		}
		if len(values) > 1 {
			return &MixedError{Metric: d.name, What: what, Values: values}
		}
	}
	return nil
}

// unit finds how the dimension's values are shown: the factor to them and the name.
func (s *selection) unit(d dimension) (float64, string) {
	stored, largest := d.q.unit, 0.0
	for _, c := range s.cells {
		if m, ok := c.Metrics[d.name]; ok {
			stored = storedUnit(d.q, m.Unit)
			if !math.IsNaN(m.Value) && !math.IsInf(m.Value, 0) {
				largest = math.Max(largest, math.Abs(m.Value))
			}
		}
	}
	return scaleUnit(stored, largest)
}

// distinct refuses two cells that the given dimensions do not tell apart.
func (s *selection) distinct(kind string, dims ...*dimension) error {
	first := map[string]CellData{}
	for _, c := range s.cells {
		var where []string
		for _, d := range dims {
			if d != nil {
				where = append(where, d.name+" = "+show(s.value(c, *d)))
			}
		}
		id := strings.Join(where, ", ")
		other, dup := first[id]
		if !dup {
			first[id] = c
			continue
		}
		var differ []string
		for _, k := range s.keys() {
			a, _ := param(c, k)
			b, _ := param(other, k)
			if show(a) != show(b) {
				differ = append(differ, fmt.Sprintf("%s (%s and %s)", k, show(b), show(a)))
			}
		}
		if len(differ) == 0 {
			differ = []string{"nothing that is in their keys"}
		}
		if id == "" {
			id = "the same place"
		}
		return fmt.Errorf("a %s has one value at %s, but several cells are there; they differ in %s: make that the series or the facet, or fix it with where",
			kind, id, strings.Join(differ, ", "))
	}
	return nil
}
