package check

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"prabench/harness/machine"
	"prabench/harness/tools/check/arm"
)

// world is a simulated machine with its own clock: what programs measure on it
// drifts, spikes, comes in bursts and has heavy tails.
type world struct {
	rng  *rand.Rand
	now  time.Time
	slow float64 // of the new program, as a share
	base map[string]float64

	process float64 // spread of the speeds of processes, each for as long as it lives
	call    float64 // scale of what a call loses, heavy-tailed
	spike   float64 // chance of a call that takes long
	burst   float64 // share of the time in bursts, when other work runs
	heavy   float64 // how much slower everything is in a burst
	drift   float64 // slope of the machine's speed a minute, and of its random walk
	seen    float64 // share of bursts that the machine's counters show

	walk     float64
	burstEnd time.Time
	quietEnd time.Time
	hit      bool // a burst that shows since the last look
}

func (w *world) bench() Bench {
	return Bench{
		Start: func(s Side) (Arm, error) {
			w.pass(70 * time.Millisecond)
			a := &simulated{world: w, luck: math.Exp(w.process * w.student(4)), side: s,
				size: 42e6 * (1 + 0.02*math.Round(w.rng.Float64())) * (1 + 0.002*w.rng.NormFloat64())}
			if s == New {
				a.luck *= 1 + w.slow
			}
			return a, nil
		},
		Now: func() time.Time { return w.now },
		Load: func() func() (machine.Load, bool) {
			begin := w.now
			w.hit = false
			return func() (machine.Load, bool) {
				l := machine.Load{Wall: w.now.Sub(begin)}
				if w.hit {
					l.Foreign = 0.5
				}
				return l, true
			}
		},
		Say: func(time.Duration, time.Duration, string) {},
	}
}

// student draws from Student's distribution with few degrees of freedom.
func (w *world) student(freedom int) float64 {
	var chi float64
	for range freedom {
		x := w.rng.NormFloat64()
		chi += x * x
	}
	return w.rng.NormFloat64() / math.Sqrt(chi/float64(freedom))
}

func (w *world) pass(d time.Duration) {
	w.now = w.now.Add(d)
	w.walk += w.drift * math.Sqrt(d.Minutes()) * w.rng.NormFloat64()
	if w.now.After(w.quietEnd) && w.burst > 0 {
		long := time.Duration(w.rng.ExpFloat64() * float64(400*time.Millisecond))
		w.burstEnd = w.now.Add(long)
		w.quietEnd = w.burstEnd.Add(time.Duration(w.rng.ExpFloat64() * float64(400*time.Millisecond) * (1 - w.burst) / w.burst))
	}
}

// factor is the speed of the machine now.
func (w *world) factor() float64 {
	f := math.Exp(w.walk + w.drift*float64(w.now.Unix()%600)/60)
	if w.now.Before(w.burstEnd) {
		f *= 1 + w.heavy*w.rng.ExpFloat64()
		if w.rng.Float64() < w.seen {
			w.hit = true
		}
	}
	return f
}

type simulated struct {
	*world
	luck float64
	side Side
	size float64
}

func (a *simulated) Close() {}

func (a *simulated) Ask(_ context.Context, q arm.Request) (arm.Answer, error) {
	w := a.world
	out := arm.Answer{Resident: int64(a.size), Batch: 64, Exact: map[string]float64{"params": 1e5, "memory_model": 4e5}}
	if q.Do != arm.Time {
		return out, nil
	}
	var spent float64
	for spent < q.Spend.Seconds() && len(out.Seconds) < 4 || len(out.Seconds) < q.Least {
		s := w.base[q.Metric] * a.luck * w.factor() * (1 + w.call*math.Abs(w.student(2)))
		if w.rng.Float64() < w.spike {
			s *= 1 + 5*w.rng.ExpFloat64()
		}
		spent += s
		out.Seconds = append(out.Seconds, s)
		w.pass(time.Duration(s * 1e9))
	}
	// Short calls are many: the clock runs on as if all had been made.
	if rest := q.Spend.Seconds() - spent; rest > 0 {
		w.pass(time.Duration(rest * 1e9))
	}
	return out, nil
}

// worlds are the noises that a check has to live with; the speed of a process
// and the loss of a call are as measured, see docs/reference/check.md.
var worlds = map[string]world{
	"calm":        {process: 0.01, call: 0.003},
	"as measured": {process: 0.02, call: 0.01, spike: 0.02, drift: 0.002},
	"drift":       {process: 0.02, call: 0.01, drift: 0.05},
	"spikes":      {process: 0.02, call: 0.02, spike: 0.25},
	"bursts":      {process: 0.02, call: 0.01, spike: 0.02, burst: 0.3, heavy: 0.4, seen: 0.8},
	"unseen load": {process: 0.02, call: 0.01, spike: 0.02, burst: 0.3, heavy: 0.4},
	"heavy tails": {process: 0.03, call: 0.08, spike: 0.05, drift: 0.01},
}

func (w world) start(seed uint64) *world {
	w.rng = rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))
	w.now = time.Unix(1_700_000_000, 0).Add(time.Duration(w.rng.Float64() * float64(10*time.Minute)))
	w.base = map[string]float64{arm.Throughput: 0.045, arm.Latency: 0.003}
	return &w
}
