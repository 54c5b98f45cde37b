package view

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"prabench/metrics/stat"
	"prabench/results/where"
)

// Draw is one value of a point: what one training and one sampling gave.
type Draw struct {
	Label  string
	Params map[string]any
	Seed   uint64
	Value  float64
}

// samplingKey is the seed of the sampling noise, and partKeys are those of the parts
// of a training; without one, or at 0, the part has the training's.
const samplingKey = "sample.seed"

var partKeys = []struct{ key, name string }{
	{"seed.init", "initial weights"}, {"seed.order", "order of images"}, {"seed.noise", "training noise"},
}

// Names of components of noise beside those of parts of a training.
const (
	TrainingSeeds = "training seeds"
	PartsTogether = "parts together"
	SamplingSeeds = "sampling seeds"
	Interaction   = "training × sampling"
)

// Component is a variance that values have for one reason.
type Component struct {
	Name     string
	Variance stat.Estimate
	Levels   int
}

// Ledger says how much of what is seen of a point is noise, and where it comes from.
type Ledger struct {
	Point      string // empty where there is one
	Mean       float64
	Trainings  int
	Samplings  int // sampling seeds of each training
	Left       int // values without a part in it: their trainings lack sampling seeds
	Components []Component
	// Training is the variance of what trainings differ by, and Sampling of what
	// samplings of one training do; that has no meaning with one sampling seed.
	Training, Sampling stat.Estimate
	Spread             stat.Spread // of one training with one sampling, as a comparison meets it
}

// Ledgers splits the noise of each point: of values that differ in nothing but
// seeds. Trainings are crossed with sampling seeds; those without all of these are
// left out. Points of fewer than three trainings have none.
func Ledgers(draws []Draw) []Ledger {
	groups := map[string][]Draw{}
	var order []string
	for _, d := range draws {
		name := pointOf(d, nil)
		if groups[name] == nil {
			order = append(order, name)
		}
		groups[name] = append(groups[name], d)
	}
	varies := varying(groups)
	var out []Ledger
	for _, name := range order {
		if l, ok := newLedger(groups[name]); ok {
			if len(order) > 1 {
				l.Point = called(groups[name], varies)
			}
			out = append(out, l)
		}
	}
	return out
}

// called is the label that all values of a point share, else what it is of the keys
// in which points differ.
func called(draws []Draw, varies map[string]bool) string {
	for _, d := range draws {
		if d.Label == "" || d.Label != draws[0].Label {
			return pointOf(draws[0], varies)
		}
	}
	return draws[0].Label
}

func isSeed(key string) bool { return strings.HasPrefix(key, "seed.") || key == samplingKey }

// pointOf writes all that is set of a value apart from seeds; of some keys alone where
// these are named.
func pointOf(d Draw, of map[string]bool) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(d.Params)) {
		if !isSeed(k) && k != "label" && (of == nil || of[k]) {
			parts = append(parts, k+"="+where.Show(d.Params[k]))
		}
	}
	return strings.Join(parts, ", ")
}

// varying are the keys in which points differ.
func varying(groups map[string][]Draw) map[string]bool {
	texts := map[string]map[string]bool{}
	for _, g := range groups {
		for k, v := range g[0].Params {
			if strings.Contains(k, ".") { // the short names repeat
				if texts[k] == nil {
					texts[k] = map[string]bool{}
				}
				texts[k][where.Show(v)] = true
			}
		}
	}
	out := map[string]bool{}
	for k, t := range texts {
		out[k] = len(t) > 1
	}
	return out
}

// training is a training's seeds: its own, then those of its parts.
type training [4]uint64

func trainingOf(d Draw) training {
	t := training{d.Seed}
	for i, p := range partKeys {
		if t[i+1] = seedOf(d, p.key); t[i+1] == 0 {
			t[i+1] = d.Seed
		}
	}
	if t[1] != 0 { // the parts say everything
		t[0] = 0
	}
	return t
}

func seedOf(d Draw, key string) uint64 {
	v, ok := where.Float(d.Params[key])
	if !ok || v < 0 {
		return 0
	}
	return uint64(v)
}

// newLedger splits the values of one point.
func newLedger(draws []Draw) (Ledger, bool) {
	by := map[training]map[uint64]float64{}
	count := map[uint64]int{}
	for _, d := range draws {
		t, s := trainingOf(d), seedOf(d, samplingKey)
		if by[t] == nil {
			by[t] = map[uint64]float64{}
		}
		by[t][s] = d.Value
		count[s]++
	}
	samplings := slices.Sorted(maps.Keys(count))
	// Sampling seeds that hardly any training has are not worth all the others.
	samplings = slices.DeleteFunc(samplings, func(s uint64) bool { return 2*count[s] < len(by) })
	var trainings []training
	var y [][]float64
	inOrder := func(a, b training) int { return slices.Compare(a[:], b[:]) }
	for _, t := range slices.SortedFunc(maps.Keys(by), inOrder) {
		row := make([]float64, 0, len(samplings))
		for _, s := range samplings {
			if v, ok := by[t][s]; ok {
				row = append(row, v)
			}
		}
		if len(row) == len(samplings) {
			trainings, y = append(trainings, t), append(y, row)
		}
	}
	if len(trainings) < 3 || len(samplings) < 1 {
		return Ledger{}, false
	}
	l := Ledger{Trainings: len(trainings), Samplings: len(samplings), Left: len(draws) - len(trainings)*len(samplings)}
	means := make([]float64, len(y))
	for i, row := range y {
		for _, v := range row {
			means[i] += v / float64(len(row))
		}
		l.Mean += means[i] / float64(len(y))
	}
	l.split(stat.Crossed(y), trainings, means)
	return l, true
}

