package paper

import (
	"fmt"
	"math"
	"strings"

	"prabench/metrics/stat"
	"prabench/plots"
	"prabench/plots/figure"
)

// Reading says in words what a figure shows of one metric: all values where they
// are few, the best, and from which others it is separated.
type Reading struct {
	Metric    string
	Sentences []string
	data      plots.Data
}

// fewValues are all written out.
const fewValues = 12

// read gives the readings of a figure; curves and images have none.
func read(f Figure) []Reading {
	cells, err := plots.Selected(f.Figure, f.Data)
	if err != nil || f.Kind == figure.Noise { // that is not about the values
		return nil
	}
	var out []Reading
	for _, metric := range plots.Shown(f.Figure, f.Data) {
		if plots.Better(metric) == 0 {
			continue
		}
		if r := readMetric(metric, f.Data, cells, !f.Text()); len(r.Sentences) > 0 {
			out = append(out, r)
		}
	}
	return out
}

// readMetric reads one metric; list writes all values out, which a table has.
func readMetric(metric string, data plots.Data, all []plots.CellData, list bool) Reading {
	r := Reading{Metric: metric, data: data}
	var cells []plots.CellData
	var absent []string // why
	best := 0
	sign := float64(plots.Better(metric))
	for _, c := range all {
		m, ok := c.Metrics[metric]
		if !ok || math.IsNaN(m.Value) || math.IsInf(m.Value, 0) {
			absent = append(absent, missing(c, metric))
			continue
		}
		cells = append(cells, c)
		if (m.Value-cells[best].Metrics[metric].Value)*sign > 0 {
			best = len(cells) - 1
		}
	}
	if len(cells) == 0 {
		return r
	}
	words := plots.WordsFor(metric, cells)
	name := upper(plots.Label(metric))
	if d := plots.Direction(metric); d != "" {
		name += " (" + d + ")"
	}
	if list && len(cells) <= fewValues {
		var values []string
		for _, c := range cells {
			values = append(values, c.Label+": "+words.Value(c.Metrics[metric]))
		}
		r.say(name + ". " + strings.Join(values, "; ") + ".")
	} else {
		r.say(fmt.Sprintf("%s of %d points: best %s: %s.", name, len(cells), cells[best].Label, words.Value(cells[best].Metrics[metric])))
	}
	if n := len(absent); list && n > 0 && n <= fewValues {
		r.say(strings.Join(absent, "; ") + ".")
	} else if n > 0 {
		r.say(fmt.Sprintf("%d points have no value.", n))
	}
	if len(cells) > 1 {
		r.compare(cells, best, words)
	}
	return r
}

func (r *Reading) say(sentence string) { r.Sentences = append(r.Sentences, sentence) }

// compare says from which other cells the best differs by more than the noise of
// the seeds.
func (r *Reading) compare(cells []plots.CellData, best int, words plots.Words) {
	top := cells[best].Metrics[r.Metric]
	diffs, p := make([]plots.Difference, len(cells)), make([]float64, len(cells))
	equal := true
	for i, c := range cells {
		p[i] = math.NaN()
		equal = equal && c.Metrics[r.Metric].Value == top.Value
		if i != best {
			diffs[i] = r.data.Compare(cells[best], c, r.Metric)
			p[i] = diffs[i].P
		}
	}
	if equal {
		r.say("All are equal.")
		return
	}
	var apart, inside, unknown []string
	for i, v := range stat.Holm(p) {
		switch {
		case i == best:
		case math.IsNaN(v):
			unknown = append(unknown, cells[i].Label)
		case v <= level && diffs[i].Separated():
			apart = append(apart, fmt.Sprintf("%s (%s, %s)", cells[i].Label, words.Difference(diffs[i]), pIs(v)))
		default:
			inside = append(inside, fmt.Sprintf("%s (%s, %s)", cells[i].Label, words.Difference(diffs[i]), pIs(v)))
		}
	}
	others := len(cells) - 1
	if len(unknown) == others {
		r.say(fmt.Sprintf("Lowest or highest is %s, but there is one training seed a point: every difference is inconclusive.",
			cells[best].Label))
		return
	}
	count := func(what string, list []string) {
		n := len(list)
		if n == 0 {
			return
		}
		s := fmt.Sprintf("%s %d of %d others", what, n, others)
		if n <= fewValues {
			s += ": " + strings.Join(list, "; ")
		}
		r.say(s + ".")
	}
	count(cells[best].Label+" is better than", apart)
	count("Inconclusive is the difference of "+cells[best].Label+" to", inside)
	r.pairs(diffs)
	count("Not compared, for want of several seeds, are", unknown)
}

// pairs says what the pairs of seeds were worth, over all differences.
func (r *Reading) pairs(diffs []plots.Difference) {
	var narrower []float64
	seeds := 0
	for _, d := range diffs {
		if n := d.Narrower(); n > 0 {
			narrower, seeds = append(narrower, n), max(seeds, d.Pairs)
		}
	}
	if len(narrower) == 0 {
		return
	}
	n := stat.Median(narrower, stat.Pairs).Value
	how, over := fmt.Sprintf("%.2g times narrower", n), fmt.Sprintf("%d pairs of seeds", seeds)
	if n < 1 {
		how = fmt.Sprintf("%.2g times wider", 1/n)
	}
	if seeds == 0 {
		over = "pairs of images of the same weights"
	}
	r.say(fmt.Sprintf("Intervals of differences are over %s, %s than unpaired ones (median).", over, how))
}

func upper(s string) string {
	for i, r := range s {
		return strings.ToUpper(string(r)) + s[i+len(string(r)):]
	}
	return s
}
