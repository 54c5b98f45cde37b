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
		arm  string
		seed uint64
	}
	stops := map[key]map[string]*stop{}
	var order []string
	label := map[string]Row{}
	for _, r := range rows {
		if r.Metric != metric && !slices.Contains(costs, r.Metric) {
			continue
		}
		if _, along := r.Params[untilKey]; !along {
			continue
		}
		k := key{ArmOf(r.Params), r.Seed}
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
			for _, k := range slices.SortedFunc(maps.Keys(stops), func(x, y key) int { return cmp.Compare(x.seed, y.seed) }) {
				if k.arm != arm {
					continue
				}
				a.Seeds++
				at, last, early, reached := reach(stops[k], cost, value, better)
				switch {
				case reached:
					got, first = append(got, at), first || early
				case beyond == nil || last < *beyond:
					beyond = &last
				}
			}
			a.Reached = len(got)
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

// ArmOf writes what is set of a cell apart from seeds and how far it trained.
func ArmOf(params map[string]any) string {
	if label, ok := params["label"]; ok {
		return where.Show(label)
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(params)) {
		if full := quantity.FullKey(k); k == untilKey || full == untilKey || isSeed(k) || !strings.Contains(k, ".") {
			continue
		}
		name := quantity.ShortKey(k)
		if name == "" {
			name = k[strings.LastIndexByte(k, '.')+1:]
		}
		parts = append(parts, name+"="+where.Show(params[k]))
	}
	if len(parts) == 0 {
		return "all"
	}
	return strings.Join(parts, " ")
}
