//go:build cuda

package shapes

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"prabench/models/cuda"
	"prabench/models/device"
)

// layer is a shape of a layer of few rows: rows, values read and written, rows that share
// a modulation (0: the norm is affine), and its epilogue.
type layer struct {
	rows, in, out, each  int
	bias, gate, residual bool
	act                  device.Act
}

// layerShapes have one tile and many, depths that are split and not, tiles and slices
// that are not full, one row, several tiles of rows, and those of a published model.
var layerShapes = []layer{
	{1, 64, 64, 0, true, false, false, device.None},
	{3, 16, 72, 1, true, false, false, device.SiLU},
	{64, 1000, 128, 2, false, true, true, device.None},
	{64, 1472, 200, 1, true, true, true, device.GELU},
	{7, 776, 384, 0, true, false, true, device.GELU},
	{40, 520, 64, 4, false, false, true, device.None},
	{64, 3072, 768, 0, true, false, true, device.None},
	{64, 1472, 1472, 1, true, true, true, device.SiLU},
	{200, 264, 104, 0, true, false, true, device.SiLU},
	{256, 192, 72, 8, true, true, false, device.None},
}

// layerRun is a layer of 64 values that leaves moments, and one that normalises its result.
type layerRun struct {
	layer
	w                                                 *twin
	first, x, weights0, weights, y, moments, known    both
	biases, gates, residuals, gain, offset, mod, room both
	stats                                             both
}

const firstIn = 64

func newLayerRun(w *twin, c layer) *layerRun {
	n := c.rows * c.in
	r := &layerRun{layer: c, w: w, first: w.operand(c.rows*firstIn, "bf16"), x: w.normal(n), y: w.normal(c.rows * c.out)}
	r.weights0, r.weights = w.weights(firstIn*c.in), w.weights(c.in*c.out)
	r.moments, r.known = w.normal(c.rows*device.Moments(c.out)), w.normal(c.rows*device.Moments(c.in))
	r.biases, r.gates, r.residuals = w.normal(c.out), w.normal(c.rows*(c.out+4)), w.normal(c.rows*c.out)
	r.gain, r.offset, r.mod = w.normal(c.in), w.normal(c.in), w.normal(c.rows*(2*c.in+8))
	r.room, r.stats = w.normal(n), w.normal(2*c.rows)
	return r
}

func onDevice(b both) device.Buffer { return b.d }
func onWant(b both) device.Buffer   { return b.want }

func (r *layerRun) before(of func(both) device.Buffer) device.Linear {
	return device.Linear{Y: of(r.x), X: of(r.first), W: of(r.weights0), Rows: r.rows, In: firstIn, Out: r.in,
		Epilogue: device.Epilogue{Moments: of(r.known)}}
}

func (r *layerRun) after(of func(both) device.Buffer) device.NormLinear {
	e := device.Epilogue{Act: r.act, Moments: of(r.moments)}
	if r.bias {
		e.Bias = of(r.biases)
	}
	if r.gate {
		e.Gate, e.LDGate, e.GateOff = of(r.gates), r.out+4, 4
	}
	if r.residual {
		e.Residual = of(r.residuals)
	}
	n := device.NormLinear{Known: of(r.known), Normed: of(r.room), Stats: of(r.stats),
		Linear: device.Linear{Y: of(r.y), X: of(r.x), W: of(r.weights), Rows: r.rows, In: r.in, Out: r.out, Epilogue: e}}
	if r.each == 0 {
		n.Gain, n.Offset = of(r.gain), of(r.offset)
	} else {
		n.Mod, n.LDMod, n.Shift, n.Scale, n.Each = of(r.mod), 2*r.in+8, r.in+8, 4, r.each
	}
	return n
}

// expect has the reference do both layers; what the second one multiplies is rounded to
// bf16, as the device does it.
func (r *layerRun) expect() {
	device.Do(r.w.want, r.before(onWant))
	n := r.after(onWant)
	norm, second := n.Apart()
	r.w.want.Do(norm)
	normed := r.w.want.Host(r.room.want)
	for i, v := range normed {
		normed[i] = float64(toBF16(float32(v)))
	}
	r.w.want.Do(second)
}

