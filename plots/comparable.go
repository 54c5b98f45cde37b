package plots

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"prabench/metrics/quantity"
	"prabench/plots/figure"
)

// MixedError refuses to put values on one axis that cannot be compared.
type MixedError struct {
	Metric string
	What   string   // "protocols", "units", "devices" or "code revisions"
	Values []string // the different ones
}

// advice says what can be done about a difference.
func (e *MixedError) advice() string {
	switch e.What {
	case "code revisions":
		return "run the cells again from one commit, draw them apart with where, or accept it with --across code"
	case "devices":
		return "measure again on one machine, draw them apart with where, or accept it with --across device"
	}
	return "draw them apart with where, or measure again under one protocol"
}

func (e *MixedError) Error() string {
	return fmt.Sprintf("%s was measured in %d different %s, which never share an axis: %s; %s",
		e.Metric, len(e.Values), e.What, strings.Join(e.Values, " | "), e.advice())
}

// hidden is the part of a protocol that the figure does not show: where an axis,
// the series or the panels are a key of [measure], such as its batch, that
// part differs before the reader's eyes.
func (s *selection) hidden(protocol string) string {
	parts := strings.Split(protocol, "; ")
	for _, name := range s.fig.Names() {
		if key, ok := strings.CutPrefix(name, "measure."); ok {
			parts = slices.DeleteFunc(parts, func(p string) bool { return strings.HasPrefix(p, key+"=") })
		}
	}
	return strings.Join(parts, "; ")
}

// differences are what values of one axis must not differ in unless it is shown
// or accepted, each with the name that accepts it.
var differences = []struct{ what, accept string }{
	{"protocols", "protocol"}, {"units", ""}, {"devices", "device"}, {"code revisions", "code"},
}

// comparable refuses values of different protocols, units, devices or code.
func (s *selection) comparable(d dimension) error {
	for _, diff := range differences {
		var values []string
		for _, c := range s.cells {
			m, ok := c.Metrics[d.name]
			if !ok {
				continue
			}
			var v string
			switch diff.what {
			case "protocols":
				v = s.hidden(m.Protocol)
			case "units":
				v = d.q.metric.ShownAs(m.Unit)
			case "devices":
				v = m.Device
			case "code revisions":
				v = m.Code
			}
			values = addDistinct(values, v)
		}
		if err := s.refuse(d.name, diff.what, diff.accept, values); err != nil {
			return err
		}
	}
	return nil
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
	case figure.StepErrors:
		what, has = "the error of AR steps", func(c CellData) bool { return c.Steps != nil }
	}
	var devices, codes []string
	for _, c := range s.cells {
		if has(c) {
			devices, codes = addDistinct(devices, c.Device), addDistinct(codes, c.Code)
		}
	}
	if err := s.refuse(what, "devices", "device", devices); err != nil {
		return err
	}
	return s.refuse(what, "code revisions", "code", codes)
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

func (s *selection) refuse(metric, what, accept string, values []string) error {
	if len(values) < 2 || accept != "" && contains(s.data.Accept, accept) {
		return nil
	}
	if what == "devices" && contains(s.fig.Names(), "measure.device") {
		return nil
	}
	return &MixedError{Metric: metric, What: what, Values: values}
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
		return fmt.Errorf("a %s has one value at %s, but several cells are there; they differ in %s: "+
			"make that the series or the facet, or fix it with where", kind, id, strings.Join(differ, ", "))
	}
	return nil
}
