package paper

import (
	"fmt"
	"math"
	"strings"

	"prabench/metrics/stat"
	"prabench/plots"
	"prabench/plots/figure"
	"prabench/results/view"
)

// level is the share of false positives that is accepted over all comparisons of
// a claim, or of a metric in a figure.
const level = stat.Level

// Verdict is what a comparison says about a claim.
type Verdict string

// The verdicts. A difference inside its interval is inconclusive, whatever its
// sign.
const (
	Holds        Verdict = "holds"
	Contradicted Verdict = "contradicted"
	Inconclusive Verdict = "inconclusive"
	InPart       Verdict = "holds in part" // of a claim: in some comparisons, contradicted in none
	Mixed        Verdict = "mixed"         // of a claim: contradicted in some comparisons
	NotTested    Verdict = "not tested"
)

// Comparison is one pair of points.
type Comparison struct {
	Of, Over     string // labels
	Metric       string
	A, B         string // their values, in words
	Difference   string
	How          string  // what its interval is over, and what pairs were worth
	Needs        int     // of inconclusive: seeds a side that would separate so large a difference; 0 is not known
	P            float64 // after Holm, over the comparisons of the claim; NaN without one
	Verdict      Verdict
	Why          string // of not tested, and of inconclusive without an interval
	d            plots.Difference
	aCell, bCell plots.CellData
}

// Result is a claim that was tested.
type Result struct {
	Claim       Claim
	Verdict     Verdict
	Summary     string // one sentence
	Comparisons []Comparison
}

// test compares the points of a claim.
func (c Claim) test(data plots.Data) Result {
	r := Result{Claim: c}
	cells, err := plots.Selected(figure.Figure{}, data)
	if err != nil {
		r.Verdict, r.Summary = NotTested, err.Error()
		return r
	}
	for _, a := range cells {
		if !a.Has(c.Of) {
			continue
		}
		for _, b := range cells {
			if b.Has(c.Over) && c.agree(a, b) {
				k := Comparison{Of: a.Label, Over: b.Label, Metric: c.Metric, aCell: a, bCell: b}
				r.Comparisons = append(r.Comparisons, k)
			}
		}
	}
	if len(r.Comparisons) == 0 {
		r.Verdict, r.Summary = NotTested, "no two points of the results differ as the claim says"
		return r
	}
	settle(data, r.Comparisons, c.shown(), func(string) int { return c.Sign })
	r.conclude()
	return r
}

// settle compares the points of each comparison and gives its verdict, with all of
// them considered (Holm). shown are keys in which both may differ; sign is the
// difference that is expected in a metric, +1 or −1.
func settle(data plots.Data, all []Comparison, shown []string, sign func(metric string) int) {
	p := make([]float64, len(all))
	for i := range all {
		k := &all[i]
		k.P, k.Verdict = math.NaN(), NotTested
		k.compare(data, wordsOf(all, k.Metric), shown)
		p[i] = k.P
	}
	for i, v := range stat.Holm(p) {
		k := &all[i]
		if k.P = v; math.IsNaN(v) {
			continue
		}
		switch {
		case v <= level && k.d.Separated():
			k.Verdict = Holds
			if k.d.Value*float64(sign(k.Metric)) < 0 {
				k.Verdict = Contradicted
			}
		default:
			k.Needs = k.d.Needs(level / float64(len(all)))
		}
	}
}

// wordsOf writes values of a metric in comparisons.
func wordsOf(all []Comparison, metric string) plots.Words {
	var involved []plots.CellData
	for _, k := range all {
		if k.Metric == metric {
			involved = append(involved, k.aCell, k.bCell)
		}
	}
	return plots.WordsFor(metric, involved)
}

// compare fills in the difference, or why there is none.
func (k *Comparison) compare(data plots.Data, words plots.Words, shown []string) {
	a, okA := k.aCell.Metrics[k.Metric]
	b, okB := k.bCell.Metrics[k.Metric]
	switch {
	case !okA:
		k.Why = missing(k.aCell, k.Metric)
	case !okB:
		k.Why = missing(k.bCell, k.Metric)
	default:
		k.A, k.B = words.Value(a), words.Value(b)
		if k.Why = hidden(k.Metric, a, b, shown, data.Accept); k.Why != "" {
			return
		}
		k.d, k.Verdict = data.Compare(k.aCell, k.bCell, k.Metric), Inconclusive
		k.Difference, k.How, k.P, k.Why = words.Difference(k.d), plots.How(k.d), k.d.P, k.d.Why
	}
}

