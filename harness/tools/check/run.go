package check

import (
	"context"
	"errors"
	"fmt"
	"time"

	"prabench/harness/tools/check/arm"
	"prabench/results/record"
)

// firstShare of the budget is for the first block; the rest is kept for the
// fresh one.
const firstShare = 0.6

// openShare of the budget may be used by the first block where it has flagged
// nothing.
const openShare = 0.8

// Compare measures both programs and fills in the report's results, verdict and
// advice.
func (b Bench) Compare(ctx context.Context, cells []Cell, o Options, rep *Report) error {
	begin := b.Now()
	rep.Rounds, rep.Budget = o.Rounds, o.Budget
	var all []target
	for i := range cells {
		all = append(all, target{i, noisy(o.Metrics)})
	}
	first, err := b.settle(ctx, cells, all, o, begin.Add(time.Duration(firstShare*float64(o.Budget))), "first block")
	if err != nil {
		return err
	}
	if !first.flagged(all) {
		// Nothing waits for a confirmation block yet: what is open may have more time. What
		// this flags late has the rest.
		if err := b.goOn(ctx, cells, all, o, begin.Add(time.Duration(openShare*float64(o.Budget))), "first block", first); err != nil {
			return err
		}
	}
	rep.Cells, rep.Family = make([]Result, len(cells)), first.family
	var again []target
	for i, c := range cells {
		r := &rep.Cells[i]
		*r = Result{ID: c.ID, Label: c.Label, Same: c.Same}
		rounds, disturbed := first.chosen(i, first.rounds(i, o))
		r.Rounds, r.Disturbed = len(rounds), disturbed
		for _, x := range rounds {
			rep.Unseen = rep.Unseen || !x.Seen
		}
		if err := first.fault[i]; err != nil {
			r.Verdict, r.Why = faulted(err)
			continue
		}
		if b.Baseline != nil {
			for j := range rounds {
				rounds[j].Exact[Old] = b.Baseline.Cells[i].Exact
			}
		}
		r.Comparisons = exact(rounds, o.Metrics)
		t := target{cell: i}
		for _, m := range noisy(o.Metrics) {
			e := *first.of[i][m.Name]
			k := Comparison{Metric: m.Name, Unit: m.Unit, Threshold: m.Threshold, metric: m, first: e, P: e.p, Adjusted: e.adjusted,
				Flagged: e.flags(m) != 0}
			if k.Flagged {
				t.metrics = append(t.metrics, m)
			}
			r.Comparisons = append(r.Comparisons, k)
		}
		if len(t.metrics) > 0 {
			again = append(again, t)
		}
	}
	fresh := &findings{}
	if len(again) > 0 {
		if fresh, err = b.settle(ctx, cells, again, o, begin.Add(o.Budget), "confirmation block"); err != nil {
			return err
		}
	}
	judge(rep, fresh, o)
	rep.Took = b.Now().Sub(begin)
	rep.Advice = advice(rep, o)
	return nil
}

// judge gives every comparison its verdict, then the cells and the whole.
func judge(rep *Report, fresh *findings, o Options) {
	for i := range rep.Cells {
		c := &rep.Cells[i]
		if fresh.of[i] != nil {
			rounds, disturbed := fresh.chosen(i, fresh.rounds(i, o))
			c.Fresh, c.Disturbed = len(rounds), c.Disturbed+disturbed
		}
		for j := range c.Comparisons {
			k := &c.Comparisons[j]
			if !k.Exact {
				k.decide(fresh.of[i][k.Metric])
			}
			c.Verdict = graver(c.Verdict, k.Verdict)
		}
		if err := fresh.fault[i]; err != nil {
			c.Verdict, c.Why = faulted(err)
		}
		rep.Verdict = graver(rep.Verdict, c.Verdict)
	}
}

// decide gives a comparison its verdict; fresh is nil where the first block
// flagged nothing.
func (k *Comparison) decide(fresh *estimate) {
	limit := k.metric.limit()
	if fresh == nil {
		k.fill(k.first)
		switch e := k.first; {
		case len(e.x) == 0:
			k.Verdict, k.Why = Inconclusive, "no round could be measured"
		case !e.HasInterval():
			k.Verdict, k.Why = Inconclusive, "too few rounds for an interval"
		case e.below(limit) && e.certain() && e.Value > 0:
			k.Verdict, k.Why = Pass, "certainly worse, but by less than the threshold"
		case e.below(limit):
			k.Verdict, k.Why = Pass, "the interval excludes a change for the worse beyond the threshold"
		case e.certain() && e.Value > 0:
			k.Verdict, k.Why = Inconclusive, "certainly worse; whether beyond the threshold is open"
		case e.certain():
			k.Verdict, k.Why = Inconclusive, "certainly better at the median, but the interval reaches a change for the worse beyond the threshold"
		default:
			k.Verdict, k.Why = Inconclusive, "the interval reaches a change for the worse beyond the threshold"
		}
		return
	}
	// What was picked because it was large is estimated by the block that did
	// not pick it.
	k.fill(*fresh)
	was := k.first.flags(k.metric)
	way := "better"
	if was > 0 {
		way = "worse"
	}
	switch now := fresh.flags(k.metric); {
	case now == was && was > 0:
		k.Verdict, k.Why, k.Recurred = Regression, way+": found, and found again in a confirmation block", true
	case now == was:
		k.Verdict, k.Why, k.Recurred = Improvement, way+": found, and found again in a confirmation block", true
	case len(fresh.x) == 0:
		k.fill(k.first)
		k.Verdict, k.Why = Inconclusive, "flagged as "+way+", and no time was left to measure it again"
	case fresh.below(limit):
		k.Verdict, k.Why = Pass, "flagged as "+way+" by the first block, did not recur in a fresh one"
	default:
		k.Verdict, k.Why = Inconclusive, "flagged as "+way+" by the first block, neither confirmed nor excluded by a fresh one"
	}
}

// noisy are the metrics with noise that an arm measures.
func noisy(ms []Metric) []Metric {
	var out []Metric
	for _, m := range ms {
		if !m.Exact && m.Name != FidProxy {
			out = append(out, m)
		}
	}
	return out
}

// faulted judges a cell that an arm could not do. That the new program cannot
// is a regression; that the old one cannot leaves nothing to compare with.
func faulted(err error) (Verdict, string) {
	var f *arm.Fault
	if errors.As(err, &f) && f.Arm == New.String() {
		return Regression, fmt.Sprintf("the new program could not do it (%s: %s)", f.Outcome, f.Reason)
	} else if f != nil && f.Outcome == record.Invalid {
		return Inconclusive, fmt.Sprintf("the old program does not know such a cell (%s)", f.Reason)
	} else if f != nil {
		return Inconclusive, fmt.Sprintf("the old program could not do it (%s: %s)", f.Outcome, f.Reason)
	}
	return Inconclusive, err.Error()
}
