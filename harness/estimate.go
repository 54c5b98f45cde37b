package harness

import (
	"cmp"
	"encoding/json"
	"sync"
	"time"

	"prabench/harness/stage"
	"prabench/models"
	"prabench/models/cpu"
	"prabench/results"
)

// Costs is what one cell takes on any machine.
type Costs struct {
	models.Costs
	Params int64                 `json:"params"`
	Train  models.MemoryEstimate `json:"train_memory"`  // bytes of the backend in training
	Sample models.MemoryEstimate `json:"sample_memory"` // in sampling measure.batch images at a time
}

// counter counts each configuration once: seeds and timings share it.
type counter map[string]Costs

func (k counter) of(s stage.Settings) Costs {
	s.Train.Seed, s.Sample.Seed = 0, 0
	name, err := json.Marshal([]any{s.Model, s.Train, s.Sample, s.Measure.Batch})
	if c, known := k[string(name)]; known && err == nil {
		return c
	}
	c := Costs{
		Costs: s.Model.Costs(s.Train, s.Sample), Params: s.Model.Params(),
		Train: s.Model.TrainMemory(s.Train), Sample: s.Model.SampleMemory(s.Sample, s.Measure.Batch),
	}
	k[string(name)] = c
	return c
}

// efficiency is the share of the arithmetic peak that small models reach, as a
// first guess; stages that are done correct it.
const efficiency = 0.2

// start is what every worker process takes before it computes.
const start = 300 * time.Millisecond

// estimate guesses how long each stage takes that is not done: from its FLOPs
// and this machine's peak, corrected by what the stages took that are done.
func (p *Plan) estimate() {
	todo, local := false, false
	for _, it := range p.Items {
		todo = todo || it.State == ToDo || it.State == Failed || it.State == Blocked
		local = local || it.local()
	}
	if !todo {
		return
	}
	peak := 10e9
	if local {
		peak = cmp.Or(peakOfThread(), peak)
	}
	guess := map[string]float64{}
	took := map[string]float64{}
	for _, it := range p.Items {
		it.Estimate = it.guess(peak * efficiency)
		if it.State == Done && it.Took > 0 {
			guess[it.Kind] += it.Estimate.Seconds()
			took[it.Kind] += it.Took.Seconds()
		}
	}
	for _, it := range p.Items {
		if guess[it.Kind] > 0 && it.Kind != results.Time { // a timing's attempt is only its summary
			it.Estimate = time.Duration(float64(it.Estimate) * took[it.Kind] / guess[it.Kind])
		} else if !it.local() {
			it.Estimate = Unknown
		}
	}
}

// peakOfThread is measured once in a process: who inspects a plan again and
// again must not load the machine each time.
var peakOfThread = sync.OnceValue(func() float64 { return cpu.PeakFlops(1) })

// Unknown is the estimate for a device that nothing was done on yet.
const Unknown time.Duration = -1

// local says whether the stage runs on this machine's processor.
func (it *Item) local() bool {
	return it.Kind == results.Reference || it.Kind == results.Score || it.Settings.Measure.Device == "cpu"
}

// guess is the time of a stage at a rate in FLOP/s for one thread.
func (it *Item) guess(rate float64) time.Duration {
	s, c := it.Settings, it.Costs
	seconds := func(flops float64, threads int) time.Duration {
		return start + time.Duration(flops/(rate*float64(max(threads, 1)))*float64(time.Second))
	}
	switch it.Kind {
	case results.Reference:
		return start + 3*time.Second
	case results.Train:
		return seconds(c.FLOPsTrainImage*float64(s.Train.Batch)*float64(s.Train.Steps), s.Train.Threads)
	case results.Draw:
		return seconds(c.FLOPsImage*float64(s.Count), s.Train.Threads)
	case results.Score:
		return start + 2*time.Second
	case results.Time:
		batches := float64(s.Measure.Warmup+2) * float64(s.Measure.Batch)
		ones := float64(s.Measure.Warmup+3) * 8 // one image alone runs at a fraction of the rate
		steps := float64(s.Measure.TrainSteps+1) * float64(s.Train.Batch)
		round := seconds(c.FLOPsImage*(batches+ones)+c.FLOPsTrainImage*steps, threadsOf(s)) + 2*time.Second
		return time.Duration(s.Measure.Rounds) * round
	}
	return start
}
