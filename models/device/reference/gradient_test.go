package reference

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"prabench/models/device"
)

// Law 6: every backward of this backend equals central finite differences of
// its forward. The loss is Σ c·out with fixed random c, so dout is c.

// bench is a backend with random numbers to fill its buffers.
type bench struct {
	*Backend
	rng *rand.Rand
}

func newBench() *bench { return &bench{New(), rand.New(rand.NewPCG(1, 2))} }

// random is a buffer of n standard normals, empty one of n NaNs.
func (b *bench) random(n int) device.Buffer {
	x := b.empty(n)
	for i := range b.Host(x) {
		b.Host(x)[i] = b.rng.NormFloat64()
	}
	return x
}

func (b *bench) empty(n int) device.Buffer {
	x, _ := b.Alloc(device.Activations, n)
	return x
}

func (b *bench) zeros(n int) device.Buffer {
	x := b.empty(n)
	b.Fill(x, 0)
	return x
}

func (b *bench) indices(v ...int32) device.Ints {
	x, _ := b.AllocInts(len(v))
	b.UploadInts(x, v)
	return x
}

// weighted is the loss of out under the weights c.
func (b *bench) weighted(out, c device.Buffer) float64 { return dot(b.Host(out), b.Host(c)) }

// check compares got with the central differences of loss by each element of x.
func (b *bench) check(t *testing.T, name string, x, got device.Buffer, loss func() float64) {
	t.Helper()
	values, g := b.Host(x), b.Host(got)
	if len(values) != len(g) {
		t.Fatalf("%s: %d gradients of %d values", name, len(g), len(values))
	}
	var largest float64
	for _, v := range g {
		largest = max(largest, math.Abs(v))
	}
	if !(largest > 1e-3) {
		t.Fatalf("%s: the largest gradient is %g: nothing to compare", name, largest)
	}
	const h = 1e-5
	for i, v := range values {
		values[i] = v + h
		up := loss()
		values[i] = v - h
		down := loss()
		values[i] = v
		if want := (up - down) / (2 * h); !(math.Abs(g[i]-want) <= 1e-6*math.Max(1, math.Abs(want))) {
			t.Errorf("%s[%d]: backward %.9g, finite difference %.9g", name, i, g[i], want)
		}
	}
}

// minus returns the buffer with before taken off: what an op that adds added.
func (b *bench) minus(x device.Buffer, before []float64) device.Buffer {
	out := b.empty(x.N)
	for i, v := range b.Host(x) {
		b.Host(out)[i] = v - before[i]
	}
	return out
}

func (b *bench) copyOf(x device.Buffer) []float64 { return append([]float64(nil), b.Host(x)...) }

// identity is the product that changes nothing, [n, n].
func (b *bench) identity(n int) device.Buffer {
	eye := b.zeros(n * n)
	for i := range n {
		b.Host(eye)[i*n+i] = 1
	}
	return eye
}

func TestBiasActGradient(t *testing.T) {
	const rows, n = 3, 5
	for _, act := range []device.Act{device.None, device.SiLU, device.GELU} {
		b := newBench()
		x, bias, pre, y, c := b.random(rows*n), b.random(n), b.empty(rows*n), b.empty(rows*n), b.random(rows*n)
		eye := b.identity(n)
		loss := func() float64 {
			b.Linear(y, x, eye, rows, n, n, device.Epilogue{Bias: bias, Pre: pre, Act: act})
			return b.weighted(y, c)
		}
		loss()
		dpre, dbias := b.empty(rows*n), b.random(n)
		before := b.copyOf(dbias)
		b.BiasActBackward(dpre, dbias, c, pre, rows, n, act)
		b.check(t, fmt.Sprint("act ", act, " dpre"), x, dpre, loss)
		b.check(t, fmt.Sprint("act ", act, " dbias"), bias, b.minus(dbias, before), loss)
	}
}

func TestNormGradient(t *testing.T) {
	const rows, n = 3, 6
	for _, kind := range []device.NormKind{device.LayerNorm, device.Sphere} {
		for _, affine := range []bool{false, true} {
			for _, add := range []bool{false, true} {
				b := newBench()
				x, y, stats, c := b.random(rows*n), b.empty(rows*n), b.empty(rows*2), b.random(rows*n)
				var gain, bias, dgain, dbias device.Buffer
				if affine {
					gain, bias, dgain, dbias = b.random(n), b.random(n), b.random(n), b.random(n)
				}
				loss := func() float64 {
					b.Norm(y, x, gain, bias, stats, rows, n, kind)
					return b.weighted(y, c)
				}
				loss()
				dx := b.random(rows * n)
				bx, bg, bb := b.copyOf(dx), b.copyOf(dgain), b.copyOf(dbias)
				b.NormBackward(dx, dgain, dbias, c, x, gain, stats, rows, n, kind, add)
				if !add {
					clear(bx)
				}
				name := fmt.Sprintf("norm kind %d affine %v add %v ", kind, affine, add)
				b.check(t, name+"dx", x, b.minus(dx, bx), loss)
				if affine {
					b.check(t, name+"dgain", gain, b.minus(dgain, bg), loss)
					b.check(t, name+"dbias", bias, b.minus(dbias, bb), loss)
				}
			}
		}
	}
}

