// Package measure turns repeated clock readings into a result.
//
// Its principle is that a time is a sample, not a number: work is first done until
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
	Clock   Clock         // nil: the host's
}

// Clock does the work and tells how long it took; a device may have its own.
type Clock func(work func() error) (seconds float64, err error)

// host is the clock of this process.
func host(work func() error) (float64, error) {
	start := time.Now()
	err := work()
	return time.Since(start).Seconds(), err
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
	clock := p.Clock
	if clock == nil {
		clock = host
	}
	var out []float64
	begin := time.Now()
	for len(out) < p.Repeats || time.Since(begin) < p.Enough && len(out) < p.Most {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		seconds, err := clock(work)
		if err != nil {
			return nil, err
		}
		out = append(out, seconds)
	}
	return out, nil
}
