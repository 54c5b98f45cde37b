package work

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"prabench/harness/artifact"
	"prabench/harness/stage"
	"prabench/harness/worker"
	"prabench/metrics"
	"prabench/metrics/embed"
	"prabench/metrics/quantity"
	"prabench/metrics/stat"
	"prabench/models"
)

// Exposure measures what a model's own inputs do to its images. Prefixes are
// continued one step after another, however the cell samples.
var Exposure = &stage.Kind{
	Name:     "exposure",
	Inputs:   []*stage.Kind{Reference, Train},
	Chief:    Train,
	Optional: featured(Tune),
	Wanted:   func(s *stage.Settings) bool { return s.Extras.Exposure > 0 },
	Asks:     []stage.Capability{stage.Continues},
	Version:  "1/" + stage.Core + "/" + scoreVersion,
	Part: func(s *stage.Settings) any {
		return exposurePart{models.Table(s.Params.(models.Prefixed).Sequential(), "sample"), s.Extras.Exposure, s.Measure.Lowered()}
	},
	OnDevice: true,
	Effort: func(s *stage.Settings, c *stage.Costs) stage.Effort {
		return stage.Effort{FLOPs: 3.5 * c.FLOPsImage * float64(s.Extras.Exposure), Threads: s.Training().Threads, Other: 4 * time.Second}
	},
	Memory: func(h stage.Host) int64 {
		// A teacher-forced sample is one sweep over all tokens.
		return h.Data() + h.Images(8*h.Extras.Exposure) + h.Sampling(h.Extras.Exposure, h.Params.(models.Prefixed).ARSteps())
	},
	Lacks: func(s *stage.Settings, n stage.Images) error {
		reference, other := n.Splits(s)
		if err := stage.HeldOut("metrics.exposure", s.Extras.Exposure, other, metrics.Least); err != nil {
			return err
		}
		return stage.HeldOut("metrics.exposure", stage.AtMost(s.Samples, reference), reference, metrics.Least)
	},
}

type exposurePart struct {
	Sample    any    `json:"sample"` // the family's table, of sequential sampling
	Count     int    `json:"count"`
	Precision string `json:"precision,omitempty"`
}

// StepsFile is the errors of the AR steps in an exposure artifact: Steps.
const StepsFile = "steps.json"

// Steps are the errors of each AR step, see [metrics.BlockErrors].
type Steps []StepError

// StepError is the error of one AR step, counted from 1.
type StepError struct {
	Step  int     `json:"step"`
	Free  Bounded `json:"free"`  // of samples: every input is the model's own
	Given Bounded `json:"given"` // of teacher-forced samples: every input is real
	Real  Bounded `json:"real"`  // of held-out images, the control
}

// Bounded is a value with its 95 % interval, as steps.json has it.
type Bounded struct {
	Value float64 `json:"value"`
	Lo    float64 `json:"lo"`
	Hi    float64 `json:"hi"`
}

// bounded is an estimate as it is kept: one without an interval has no width.
func bounded(e stat.Estimate) Bounded {
	if !e.HasInterval() {
		return Bounded{e.Value, e.Value, e.Value}
	}
	return Bounded{e.Value, e.Lo, e.Hi}
}

// Estimate gives back the estimate that b was made of.
func (b Bounded) Estimate() stat.Estimate {
	if !(b.Lo < b.Hi) {
		return stat.Point(b.Value, 0)
	}
	return stat.FromBounds(b.Value, &b.Lo, &b.Hi, 0, stat.Jackknife)
}

// prefixes are the shares of an image's AR steps that are given.
var prefixes = []struct {
	metric  *quantity.Metric
	percent int
}{{quantity.FIDPrefix0, 0}, {quantity.FIDPrefix25, 25}, {quantity.FIDPrefix50, 50}, {quantity.FIDPrefix75, 75}}

// exposure measures what a model's own inputs do to its images: it draws the
// rest of held-out images whose first AR steps are given, and teacher-forced samples, whose
// every patch is drawn given the real ones before it.
func (t *task) exposure() error {
	reference, info, err := t.readReference()
	if err != nil {
		return err
	}
	data, err := t.data()
	if err != nil {
		return err
	}
	embedder, err := t.embedder(data.Size, data.Channels)
	if err != nil {
		return err
	}
	split, other := t.splits(data)
	held, err := t.heldOut("metrics.exposure", data, other, t.set.Extras.Exposure)
	if err != nil {
		return err
	}
	known, err := choose(data, split, t.set.Samples)
	if err != nil {
		return err
	}
	be, model, err := t.model()
	if err != nil {
		return err
	}
	defer be.Close()
	defer model.Close()

	info.Protocol.Samples = held.N
	t.attempt.Protocol = info.Protocol.Map()
	score := func(metric *quantity.Metric, p metrics.Pictures) error {
		e, err := t.distance(embedder, reference, p)
		if err == nil {
			t.estimate(metric, e)
		}
		return err
	}
	var free metrics.Pictures
	p := t.set.Params.(models.Prefixed)
	steps, k := p.StepPositions(), p.ARSteps()
	for _, given := range prefixes {
		tokens := len(slices.Concat(steps[:given.percent*k/100]...))
		images, err := t.continued(model, held, tokens)
		if err != nil {
			return err
		}
		if given.percent == 0 {
			free = images
		}
		if err := score(given.metric, images); err != nil {
			return err
		}
	}
	mosaic, err := t.continued(model, held, -1)
	if err != nil {
		return err
	}
	if err := score(quantity.FIDMosaic, mosaic); err != nil {
		return err
	}
	if err := score(quantity.FIDPrefix100, held); err != nil {
		return err
	}
	found, err := t.blockErrors(p, known, free, mosaic, held)
	if err != nil {
		return err
	}
	raw, err := json.MarshalIndent(found, "", " ")
	if err != nil {
		return err
	}
	return t.keep(func(d *artifact.Draft) error { return d.Write(StepsFile, raw) })
}

