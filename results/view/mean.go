package view

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"prabench/metrics/quantity"
	"prabench/metrics/stat"
	"prabench/results/where"
)

// Mean is a metric at one point, averaged over training seeds.
type Mean struct {
	Experiment, Metric, Unit string
	Value                    float64
	Lo, Hi                   *float64    // 95 % interval, nil when there is none
	Interval                 stat.Method // over seeds; of one value, or of values that are all the same, their own
	N                        int         // values averaged: one per seed, unless Across accepted more
	Same                     int         // seeds whose value is one and the same, of one stage: it counts once; 0 where they differ
	Seeds                    []uint64
	Values                   []float64 // one for each of N, in the order of the seeds

	Label                             string // of the first cell
	Patch, Block, RolloutDepth, State *int   // of the first cell
	Params                            map[string]any
	Protocol, Device, Code            string // several only where that was accepted, joined by " + "
	Cells, Attempts                   []string
}

// Averaging says what is kept apart and which differences are accepted.
type Averaging struct {
	// By names what groups have in common: dotted keys of parameters, or
	// "device", "code", "protocol", "cell", "seed". Without any, every point
	// is a group: only seeds are averaged.
	By []string
	// Across names differences that the caller knows of and accepts.
	Across []string
}

// Aggregate averages rows over seeds, apart by the keys given, see [Averaging].
func Aggregate(rows []Row, by ...string) ([]Mean, error) { return Averaging{By: by}.Mean(rows) }

// Mean averages over seeds. Experiments and metrics are always kept apart.
// Groups come in the order of their first rows, seeds ascending within. It
// gives a [*MixedError] for the first group that is not of one kind.
func (a Averaging) Mean(rows []Row) ([]Mean, error) {
	groups := map[string][]*Row{}
	var order []string
	for i := range rows {
		r := &rows[i]
		name := fmt.Sprintf("%q %q", r.Experiment, r.Metric)
		keys := a.By
		if len(keys) == 0 {
			keys = paramKeys(r)
		}
		for _, key := range keys {
			name += fmt.Sprintf(" %q=%q", key, field(r, key))
		}
		if groups[name] == nil {
			order = append(order, name)
		}
		groups[name] = append(groups[name], r)
	}
	means := make([]Mean, 0, len(order))
	for _, name := range order {
		m, err := a.mean(groups[name])
		if err != nil {
			return nil, err
		}
		means = append(means, m)
	}
	return means, nil
}

// fixedParams are the parameters that every cell has, swept or not.
var fixedParams = []string{"model.patch", "model.block", "train.rollout_depth", "model.state"}

func paramKeys(r *Row) []string {
	keys := slices.Clone(fixedParams)
	for k := range r.Params {
		if !slices.Contains(fixedParams, k) {
			keys = append(keys, k)
		}
	}
	sort.Strings(keys)
	return keys
}

// field gives what a row has under a name that By, Across and MixedError use.
func field(r *Row, name string) string {
	switch name {
	case "device":
		return r.DeviceClass
	case "code":
		return r.Code
	case "protocol":
		return r.Protocol
	case "unit":
		return r.Unit
	case "cell":
		return r.Cell
	case "seed":
		return fmt.Sprint(r.Seed)
	}
	v, ok := r.Param(name)
	if !ok {
		return "not set"
	}
	return where.Text(v)
}

