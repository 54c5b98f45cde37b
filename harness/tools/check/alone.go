package check

import (
	"context"
	"fmt"

	"prabench/harness/tools/check/arm"
)

// alone takes one round of a cell with the new program only, and what the
// machine itself can do in the same round: its arithmetic peak and its copy
// bandwidth.
func (b Bench) alone(ctx context.Context, c Cell, metrics []Metric, o Options) (r round, err error) {
	end := b.Load()
	p, err := b.Start(New)
	if err != nil {
		return r, err
	}
	defer func() {
		p.Close()
		if r.Load, r.Seen = end(); r.Seen {
			r.Disturbed = disturbance(r.Load)
		}
	}()
	a, err := b.open(ctx, p, c, metrics)
	if err != nil {
		return r, err
	}
	r.Exact[New] = a.Exact
	r.Value[New] = map[string]float64{MemoryPeak: float64(a.Resident)}
	asks := make([]int, len(metrics))
	for range 2 { // slots, apart as in a comparison
		for i, m := range metrics {
			if !m.Timed() {
				continue
			}
			if err := r.read(ctx, p, New, m, o, &asks[i]); err != nil {
				return r, err
			}
		}
	}
	can, err := p.Ask(ctx, arm.Request{Do: arm.Machine})
	if err != nil {
		return r, err
	}
	if r.Peak, r.Bandwidth = can.Peak, can.Bandwidth; r.Peak <= 0 || r.Bandwidth <= 0 {
		return r, fmt.Errorf("the peak and the copy bandwidth of this machine cannot be measured (%g FLOP/s, %g bytes/s), and a baseline "+
			"needs them: try again on a quieter machine, or use --against",
			r.Peak, r.Bandwidth)
	}
	return r, nil
}
