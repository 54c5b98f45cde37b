//go:build cuda

package shapes

import (
	"math"
	"slices"
	"strings"
	"testing"

	"prabench/models/device"
)

// chained are the operations that a chain does, on buffers of a device, with shapes that
// give one block and many, rows of one warp and several, a depth that is split, and tiles
// that are not full.
type chained struct {
	w                                                        *twin
	a, b, c, stats, wide, wideStats, hidden, known, out, pre both
	time, cond, acted, z, v, o, null, token, start, pos      both
	w1, w2, w3, gain, bias, gain2, bias2, odd, oddMoments    both
	residual, copied, outMoments                             both
	labels, order                                            device.Ints
}

const (
	chainRows, chainWidth, chainWide, chainOdd, chainFlat = 6, 72, 520, 70, 5001
)

func newChained(w *twin) *chained {
	c := &chained{w: w}
	n := chainRows * chainWidth
	for _, x := range []struct {
		to *both
		n  int
	}{
		{&c.a, n}, {&c.b, n}, {&c.c, chainRows * 2 * chainWidth}, {&c.stats, 2 * chainRows}, {&c.wide, chainRows * chainWide},
		{&c.wideStats, 2 * chainRows}, {&c.hidden, chainRows * chainWide}, {&c.known, chainRows * device.Moments(chainWide)}, {&c.out, n},
		{&c.pre, 2 * n}, {&c.time, 2 * chainWidth}, {&c.cond, n}, {&c.acted, 2 * n}, {&c.z, chainFlat}, {&c.v, chainFlat}, {&c.o, chainFlat},
		{&c.null, chainFlat}, {&c.token, n}, {&c.start, 3 * chainWidth}, {&c.pos, 5 * chainWidth}, {&c.gain, chainWidth}, {&c.bias, chainWidth},
		{&c.gain2, chainWide}, {&c.bias2, chainWide}, {&c.odd, chainRows * chainOdd}, {&c.residual, n}, {&c.copied, chainRows * chainOdd},
		{&c.oddMoments, chainRows * device.Moments(chainOdd)}, {&c.outMoments, chainRows * device.Moments(chainWidth)},
	} {
		*x.to = w.normal(x.n)
	}
	c.w1, c.w2, c.w3 = w.weights(chainWidth*chainWide), w.weights(chainWide*chainWidth), w.weights(chainWidth*chainOdd)
	c.labels, c.order = w.ints([]int32{2, 0, 1, 2, 1, 0}), w.ints([]int32{3, 1, 4, 0, 2})
	return c
}

// ints are indices on the device, until the test ends.
func (w *twin) ints(of []int32) device.Ints {
	w.t.Helper()
	x, err := w.d.AllocInts(len(of))
	if err != nil {
		w.t.Fatal(err)
	}
	w.d.UploadInts(x, of)
	w.t.Cleanup(func() { w.d.FreeInts(x) })
	return x
}

// links are operations of one launch each, all of them steps of a chain; every one reads
// what the one before it wrote, or writes what it read.
func (c *chained) links(be device.Backend, at int) int {
	ops := []func(){
		func() { device.Do(be, device.Copy{Dst: c.b.d, Src: c.a.d}) },
		func() {
			device.Do(be, device.Copy2D{Dst: c.c.d, LDDst: 2 * chainWidth, Src: c.b.d, LDSrc: chainWidth, Rows: chainRows, N: chainWidth})
		},
		func() {
			device.Do(be, device.Norm{Y: c.b.d, X: c.c.d, Gain: c.gain.d, Bias: c.bias.d, Stats: c.stats.d, Rows: chainRows, N: chainWidth})
		},
		func() {
			device.Do(be, device.Linear{Y: c.wide.d, X: c.b.d, W: c.w1.d, Rows: chainRows, In: chainWidth, Out: chainWide,
				Epilogue: device.Epilogue{Act: device.SiLU, Moments: c.known.d}})
		},
		func() {
			device.Do(be, device.NormLinear{Known: c.known.d, Normed: c.hidden.d, Stats: c.wideStats.d, Gain: c.gain2.d, Offset: c.bias2.d,
				Linear: device.Linear{Y: c.out.d, X: c.wide.d, W: c.w2.d, Rows: chainRows, In: chainWide, Out: chainWidth,
					Epilogue: device.Epilogue{Bias: c.bias.d, Act: device.GELU, Residual: c.residual.d, Moments: c.outMoments.d}}})
		},
		func() {
			device.Do(be, device.CondAct{Y: c.acted.d, Pre: c.pre.d, Time: c.time.d, Cond: c.out.d, Rows: 2 * chainRows, TimeRows: 2,
				CondRows: chainRows, N: chainWidth})
		},
		func() {
			device.Do(be, device.Embed{U: c.token.d, Proj: c.acted.d.Slice(0, chainRows*chainWidth), Start: c.start.d, InPos: c.pos.d, Pos: c.pos.d,
				Class: c.start.d, Labels: c.labels, Order: c.order, Batch: chainRows, At: 1 + at, N: 1, ProjAt: at, ProjTokens: 1,
				Width: chainWidth, Block: 1})
		},
		func() { device.Do(be, device.Copy{Dst: c.a.d, Src: c.token.d}) },
		func() {
			device.Do(be, device.Norm{Y: c.hidden.d, X: c.wide.d, Gain: c.gain2.d, Bias: c.bias2.d, Stats: c.wideStats.d, Rows: chainRows,
				N: chainWide, Form: device.Sphere})
		},
		func() {
			device.Do(be, device.FlowStep{Z: c.z.d, V: c.v.d, O: c.o.d, Null: c.null.d, Guidance: 1.5, Inv: 1.25, DT: 0.04})
		},
	}
	for _, do := range ops {
		do()
	}
	return len(ops)
}

