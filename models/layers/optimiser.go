package layers

import (
	"fmt"
	"math"

	"prabench/models"
	"prabench/models/device"
)

// Recipe is how a training moves its weights: AdamW with linear warm-up, a schedule
// of the learning rate, a bound on the gradient's norm, and averaged weights.
type Recipe struct {
	Steps int
	LR    float64 // the peak
	Floor float64 // share of the peak at which a falling rate ends
	models.Schedule
	Warmup      float64 // share of the steps, where Schedule counts none
	Beta1       float64
	Beta2       float64
	WeightDecay float64
	Clip        float64 // 0 is none
	EMA         float64 // decay min(EMA, (1+n)/(10+n))
}

// Rate is the learning rate of a step, counted from 0.
func (r Recipe) Rate(step int) float64 {
	warm := math.Ceil(r.Warmup * float64(r.Steps))
	if r.WarmSteps > 0 {
		warm = float64(r.WarmSteps)
	}
	if float64(step) < warm {
		return r.LR * float64(step+1) / warm
	}
	if r.Kind == "constant" || r.Kind == "wsd" {
		stable := float64(r.Stable(r.Steps))
		x := math.Min(1, math.Max(0, float64(step)-stable)/math.Max(1, float64(r.Steps)-stable))
		if r.Kind == "constant" {
			x = 0
		}
		return r.LR * (1 - (1-r.Floor)*x)
	}
	x := (float64(step) - warm) / math.Max(1, float64(r.Steps)-warm)
	return r.LR * (r.Floor + (1-r.Floor)*0.5*(1+math.Cos(math.Pi*math.Min(1, x))))
}

// epsilon keeps AdamW from dividing by zero.
const epsilon = 1e-8

// AdamW is the state of a training's weights beside the weights themselves.
type AdamW struct {
	Recipe
	Grads, M, V device.Buffer // of the flat array
	of          *Parameters

	GradNorm float64 // of the last step, before clipping
	LR       float64 // of the last step
}

// NewAdamW allocates the gradients and the moments, which begin as zeros.
func NewAdamW(m *Memory, l *Parameters, r Recipe) *AdamW {
	o := &AdamW{Recipe: r, of: l}
	for _, to := range []*device.Buffer{&o.Grads, &o.M, &o.V} {
		*to = m.Alloc(device.Model, l.Total)
	}
	if m.Err == nil {
		device.Do(m.Be, device.Fill{Dst: o.M})
		device.Do(m.Be, device.Fill{Dst: o.V})
	}
	return o
}

// Update does the step after done others: raw weights move along the gradients, and
// the averaged ones follow.
func (o *AdamW) Update(be device.Backend, l *Parameters, raw, ema device.Buffer, done int) {
	o.LR = o.Rate(done)
	o.GradNorm = math.Sqrt(device.SquaredNorm(be, o.Grads))
	scale := 1.0
	if o.Clip > 0 && o.GradNorm > o.Clip {
		scale = o.Clip / o.GradNorm
	}
	s := float64(done + 1)
	h := device.AdamW{
		LR: o.LR, Beta1: o.Beta1, Beta2: o.Beta2, Eps: epsilon, WeightDecay: o.WeightDecay,
		Correct1: 1 - math.Pow(o.Beta1, s), Correct2: 1 - math.Pow(o.Beta2, s), GradScale: scale,
		EMA: models.Decay(o.EMA, done),
	}
	apply := func(lo, size int, h device.AdamW) {
		if size == 0 {
			return
		}
		h.P, h.G, h.Avg = raw.Slice(lo, size), o.Grads.Slice(lo, size), ema.Slice(lo, size)
		h.M, h.V = o.M.Slice(lo, size), o.V.Slice(lo, size)
		device.Do(be, h)
	}
	apply(0, l.Decayed, h)
	h.WeightDecay = 0
	apply(l.Decayed, l.Total-l.Decayed, h)
}

// EndStep is Update with all averages, for the step after done others, and says what
// went wrong in that step.
func (o *AdamW) EndStep(be device.Backend, l *Parameters, raw device.Buffer, a *Averages, done int) error {
	o.Update(be, l, raw, a.First, done)
	a.Follow(be, raw, done)
	if err := be.Err(); err != nil {
		return fmt.Errorf("training step %d: %w", done+1, err)
	}
	if math.IsNaN(o.GradNorm) || math.IsInf(o.GradNorm, 0) {
		return fmt.Errorf("training step %d: the gradient norm is %v: the training has diverged; lower train.lr or set train.clip", done+1,
			o.GradNorm)
	}
	return nil
}
