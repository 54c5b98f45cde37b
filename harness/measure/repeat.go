// Package measure turns repeated clock readings into a result.
//
// It believes that a time is a sample, not a number: work is first done until
// the machine is warm and then repeated, every reading is kept, and the result
// is the median with an interval that assumes nothing about the noise (package
// metrics/stat). Too few readings give no interval rather than
// a hopeful one.
package measure

import (
	"context"
	"time"
)

// Plan says how often something is done.
type Plan struct {
	Warmup  int           // times before the first reading
	Repeats int           // readings at least
	Enough  time.Duration // go on reading until so much time is spent, …
	Most    int           // … but never more readings than this
}

// Seconds does the work as often as the plan says and gives the seconds of
// each reading. It ends early, with the cause, when ctx does.
func Seconds(ctx context.Context, p Plan, work func() error) ([]float64, error) {
	for range p.Warmup {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err := work(); err != nil {
			return nil, err
		}
	}
	var out []float64
	begin := time.Now()
	for len(out) < p.Repeats || time.Since(begin) < p.Enough && len(out) < p.Most {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		start := time.Now()
		if err := work(); err != nil {
			return nil, err
		}
		out = append(out, time.Since(start).Seconds())
	}
	return out, nil
}
