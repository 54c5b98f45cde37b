//go:build cuda

package selftest

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"prabench/models/cuda"
	"prabench/models/cuda/kernels/roofline"
	"prabench/models/device"
)

// best is the shortest of some timings, on the device's clock.
func best(t *testing.T, be *cuda.Backend, times int, f func()) float64 {
	t.Helper()
	least := math.Inf(1)
	for range times + 1 { // the first one warms up
		s, err := be.Time(func() error { f(); return be.Err() })
		must(t, err)
		if s > 0 {
			least = min(least, s)
		}
	}
	return least
}

// clock is the shortest of some timings, on the host's.
func clock(t *testing.T, be *cuda.Backend, f func()) float64 {
	t.Helper()
	least := math.Inf(1)
	for range 4 {
		begin := time.Now()
		f()
		must(t, be.Sync())
		least = min(least, time.Since(begin).Seconds())
	}
	return least
}

// normal is a buffer of n standard normals, n a multiple of 64: constants let a
// chip compute faster than any data will.
func normal(t *testing.T, be device.Backend, n int, stream uint32) device.Buffer {
	t.Helper()
	b, err := be.Alloc(device.Activations, n)
	must(t, err)
	id, err := be.AllocInts(1)
	must(t, err)
	be.UploadInts(id, []int32{7})
	device.Do(be, device.Normal{Dst: b, IDs: id, Batch: 1, Tokens: n / 64, Dim: 64, Key: 1, Stream: stream})
	must(t, be.Sync())
	be.FreeInts(id)
	return b
}

// speed measures what the device reaches, for a roofline of its own.
func (r *report) speed(t *testing.T) roofline.Device {
	d := roofline.Device{Name: "as measured"}
	t.Run("memory and launches", func(t *testing.T) { d.Bandwidth = r.memory(t) })
	for _, o := range ways {
		t.Run(way(o), func(t *testing.T) {
			be, why := r.openWay(t, o)
			if be == nil {
				r.figure(figure{What: "products, " + way(o), Error: why})
				return
			}
			rate := r.products(t, be, o)
			if o.Precision == "fp32" {
				d.FP32 = max(d.FP32, rate)
			} else {
				d.BF16 = max(d.BF16, rate)
			}
		})
	}
	for _, precision := range []string{"fp32", "bf16"} {
		t.Run("attention "+precision, func(t *testing.T) { r.attention(t, precision) })
	}
	t.Run("layers of few rows", r.layers)
	t.Run("steps of a chain", r.steps)
	return d
}

// ways are how products are computed.
var ways = []cuda.Options{{Precision: "bf16"}, {Precision: "fp32"}, {Precision: "bf16", NoBLAS: true}, {Precision: "fp32", NoBLAS: true}}

func way(o cuda.Options) string { return products(o) + ", " + o.Precision }

func products(o cuda.Options) string {
	out := "cuBLAS"
	if o.NoBLAS {
		out = "own kernels"
	}
	if o.Chain {
		out += ", chains"
	}
	return out
}

// chainless is why a backend that was asked for chains has none, "" where it has.
func chainless(be *cuda.Backend, o cuda.Options) string {
	if !o.Chain || strings.Contains(be.Details(), ", chains of") {
		return ""
	}
	return be.Details()
}

// openWay opens the device for a way to compute, nil and why where it has none.
func (r *report) openWay(t *testing.T, o cuda.Options) (*cuda.Backend, string) {
	if !o.NoBLAS && r.doc.CuBLAS == "" {
		return nil, "absent"
	}
	be, err := cuda.New(*ordinal, o)
	if err != nil {
		return nil, err.Error()
	}
	t.Cleanup(func() { be.Close() })
	return be, ""
}