// unfit is a layer that no launch alone does, its moments by a kernel of their own, and a copy:
// the last two are steps.
func (c *chained) unfit(be device.Backend) {
	device.Do(be, device.Linear{Y: c.odd.d, X: c.a.d, W: c.w3.d, Rows: chainRows, In: chainWidth, Out: chainOdd,
		Epilogue: device.Epilogue{Moments: c.oddMoments.d}})
	device.Do(be, device.Copy{Dst: c.copied.d, Src: c.odd.d})
}

// results is everything that was written.
func (c *chained) results() (out []float32) {
	for _, b := range []both{c.a, c.b, c.c, c.stats, c.wide, c.known, c.out, c.outMoments, c.acted, c.pre, c.token, c.hidden, c.wideStats, c.z,
		c.v, c.odd, c.oddMoments, c.copied} {
		out = append(out, c.w.got(b)...)
	}
	return out
}

// chainsOfLaunches compares chains with single launches, to the bit: plainly, recorded and
// replayed, when they come first and when their programs are there already.
func chainsOfLaunches(t *testing.T, ordinal int) {
	results, launches := map[bool][][]float32{}, map[bool]int{}
	links := 0
	for _, chain := range []bool{false, true} {
		o := own("bf16")
		o.Chain, o.NoChain = chain, !chain
		be := open(t, ordinal, o)
		if chain && !strings.Contains(be.Details(), "chains of") {
			t.Fatal("there are no chains: ", be.Details())
		}
		c := newChained(newTwin(t, be))
		var weights []device.Weight
		for _, x := range []struct {
			w       both
			in, out int
		}{{c.w1, chainWidth, chainWide}, {c.w2, chainWide, chainWidth}, {c.w3, chainWidth, chainOdd}} {
			weights = append(weights, device.Weight{W: x.w.d, In: x.in, Out: x.out})
		}
		k := be.Caps().Keeper.Keeping(weights)
		if k == nil {
			t.Fatal("weights are not kept")
		}
		defer k.Close()
		k.Begin()
		defer k.End()
		run := func(at int) {
			links = 2 * c.links(be, at)
			c.links(be, at)
			c.unfit(be)
		}
		for range 2 {
			run(0) // the second time its programs are there
			results[chain] = append(results[chain], c.results())
		}
		launches[chain] = nodes(t, be, func() { run(1) })
		g, ok := be.Record(func() { run(2) }) // programs that nothing ran plainly
		if !ok {
			t.Fatal("no graph: ", be.Details())
		}
		g.Play()
		results[chain] = append(results[chain], c.results())
		g.Close()
	}
	for i, want := range results[false] {
		if slices.ContainsFunc(want, func(v float32) bool { return math.IsNaN(float64(v)) }) {
			t.Errorf("run %d has values that are no numbers", i)
		}
		if !slices.Equal(want, results[true][i]) {
			t.Errorf("run %d: chains have other bits than single launches", i)
		}
	}
	// Without chains a launch a link, the layer that does not fit, its moments and the copy.
	if launches[false] != links+3 || launches[true] != 3 {
		t.Errorf("%d links: %d launches without chains, want %d; %d with, want 3", links, launches[false], links+3, launches[true])
	}
}
