package plots

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

	"prabench/metrics/quantity"
	"prabench/plots/figure"
	"prabench/results/where"
)

// dimension is what one axis, colour or panel shows: a metric, a key, or the
// cells' labels.
type dimension struct {
	name    string
	metric  bool
	numeric bool     // every value is a number
	values  []any    // of a key: the distinct ones in order
	names   []string // their texts
	q       called
}

// index is the position of a key's value among the distinct ones.
func (d dimension) index(v any) int {
	s := show(v)
	for i, n := range d.names {
		if n == s {
			return i
		}
	}
	return -1
}

// selection is the part of the data that a figure is about.
type selection struct {
	fig   Figure
	data  Data
	cells []CellData
	// split says that components of variance are drawn, whose seeds and intervals the
	// notes state: those of single values are left out of the foot.
	split bool
}

// ofOneSeed are the kinds of figures that show what exists once a seed.
func ofOneSeed() (names []string) {
	for _, k := range figure.Kinds() {
		if k.Needs.OneSeed() {
			names = append(names, k.Name)
		}
	}
	return names
}

// choose applies the figure's filter.
func choose(fig Figure, data Data) (*selection, error) {
	s := &selection{fig: fig, data: data}
	if len(data.Cells) == 0 {
		return nil, fmt.Errorf("experiment %q has no cells to draw; run it first", data.Experiment)
	}
	all := &selection{fig: fig, data: data, cells: data.Cells}
	keys := make([]string, 0, len(fig.Where))
	for k := range fig.Where {
		if k == "seed" && !all.hasKey(k) {
			return nil, fmt.Errorf("where: a figure of kind %s shows means over all seeds; seed chooses in "+
				"figures of what each seed has of its own: %s",
				fig.Kind, listed(ofOneSeed()))
		}
		if !all.hasKey(k) {
			return nil, fmt.Errorf("where: no cell has the key %q; keys are %s", k, listed(all.keys()))
		}
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, c := range data.Cells {
		if c.Has(fig.Where) {
			s.cells = append(s.cells, c)
		}
	}
	if len(s.cells) == 0 {
		var parts []string
		for _, k := range keys {
			d := all.key(k)
			parts = append(parts, fmt.Sprintf("%s = %s (there are %s)", k, where.Words(fig.Where[k]), listed(d.names)))
		}
		return nil, fmt.Errorf("where leaves none of the %d cells: %s", len(data.Cells), strings.Join(parts, ", "))
	}
	s.given()
	return s, nil
}

// untilKey is the key of how far a training went.
const untilKey = "train.until"

// given takes, for cells that a search gave up, what they last had: as a mark of their
// own where the figure shows that stop too, else in the place of the cell.
func (s *selection) given() {
	last := map[string]*CellData{} // by training
	reach := func(c *CellData) float64 {
		v, _ := param(*c, untilKey)
		n, ok := number(v)
		if !ok || n == 0 { // to the end
			return math.Inf(1)
		}
		return n
	}
	for i := range s.data.Cells {
		c := &s.data.Cells[i]
		if name := training(*c); len(c.Metrics) > 0 && !c.Dropped && (last[name] == nil || reach(c) > reach(last[name])) {
			last[name] = c
		}
	}
	for i := range s.cells {
		c := &s.cells[i]
		if !c.Dropped {
			continue
		}
		c.Outcome = "dropped"
		if _, why, ok := strings.Cut(c.Reason, ": "); ok {
			c.Reason = why
		}
		if s.fig.Text() {
			continue
		}
		was := last[training(*c)]
		if was == nil || reach(was) > reach(c) {
			continue
		}
		if at := slices.IndexFunc(s.cells, func(o CellData) bool { return slices.Equal(o.IDs, was.IDs) && o.Label == was.Label }); at >= 0 {
			s.cells[at].hollow = true
			continue
		}
		c.Metrics, c.Outcome, c.Reason, c.hollow = was.Metrics, "", "", true
		c.Curve, c.Steps, c.Grid, c.Response, c.Code, c.Device = was.Curve, was.Steps, was.Grid, was.Response, was.Code, was.Device
	}
}

// training names what cells have in common that are one training, looked at again and
// again.
func training(c CellData) string { return without(c, untilKey, namedLabel) }

// without names a cell by all of its keys but some.
func without(c CellData, keys ...string) string {
	var parts []string
	for k, v := range c.Params {
		if !slices.Contains(keys, k) {
			parts = append(parts, fmt.Sprintf("%q=%v", k, v))
		}
	}
	sort.Strings(parts)
	return strings.Join(parts, " ")
}

// dropped is the note of the cells that a search gave up.
func (s *selection) dropped() string {
	hollow, without := 0, 0
	for _, c := range s.cells {
		if c.hollow {
			hollow++
		}
		if c.Dropped && !c.hollow {
			without++
		}
	}
	switch {
	case hollow > 0:
		return fmt.Sprintf("Hollow: the last value of %d of %d cells that the search stopped there.", hollow, len(s.cells))
	case without > 0:
		return fmt.Sprintf("%d of %d cells were dropped by the search before they had a value.", without, len(s.cells))
	}
	return ""
}

// Cells have two names. "label" is what an experiment file says of a step of one
// of its axes, and where it says nothing the cell's whole label; several cells
// may share it when there are other axes. "cell" is always the whole label.
const (
	namedLabel = "label"
	cellLabel  = "cell"
)

func isLabel(name string) bool { return name == namedLabel || name == cellLabel }

// param looks a key up by its dotted name, or by the last part of it when that
// is unambiguous.
func param(c CellData, name string) (any, bool) {
	switch name {
	case namedLabel:
		if v, ok := c.Params[namedLabel]; ok {
			return v, true
		}
		return c.Label, true
	case cellLabel:
		return c.Label, true
	}
	if v, ok := c.Params[name]; ok {
		return v, true
	}
	for _, other := range []string{quantity.FullKey(name), quantity.ShortKey(name)} {
		if v, ok := c.Params[other]; ok {
			return v, true
		}
	}
	var found any
	n := 0
	for k, v := range c.Params {
		if strings.HasSuffix(k, "."+name) {
			found = v
			n++
		}
	}
	return found, n == 1
}

// keys are the names of all parameters, without short names that only repeat a
// dotted one.
func (s *selection) keys() []string {
	seen := map[string]bool{}
	for _, c := range s.cells {
		for k := range c.Params {
			seen[k] = true
		}
	}
	var keys []string
	for k := range seen {
		if full := quantity.FullKey(k); full == k || !seen[full] {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	return keys
}

func (s *selection) metrics() []string {
	seen := map[string]bool{}
	for _, c := range s.cells {
		for m := range c.Metrics {
			seen[m] = true
		}
	}
	names := make([]string, 0, len(seen))
	for m := range seen {
		names = append(names, m)
	}
	sort.Strings(names)
	return names
}

func (s *selection) hasKey(name string) bool {
	for _, c := range s.cells {
		if _, ok := param(c, name); ok {
			return true
		}
	}
	return false
}

// varying are the keys that take more than one value.
func (s *selection) varying() []string {
	var v []string
	for _, k := range s.keys() {
		if len(s.key(k).names) > 1 {
			v = append(v, k)
		}
	}
	return v
}

// label names a cell for people.
func (s *selection) label(c CellData) string {
	if c.Label != "" {
		return c.Label
	}
	var parts []string
	for _, k := range s.varying() {
		v, _ := param(c, k)
		parts = append(parts, describe(k).short+"="+show(v))
	}
	if len(parts) == 0 {
		return s.data.Experiment
	}
	return strings.Join(parts, ", ")
}

// value is a cell's value of a dimension that is not a metric.
func (s *selection) value(c CellData, d dimension) any {
	if _, named := c.Params[namedLabel]; d.name == cellLabel || d.name == namedLabel && !named {
		return s.label(c)
	}
	v, _ := param(c, d.name)
	return v
}

// key is the dimension of a key over the selected cells: numbers in order, then
// everything else in the order in which it appears, which is the plan's, and at last
// "none", for cells without the key.
func (s *selection) key(name string) dimension {
	d := dimension{name: name, numeric: !isLabel(name), q: describe(name)}
	seen := map[string]bool{}
	for _, c := range s.cells {
		v := s.value(c, d)
		if t := show(v); !seen[t] {
			seen[t] = true
			d.values = append(d.values, v)
			if _, ok := number(v); !ok {
				d.numeric = false
			}
		}
	}
	sort.SliceStable(d.values, func(i, j int) bool {
		a, okA := number(d.values[i])
		b, okB := number(d.values[j])
		switch {
		case okA && okB:
			return a < b
		case okA || okB:
			return okA
		}
		return d.values[i] != nil && d.values[j] == nil
	})
	s.inOrder(&d)
	for _, v := range d.values {
		d.names = append(d.names, show(v))
	}
	return d
}

// dimension resolves the name of an axis. role is where the name stands in the
// figure, for the error.
func (s *selection) dimension(role, name string) (dimension, error) {
	if name == "" {
		return dimension{}, fmt.Errorf("%s is missing: it is a metric or a key of the experiment", role)
	}
	for _, c := range s.cells {
		if _, ok := c.Metrics[name]; ok {
			return dimension{name: name, metric: true, numeric: true, q: describe(name)}, nil
		}
	}
	if isLabel(name) || s.hasKey(name) {
		return s.key(name), nil
	}
	if quantity.Find(name) != nil {
		return dimension{}, fmt.Errorf("%s: none of the %d cells has a value of %s%s", role, len(s.cells), name, s.outcomes())
	}
	return dimension{}, fmt.Errorf("%s: %q is neither a metric (%s) nor a key (%s)", role, name, listed(s.metrics()), listed(s.keys()))
}

// category resolves a name that must not be a metric; empty is no dimension.
func (s *selection) category(role, name string) (*dimension, error) {
	if name == "" {
		return nil, nil
	}
	d, err := s.dimension(role, name)
	if err != nil {
		return nil, err
	}
	if d.metric {
		return nil, fmt.Errorf("%s: %s is a metric; only a key of the experiment or \"label\" can be a %s", role, name, role)
	}
	return &d, nil
}

// metric resolves a name that must be one, and makes sure that its values are
// comparable.
func (s *selection) metric(role, name string) (dimension, error) {
	d, err := s.dimension(role, name)
	if err != nil {
		return d, err
	}
	if !d.metric {
		return d, fmt.Errorf("%s: %s is a key of the experiment; a metric is wanted here (%s)", role, name, listed(s.metrics()))
	}
	return d, s.comparable(d)
}

// outcomes says why cells have no values: " (oom 2, timeout 1)".
func (s *selection) outcomes() string {
	n := map[string]int{}
	for _, c := range s.cells {
		if failed(c) {
			n[c.Outcome]++
		}
	}
	if len(n) == 0 {
		return ""
	}
	return ": " + counted(n)
}

func failed(c CellData) bool { return c.Outcome != "" && c.Outcome != "ok" }

// counted lists reasons with their numbers, the most frequent first.
func counted(n map[string]int) string {
	keys := make([]string, 0, len(n))
	for k := range n {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool {
		if n[keys[i]] != n[keys[j]] {
			return n[keys[i]] > n[keys[j]]
		}
		return keys[i] < keys[j]
	})
	for i, k := range keys {
		keys[i] = fmt.Sprintf("%s (%d)", k, n[k])
	}
	return strings.Join(keys, ", ")
}

// number is the value of a numeric key.
func number(v any) (float64, bool) { return where.Float(v) }

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	if len(names) > 24 {
		return strings.Join(names[:24], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}
