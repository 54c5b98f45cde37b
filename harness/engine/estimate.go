package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"sort"
	"sync"
	"time"

	"prabench/harness/stage"
	"prabench/models"
	"prabench/models/cpu"
	"prabench/results"
	"prabench/results/record"
)

// Costs is what one cell takes on any machine.
type Costs struct {
	models.Costs
	Params int64                 `json:"params"`
	Train  models.MemoryEstimate `json:"train_memory"`  // bytes of the backend in training
	Sample models.MemoryEstimate `json:"sample_memory"` // in sampling measure.batch images at a time
}

// counter counts each configuration once: seeds, rates of learning and timings
// share it.
type counter map[counted]*Costs

// counted is what costs depend on.
type counted struct {
	model  models.Config
	train  models.TrainConfig
	sample models.SampleConfig
	batch  int
}

func (k counter) of(s *stage.Settings) *Costs {
	name := counted{s.Model, s.Train, s.Sample, s.Measure.Batch}
	name.train.Seed, name.train.LR, name.sample.Seed = 0, 1, 0
	if c, known := k[name]; known {
		return c
	}
	c := &Costs{
		Costs: s.Model.Costs(s.Train, s.Sample), Params: s.Model.Params(),
		Train: s.Model.TrainMemory(s.Train), Sample: s.Model.SampleMemory(s.Sample, s.Measure.Batch),
	}
	k[name] = c
	return c
}

// efficiency is the share of the arithmetic peak that small models reach, as a
// first guess; stages that are done correct it.
const efficiency = 0.2

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
		if guess[it.Kind] > 0 && it.Kind != record.Time { // a timing's attempt is only its summary
			it.Estimate = time.Duration(float64(it.Estimate) * took[it.Kind] / guess[it.Kind])
		} else if !it.local() {
			it.Estimate = Unknown
		} else if before > 0 && (it.Kind == record.Train || it.Kind == record.Draw) {
			it.Estimate = time.Duration(float64(it.Estimate) * before)
		}
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
			if s.Kind != record.Train || s.Done == "" || s.Took <= 0 || seen == paceStages {
				continue
			}
			config, err := db.StageConfig(ctx, s.Key)
			var of struct {
				Part struct {
					Model models.Config
					Train models.TrainConfig
				}
			}
			if err != nil || json.Unmarshal(config, &of) != nil || of.Part.Model.Validate() != nil || of.Part.Train.Validate() != nil {
				continue
			}
			if a, ok, err := db.StageDone(ctx, s.Key); err != nil || !ok || a.Device != "cpu" {
				continue
			}
			seen++
			it := Item{Stage: stage.Stage{Kind: record.Train}, Settings: &stage.Settings{Model: of.Part.Model, Train: of.Part.Train}}
			it.Costs = &Costs{Costs: of.Part.Model.Costs(of.Part.Train, models.DefaultSample())}
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
	return !stage.UsesDevice(it.Kind) || it.Settings.Measure.Device == "cpu"
}

// guess is the time of a stage at a rate in FLOP/s for one thread.
func (it *Item) guess(rate float64) time.Duration {
	s, c := it.Settings, it.Costs
	seconds := func(flops float64, threads int) time.Duration {
		return start + time.Duration(flops/(rate*float64(max(threads, 1)))*float64(time.Second))
	}
	switch it.Kind {
	case record.Reference:
		return start + 3*time.Second
	case record.Train:
		return seconds(c.FLOPsTrainImage*float64(s.Train.Batch)*float64(s.Train.Steps), s.Train.Threads)
	case record.Draw:
		return seconds(c.FLOPsImage*float64(s.Count), s.Train.Threads)
	case record.Score:
		return start + 2*time.Second
	case record.Probe:
		// The trunk of a trained and an untrained model, forward only.
		return seconds(2*c.FLOPsTrainImage/3*float64(s.Extras.Probe), s.Train.Threads) + 3*time.Second
	case record.Exposure:
		return seconds(3.5*c.FLOPsImage*float64(s.Extras.Exposure), s.Train.Threads) + 4*time.Second
	case record.Seam, record.Nearest:
		return start + 2*time.Second
	case record.Time:
		batches := float64(s.Measure.Warmup+2) * float64(s.Measure.Batch)
		ones := float64(s.Measure.Warmup+3) * 8 // one image alone runs at a fraction of the rate
		steps := float64(s.Measure.TrainSteps+1) * float64(s.Train.Batch)
		round := seconds(c.FLOPsImage*(batches+ones)+c.FLOPsTrainImage*steps, threadsOf(*s)) + 2*time.Second
		return time.Duration(s.Measure.Rounds) * round
	}
	return start
}