func missing(c plots.CellData, metric string) string {
	if c.Outcome != "" && c.Outcome != "ok" {
		return c.Label + " has no " + metric + ": " + c.Outcome
	}
	return c.Label + " has no " + metric
}

// agree says that two points have the same values of all keys to be matched.
func (c Claim) agree(a, b plots.CellData) bool {
	for _, k := range c.Match {
		if a.Text(k) != b.Text(k) {
			return false
		}
	}
	return true
}

// shown are the keys in which both sides of a claim may differ, since it is about them.
func (c Claim) shown() (keys []string) {
	for key := range c.Of {
		if _, both := c.Over[key]; both || key == "measure.device" {
			keys = append(keys, key)
		}
	}
	return keys
}

// hidden names a difference between two values that the comparison is not about.
func hidden(metric string, a, b plots.MetricValue, shown, accept []string) string {
	rule := view.Rule{Use: view.Compared, Accept: accept, Shown: shown}
	of := func(m plots.MetricValue) view.Circumstances {
		return view.Circumstances{Unit: m.Unit, Protocol: m.Protocol, Device: m.Device, Code: m.Code}
	}
	if err := rule.Check(metric, []view.Circumstances{of(a), of(b)}); err != nil {
		return err.Error()
	}
	return ""
}

// conclude gives the verdict over all comparisons.
func (r *Result) conclude() {
	n := map[Verdict]int{}
	for _, c := range r.Comparisons {
		n[c.Verdict]++
	}
	all := len(r.Comparisons)
	switch {
	case n[NotTested] == all:
		r.Verdict = NotTested
	case n[Holds] == all:
		r.Verdict = Holds
	case n[Contradicted] == all:
		r.Verdict = Contradicted
	case n[Contradicted] > 0:
		r.Verdict = Mixed
	case n[Holds] > 0:
		r.Verdict = InPart
	default:
		r.Verdict = Inconclusive
	}
	first := r.Comparisons[0]
	expected := "higher"
	if r.Claim.Sign < 0 {
		expected = "lower"
	}
	about := fmt.Sprintf("%s, expected %s", plots.ShortLabel(r.Claim.Metric), expected)
	if all == 1 {
		switch {
		case r.Verdict == NotTested:
			r.Summary = fmt.Sprintf("%s: not tested: %s", about, first.Why)
		case first.Why != "":
			r.Summary = fmt.Sprintf("%s: %s: %s against %s: %s; inconclusive, %s", about, first.Of, first.A, first.Over, first.B, first.Why)
		default:
			r.Summary = fmt.Sprintf("%s: %s: %s against %s: %s; difference %s, %s: %s", about, first.Of, first.A, first.Over, first.B,
				first.said(), pIs(first.P), inWords(r.Verdict)+first.needs())
		}
		return
	}
	var parts []string
	for _, v := range []Verdict{Holds, Contradicted, Inconclusive, NotTested} {
		if n[v] > 0 {
			parts = append(parts, fmt.Sprintf("%s in %d", v, n[v]))
		}
	}
	r.Summary = fmt.Sprintf("%s, %d comparisons: %s", about, all, strings.Join(parts, ", "))
}

// said is the difference with what its interval is over.
func (k *Comparison) said() string {
	if k.How == "" {
		return k.Difference
	}
	return k.Difference + " over " + k.How
}

// Need is needs, for pages.
func (k Comparison) Need() string { return k.needs() }

// needs says how many seeds would separate an inconclusive difference.
func (k *Comparison) needs() string {
	switch {
	case k.Verdict != Inconclusive || k.d.Spread.SD == 0:
		return ""
	case k.Needs == 0:
		return fmt.Sprintf("; a difference of this size needs more than %d seeds", view.MostSeeds)
	}
	return fmt.Sprintf("; a difference of this size needs about %d seeds", k.Needs)
}

func inWords(v Verdict) string {
	switch v {
	case Holds:
		return "the claim holds here"
	case Contradicted:
		return "the claim does not hold here, the difference goes the other way"
	case Inconclusive:
		return "inconclusive, the difference lies inside its interval"
	}
	return string(v)
}

// pIs is "p = 0.02", or "p < 0.0001".
func pIs(p float64) string {
	if t := pText(p); !strings.HasPrefix(t, "<") {
		return "p = " + t
	}
	return "p < 0.0001"
}

// pText writes a p-value with two digits.
func pText(p float64) string {
	switch {
	case math.IsNaN(p):
		return "–"
	case p < 0.0001:
		return "<0.0001"
	case p > 0.995:
		return "1"
	}
	return fmt.Sprintf("%.2g", p)
}
