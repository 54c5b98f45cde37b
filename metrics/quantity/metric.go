package quantity

import (
	"fmt"
	"slices"

	"prabench/metrics/stat"
)

// Metric is one row of the catalogue.
type Metric struct {
	Name  string // as stored: lower case letters, digits and underscores
	Unit  string // as stored: SI, "images/s", "bytes" or "1"
	Scale Scale  // how a pure number is shown

	Label string // on axes
	Short string // in tables, headings and legends; empty is Label
	Doc   string // the definition, with its source where there is one
	Aim   string // what a good value is, where Better alone does not say

	Better   int // +1 when higher is better, −1 when lower is, 0 when neither
	Group    Group
	Nature   Nature
	Interval stat.Method // of a single value's own interval; a mean over seeds has one over seeds
	Check    Check
	Front    bool // among the few columns that a table shows at first

	Stage string // the kind of stage that writes it
	Key   string // the key of the experiment that asks for it; empty is always written
}

// Scale is what a pure number counts, which decides how it is shown.
type Scale string

// Pure numbers. Values with a unit are scaled by it.
const (
	Plain Scale = ""      // as it is
	Share Scale = "share" // a part of a whole, in per cent
	Count Scale = "count" // a large count, in thousands, millions, …
	FLOP  Scale = "FLOP"  // operations, in kFLOP, MFLOP, …
	FLOPS Scale = "FLOP/s"
)

// Group is what a metric tells about; tables are ordered and filtered by it.
type Group string

// The groups, see [Groups].
const (
	Quality     Group = "quality"
	Diagnostics Group = "diagnostics"
	Speed       Group = "speed"
	Load        Group = "load" // what else a machine did while speed was measured
	Memory      Group = "memory"
	Training    Group = "training"
	Cost        Group = "cost"
)

// Groups in the order of tables.
var Groups = []Group{Quality, Diagnostics, Speed, Load, Memory, Training, Cost}

// Nature is what a second measurement of the same thing would give.
type Nature int

// From certain to uncertain.
const (
	Computed Nature = iota // the same value again: it follows from settings, data and code
	Counted                // the same for every seed too: it follows from the configuration alone
	Measured               // another value: it is the machine's, or the process's
	Timed                  // another value, decided by the machine's speed
)

// Check is how `prabench check` compares a metric.
type Check int

// Ways to compare, in the order in which a check names them.
const (
	NotChecked     Check = iota
	CheckedByTime        // asked for; timed in both programs
	CheckedBySize        // asked for; memory
	CheckedByModel       // asked for; models are trained and scored
	CheckedAlways        // without asking: counts, where any change is one
)

// Exact says that a check need not measure the metric twice: it has no noise.
func (m *Metric) Exact() bool { return m.Nature == Computed || m.Nature == Counted }

// Timing says that the machine's speed decides the metric.
func (m *Metric) Timing() bool { return m.Nature == Timed }

// InRounds says that it is timed in rounds, which other load can falsify.
func (m *Metric) InRounds() bool { return m.Timing() && m.Interval == stat.Rounds }

// Diverged says of a loss_rise that the training diverged: losses of single steps
// scatter, and the medians of two tenths of a training that only stands still do not
// differ by a factor of two.
func Diverged(rise float64) bool { return rise > 2 }

// Called is Short, or Label where there is none.
func (m *Metric) Called() string {
	if m.Short != "" {
		return m.Short
	}
	return m.Label
}

// Direction is the reader's hint, in words: an arrow may be read as the
// direction in which values went.
func (m *Metric) Direction() string { return Direction(m.Better) }

// Direction is "higher is better" for +1, "lower is better" for −1, else "".
func Direction(better int) string {
	switch better {
	case +1:
		return "higher is better"
	case -1:
		return "lower is better"
	}
	return ""
}

var (
	metrics []*Metric // what stages write, in the order of catalogue.go
	along   []*Metric // what is drawn along a training or along AR steps
	byName  = map[string]*Metric{}
)

// metric adds a row.
func metric(m Metric) *Metric { return keep(&metrics, m) }

// onCurve adds a quantity that has a value for every step of something; it is
// in files of artifacts, not among the results.
func onCurve(m Metric) *Metric { return keep(&along, m) }

func keep(list *[]*Metric, m Metric) *Metric {
	if byName[m.Name] != nil {
		panic("quantity: " + m.Name + " has two rows")
	}
	*list = append(*list, &m)
	byName[m.Name] = &m
	return &m
}

// Metrics are all that stages write, in the order of tables within a group.
func Metrics() []*Metric { return slices.Clone(metrics) }

// Find is the row of a name, nil where there is none: results may hold metrics
// of another version of the program.
func Find(name string) *Metric { return byName[name] }

// Names of the metrics for which ok holds, in order; nil is all of them.
func Names(ok func(*Metric) bool) []string {
	var out []string
	for _, m := range metrics {
		if ok == nil || ok(m) {
			out = append(out, m.Name)
		}
	}
	return out
}

// Checkable are the metrics that a check can be asked to compare, in the order
// in which it names them.
func Checkable() []*Metric {
	var out []*Metric
	for _, m := range metrics {
		if m.Check != NotChecked && m.Check != CheckedAlways {
			out = append(out, m)
		}
	}
	slices.SortStableFunc(out, func(a, b *Metric) int { return int(a.Check) - int(b.Check) })
	return out
}

// Order compares two metrics by their place in tables: those that are shown at
// first, then by group, then by row. Names without a row come last in the
// group quality, and by themselves compare as equal.
func Order(a, b string) int { return rank(a) - rank(b) }

func rank(name string) int {
	const many = 10_000
	m := byName[name]
	if m == nil {
		return many + many/10 - 1
	}
	at := slices.Index(metrics, m)
	if m.Front {
		return at
	}
	return many*(1+slices.Index(Groups, m.Group)) + at
}

// Fits says what is wrong with a value that a stage of a kind is about to write,
// or nil: its name must have a row, with that unit and that kind of stage.
func Fits(stage, name, unit string) error {
	m := byName[name]
	switch {
	case m == nil || !slices.Contains(metrics, m):
		return fmt.Errorf("the metric %q is not in the catalogue: give it a row in metrics/quantity/catalogue.go", name)
	case m.Unit != unit:
		return fmt.Errorf("the metric %s is written in %q; the catalogue says %q", name, unit, m.Unit)
	case m.Stage != stage:
		return fmt.Errorf("the metric %s is written by a stage of kind %s; the catalogue says %s", name, stage, m.Stage)
	}
	return nil
}
