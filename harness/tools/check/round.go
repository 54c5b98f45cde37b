package check

import (
	"context"
	"fmt"
	"slices"

	"prabench/harness/machine"
	"prabench/harness/tools/check/arm"
)

// round is one cell measured once with both programs.
type round struct {
	Value     [2]map[string]float64 // by side and metric
	Exact     [2]map[string]float64
	Load      machine.Load
	Seen      bool   // the load is known
	Disturbed string // what else loaded the machine, or ""
	at        int    // place in time

	Peak, Bandwidth float64 // of the machine, in this round; without an old program
}

// abba is the order in which the sides work: what drifts evenly hits both
// alike, and which one begins changes.
func abba(swap bool) [4]Side {
	if swap {
		return [4]Side{New, Old, Old, New}
	}
	return [4]Side{Old, New, New, Old}
}

// measure takes one round of a cell. Both processes are new; only one works at
// a time.
func (b Bench) measure(ctx context.Context, c Cell, metrics []Metric, o Options, swap bool) (r round, err error) {
	if b.Baseline != nil {
		return b.alone(ctx, c, metrics, o)
	}
	end := b.Load()
	arms, err := b.both(ctx, c, metrics, swap, &r)
	defer func() {
		for _, a := range arms {
			if a != nil {
				a.Close()
			}
		}
		if r.Load, r.Seen = end(); r.Seen {
			r.Disturbed = disturbance(r.Load)
		}
	}()
	if err != nil {
		return r, err
	}
	for i, m := range metrics {
		if !m.Timed() {
			continue
		}
		asks := 0
		for _, side := range abba(swap != (i%2 == 1)) {
			if err := r.read(ctx, arms[side], side, m, o, &asks); err != nil {
				return r, err
			}
		}
	}
	return r, nil
}

// both starts the two processes and opens the cell in each.
func (b Bench) both(ctx context.Context, c Cell, metrics []Metric, swap bool, r *round) (arms [2]Arm, err error) {
	order := abba(swap)
	for _, side := range order[:2] {
		if arms[side], err = b.Start(side); err != nil {
			return arms, err
		}
		a, err := b.open(ctx, arms[side], c, metrics)
		if err != nil {
			return arms, err
		}
		r.Exact[side] = a.Exact
		r.Value[side] = map[string]float64{MemoryPeak: float64(a.Resident)}
	}
	return arms, nil
}

func (b Bench) open(ctx context.Context, a Arm, c Cell, metrics []Metric) (arm.Answer, error) {
	q := arm.Request{Do: arm.Open, Settings: c.Settings, Model: c.Model}
	for _, m := range metrics {
		if m.Timed() {
			q.Metrics = append(q.Metrics, m.Name)
		}
	}
	if len(q.Metrics) == 0 {
		q.Metrics = []string{arm.Throughput} // memory is that of sampling a batch
	}
	return a.Ask(ctx, q)
}

// twiceBelow is the length of a call, in slots, up to which one that alone fills a
// slot is made twice: of two, one that nothing hit is the likelier. A longer
// one would cost more rounds than it is worth.
const twiceBelow = 4

// read has a side do one slot of a metric; a side counts with the better of
// its slots. How often it is asked is found in the first slot of a round, where
// asks is 0, and kept for both sides.
func (r *round) read(ctx context.Context, a Arm, side Side, m Metric, o Options, asks *int) error {
	for n := 0; n < max(1, *asks); n++ {
		got, err := a.Ask(ctx, arm.Request{Do: arm.Time, Metric: m.Name, Spend: o.Spend, Least: 1})
		if err != nil {
			return err
		}
		v, err := slot(m, got)
		if err != nil {
			return err
		}
		if first, there := r.Value[side][m.Name]; there && m.worse(first, v) > 0 {
			v = first
		}
		r.Value[side][m.Name] = v
		r.Value[side][MemoryPeak] = float64(got.Resident)
		if *asks == 0 {
			*asks = 1
			if len(got.Seconds) == 1 && got.Seconds[0] < twiceBelow*o.Spend.Seconds() {
				*asks = 2
			}
		}
	}
	return nil
}

// slot is the value of one slot: its fastest call. What else a machine does
// only ever adds time.
func slot(m Metric, a arm.Answer) (float64, error) {
	if len(a.Seconds) == 0 {
		return 0, fmt.Errorf("an arm answered without a reading of %s", m.Name)
	}
	s := slices.Min(a.Seconds)
	if s <= 0 {
		return 0, fmt.Errorf("an arm measured %g s for %s: the clock is too coarse; raise measure.batch", s, m.Name)
	}
	if m.Higher {
		return float64(a.Batch) / s, nil
	}
	return s, nil
}

// When a round counts as disturbed, as for the timings of a run: a machine at
// rest keeps a few hundredths of a processor busy by itself.
const (
	foreignLoad = 0.10 // processors
	stolenLoad  = 0.05
)

// disturbance says what else loaded the machine, or "".
func disturbance(l machine.Load) string {
	blur := machine.Rounding(l.Wall)
	switch {
	case l.Foreign > foreignLoad+blur:
		return fmt.Sprintf("other processes kept %.2f processors busy", l.Foreign)
	case l.Steal > stolenLoad+blur:
		return fmt.Sprintf("the host took %.2f processors away", l.Steal)
	}
	return ""
}
