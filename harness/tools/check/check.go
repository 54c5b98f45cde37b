// Package check says whether one program is slower, larger or worse than
// another.
//
// Its principle is that a false alarm costs more than a late one: anyone who was sent
// after a regression that was none looks at no further alarm. So both programs
// are measured on the same machine in turn (A B B A, so that drift hits both
// alike); a round is one number, the logarithm of their ratio; each round has
// fresh processes, because where a process happens to lie in memory moves its
// speed by more than most regressions, for as long as it lives; the median
// ratio has the interval of the sign test, which assumes nothing of the noise;
// p-values are corrected for the number of comparisons (Holm); and what looks
// like a change is measured again in a confirmation block: only what recurs is called
// one. What cannot be decided is called inconclusive, with what to do about it.
//
// Figures without noise (parameters, FLOPs, bytes of model and cache, steps)
// are compared exactly.
package check

import (
	"context"
	"encoding/json"
	"time"

	"prabench/harness/machine"
	"prabench/harness/stage"
	"prabench/harness/tools/check/arm"
)

// alpha is the chance of a false alarm that each block of a check may take,
// over all its comparisons; an alarm has to be raised by two blocks.
const alpha = 0.05

// Side is one of the two programs.
type Side int

// The sides.
const (
	Old Side = iota
	New
)

func (s Side) String() string { return [2]string{"old", "new"}[s] }

// Cell is what is measured: the settings of a cell and a model file that both
// programs read.
type Cell struct {
	ID, Label string
	Settings  json.RawMessage
	Model     string
	Batch     int      // images per call of throughput
	Same      []string // labels of cells that nothing measured tells apart

	alike stage.Alike
}

// Options is how a check is made.
type Options struct {
	Metrics []Metric
	Rounds  int           // of the first block, and of the fresh one
	Repeat  int           // further tries of a disturbed round
	Budget  time.Duration // for measuring
	Spend   time.Duration // for one metric of one arm at a time, at least
}

// DefaultSpend is long beside a clock's reading and short beside drift.
const DefaultSpend = 30 * time.Millisecond

// Arm is a process that measures, see package arm.
type Arm interface {
	Ask(context.Context, arm.Request) (arm.Answer, error)
	Close()
}

// Bench is what a check measures with.
type Bench struct {
	Start func(Side) (Arm, error)
	Now   func() time.Time
	// Load begins to look at what else the machine does, and gives the end of
	// it; ok is false where the system does not say.
	Load func() (end func() (l machine.Load, ok bool))
	// Baseline stands for the old program; nil where there is one.
	Baseline *Baseline
	// Say tells how far the check is.
	Say func(done, total time.Duration, what string)
}

// MachineLoad is the Load of a real machine.
func MachineLoad() func() (machine.Load, bool) {
	begin, ok := machine.Now()
	return func() (machine.Load, bool) {
		end, also := machine.Now()
		return end.Since(begin), ok && also
	}
}
