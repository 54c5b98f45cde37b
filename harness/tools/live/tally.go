package live

import (
	"time"

	"prabench/harness/engine"
	chain "prabench/harness/stage"
)

// tally counts distinct stages: cells share them, so cells would count the
// same training many times.
type tally struct {
	Kinds   []kindProgress
	Done    float64 // timings count by their rounds
	Whole   int     // stages that are done altogether
	Running int
	Failed  int
	Blocked int
	Total   int
	Alive   bool // a run holds the database
	Sent    int  // stages that a cluster has

	Left  time.Duration // until everything is done; negative when unknown
	Ends  time.Time     // zero unless a run goes on and Left is known
	Guess bool          // Left is from estimates, not from a run
}

// kindProgress is the same for one kind of stage.
type kindProgress struct {
	Kind                            string
	Done                            float64
	Whole                           int
	Running, Failed, Blocked, Total int
	Rounds, RoundsDone              int // of timings
}

// Percent is the share that is done, rounded down so that 100 means all.
func (p tally) Percent() int { return percent(p.Done, p.Total) }

// Percent is the share that is done, rounded down.
func (k kindProgress) Percent() int { return percent(k.Done, k.Total) }

// Size is the whole of the bar.
func (p tally) Size() float64 { return float64(p.Total) }

// Bad is how many stages will not be done.
func (p tally) Bad() float64 { return float64(p.Failed + p.Blocked) }

// Size is the number of stages of the kind.
func (k kindProgress) Size() float64 { return float64(k.Total) }

// Bad is how many of them will not be done.
func (k kindProgress) Bad() float64 { return float64(k.Failed + k.Blocked) }

// Name is what the page calls the kind of stage.
func (k kindProgress) Name() string { return k.Kind }

func percent(part float64, of int) int {
	if of == 0 {
		return 0
	}
	return int(100*part/float64(of) + 1e-9)
}

func (b *base) progressNow(places engine.Places, alive bool, marks []engine.Running) tally {
	at := map[string]bool{}
	for _, m := range marks {
		at[m.Stage] = true
	}
	p := tally{Alive: alive}
	for _, kind := range chain.Names() {
		k := kindProgress{Kind: kind}
		for _, s := range b.stages {
			if s.kind != kind || s.skip {
				continue
			}
			k.Total++
			k.Rounds += s.rounds
			switch {
			case at[s.key]:
				k.Running++
			case s.state == failed:
				k.Failed++
			case s.state == blocked:
				k.Blocked++
			}
			if s.state == done {
				k.Done++
				k.Whole++
				k.RoundsDone += s.rounds
			} else if s.rounds > 0 && s.state != failed {
				kept := min(places.RoundsKept(s.key), s.rounds)
				k.RoundsDone += kept
				k.Done += float64(kept) / float64(s.rounds)
			}
		}
		if k.Total == 0 {
			continue
		}
		p.Kinds = append(p.Kinds, k)
		p.Done += k.Done
		p.Whole += k.Whole
		p.Running += k.Running
		p.Failed += k.Failed
		p.Blocked += k.Blocked
		p.Total += k.Total
	}
	return p
}

// forecast is what a run said last about its end.
type forecast struct {
	holder string // the run
	left   time.Duration
	at     time.Time
}

// next takes the newest word of the run, or keeps the last: between two stages
// there is no mark.
func (f forecast) next(now time.Time, holder string, marks []engine.Running) forecast {
	if holder != f.holder {
		f = forecast{holder: holder}
	}
	for _, m := range marks {
		if m.Left > 0 && m.Seen.After(f.at) {
			f.left, f.at = m.Left, m.Seen
		}
	}
	return f
}

// forecast fills in when it will end: as the run says, or, when none goes on,
// the sum of the estimates of what is to do.
func (p *tally) forecast(now time.Time, alive bool, f forecast, b *base) {
	p.Left = -1
	switch {
	case alive && !f.at.IsZero():
		p.Left = max(0, f.left-now.Sub(f.at))
		p.Ends = now.Add(p.Left)
	case !alive && b.plan != nil:
		p.Guess = true
		p.Left = 0
		for _, s := range b.stages {
			if s.skip || s.state == done {
				continue
			}
			if s.estimate == engine.Unknown {
				p.Left = -1
				return
			}
			p.Left += s.estimate
		}
	}
}