// continued draws images whose first given tokens are those of real images;
// given < 0 makes teacher-forced samples.
func (t *task) continued(m models.Model, real metrics.Pictures, given int) (metrics.Pictures, error) {
	prefixed := t.set.Params.(models.Prefixed)
	p, what := prefixed.Parallel(), "teacher-forced samples"
	if given >= 0 {
		p, what = prefixed.Sequential(), fmt.Sprintf("sampling, %d tokens given", given)
	}
	batch := min(max(t.set.Batch, 1), real.N)
	out := real
	out.Pixels = make([]uint8, len(real.Pixels))
	sampler, err := m.Sampler(p, batch)
	if err != nil {
		return out, err
	}
	defer sampler.Close()
	drawing := sampler.(models.Continuer)
	per, ids := len(real.Pixels)/real.N, make([]uint32, batch)
	for at := 0; at < real.N; at += batch {
		if err := t.stopped(); err != nil {
			return out, err
		}
		n := min(batch, real.N-at)
		for i := range n {
			ids[i] = uint32(at + i)
		}
		from, to, labels := real.Pixels[at*per:(at+n)*per], out.Pixels[at*per:(at+n)*per], real.Labels[at:at+n]
		if given < 0 {
			err = drawing.Mosaic(from, labels, ids[:n], to)
		} else {
			err = drawing.Continue(from, labels, ids[:n], given, to)
		}
		if err != nil {
			return out, err
		}
		t.report(worker.Progress{Done: int64(at + n), Total: int64(real.N), What: what})
	}
	return out, nil
}

// distance is the Fréchet distance of images from the reference.
func (t *task) distance(e embed.Embedder, reference metrics.Features, p metrics.Pictures) (stat.Estimate, error) {
	x, err := t.embed(e, p.Pixels, p.N, p.Size, p.Channels)
	if err != nil {
		return stat.Estimate{}, err
	}
	f, err := metrics.FromFloat32(x, e.Dim(), p.Labels)
	if err != nil {
		return stat.Estimate{}, err
	}
	return metrics.FrechetEstimate(reference, f)
}

// blockErrors measures the error of each AR step of three sets, and adds their
// summaries to the attempt.
func (t *task) blockErrors(p models.Prefixed, known, free, mosaic, held metrics.Pictures) (Steps, error) {
	steps := make(Steps, p.ARSteps())
	var of [3][]stat.Estimate
	for i, set := range []struct {
		metric *quantity.Metric
		images metrics.Pictures
	}{{quantity.BlockErrorFree, free}, {quantity.BlockErrorGiven, mosaic}, {quantity.BlockErrorReal, held}} {
		t.report(worker.Progress{Done: int64(i), Total: 3, What: "errors of AR steps"})
		var err error
		if of[i], err = metrics.BlockErrors(known, set.images, p.PatchSide(), p.StepPositions()); err != nil {
			return nil, fitting(err)
		}
		var mean float64
		for k, e := range of[i] {
			mean += e.Value / float64(len(steps))
			b := bounded(e)
			steps[k].Step = k + 1
			switch i {
			case 0:
				steps[k].Free = b
			case 1:
				steps[k].Given = b
			case 2:
				steps[k].Real = b
			}
		}
		t.value(set.metric, mean, set.images.N)
	}
	gap, growth, ok := metrics.Gap(of[0], of[1])
	if ok {
		t.value(quantity.ExposureGap, gap, free.N)
		t.value(quantity.ErrorGrowth, growth, free.N)
	}
	return steps, nil
}

// ReadSteps reads the errors of the AR steps of an exposure.
func ReadSteps(s artifact.Store, key string) (Steps, error) {
	ref := Exposure.Ref(key)
	raw, err := s.Read(ref, StepsFile)
	if err != nil {
		return nil, err
	}
	var steps Steps
	if err := json.Unmarshal(raw, &steps); err != nil {
		return nil, fmt.Errorf("artifact %s: %s: %w", ref, StepsFile, err)
	}
	return steps, nil
}
