package view

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"prabench/metrics/quantity"
	"prabench/metrics/stat"
	"prabench/results/where"
)

// Importance says how much of the variance of a metric each axis of a sweep explains.
type Importance struct {
	Mean          float64
	Points, Seeds int
	Left          int // values that the analysis leaves out: those that are not finite
	Effects       []AxisEffect
	Blocks        stat.Effect // what seeds do to all points alike
	Higher        stat.Effect // what points differ by beyond axes and pairs of axes
	Error         stat.Effect // what is left: seeds that act differently on points
	// ErrorIsHigher says that there is one seed, so interactions of three axes and
	// more stand for the error.
	ErrorIsHigher bool
	Balanced      bool // every level of every axis meets every other, with every seed
}

// AxisEffect is what an axis does, or two of them beyond what each does alone.
type AxisEffect struct {
	Name string
	stat.Effect
	Corrected float64 // p by Holm over the effects of this metric; NaN where there is none
	Levels    []Level // of a single axis, in order
}

// Level is the mean over everything else at one value of an axis.
type Level struct {
	Name string
	Mean float64
	N    int
}

// axisOf is an axis as the analysis sees it.
type axisOf struct {
	name   string
	levels []string
	stat.Factor
}

// ImportanceOf splits the variance of values by axes. An axis is a list of keys that
// move together; without any, they are the keys that take more than one value, apart
// from seeds and from keys that another key already says. ok is false where there is
// no axis, or nothing differs.
func ImportanceOf(draws []Draw, axes [][]string) (out Importance, ok bool) {
	kept := make([]Draw, 0, len(draws))
	for _, d := range draws {
		if !math.IsNaN(d.Value) && !math.IsInf(d.Value, 0) {
			kept = append(kept, d)
		}
	}
	out.Left = len(draws) - len(kept)
	factors := factorsOf(kept, axes)
	if len(factors) == 0 {
		return out, false
	}
	y := make([]float64, len(kept))
	points := map[string]int{}
	for i, d := range kept {
		y[i] = d.Value
		out.Mean += d.Value / float64(len(kept))
		var at []string
		for _, f := range factors {
			at = append(at, f.levels[f.Levels[i]])
		}
		points[strings.Join(at, "\x00")]++
	}
	block, blocks := blocksOf(kept)
	out.Points, out.Seeds = len(points), blocks
	plain, cells := make([]stat.Factor, len(factors)), blocks
	for i, f := range factors {
		plain[i] = f.Factor
		cells *= len(f.levels)
	}
	out.Balanced = cells == len(kept)
	if blocks < 2 {
		block = nil
	}
	a := stat.Anova(y, plain, block)
	if a.Total == 0 {
		return out, false
	}
	out.Blocks, out.Higher, out.Error, out.ErrorIsHigher = a.Blocks, a.Higher, a.Error, a.ErrorIsHigher
	var p []float64
	for _, e := range a.Effects {
		p = append(p, e.P)
	}
	p = stat.Holm(p)
	for i, e := range a.Effects {
		x := AxisEffect{Effect: e, Corrected: p[i]}
		var names []string
		for _, at := range e.Factors {
			names = append(names, factors[at].name)
		}
		x.Name = strings.Join(names, " × ")
		if len(e.Factors) == 1 {
			x.Levels = factors[e.Factors[0]].means(y)
		}
		out.Effects = append(out.Effects, x)
	}
	slices.SortStableFunc(out.Effects, func(a, b AxisEffect) int { return cmp.Compare(b.Share, a.Share) })
	return out, true
}

// means are those of the values at each level.
func (f *axisOf) means(y []float64) []Level {
	out := make([]Level, len(f.levels))
	for i, at := range f.Levels {
		out[at].N++
		out[at].Mean += y[i]
	}
	for i := range out {
		out[i].Name = f.levels[i]
		out[i].Mean /= float64(out[i].N)
	}
	return out
}

