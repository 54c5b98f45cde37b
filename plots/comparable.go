package plots

import (
	"fmt"
	"math"
	"strings"

	"prabench/metrics/quantity"
	"prabench/plots/figure"
	"prabench/results/view"
)

// MixedError refuses to put values on one axis that cannot be compared.
type MixedError = view.MixedError

// rule is what may differ on one axis of the figure: what was accepted, and keys
// of [measure] that are an axis, the series or the panels.
func (s *selection) rule() view.Rule {
	return view.Rule{Use: view.Drawn, Accept: s.data.Accept, Shown: s.fig.Names()}
}

// comparable refuses values of different protocols, units, devices or code.
func (s *selection) comparable(d dimension) error {
	var values []view.Circumstances
	for _, c := range s.cells {
		if m, ok := c.Metrics[d.name]; ok {
			values = append(values, view.Circumstances{Unit: d.q.metric.ShownAs(m.Unit), Protocol: m.Protocol, Device: m.Device, Code: m.Code})
		}
	}
	return s.rule().Check(d.name, values)
}

// sameOrigin refuses cells whose curves, images or errors, when that is what the
// figure shows, come from different devices or code.
func (s *selection) sameOrigin() error {
	var what string
	var has func(CellData) bool
	switch s.fig.Needs() {
	case figure.Means:
		return nil // the values tell, see comparable
	case figure.Images:
		what, has = "the sheet of images", func(c CellData) bool { return c.Grid != nil }
	case figure.Curves:
		what, has = "the training curve", func(c CellData) bool { return c.Curve != nil }
	case figure.Trials:
		what, has = "the response to sampling", func(c CellData) bool { return c.Response != nil }
	case figure.StepErrors:
		what, has = "the error of AR steps", func(c CellData) bool { return c.Steps != nil }
	}
	var made []view.Circumstances
	for _, c := range s.cells {
		if has(c) {
			made = append(made, view.Circumstances{Device: c.Device, Code: c.Code})
		}
	}
	return s.rule().Check(what, made)
}

func addDistinct(values []string, v string) []string {
	if v == "" {
		v = "(none)"
	}
	if !contains(values, v) {
		values = append(values, v)
	}
	return values
}

// unit finds how the dimension's values are shown: the factor to them and the name.
func (s *selection) unit(d dimension) (float64, string) {
	stored, largest := d.q.metric.ShownAs(""), 0.0
	for _, c := range s.cells {
		if m, ok := c.Metrics[d.name]; ok {
			stored = d.q.metric.ShownAs(m.Unit)
			if !math.IsNaN(m.Value) && !math.IsInf(m.Value, 0) {
				largest = math.Max(largest, math.Abs(m.Value))
			}
		}
	}
	return quantity.Scaled(stored, largest)
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
		key := namedLabel // that would tell them apart
		for _, k := range s.keys() {
			a, _ := param(c, k)
			b, _ := param(other, k)
			if show(a) != show(b) {
				if len(differ) == 0 {
					key = k
				}
				differ = append(differ, fmt.Sprintf("%s (%s and %s)", k, show(b), show(a)))
			}
		}
		if len(differ) == 0 {
			differ = []string{"nothing that is in their keys"}
		}
		if id == "" {
			id = "the same place"
		}
		return fmt.Errorf("a %s has one value at %s, but several cells are there; they differ in %s: %s, or fix it with where",
			kind, id, strings.Join(differ, ", "), s.apart(key))
	}
	return nil
}

// apart says what to do so that a key tells cells apart, in keys that the kind has.
func (s *selection) apart(key string) string {
	kind, _ := figure.Of(s.fig.Kind)
	if f, has := kind.Field("rows"); has && f.Is == figure.Key {
		return "add that to rows"
	}
	var ways []string
	for _, name := range []string{"series", "facet"} {
		f, has := kind.Field(name)
		if !has || name == "series" && kind.Name == figure.Grid { // there it is another name of the facet
			continue
		}
		fig := s.fig
		*f.To(&fig).(*string) = key
		if fig.Check() == nil {
			ways = append(ways, "the "+name)
		}
	}
	return "make that " + strings.Join(ways, " or ")
}
