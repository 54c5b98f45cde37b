package check

import (
	"context"
	"slices"
	"time"
)

// looks is how often a block may be judged: after the rounds that were asked
// for, and each time that they have doubled.
const looks = 4

// levelAt is the chance of a false alarm that a look may take: half of what is
// left, so that all looks of a block together stay below alpha.
func levelAt(look int) float64 { return alpha / float64(int(1)<<look) }

// findings are the rounds of a block and what they say.
type findings struct {
	block
	of     map[int]map[string]*estimate // by cell and metric
	look   map[int]int                  // the last one at each cell: 1, 2, …
	looked int                          // the last look of all
	cut    bool                         // the time was over before that look had its rounds
	open   []target                     // what is not decided
	family int                          // comparisons that p-values are corrected for
}

// rounds are those that were asked for of a cell, after all its looks.
func (f *findings) rounds(cell int, o Options) int { return roundsAt(f.look[cell], o) }

// roundsAt is how many rounds a look is after. One that follows a last look whose
// time was over has the same.
func roundsAt(look int, o Options) int { return o.Rounds << (min(max(1, look), looks) - 1) }

// more says whether there may be another look: once more than usual where the last
// one had not got its rounds and time was added. Chances of false alarm are spent by
// halves, so that one more keeps within alpha.
func (f *findings) more() bool {
	return len(f.open) > 0 && (f.looked < looks || f.looked == looks && f.cut)
}

// settle measures targets until each is decided or the time is over. A cell of
// which something stays open is measured on, twice as often in all; what is
// decided rests.
func (b Bench) settle(ctx context.Context, cells []Cell, targets []target, o Options, until time.Time, what string) (*findings, error) {
	f := &findings{block: block{tries: map[int][]round{}, fault: map[int]error{}}, of: map[int]map[string]*estimate{}, look: map[int]int{},
		open: targets}
	for _, t := range targets {
		f.family += len(t.metrics)
	}
	return f, b.goOn(ctx, cells, targets, o, until, what, f)
}

// goOn measures what is still open in a block, until it is decided or the time
// is over.
func (b Bench) goOn(ctx context.Context, cells []Cell, targets []target, o Options, until time.Time, what string, f *findings) error {
	for f.more() {
		look, open := f.looked+1, f.open
		asked := o
		asked.Rounds = roundsAt(look, o)
		before := f.count(open)
		if err := b.collect(ctx, &f.block, cells, open, asked, until, what); err != nil {
			return err
		}
		if look > 1 && f.count(open) == before {
			break // no time was left
		}
		f.looked, f.cut = look, slices.ContainsFunc(open, func(t target) bool { return !f.settled(t.cell, asked) })
		for _, t := range open {
			rounds, disturbed := f.chosen(t.cell, asked.Rounds)
			f.look[t.cell], f.of[t.cell] = look, map[string]*estimate{}
			for _, m := range t.metrics {
				e := b.estimate(t.cell, m, rounds, disturbed)
				e.level = levelAt(look)
				f.of[t.cell][m.Name] = &e
			}
		}
		var family []*estimate
		for _, t := range targets {
			for _, m := range t.metrics {
				family = append(family, f.of[t.cell][m.Name])
			}
		}
		correct(family)
		var still []target
		for _, t := range open {
			if f.fault[t.cell] != nil {
				continue
			}
			for _, m := range t.metrics {
				if !f.of[t.cell][m.Name].decided(m) {
					still = append(still, t)
					break
				}
			}
		}
		f.open = still
		if f.cut { // another look would be at a round more, and spend half of what chance is left
			break
		}
	}
	return nil
}

// estimate is what rounds say of a metric of a cell.
func (b Bench) estimate(cell int, m Metric, rounds []round, disturbed int) estimate {
	if b.Baseline != nil {
		return b.Baseline.Cells[cell].estimate(m, rounds, disturbed)
	}
	return estimated(m, rounds, disturbed)
}

// flagged says whether there is a change that has to be measured again.
func (f *findings) flagged(targets []target) bool {
	for _, t := range targets {
		for _, m := range t.metrics {
			if f.of[t.cell][m.Name].flags(m) != 0 {
				return true
			}
		}
	}
	return false
}

func (f *findings) count(ts []target) int {
	n := 0
	for _, t := range ts {
		n += len(f.tries[t.cell])
	}
	return n
}