// factorsOf are the axes that take more than one value.
func factorsOf(draws []Draw, axes [][]string) (out []axisOf) {
	if axes == nil {
		for _, key := range swept(draws) {
			axes = append(axes, []string{key})
		}
		defer func() { out = apart(out) }()
	}
	for _, keys := range axes {
		if slices.ContainsFunc(keys, isSeed) {
			continue
		}
		if f := factorOf(draws, keys); len(f.levels) > 1 {
			out = append(out, f)
		}
	}
	return out
}

// swept are the dotted keys of values, and labels of zips, in order.
func swept(draws []Draw) []string {
	keys := map[string]bool{}
	for _, d := range draws {
		for k := range d.Params {
			if (strings.Contains(k, ".") || k == "label") && !isSeed(k) {
				keys[k] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

// factorOf numbers the values of an axis: of one key numbers in their order, then names in that in
// which they come, and at last cells without the key; of several keys all as they come.
func factorOf(draws []Draw, keys []string) axisOf {
	f := axisOf{name: axisName(keys)}
	place := map[string]int{}
	type standing struct {
		group  int
		number float64
	}
	var standings []standing
	for _, d := range draws {
		var parts []string
		label, named := d.Params["label"]
		if named = named && len(keys) > 1; named { // a zip whose steps have names
			parts = []string{where.Show(label)}
		}
		for _, k := range keys {
			if !named {
				parts = append(parts, where.Show(d.Params[k]))
			}
		}
		text := strings.Join(parts, ", ")
		if _, ok := place[text]; !ok {
			place[text] = len(f.levels)
			f.levels = append(f.levels, text)
			v, has := d.Params[keys[0]]
			s := standing{group: 1}
			if x, ok := where.Float(v); ok {
				s = standing{number: x}
			} else if !has {
				s.group = 2
			}
			standings = append(standings, s)
		}
		f.Levels = append(f.Levels, place[text])
	}
	f.Name = f.name
	if len(keys) > 1 {
		return f
	}
	order := make([]int, len(standings))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := standings[a], standings[b]
		return cmp.Or(cmp.Compare(x.group, y.group), cmp.Compare(x.number, y.number))
	})
	rank, levels := make([]int, len(order)), make([]string, len(order))
	for to, from := range order {
		rank[from], levels[to] = to, f.levels[from]
	}
	f.levels = levels
	for i, l := range f.Levels {
		f.Levels[i] = rank[l]
	}
	return f
}

// axisName is the short name of a key, or those of keys that move together.
func axisName(keys []string) string {
	var names []string
	for _, k := range keys {
		short := quantity.ShortKey(k)
		if short == "" {
			short = k[strings.LastIndexByte(k, '.')+1:]
		}
		names = append(names, short)
	}
	return strings.Join(names, "+")
}

// apart leaves out an axis that follows from another: what it does is what that does.
func apart(factors []axisOf) (out []axisOf) {
	for i, f := range factors {
		said := slices.ContainsFunc(factors[:i], func(o axisOf) bool { return follows(f, o) && follows(o, f) }) ||
			slices.ContainsFunc(factors, func(o axisOf) bool { return follows(f, o) && !follows(o, f) })
		if !said {
			out = append(out, f)
		}
	}
	return out
}

// follows says that each level of o has one level of f.
func follows(f, o axisOf) bool {
	of := map[int]int{}
	for i, l := range o.Levels {
		if was, ok := of[l]; ok && was != f.Levels[i] {
			return false
		}
		of[l] = f.Levels[i]
	}
	return true
}

// blocksOf numbers the seeds of values: of the training and of the sampling.
func blocksOf(draws []Draw) (block []int, n int) {
	type drawn struct {
		training
		sampling uint64
	}
	place := map[drawn]int{}
	for _, d := range draws {
		seed := drawn{trainingOf(d), seedOf(d, samplingKey)}
		if _, ok := place[seed]; !ok {
			place[seed] = len(place)
		}
		block = append(block, place[seed])
	}
	return block, len(place)
}
