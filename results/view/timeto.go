package view

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"prabench/metrics/quantity"
	"prabench/metrics/stat"
	"prabench/results/where"
)

// untilKey is the key of how many steps were trained: cells that differ in it alone
// are one training, looked at again and again.
const untilKey = "train.until"

// StepsTrained is the cost of a training in steps, beside those that are metrics.
const StepsTrained = "steps"

// Arm is a training at some settings, and when it reached a value.
type Arm struct {
	Name    string
	Seeds   int
	Reached int       // seeds that did
	Costs   []Reached // what it took, in the order of the costs asked for
}

// Reached is the cost at which an arm reached a value.
type Reached struct {
	stat.Estimate          // over the seeds that did; no meaning without any
	Beyond        *float64 // of seeds that did not: the smallest cost to which they were followed
	AtFirst       bool     // a seed was there at its first stop already: the cost may be smaller
}

// TimeTo says for each training what it cost until a metric reached a value: between
// the stops on both sides of it, by a straight line. costs are metrics that grow along
// a training. Seeds that never reach the value are counted, not averaged: their cost is
// known to be larger only. The arms come in the order of rows.
func TimeTo(rows []Row, metric string, value float64, costs ...string) ([]Arm, error) {
	better := -1
	if m := quantity.Find(metric); m != nil && m.Better != 0 {
		better = m.Better
	}
	type key struct {
		arm   string
		seed  uint64
		seeds string // those that are keys of the file
	}
	arms := armsOf(rows)
	stops := map[key]map[string]*stop{}
	var order []string
	label := map[string]Row{}
	for i, r := range rows {
		if r.Metric != metric && !slices.Contains(costs, r.Metric) {
			continue
		}
		if _, along := r.Params[untilKey]; !along {
			continue
		}
		k := key{arms[i], r.Seed, seedsOf(r.Params)}
		if _, seen := label[k.arm]; !seen {
			order, label[k.arm] = append(order, k.arm), r
		}
		at := where.Show(r.Params[untilKey])
		if stops[k] == nil {
			stops[k] = map[string]*stop{}
		}
		if stops[k][at] == nil {
			steps, _ := where.Float(r.Params[untilKey])
			stops[k][at] = &stop{score: math.NaN(), costs: map[string]float64{StepsTrained: steps}}
		}
		if r.Metric == metric {
			stops[k][at].score = r.Value
		} else {
			stops[k][at].costs[r.Metric] = r.Value
		}
	}
	if len(order) == 0 {
		return nil, fmt.Errorf("no cell was looked at along its training: give the file train.evaluate, such as every 100 steps, and run it")
	}
	out := make([]Arm, 0, len(order))
	for _, arm := range order {
		a := Arm{Name: arm}
		for _, cost := range costs {
			var got []float64
			var beyond *float64
			first := false
			a.Seeds = 0
			for _, k := range slices.SortedFunc(maps.Keys(stops), func(x, y key) int {
				return cmp.Or(cmp.Compare(x.seed, y.seed), strings.Compare(x.seeds, y.seeds))
			}) {
				if k.arm != arm {
					continue
				}
				a.Seeds++
				at, last, early, reached := reach(stops[k], cost, value, better)
				switch {
				case reached:
					got, first = append(got, at), first || early
				case last > 0 && (beyond == nil || last < *beyond): // 0: it has no such cost
					beyond = &last
				}
			}
			a.Reached = max(a.Reached, len(got)) // a cost may be missing, the steps never are
			c := Reached{Beyond: beyond, AtFirst: first}
			if len(got) > 0 {
				c.Estimate = stat.Student(got, stat.Seeds)
			}
			a.Costs = append(a.Costs, c)
		}
		out = append(out, a)
	}
	return out, nil
}

// stop is one look at a training.
type stop struct {
	score float64
	costs map[string]float64
}

// reach is the cost at which a training first reached a value, which was before its
// first stop if early, or else the last cost at which it was looked at.
func reach(stops map[string]*stop, cost string, value float64, better int) (at, last float64, early, ok bool) {
	var along []*stop
	for _, s := range stops {
		if _, known := s.costs[cost]; known && !math.IsNaN(s.score) {
			along = append(along, s)
		}
	}
	slices.SortFunc(along, func(a, b *stop) int { return cmp.Compare(a.costs[cost], b.costs[cost]) })
	for i, s := range along {
		last = s.costs[cost]
		if (s.score-value)*float64(better) < 0 {
			continue
		}
		if i == 0 || s.score == value {
			return last, last, i == 0 && s.score != value, true
		}
		before := along[i-1]
		share := (value - before.score) / (s.score - before.score)
		return before.costs[cost] + share*(last-before.costs[cost]), last, false, true
	}
	return 0, last, false, false
}

// armsOf names the trainings of rows, of several experiments with that one's name before it.
func armsOf(rows []Row) []string {
	of := map[string][]int{}
	for i, r := range rows {
		of[r.Experiment] = append(of[r.Experiment], i)
	}
	out := make([]string, len(rows))
	for experiment, at := range of {
		var params []map[string]any
		for _, i := range at {
			params = append(params, rows[i].Params)
		}
		for k, name := range ArmsOf(params) {
			if len(of) > 1 {
				name = experiment + ": " + name
			}
			out[at[k]] = name
		}
	}
	return out
}

// ArmsOf names for each cell the training that it is a look at: by what is set of it apart from
// seeds and how far it trained, or by its label, and then by the keys in which cells of that label
// differ.
func ArmsOf(cells []map[string]any) []string {
	differ := map[string]map[string]bool{} // of the cells with a label, the keys with several values
	first := map[string]map[string]any{}
	for _, c := range cells {
		label, ok := labelled(c)
		if !ok {
			continue
		}
		if first[label] == nil {
			first[label], differ[label] = c, map[string]bool{}
		}
		for _, of := range []map[string]any{c, first[label]} {
			for k := range of {
				differ[label][k] = differ[label][k] || shown(c, k) != shown(first[label], k)
			}
		}
	}
	out := make([]string, len(cells))
	for i, c := range cells {
		var parts []string
		label, ok := labelled(c)
		if ok {
			parts = append(parts, label)
		}
		for _, k := range slices.Sorted(maps.Keys(c)) {
			full := quantity.FullKey(k)
			if k == untilKey || full == untilKey || isSeed(k) || !strings.Contains(k, ".") || ok && !differ[label][k] {
				continue
			}
			name := quantity.ShortKey(k)
			if name == "" {
				name = k[strings.LastIndexByte(k, '.')+1:]
			}
			parts = append(parts, name+"="+where.Show(c[k]))
		}
		out[i] = cmp.Or(strings.Join(parts, " "), "all")
	}
	return out
}

func labelled(params map[string]any) (label string, ok bool) {
	v, ok := params["label"]
	if !ok {
		return "", false
	}
	return where.Show(v), true
}

// shown is the text of a value, "" where there is none.
func shown(params map[string]any, key string) string {
	v, ok := params[key]
	if !ok {
		return ""
	}
	return where.Show(v)
}

// seedsOf writes what is set of the seeds of a cell.
func seedsOf(params map[string]any) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(params)) {
		if isSeed(k) {
			parts = append(parts, k+"="+where.Show(params[k]))
		}
	}
	return strings.Join(parts, " ")
}