func TestModNormGradient(t *testing.T) {
	const rows, n, ld, shift, scale = 3, 4, 13, 8, 2
	for _, add := range []bool{false, true} {
		b := newBench()
		x, y, stats, c, mod := b.random(rows*n), b.empty(rows*n), b.empty(rows*2), b.random(rows*n), b.random(rows*ld)
		loss := func() float64 {
			b.ModNorm(y, x, stats, mod, ld, shift, scale, rows, n)
			return b.weighted(y, c)
		}
		loss()
		dx, dmod := b.random(rows*n), b.zeros(rows*ld)
		before := b.copyOf(dx)
		b.ModNormBackward(dx, dmod, c, x, stats, mod, ld, shift, scale, rows, n, add)
		if !add {
			clear(before)
		}
		b.check(t, fmt.Sprint("modnorm dx, add ", add), x, b.minus(dx, before), loss)
		b.check(t, "modnorm dmod", mod, dmod, loss)
	}
}

func TestGateGradient(t *testing.T) {
	const rows, n, ld, off = 3, 4, 9, 3
	b := newBench()
	x, f, out, c, mod := b.random(rows*n), b.random(rows*n), b.empty(rows*n), b.random(rows*n), b.random(rows*ld)
	eye := b.identity(n)
	loss := func() float64 {
		b.Linear(out, f, eye, rows, n, n, device.Epilogue{Gate: mod, LDGate: ld, GateOff: off, Residual: x})
		return b.weighted(out, c)
	}
	df, dmod := b.empty(rows*n), b.zeros(rows*ld)
	b.GateBackward(df, dmod, c, f, mod, ld, off, rows, n)
	b.check(t, "gate dx", x, c, loss)
	b.check(t, "gate df", f, df, loss)
	b.check(t, "gate dmod", mod, dmod, loss)
}

func TestAttentionGradient(t *testing.T) {
	const batch, tokens, heads, width = 2, 8, 2, 6
	for _, block := range []int{1, 2, 4, 8} {
		b := newBench()
		rows := batch * tokens
		qkv, out, lse, c := b.random(rows*3*width), b.empty(rows*width), b.empty(rows*heads), b.random(rows*width)
		loss := func() float64 {
			b.Attention(out, qkv, lse, batch, tokens, heads, width, block)
			return b.weighted(out, c)
		}
		loss()
		dqkv := b.empty(rows * 3 * width)
		b.AttentionBackward(dqkv, c, out, qkv, lse, batch, tokens, heads, width, block)
		b.check(t, fmt.Sprint("attention dqkv, block ", block), qkv, dqkv, loss)
	}
}

func TestEmbedGradient(t *testing.T) {
	const batch, tokens, width, classes = 3, 4, 3, 3
	order, label := []int32{0, 2, 1, 3}, []int32{2, 0, 2}
	for _, block := range []int{1, 2, 4} {
		b := newBench()
		labels, place := b.indices(label...), b.indices(order...)
		proj, start, inpos := b.random(batch*tokens*width), b.random(block*width), b.random(tokens*width)
		pos, class := b.random(tokens*width), b.random(classes*width)
		u, c := b.empty(batch*tokens*width), b.random(batch*tokens*width)
		loss := func() float64 {
			b.Embed(u, proj, start, inpos, pos, class, labels, place, batch, 0, tokens, 0, tokens, width, block)
			return b.weighted(u, c)
		}
		dproj, dstart, dinpos, dpos, dclass := b.empty(proj.N), b.zeros(start.N), b.zeros(inpos.N), b.random(pos.N), b.random(class.N)
		bp, bc := b.copyOf(dpos), b.copyOf(dclass)
		b.EmbedBackward(dproj, dstart, dinpos, dpos, dclass, c, labels, place, batch, tokens, width, block)
		if block < tokens { // else no token is ever read
			b.check(t, "embed dproj", proj, dproj, loss)
			b.check(t, "embed dinpos", inpos, dinpos, loss)
		}
		b.check(t, "embed dstart", start, dstart, loss)
		b.check(t, "embed dpos", pos, b.minus(dpos, bp), loss)
		b.check(t, "embed dclass", class, b.minus(dclass, bc), loss)
	}
}

func TestCondActGradient(t *testing.T) {
	const rows, n = 6, 4
	for _, crows := range []int{2, 3, 6} {
		b := newBench()
		time, cond, pre, y, c := b.random(rows*n), b.random(crows*n), b.empty(rows*n), b.empty(rows*n), b.random(rows*n)
		loss := func() float64 {
			b.CondAct(y, pre, time, cond, rows, rows, crows, n)
			return b.weighted(y, c)
		}
		loss()
		dtime, dcond := b.empty(rows*n), b.empty(crows*n)
		b.CondActBackward(dtime, dcond, c, pre, rows, crows, n)
		b.check(t, "condact dtime", time, dtime, loss)
		b.check(t, fmt.Sprint("condact dcond, crows ", crows), cond, dcond, loss)
	}
}

func TestWeightedErrorGradient(t *testing.T) {
	const rows, n, scale = 6, 4, 0.375
	for _, trows := range []int{2, 6} {
		b := newBench()
		pred, target, w := b.random(rows*n), b.random(trows*n), b.random(rows)
		rowLoss, grad := b.empty(rows), b.empty(rows*n)
		loss := func() float64 {
			b.WeightedError(rowLoss, grad, pred, target, w, rows, n, trows, scale)
			var sum float64
			for _, v := range b.Host(rowLoss) {
				sum += scale * v
			}
			return sum
		}
		loss()
		got := b.empty(rows * n)
		b.Copy(got, grad)
		b.check(t, fmt.Sprint("weighted error, trows ", trows), pred, got, loss)
	}
}