// memory measures copies, transfers and launches; the answer is the bandwidth.
func (r *report) memory(t *testing.T) float64 {
	values, launches := 256<<20, 2000
	if r.doc.StandIn {
		values, launches = 1<<20, 200
	}
	be := open(t, cuda.Options{})
	x, y := normal(t, be, values, 1), normal(t, be, values, 2)
	bandwidth := 8 * float64(values) / best(t, be, 5, func() { device.Do(be, device.Copy{Dst: y, Src: x}) })
	r.figure(figure{What: fmt.Sprintf("copy on the device, %d MiB (read + written)", 4*values>>20), Value: bandwidth / 1e9, Unit: "GB/s"})
	small := values / 16
	hx, dx := make([]float32, small), x.Slice(0, small)
	r.figure(figure{What: fmt.Sprintf("upload of %.3g MiB through pinned memory (host's clock)", 4*float64(small)/(1<<20)),
		Value: 4 * float64(small) / clock(t, be, func() { be.Upload(dx, hx) }) / 1e9, Unit: "GB/s"})
	r.figure(figure{What: "download of the same (host's clock)",
		Value: 4 * float64(small) / clock(t, be, func() { be.Download(hx, dx) }) / 1e9, Unit: "GB/s"})
	tiny := x.Slice(0, 64)
	many := func() {
		for range launches {
			device.Do(be, device.Fill{Dst: tiny, Value: 1})
		}
	}
	r.figure(figure{What: "a launch in a full queue", Value: 1e6 * best(t, be, 5, many) / float64(launches), Unit: "µs"})
	r.figure(figure{What: "one operation and a wait for it (host's clock)",
		Value: 1e6 * clock(t, be, func() { device.Do(be, device.Fill{Dst: tiny, Value: 1}) }), Unit: "µs"})
	begin := time.Now()
	g, ok := be.Record(many)
	if !ok {
		r.figure(figure{What: "graphs", Error: "none: " + be.Details()})
		return bandwidth
	}
	defer g.Close()
	r.figure(figure{What: "recording a node of a graph (host's clock)",
		Value: 1e6 * time.Since(begin).Seconds() / float64(launches), Unit: "µs"})
	r.figure(figure{What: fmt.Sprintf("a launch in a replayed graph of %d", launches),
		Value: 1e6 * best(t, be, 5, g.Play) / float64(launches), Unit: "µs"})
	return bandwidth
}

// products times those of PRA-S: head and trunk at the rows of sampling and of a
// training step, and the modulations. The answer is the rate of a large square one.
func (r *report) products(t *testing.T, be *cuda.Backend, o cuda.Options) float64 {
	type size struct{ rows, in, out int }
	sizes := []size{{4096, 4096, 4096}}
	for _, rows := range []int{64, 256, 1600, 6400, 16384, 65536} {
		sizes = append(sizes, size{rows, 1472, 1472})
	}
	sizes = append(sizes, size{1600, 1472, 16192}, size{6400, 1472, 16192}, size{64, 768, 3072}, size{256, 768, 3072}, size{16384, 768, 3072},
		size{16384, 3072, 768})
	if r.doc.StandIn {
		sizes = []size{{128, 128, 128}, {64, 192, 64}}
	}
	var square float64
	for i, s := range sizes {
		x, w, y := normal(t, be, s.rows*s.in, 1), normal(t, be, s.in*s.out, 2), normal(t, be, s.rows*s.out, 3)
		flops := 2 * float64(s.rows) * float64(s.in) * float64(s.out)
		again := max(1, min(50, int(2e11/flops))) // short ones are timed together
		f := func() {
			for range again {
				device.Do(be, device.Gemm{M: s.rows, N: s.out, K: s.in, Alpha: 1, A: x, LDA: s.in, B: w, LDB: s.out, C: y, LDC: s.out})
			}
		}
		if g, ok := be.Record(f); ok { // as in sampling
			best(t, be, 1, f) // what a first call prepares
			f = g.Play
			defer g.Close()
		}
		seconds := best(t, be, 3, f) / float64(again)
		r.figure(figure{What: fmt.Sprintf("product %d × %d → %d, %s", s.rows, s.in, s.out, way(o)), Value: flops / seconds / 1e12,
			Unit: fmt.Sprintf("TFLOP/s (%.3g µs)", 1e6*seconds)})
		if i == 0 {
			square = flops / seconds
		}
		for _, b := range []device.Buffer{x, w, y} {
			be.Free(b)
		}
	}
	return square
}

