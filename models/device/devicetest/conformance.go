// Package devicetest holds trials of the operations of [device.Backend]: one
// operation, or a few that belong together, on fixed inputs. A trial is
//
//   - a test, in [Run]: the backend against the float64 reference;
//   - a gradient check, in [Gradients], where it has a backward pass: against
//     finite differences of the forward pass on the reference;
//   - a timing, in [Benchmark];
//   - a question of support, in [Support].
//
// Trials are registered beside the function that makes them, with [of]: an
// operation has at least one, which a test holds.
//
// Its principle is that a backend is right when, for the same inputs, every buffer
// that an operation was handed ends as the reference leaves it: outputs close,
// inputs and everything around them untouched to the bit. So buffers lie at odd offsets
// between guards of NaN, outputs start as NaN (what is read before it is
// written, or not written at all, shows), and a buffer that is one element
// short must panic before anything is computed.
package devicetest

import (
	"math"
	"testing"

	"prabench/models/device"
	"prabench/models/device/reference"
)

// Open makes the backend under test; threads has no meaning on some devices.
// The suite closes what it opened.
type Open func(t *testing.T, threads int) device.Backend

// Tolerances are the allowed differences from the reference. Where they are
// relative, the scale of an element is its magnitude plus the root mean square
// of its buffer, or more where a trial is ill-conditioned (see floor).
type Tolerances struct {
	Element  float64 // relative: a few operations on each element
	Sum      float64 // relative: sums over a row, a column or a key
	Normal   float64 // absolute: the normals
	Sinusoid float64 // absolute: angles up to 100 rad are rounded to float32
}

// Float32 are the tolerances of a backend that stores and adds in float32.
func Float32() Tolerances {
	return Tolerances{Element: 5e-7, Sum: 5e-6, Normal: 1e-6, Sinusoid: 2e-5}
}

// Run checks every operation of a backend.
func Run(t *testing.T, open Open, tol Tolerances) {
	one, two, want := opened(t, open)
	for _, k := range device.Kinds() {
		t.Run(k.String(), func(t *testing.T) {
			if !one.Does(k) {
				t.Fatalf("%s does not do %v", one.Name(), k)
			}
			for _, tr := range trials(k) {
				t.Run(tr.name, func(t *testing.T) { tr.check(t, one, two, want, tol) })
			}
		})
	}
	t.Run("AttentionCausal", func(t *testing.T) { attentionCausal(t, one) })
	t.Run("NormalAddresses", func(t *testing.T) { normalAddresses(t, one, two) })
	t.Run("Memory", func(t *testing.T) { memory(t, open) })
}

// Products checks only matrix products and what is done to them, for a backend
// that has more than one way to multiply.
func Products(t *testing.T, open Open, tol Tolerances) {
	one, two, want := opened(t, open)
	for _, tr := range append(gemm(), linear()...) {
		t.Run(tr.name, func(t *testing.T) { tr.check(t, one, two, want, tol) })
	}
}

// opened are two backends to compare with each other and with the reference.
func opened(t *testing.T, open Open) (one, two device.Backend, want *reference.Backend) {
	one, two, want = open(t, 1), open(t, 2), reference.New()
	t.Cleanup(func() {
		for _, be := range []device.Backend{one, two, want} {
			if err := be.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
	})
	return one, two, want
}

// check runs the trial on all three backends and compares.
func (tr *trial) check(t *testing.T, one, two device.Backend, want *reference.Backend, tol Tolerances) {
	seen := &watch{Backend: want}
	oracle, a := tr.place(t, seen), tr.place(t, one)
	defer oracle.free()
	defer a.free()
	tr.run(oracle)
	seen.operands(t, oracle, want)
	tr.run(a)
	a.settle(t)
	got := a.download()
	for s := range tr.values {
		if tr.private[s] {
			continue
		}
		limit := map[kind]float64{element: tol.Element, sum: tol.Sum, angle: tol.Sinusoid, noise: tol.Normal}[tr.kinds[s]] * tr.slack
		absolute := tr.kinds[s] == angle || tr.kinds[s] == noise
		tr.compare(t, slot(s), want.Host(oracle.bufs[s]), got[s], limit, absolute)
	}
	for i, w := range oracle.scalars {
		if g := a.scalars[i]; !(math.Abs(g-w) <= tol.Sum*math.Abs(w)) {
			t.Errorf("result %v, want %v", g, w)
		}
	}

	b := tr.place(t, two)
	defer b.free()
	tr.run(b)
	b.settle(t)
	for s, other := range b.download() {
		for i := range other {
			if tr.private[s] {
				break
			}
			x, y := got[s][i], other[i]
			if tr.rounds && math.Abs(float64(x-y)) <= tol.Sum*(1+math.Abs(float64(x))) {
				continue
			}
			if math.Float32bits(x) != math.Float32bits(y) {
				t.Fatalf("buffer %d (%s), element %d: 1 thread %v, 2 threads %v", s, tr.names[s], i-guard, x, y)
			}
		}
	}
	for i, x := range a.scalars {
		if x != b.scalars[i] {
			t.Errorf("result with 1 thread %v, with 2 threads %v", x, b.scalars[i])
		}
	}
	if tr.ranges {
		a.checkRanges(t)
	}
}

// compare takes a buffer's values and the downloaded allocation with guards.
func (tr *trial) compare(t *testing.T, s slot, want []float64, got []float32, limit float64, absolute bool) {
	t.Helper()
	for i, v := range got {
		if (i < guard || i >= len(got)-guard) && math.Float32bits(v) != math.Float32bits(guardValue(s, i)) {
			t.Fatalf("buffer %d (%s): wrote %v outside, at element %d of %d", s, tr.names[s], v, i-guard, len(want))
		}
	}
	got = got[guard : len(got)-guard]
	scale := rms(want) + tr.floors[s]
	if absolute {
		scale = 0
	}
	worst, bad := 0.0, -1
	for i, w := range want {
		g := float64(got[i])
		if math.IsNaN(w) && math.IsNaN(g) {
			continue // neither wrote it
		}
		by := limit
		if !absolute {
			by *= scale + math.Abs(w)
		}
		if diff := math.Abs(g - w); !(diff <= by) && !(diff/by <= worst) {
			worst, bad = diff/by, i
		}
	}
	if bad >= 0 {
		t.Errorf("buffer %d (%s), element %d of %d: %v, want %v: %.3g times the tolerance %.3g", s, tr.names[s], bad, len(want), got[bad],
			want[bad], worst, limit)
	}
}

func rms(x []float64) float64 {
	var sum float64
	n := 0
	for _, v := range x {
		if !math.IsNaN(v) {
			sum += v * v
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return math.Sqrt(sum / float64(n))
}
