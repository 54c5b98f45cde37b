package devicetest

import (
	"math"
	"testing"

	"prabench/models/device"
	"prabench/models/device/reference"
)

// gradient is how the backward pass at the end of a trial's run is checked. The
// loss is Σ seed·out.
type gradient struct {
	forward   func(m *machine) // from the inputs to out
	out, seed slot
	of        []pair
}

// pair is an input of the forward pass and the buffer that gets its gradient.
type pair struct{ input, gradient slot }

// Gradients checks every backward pass of the reference that a trial has against
// central differences in float64, on the trials that are small enough.
func Gradients(t *testing.T) {
	for _, k := range device.Kinds() {
		checked, largest := 0, 0.0
		for _, tr := range trials(k) {
			if tr.gradient == nil || !tr.differentiable() {
				continue
			}
			checked++
			t.Run(k.String()+"/"+tr.name, func(t *testing.T) { largest = max(largest, tr.checkGradient(t)) })
		}
		if checked > 0 && !(largest > 1e-3) {
			t.Errorf("%v: the largest gradient is %g: nothing was compared", k, largest)
		}
	}
}

// mostInputs is how many values a trial perturbs at most.
const mostInputs = 250

func (tr *trial) differentiable() bool {
	n := 0
	for _, p := range tr.gradient.of {
		n += len(tr.values[p.input])
	}
	return n <= mostInputs
}

// checkGradient returns the largest gradient.
func (tr *trial) checkGradient(t *testing.T) (largest float64) {
	be := reference.New()
	seen := &watch{Backend: be}
	m := tr.place(t, seen)
	tr.run(m)
	got := map[slot][]float64{}
	for _, p := range tr.gradient.of {
		got[p.gradient] = tr.left(p.gradient, be.Host(m.bufs[p.gradient]), seen, m)
	}
	loss := func() (sum float64) {
		tr.gradient.forward(m)
		seed := be.Host(m.bufs[tr.gradient.seed])
		for i, v := range be.Host(m.bufs[tr.gradient.out]) {
			sum += v * seed[i]
		}
		return sum
	}
	const h = 2e-6
	for _, p := range tr.gradient.of {
		input := be.Host(m.bufs[p.input])
		for i, v := range input {
			input[i] = v + h
			up := loss()
			input[i] = v - h
			down := loss()
			input[i] = v
			want, g := (up-down)/(2*h), got[p.gradient][i]
			if !(math.Abs(g-want) <= 1e-6*math.Max(1, math.Abs(want))) {
				t.Errorf("%s[%d]: backward %.9g, finite difference %.9g", tr.names[p.gradient], i, g, want)
			}
			largest = max(largest, math.Abs(g))
		}
	}
	return largest
}

// left is the gradient that a buffer got: what it holds, less what it held before
// where that was kept; 0 where nothing was written.
func (tr *trial) left(s slot, now []float64, seen *watch, m *machine) []float64 {
	_, _, adds := seen.access(m.bufs[s])
	out := make([]float64, len(now))
	for i, v := range now {
		before := float64(tr.values[s][i])
		switch {
		case adds:
			out[i] = v - before
		case v != before:
			out[i] = v
		}
	}
	return out
}
