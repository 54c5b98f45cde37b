package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"sort"
	"sync"
	"time"

	"prabench/harness/stage"
	"prabench/harness/work"
	"prabench/models"
	"prabench/models/cpu"
	"prabench/results"
)

// counter counts each configuration once: seeds, rates of learning and timings
// share it.
type counter map[counted]*stage.Costs

// counted is what costs depend on.
type counted struct {
	params models.Params
	batch  int
	device string
	ranks  int
	bf16   bool
}

func (k counter) of(s *stage.Settings) *stage.Costs {
	name := counted{s.Params.Seeded(0), s.Measure.Batch, s.Measure.Device, s.Measure.Ranks(), s.Measure.Precision == "bf16"}
	name.params, _ = models.Set(name.params, "train.lr", 1.0)
	name.params, _ = models.Set(name.params, "sample.seed", uint64(0))
	if c, known := k[name]; known {
		return c
	}
	c := s.Costs()
	k[name] = c
	return c
}

// efficiency is the share of a thread's arithmetic peak that trainings reach, as a
// first guess: 0.45 for those of quick.toml side by side, more for larger models.
// Stages that are done correct it.
const efficiency = 0.45

// bf16Gain is by how much bf16 products speed up work on a processor, as a first guess;
// docs/measurements/speed.md has what was measured.
const bf16Gain = 1.5

// start is what every worker process takes before it computes.
const start = 300 * time.Millisecond

// estimate guesses how long each stage takes that is not done: from its FLOPs
// and this machine's peak, corrected by what the stages took that are done.
func (p *Plan) estimate() { p.estimateFrom(nil) }

// estimateFrom is estimate with what is known of earlier plans' trainings, see
// pace; nil when nothing is.
func (p *Plan) estimateFrom(earlier func(rate float64) (pace float64)) {
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
	before := p.pace
	if earlier != nil {
		before = earlier(peak * efficiency)
		p.pace = before
	}
	guess := map[*stage.Kind]float64{}
	took := map[*stage.Kind]float64{}
	for _, it := range p.Items {
		it.Estimate = it.guess(peak * efficiency)
		if it.State == Done && it.Took > 0 {
			guess[it.Kind] += it.Estimate.Seconds()
			took[it.Kind] += it.Took.Seconds()
		}
	}
	for _, it := range p.Items {
		if guess[it.Kind] > 0 && !it.Kind.Measured() { // a timing's attempt is only its summary
			it.Estimate = time.Duration(float64(it.Estimate) * took[it.Kind] / guess[it.Kind])
		} else if !it.local() {
			it.Estimate = Unknown
		} else if before > 0 && !it.Kind.Measured() && it.Kind.Effort(it.Settings, it.Costs).Other == 0 { // arithmetic alone, as a training
			it.Estimate = time.Duration(float64(it.Estimate) * before)
		}
		if it.Estimate > 0 {
			it.Estimate = time.Duration(float64(it.Estimate) * (1 - p.saved(it)))
		}
	}
	for it := range p.Sharing() {
		it.Estimate = 0
	}
}

// peakOfThread is measured once in a process: who inspects a plan again and
// again must not load the machine each time.
var peakOfThread = sync.OnceValue(func() float64 { return cpu.PeakFlops(1) })

// Stages of other plans that a pace is learnt from.
const (
	paceExperiments = 5
	paceStages      = 10
	paceCells       = 2000 // of an experiment at most: looking must stay quick
)

// pace is by how much trainings on this machine's processor took longer than
// was guessed, learnt from other experiments in the database; 0 when there are
// none.
func pace(ctx context.Context, db *results.DB, rate float64) float64 {
	es, err := db.Experiments(ctx)
	if err != nil {
		return 0 // only a guess suffers
	}
	sort.Slice(es, func(i, j int) bool { return es[i].Created.After(es[j].Created) })
	var guess, took float64
	for _, e := range es[:min(len(es), paceExperiments)] {
		if e.Cells > paceCells {
			continue
		}
		stages, err := db.Stages(ctx, e.Name)
		if err != nil {
			return 0
		}
		seen := 0
		for _, s := range stages {
			if s.Kind != work.Train.Name || s.Done == "" || s.Took <= 0 || seen == paceStages {
				continue
			}
			config, err := db.StageConfig(ctx, s.Key)
			var of struct {
				Part struct {
					models.Written
					Precision string
				}
			}
			if err != nil || json.Unmarshal(config, &of) != nil {
				continue
			}
			params, err := of.Part.Read()
			if err != nil || params.Validate() != nil {
				continue
			}
			if a, ok, err := db.StageDone(ctx, s.Key); err != nil || !ok || !onHost(a.Device) {
				continue
			}
			seen++
			it := Item{Stage: stage.Stage{Kind: work.Train}, Settings: &stage.Settings{Params: params}}
			it.Settings.Measure.Precision = of.Part.Precision
			it.Costs = &stage.Costs{Costs: params.Costs()}
			guess += it.guess(rate).Seconds()
			took += s.Took.Seconds()
		}
	}
	if guess == 0 {
		return 0
	}
	return took / guess
}

// Unknown is the estimate for a device that nothing was done on yet.
const Unknown time.Duration = -1

// local says whether the stage runs on this machine's processor.
func (it *Item) local() bool {
	return !it.Kind.OnDevice || onHost(it.Settings.Measure.Device)
}

// guess is the time of a stage at a rate in FLOP/s for one thread, in fp32.
func (it *Item) guess(rate float64) time.Duration {
	if it.Kind.OnDevice && it.Settings.Measure.Precision == "bf16" {
		rate *= bf16Gain
	}
	e := it.Kind.Effort(it.Settings, it.Costs)
	once := start + time.Duration(e.FLOPs/(rate*float64(max(e.Threads, 1)))*float64(time.Second)) + e.Other
	if it.Kind.Measured() {
		return time.Duration(it.Kind.Rounds(it.Settings)) * once
	}
	return once
}