// attention times that of a training step of PRA-S and the decoding of its last token.
func (r *report) attention(t *testing.T, precision string) {
	batch, tokens, heads, width := 64, 256, 12, 768
	if r.doc.StandIn {
		batch, tokens, heads, width = 2, 64, 2, 64
	}
	be, err := cuda.New(*ordinal, cuda.Options{Precision: precision})
	if err != nil {
		r.figure(figure{What: "attention, " + precision, Error: err.Error()})
		return
	}
	t.Cleanup(func() { be.Close() })
	rows, name := batch*tokens, fmt.Sprintf("%d × %d tokens, %d heads of %d, %s", batch, tokens, heads, width/heads, precision)
	pairs := 2 * float64(batch) * float64(tokens) * float64(tokens) * float64(width) // causal: half of all
	qkv, out, lse := normal(t, be, 3*rows*width, 1), normal(t, be, rows*width, 2), normal(t, be, rows*heads, 3)
	dout, dqkv := normal(t, be, rows*width, 4), normal(t, be, 3*rows*width, 5)
	s := best(t, be, 3, func() {
		device.Do(be, device.Attention{Out: out, QKV: qkv, LSE: lse, Batch: batch, Tokens: tokens, Heads: heads, Width: width, Block: 1})
	})
	r.figure(figure{What: "attention, " + name, Value: pairs / s / 1e12, Unit: "TFLOP/s"})
	s = best(t, be, 3, func() {
		device.Do(be, device.AttentionBackward{DQKV: dqkv, DOut: dout, Out: out, QKV: qkv, LSE: lse, Batch: batch, Tokens: tokens, Heads: heads,
			Width: width, Block: 1})
	})
	r.figure(figure{What: "its backward pass", Value: 2.5 * pairs / s / 1e12, Unit: "TFLOP/s"})
	cache := normal(t, be, device.CacheElements(be, batch, tokens, heads, width), 6)
	bytes := 4 * float64(cache.N)
	s = best(t, be, 5, func() {
		device.Do(be, device.AttentionDecode{
			Out: out.Slice(0, batch*width), QKV: qkv.Slice(0, 3*batch*width), Cache: cache, Batch: batch, At: tokens - 1,
			N: 1, Capacity: tokens, Heads: heads, Width: width, Half: be.Caps().HalfCache,
		})
	})
	r.figure(figure{What: "decoding the last token, cache " + precision, Value: bytes / s / 1e9, Unit: fmt.Sprintf("GB/s (%.3g µs)", 1e6*s)})
}

// layers times a block of PRA-S's flow head with few rows, two layers with their
// normalisation, gate and residual, replayed from a graph as in sampling: one launch a
// layer, and without fusion.
func (r *report) layers(t *testing.T) {
	width, rows, blocks := 1472, 64, 25
	if r.doc.StandIn {
		width, rows, blocks = 64, 3, 2
	}
	for _, way := range []struct {
		o    cuda.Options
		name string
	}{
		{cuda.Options{Precision: "bf16", NoChain: true}, "a launch each"},
		{cuda.Options{Precision: "bf16", Chain: true}, "steps of a chain"},
		{cuda.Options{Precision: "bf16", NoFusion: true}, "without fusion"},
	} {
		what := fmt.Sprintf("two layers of %d rows, %d × %d, %s", rows, width, width, way.name)
		be, err := cuda.New(*ordinal, way.o)
		if err != nil {
			r.figure(figure{What: what, Error: err.Error()})
			continue
		}
		t.Cleanup(func() { be.Close() })
		if why := chainless(be, way.o); why != "" {
			r.figure(figure{What: what, Error: why})
			continue
		}
		f, done := headBlock(t, be, rows, width)
		many := func() {
			for range blocks {
				f()
			}
		}
		many()
		if g, ok := be.Record(many); ok {
			defer g.Close()
			many = g.Play
		}
		r.figure(figure{What: what, Value: 1e6 * best(t, be, 3, many) / float64(blocks), Unit: "µs"})
		done()
	}
}