// nodes is how many launches f is.
func nodes(t *testing.T, be *cuda.Backend, f func()) int {
	t.Helper()
	_, _, before := be.Graphs()
	g, ok := be.Record(f)
	if !ok {
		t.Skip("this driver records no graphs: ", be.Details())
	}
	defer g.Close()
	_, _, now := be.Graphs()
	return now - before
}

// layersInOneLaunch compares layers of few rows on kept weights with the reference, and
// their bits with those of a second run; each is one launch where the rows are few.
func layersInOneLaunch(t *testing.T, ordinal int) {
	for _, o := range []cuda.Options{own("bf16"), {Precision: "bf16"}} {
		be := open(t, ordinal, o)
		_, library := be.BLAS()
		if !o.NoBLAS && !library {
			continue
		}
		for _, c := range layerShapes {
			if c.in*c.out > 1<<20 && strings.Contains(be.Details(), "stand-in") {
				continue // the same tiles and parts as others have, but for their number
			}
			t.Run(fmt.Sprintf("%+v, cuBLAS %v", c, library), func(t *testing.T) {
				w := newTwin(t, be)
				r := newLayerRun(w, c)
				k := be.Caps().Keeper.Keeping([]device.Weight{{W: r.weights0.d, In: firstIn, Out: c.in}, {W: r.weights.d, In: c.in, Out: c.out}})
				if k == nil {
					t.Fatal("weights are not kept")
				}
				defer k.Close()
				k.Begin()
				defer k.End()
				r.expect()
				run := func() {
					device.Do(w.d, r.before(onDevice))
					device.Do(w.d, r.after(onDevice))
				}
				run()
				w.same("x", r.x, 5e-6)
				w.same("the moments of x", r.known, 1e-5)
				w.mostly("y", r.y)
				w.mostly("the moments of y", r.moments)
				y, moments := w.got(r.y), w.got(r.moments)
				for range 3 { // nothing is left of the run before
					for _, b := range []both{r.x, r.known, r.y, r.moments} {
						device.Do(w.d, device.Fill{Dst: b.d, Value: float32(math.NaN())})
					}
					run()
					if !slices.Equal(y, w.got(r.y)) || !slices.Equal(moments, w.got(r.moments)) {
						t.Fatal("another run has other bits")
					}
				}
				if got := nodes(t, be, run); c.rows <= 64 && got != 2 {
					t.Errorf("two layers are %d launches", got)
				}
			})
		}
	}
}

// mostly is same for results of operands that were rounded to bf16 on the device: those
// that lay between two of them may have become the other one. So a few are off by what
// that makes of a term, and the others by no more than fp32 sums are.
func (w *twin) mostly(what string, b both) {
	w.t.Helper()
	got, want := w.got(b), w.want.Host(b.want)
	var rms float64
	for _, v := range want {
		rms += v * v / float64(len(want))
	}
	rms = math.Sqrt(rms)
	far := 0
	for i, v := range want {
		d := math.Abs(float64(got[i])-v) / (rms + math.Abs(v))
		if !(d <= 2e-3) {
			w.t.Fatalf("%s, element %d of %d: %v, want %v", what, i, len(want), got[i], v)
		}
		if d > 1e-5 {
			far++
		}
	}
	if far > 1+len(want)/5 {
		w.t.Errorf("%s: %d of %d are off by more than sums are", what, far, len(want))
	}
}

// weights are n normals rounded to bf16, in memory for weights.
func (w *twin) weights(n int) both {
	w.t.Helper()
	b := w.operand(n, "bf16")
	d, err := w.d.Alloc(device.Model, n)
	if err != nil {
		w.t.Fatal(err)
	}
	w.held = append(w.held, d)
	device.Do(w.d, device.Copy{Dst: d, Src: b.d})
	return both{d, b.want}
}
