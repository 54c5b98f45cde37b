package check

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"time"

	"prabench/harness/tools/check/arm"
)

// target is a cell with what is still to be measured of it.
type target struct {
	cell    int
	metrics []Metric
}

// block is the rounds of one stretch of measuring.
type block struct {
	tries map[int][]round // by cell
	fault map[int]error   // of cells that an arm could not do, twice in a row
	took  map[int]time.Duration
}

// collect measures rounds over all targets until each has the quiet rounds
// that were asked for or has been tried as often as it may be, or the time is
// over. What is there already counts. The order of the cells rotates.
func (b Bench) collect(ctx context.Context, out *block, cells []Cell, targets []target, o Options, until time.Time, what string) error {
	begin, faults := b.Now(), map[int]int{}
	if out.took == nil {
		out.took = map[int]time.Duration{}
	}
	for n := 0; ; n++ {
		open := 0
		for i := range targets {
			t := targets[(i+n)%len(targets)]
			if out.settled(t.cell, o) {
				continue
			}
			now := b.Now()
			if now.Add(out.took[t.cell]).After(until) && len(out.tries[t.cell]) > 0 {
				continue // its next round would end too late
			}
			open++
			b.Say(now.Sub(begin), until.Sub(begin), fmt.Sprintf("%s, round %d of %s", what, len(out.tries[t.cell])+1, cells[t.cell].Label))
			r, err := b.measure(ctx, cells[t.cell], t.metrics, o, (len(out.tries[t.cell])+t.cell)%2 == 1)
			out.took[t.cell] = b.Now().Sub(now)
			var fault *arm.Fault
			switch {
			case ctx.Err() != nil:
				return context.Cause(ctx)
			case errors.As(err, &fault):
				if faults[t.cell]++; faults[t.cell] == 2 {
					out.fault[t.cell] = err
				}
				continue
			case err != nil:
				return err
			}
			faults[t.cell] = 0
			r.at = len(out.tries[t.cell])
			out.tries[t.cell] = append(out.tries[t.cell], r)
		}
		if open == 0 {
			return nil
		}
	}
}

// settled says whether a cell needs no further round.
func (b block) settled(cell int, o Options) bool {
	quiet := 0
	for _, r := range b.tries[cell] {
		if r.Disturbed == "" {
			quiet++
		}
	}
	return b.fault[cell] != nil || quiet >= o.Rounds || len(b.tries[cell]) >= o.Rounds*(1+o.Repeat)
}

// chosen are the rounds of a cell that count: the quiet ones and, where they
// are too few, the least disturbed others.
func (b block) chosen(cell, wanted int) (rounds []round, disturbed int) {
	s := slices.Clone(b.tries[cell])
	sort.SliceStable(s, func(i, j int) bool {
		if di, dj := s[i].Disturbed != "", s[j].Disturbed != ""; di || dj {
			return dj && (!di || s[i].Load.Foreign+s[i].Load.Steal < s[j].Load.Foreign+s[j].Load.Steal)
		}
		return false
	})
	s = s[:min(len(s), wanted)]
	for _, r := range s {
		if r.Disturbed != "" {
			disturbed++
		}
	}
	slices.SortFunc(s, func(a, b round) int { return a.at - b.at })
	return s, disturbed
}