// steps times steps of a chain that do next to nothing, so a barrier of the grid, and
// the same copies as launches that wait for each other.
func (r *report) steps(t *testing.T) {
	const times = 256
	for _, way := range []struct {
		o    cuda.Options
		name string
	}{
		{cuda.Options{Precision: "bf16", Chain: true}, "a copy of 64 values, a step of a chain"},
		{cuda.Options{Precision: "bf16", NoChain: true}, "the same, a launch in a replayed graph"},
	} {
		be, err := cuda.New(*ordinal, way.o)
		if err != nil {
			r.figure(figure{What: way.name, Error: err.Error()})
			continue
		}
		t.Cleanup(func() { be.Close() })
		if why := chainless(be, way.o); why != "" {
			r.figure(figure{What: way.name, Error: why})
			continue
		}
		w, err := be.Alloc(device.Model, 64)
		must(t, err)
		device.Do(be, device.Fill{Dst: w, Value: 1})
		x, y := normal(t, be, 64, 1), normal(t, be, 64, 2)
		kept := be.Caps().Keeper.Keeping([]device.Weight{{W: w, In: 8, Out: 8}})
		if kept == nil {
			t.Fatal("weights are not kept")
		}
		kept.Begin()
		many := func() {
			for range times / 2 {
				device.Do(be, device.Copy{Dst: y, Src: x})
				device.Do(be, device.Copy{Dst: x, Src: y})
			}
		}
		many()
		if g, ok := be.Record(many); ok {
			defer g.Close()
			many = g.Play
		}
		r.figure(figure{What: way.name, Value: 1e6 * best(t, be, 5, many) / times, Unit: "µs"})
		kept.End()
		kept.Close()
	}
}

// headBlock is the two layers of a block of the head, on weights that are kept where
// the device keeps them; done frees what it takes.
func headBlock(t *testing.T, be *cuda.Backend, rows, width int) (f, done func()) {
	t.Helper()
	var held []device.Buffer
	of := func(class device.Class, n int) device.Buffer {
		b, err := be.Alloc(class, n)
		must(t, err)
		device.Do(be, device.Fill{Dst: b, Value: 1})
		if whole := n / 64 * 64; whole > 0 {
			x := normal(t, be, whole, uint32(len(held)+1))
			device.Do(be, device.Copy{Dst: b.Slice(0, whole), Src: x})
			be.Free(x)
		}
		held = append(held, b)
		return b
	}
	act := func(n int) device.Buffer { return of(device.Activations, n) }
	up, down := of(device.Model, width*width), of(device.Model, width*width)
	x, hidden, y, normed, bias := act(rows*width), act(rows*width), act(rows*width), act(rows*width), act(width)
	mod, stats, known := act(rows*3*width), act(2*rows), act(rows*device.Moments(width))
	device.Do(be, device.Fill{Dst: known, Value: 1})
	var kept device.Kept
	if k := be.Caps().Keeper; k != nil {
		if kept = k.Keeping([]device.Weight{{W: up, In: width, Out: width}, {W: down, In: width, Out: width}}); kept != nil {
			kept.Begin()
		}
	}
	layer := func(y, x, w device.Buffer, e device.Epilogue) device.Linear {
		e.Bias = bias
		return device.Linear{Y: y, X: x, W: w, Rows: rows, In: width, Out: width, Epilogue: e}
	}
	last := device.Epilogue{Gate: mod, LDGate: 3 * width, GateOff: 2 * width, Residual: x}
	device.Do(be, layer(x, hidden, down, device.Epilogue{}))
	f = func() {
		if kept == nil {
			device.Do(be, device.ModNorm{Y: normed, X: x, Stats: stats, Mod: mod, LDMod: 3 * width, Scale: width, Rows: rows, N: width})
			device.Do(be, layer(hidden, normed, up, device.Epilogue{Act: device.SiLU}))
			device.Do(be, layer(y, hidden, down, last))
			return
		}
		device.Do(be, device.NormLinear{Linear: layer(hidden, x, up, device.Epilogue{Act: device.SiLU}), Known: known, Mod: mod,
			LDMod: 3 * width, Scale: width, Normed: normed, Stats: stats})
		e := last
		e.Moments = known
		device.Do(be, layer(y, hidden, down, e))
	}
	return f, func() {
		if kept != nil {
			kept.End()
			kept.Close()
		}
		for _, b := range held {
			be.Free(b)
		}
	}
}