// split fills in the components.
func (l *Ledger) split(c stat.Crossing, trainings []training, means []float64) {
	factors, names := partsOf(trainings)
	if len(factors) == 0 {
		l.Training = c.Rows
		l.Components = []Component{{TrainingSeeds, c.Rows, l.Trainings}}
	} else {
		variances := stat.Likelihood(means, factors)
		rest := &variances[len(factors)]
		within := c.Rest.Value / float64(l.Samplings) // of the mean over samplings
		for _, end := range []*float64{&rest.Value, &rest.Lo, &rest.Hi} {
			*end = math.Max(0, *end-within)
		}
		for i, name := range names {
			l.Components = append(l.Components, Component{name, variances[i], variances[i].N})
		}
		l.Components = append(l.Components, Component{PartsTogether, *rest, l.Trainings})
		l.Training = stat.Sum(variances...)
	}
	single := l.Training.Value
	if l.Samplings > 1 {
		l.Components = append(l.Components, Component{SamplingSeeds, c.Columns, l.Samplings},
			Component{Interaction, c.Rest, l.Trainings * l.Samplings})
		l.Sampling = stat.Sum(c.Columns, c.Rest)
		single += c.Rest.Value // what sampling seeds do to all alike is gone from a difference
	}
	l.Spread = stat.Spread{SD: math.Sqrt(single)}
}

// partsOf are the parts of a training that have seeds apart from each other: none
// where all of them move together.
func partsOf(trainings []training) (factors []stat.Factor, names []string) {
	apart := slices.ContainsFunc(trainings, func(t training) bool { return t[1] != t[2] || t[2] != t[3] })
	if !apart {
		return nil, nil
	}
	for i, p := range partKeys {
		f := stat.Factor{Name: p.name}
		place := map[uint64]int{}
		for _, t := range trainings {
			s := t[i+1]
			if _, ok := place[s]; !ok {
				place[s] = len(place)
			}
			f.Levels = append(f.Levels, place[s])
		}
		if len(place) >= 3 {
			factors, names = append(factors, f), append(names, p.name)
		}
	}
	return factors, names
}

// Total is the sum of all components.
func (l *Ledger) Total() float64 {
	var sum float64
	for _, c := range l.Components {
		sum += c.Variance.Value
	}
	return sum
}

// Ratio is how many times as much training seeds move a value as sampling seeds do,
// as standard deviations; 0 where that cannot be told.
func (l *Ledger) Ratio() float64 {
	if l.Samplings < 2 || l.Sampling.Value <= 0 {
		return 0
	}
	return math.Sqrt(l.Training.Value / l.Sampling.Value)
}

// Pairing is how differences between points scatter whose trainings have the same seeds.
type Pairing struct {
	Points      int         // pairs of points behind it
	Spread      stat.Spread // of the differences, all pairs of points together
	Correlation float64     // mean over the pairs of points
	Mean        float64     // of all values
}

// PairsOf pairs the trainings of every two points, by their seeds and sampling seeds;
// points that share fewer than three trainings are no pair.
func PairsOf(draws []Draw) (p Pairing) {
	type drawn struct {
		training
		sampling uint64
	}
	groups := map[string]map[drawn]float64{}
	var order []string
	for _, d := range draws {
		name := pointOf(d, nil)
		if groups[name] == nil {
			groups[name] = map[drawn]float64{}
			order = append(order, name)
		}
		groups[name][drawn{trainingOf(d), seedOf(d, samplingKey)}] = d.Value
		p.Mean += d.Value / float64(len(draws))
	}
	var squares, free, correlations float64
	for i, a := range order {
		for _, b := range order[:i] {
			by := map[uint64][2][]float64{} // sampling seed → values of both
			for key, x := range groups[a] {
				if y, ok := groups[b][key]; ok {
					v := by[key.sampling]
					by[key.sampling] = [2][]float64{append(v[0], x), append(v[1], y)}
				}
			}
			found := false
			for _, v := range by {
				if d := stat.Paired(v[0], v[1], stat.Pairs); d.HasInterval() && d.N >= 3 {
					n := float64(d.N)
					squares += d.SE * d.SE * n * (n - 1)
					free += n - 1
					correlations += d.R * (n - 1)
					found = true
				}
			}
			if found {
				p.Points++
			}
		}
	}
	if free > 0 {
		p.Spread, p.Correlation = stat.Spread{SD: math.Sqrt(squares / free), Paired: true}, correlations/free
	}
	return p
}

// Needs says in words how many seeds a difference needs, in 80 of 100 cases at 5 %.
func Needs(s stat.Spread, difference float64) string {
	n := s.Seeds(difference, stat.Level, MostSeeds)
	if n == 0 {
		return fmt.Sprintf("more than %d seeds", MostSeeds)
	}
	return fmt.Sprintf("%d seeds", n)
}