func (a Averaging) mean(group []*Row) (Mean, error) {
	group = slices.Clone(group)
	sort.SliceStable(group, func(i, j int) bool { return group[i].Seed < group[j].Seed })
	first := group[0]
	if err := a.check(group); err != nil {
		return Mean{}, err
	}
	values := make([]float64, len(group))
	m := Mean{Experiment: first.Experiment, Metric: first.Metric, Unit: first.Unit, Label: first.Label,
		Patch: first.Patch, Block: first.Block, RolloutDepth: first.RolloutDepth, State: first.State, Params: map[string]any{},
		Protocol: strings.Join(distinct(group, "protocol"), " + "),
		Device:   strings.Join(distinct(group, "device"), " + "), Code: strings.Join(distinct(group, "code"), " + ")}
	for i, r := range group {
		// A seed that counts twice would narrow the interval for nothing.
		if i > 0 && r.Seed == group[i-1].Seed && !a.accepts(r, group[i-1]) {
			return Mean{}, &MixedError{Metric: first.Metric, Where: a.where(first) + fmt.Sprintf(" seed=%d", r.Seed),
				Field: "cell", Values: []string{group[i-1].Cell, r.Cell}}
		}
		values[i] = r.Value
		if !slices.Contains(m.Seeds, r.Seed) {
			m.Seeds = append(m.Seeds, r.Seed)
		}
		m.Cells, m.Attempts = append(m.Cells, r.Cell), append(m.Attempts, r.Attempt)
	}
	for key, v := range first.Params {
		if len(distinct(group, key)) == 1 {
			m.Params[key] = v
		}
	}
	q := quantity.Find(first.Metric)
	if len(group) > 1 && oneStage(group) && !counted(q) {
		m.Same, m.Seeds, values = len(group), m.Seeds[:1], values[:1]
	}
	m.N, m.Values = len(values), values
	// What every seed has the same of does not depend on the seed, like the
	// floor of a distance: seeds say nothing of how sure it is.
	e := stat.Student(values, stat.Seeds)
	if q != nil && q.InRounds() { // a time or a rate: positive, as its interval is
		e = stat.Geometric(values, stat.Seeds)
	}
	if !e.HasInterval() {
		e = first.Estimate()
	}
	m.Value, m.Interval = e.Value, e.Method
	m.Lo, m.Hi = e.Bounds()
	return m, nil
}

// counted says that a metric follows from the configuration alone, so that it is exact.
func counted(m *quantity.Metric) bool { return m != nil && m.Nature == quantity.Counted }

// oneStage says that all rows are of one stage: what is called their seeds is one training, as of a
// family that draws no random numbers, or where the seeds of all parts are set.
func oneStage(group []*Row) bool {
	return group[0].Stage != "" && !slices.ContainsFunc(group, func(r *Row) bool { return r.Stage != group[0].Stage })
}

// Distinct leaves out of rows those that repeat the value of another seed of the same point, since
// both are of one stage.
func Distinct(rows []Row) []Row {
	seen := map[string]bool{}
	out := make([]Row, 0, len(rows))
	for _, r := range rows {
		name := fmt.Sprintf("%q %q %q", r.Experiment, r.Metric, r.Stage)
		for _, key := range paramKeys(&r) {
			name += fmt.Sprintf(" %q=%q", key, field(&r, key))
		}
		if r.Stage != "" && !counted(quantity.Find(r.Metric)) {
			if seen[name] {
				continue
			}
			seen[name] = true
		}
		out = append(out, r)
	}
	return out
}

// check refuses a group that differs in circumstances or parameters that nobody
// accepted.
func (a Averaging) check(group []*Row) error {
	first := group[0]
	circumstances := make([]Circumstances, len(group))
	var keys []string
	for i, r := range group {
		circumstances[i] = r.Circumstances()
		for _, key := range paramKeys(r) {
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	if err := (Rule{Use: Averaged, Where: a.where(first), Accept: a.Across}).Check(first.Metric, circumstances); err != nil {
		return err
	}
	for _, key := range keys {
		if values := distinct(group, key); len(values) > 1 && !slices.Contains(a.Across, key) {
			return &MixedError{Metric: first.Metric, Where: a.where(first), Field: key, Values: values}
		}
	}
	return nil
}

// accepts says whether two rows differ in something that was accepted.
func (a Averaging) accepts(r, s *Row) bool {
	return slices.ContainsFunc(a.Across, func(name string) bool { return field(r, name) != field(s, name) })
}

func distinct(group []*Row, name string) []string {
	var values []string
	for _, r := range group {
		if v := field(r, name); !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	sort.Strings(values)
	return values
}

// where describes the group a row is in.
func (a Averaging) where(r *Row) string {
	keys := a.By
	if len(keys) == 0 {
		for k := range r.Params {
			keys = append(keys, k)
		}
		sort.Strings(keys)
	}
	words := make([]string, len(keys))
	for i, k := range keys {
		words[i] = k + "=" + field(r, k)
	}
	return strings.Join(words, ", ")
}
