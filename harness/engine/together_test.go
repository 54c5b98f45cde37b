package engine_test

import (
	"context"
	"strings"
	"testing"

	"prabench/harness/engine"
	"prabench/harness/machine"
	"prabench/harness/stage"
	"prabench/harness/work"
	"prabench/models/pra"
)

// Two processes train and sample a cell together, and what they made is what one
// would make: another number of them has nothing to do.
func TestDevicesTrainTogether(t *testing.T) {
	if machine.Processors() < 2 {
		t.Skip("one processor")
	}
	b := newBench(t)
	with := func(n int) *engine.Experiment {
		return tiny(func(s *stage.Settings) { s.Measure.Devices = n })
	}
	if sum := b.run(context.Background(), with(2), nil); sum.Failed > 0 || sum.Done == 0 {
		t.Fatalf("%+v\n%s", sum, b.out.String())
	}
	trained, drawn := 0, 0
	for _, r := range b.rows() {
		together := strings.Contains(r.Protocol, "devices=2")
		switch {
		case r.Metric == "train_loss" && together:
			trained++
		case r.Metric == "throughput" && together:
			t.Errorf("a time of several devices: %+v", r)
		case r.Metric == "throughput":
			drawn++
		}
	}
	if trained != 2 || drawn == 0 {
		t.Errorf("%d losses of two devices, %d times", trained, drawn)
	}
	if sum := b.run(context.Background(), with(1), nil); sum.Done != 0 || sum.Failed > 0 {
		t.Errorf("one device does it again: %+v", sum)
	}
}

// What a machine or a batch cannot do is refused before anything starts.
func TestDevicesThatCannotBe(t *testing.T) {
	e := tiny(func(s *stage.Settings) { s.Measure.Devices = machine.Processors() + 1 })
	err := engine.CheckMachine(selfCommand, e)
	if err == nil || !strings.Contains(err.Error(), "measure.devices = ") || !strings.Contains(err.Error(), "at most ") {
		t.Errorf("more processes than processors: %v", err)
	}
}

// What several processes hold is foreseen for all of them.
func TestTheMemoryOfDevicesIsForeseen(t *testing.T) {
	s := *tiny(nil).Cells[0].Settings
	edit(&s, func(p *pra.Params) { p.Train.Batch = 64 })
	needs := func(n int) (train, sample int64) {
		s.Measure.Devices = n
		h := stage.Host{Settings: &s, Costs: s.Costs(), Local: true}
		return work.Train.Memory(h), work.Sample.Memory(h)
	}
	train, sample := needs(1)
	timed := work.Timing.Memory(stage.Host{Settings: &s, Costs: s.Costs(), Local: true})
	trainTwo, sampleTwo := needs(2)
	if again := work.Timing.Memory(stage.Host{Settings: &s, Costs: s.Costs(), Local: true}); again != timed {
		t.Errorf("a timing, which is of one, holds %d and %d", timed, again)
	}
	// Two hold weights and data twice, and the activations of a batch together.
	if trainTwo <= train || trainTwo >= 2*train || sampleTwo <= sample || sampleTwo > 2*sample {
		t.Errorf("training %d, %d of two; sampling %d, %d of two", train, trainTwo, sample, sampleTwo)
	}
}
