//go:build cuda

package shapes

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"prabench/models/device"
)

// attended is a shape of attention.
type attended struct{ batch, tokens, heads, head, block, prefix int }

// attendedShapes have one token, tiles of queries and of keys that are not full, lengths
// around theirs, every width of a kernel and widths between them, blocks of one token, of
// some and of all, and class tokens.
var attendedShapes = []attended{
	{1, 1, 1, 16, 1, 0}, {2, 3, 2, 16, 3, 0}, {3, 16, 2, 32, 4, 0}, {1, 63, 1, 48, 1, 0}, {1, 64, 1, 64, 64, 0}, {2, 65, 1, 64, 1, 0},
	{1, 130, 2, 64, 2, 0}, {1, 257, 1, 64, 1, 1}, {1, 200, 1, 32, 200, 0}, {1, 129, 1, 96, 1, 0}, {1, 70, 1, 80, 5, 20},
	{1, 150, 1, 128, 10, 0}, {2, 49, 2, 112, 7, 0}, {1, 36, 2, 24, 1, 0}, {1, 40, 1, 160, 8, 0},
}

// tensor says whether the shape is one of the kernels on tensor cores.
func (c attended) tensor() bool { return c.head%16 == 0 && c.head <= 128 }

func (c attended) width() int { return c.heads * c.head }
func (c attended) rows() int  { return c.batch * c.tokens }

// attendRun is a forward and a backward pass.
type attendRun struct {
	attended
	w                         *twin
	qkv, out, lse, dout, dqkv both
}

func newAttendRun(w *twin, c attended) *attendRun {
	precision := "fp32"
	if c.tensor() {
		precision = "bf16"
	}
	n := c.rows() * c.width()
	return &attendRun{c, w, w.operand(3*n, precision), w.normal(n), w.normal(c.rows() * c.heads), w.operand(n, precision), w.normal(3 * n)}
}

func (r *attendRun) forward(be device.Backend, of func(both) device.Buffer) {
	device.Do(be, device.Attention{
		Out: of(r.out), QKV: of(r.qkv), LSE: of(r.lse), Batch: r.batch, Tokens: r.tokens, Heads: r.heads, Width: r.width(), Block: r.block,
		Prefix: r.prefix,
	})
}

func (r *attendRun) backward(be device.Backend, of func(both) device.Buffer) {
	device.Do(be, device.AttentionBackward{
		DQKV: of(r.dqkv), DOut: of(r.dout), Out: of(r.out), QKV: of(r.qkv), LSE: of(r.lse), Batch: r.batch, Tokens: r.tokens,
		Heads: r.heads, Width: r.width(), Block: r.block, Prefix: r.prefix,
	})
}

// attentionInBF16 compares with the reference on rounded operands. What else is rounded to
// bf16, the scores after the softmax and their gradients, leaves an element off by no more
// than [terms.limit] says.
func attentionInBF16(t *testing.T, ordinal int) {
	be := open(t, ordinal, own("bf16"))
	for _, c := range attendedShapes {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			w := newTwin(t, be)
			r := newAttendRun(w, c)
			r.forward(w.want, onWant)
			r.forward(w.d, onDevice)
			w.same("lse", r.lse, 5e-6)
			if !c.tensor() {
				w.same("out", r.out, 5e-6)
			} else {
				r.within("out", r.out, r.outTerms())
			}
			// Both go on from what the device has left.
			for _, b := range []both{r.out, r.lse} {
				for i, v := range w.got(b) {
					w.want.Host(b.want)[i] = float64(v)
				}
			}
			r.backward(w.want, onWant)
			r.backward(w.d, onDevice)
			if !c.tensor() {
				w.same("dqkv", r.dqkv, 1e-5)
			} else {
				r.within("dqkv", r.dqkv, r.gradientTerms())
			}
			out, dqkv := w.got(r.out), w.got(r.dqkv)
			r.forward(w.d, onDevice)
			r.backward(w.d, onDevice)
			if !slices.Equal(out, w.got(r.out)) || !slices.Equal(dqkv, w.got(r.dqkv)) {
				t.Error("the second run has other bits than the first")
			}
		})
	}
	t.Run("operands between vectors", func(t *testing.T) { attentionBetween(t, newTwin(t, be)) })
	t.Run("numbers that are none", func(t *testing.T) {
		for _, head := range []int{16, 64, 128} {
			attentionSpoiled(t, newTwin(t, be), attended{2, 100, 2, head, 2, 0})
		}
	})
}

// terms are sums of magnitudes of what an element is the sum of: of the terms whose factor
// is rounded to bf16, of their squares, and of all that fp32 rounds.
type terms struct{ rounded, squares, all float64 }

func (s *terms) add(rounded, all float64) {
	s.rounded += math.Abs(rounded)
	s.squares += rounded * rounded
	s.all += math.Abs(all)
}

// limit is how far a sum of such terms may be off: each by 2⁻⁸ of itself, and where there
// are many, which are off independently of each other by 2⁻⁸·0.4 in the mean, six times what
// that makes of the sum.
func (s terms) limit() float64 {
	return math.Exp2(-8)*min(s.rounded, 2.5*math.Sqrt(s.squares)) + 1e-5*s.all + 1e-30
}

// within compares every element with its own limit.
func (r *attendRun) within(what string, b both, of []terms) {
	r.w.t.Helper()
	got, want := r.w.got(b), r.w.want.Host(b.want)
	for i, v := range want {
		if d := math.Abs(float64(got[i]) - v); !(d <= of[i].limit()) {
			r.w.t.Fatalf("%s, element %d of %d: %v, want %v to %.2g", what, i, len(want), got[i], v, of[i].limit())
		}
	}
}

// pairs calls f for every query row and key row of a head, with the elements of q, k and v
// from which their vectors of the head begin, and with the softmax's value.
func (r *attendRun) pairs(f func(head, query, key int, p float64)) {
	qkv, lse, width := r.w.want.Host(r.qkv.want), r.w.want.Host(r.lse.want), r.width()
	scale := 1 / math.Sqrt(float64(r.head))
	for b := range r.batch {
		for h := range r.heads {
			for i := range r.tokens {
				for j := range device.ReadTokens(i, r.block, r.prefix) {
					query, key, s := b*r.tokens+i, b*r.tokens+j, 0.0
					for c := range r.head {
						s += qkv[3*query*width+h*r.head+c] * qkv[(3*key+1)*width+h*r.head+c]
					}
					f(h, query, key, math.Exp(s*scale-lse[(b*r.heads+h)*r.tokens+i]))
				}
			}
		}
	}
}

func (r *attendRun) outTerms() []terms {
	out, qkv := make([]terms, r.rows()*r.width()), r.w.want.Host(r.qkv.want)
	r.pairs(func(h, query, key int, p float64) {
		for c := h * r.head; c < (h+1)*r.head; c++ {
			x := p * qkv[(3*key+2)*r.width()+c]
			out[query*r.width()+c].add(x, x)
		}
	})
	return out
}

func (r *attendRun) gradientTerms() []terms {
	width, scale := r.width(), 1/math.Sqrt(float64(r.head))
	of, qkv := make([]terms, 3*r.rows()*width), r.w.want.Host(r.qkv.want)
	dout, out := r.w.want.Host(r.dout.want), r.w.want.Host(r.out.want)
	r.pairs(func(h, query, key int, p float64) {
		var dp, delta, sizes float64
		for c := h * r.head; c < (h+1)*r.head; c++ {
			x, y := dout[query*width+c]*qkv[(3*key+2)*width+c], dout[query*width+c]*out[query*width+c]
			dp, delta, sizes = dp+x, delta+y, sizes+math.Abs(x)+math.Abs(y)
		}
		ds, all := p*(dp-delta)*scale, p*sizes*scale
		for c := h * r.head; c < (h+1)*r.head; c++ {
			q, k, g := qkv[3*query*width+c], qkv[(3*key+1)*width+c], dout[query*width+c]
			of[3*query*width+c].add(ds*k, all*k)
			of[(3*key+1)*width+c].add(ds*q, all*q)
			of[(3*key+2)*width+c].add(p*g, p*g)
		}
	})
	return of
}

// attentionBetween has arrays that do not begin at a multiple of 16 bytes: they go on with
// the kernels in fp32.
func attentionBetween(t *testing.T, w *twin) {
	c := attended{2, 20, 1, 32, 1, 0}
	n := c.rows() * c.width()
	r := &attendRun{c, w, w.normal(3*n + 1), w.normal(n), w.normal(c.rows()), w.normal(n), w.normal(3 * n)}
	behind := func(of func(both) device.Buffer) func(both) device.Buffer {
		return func(b both) device.Buffer {
			if b == r.qkv {
				return of(b).Slice(1, 3*n)
			}
			return of(b)
		}
	}
	r.forward(w.want, behind(onWant))
	r.forward(w.d, behind(onDevice))
	r.backward(w.want, behind(onWant))
	r.backward(w.d, behind(onDevice))
	w.same("out", r.out, 5e-6)
	w.same("dqkv", r.dqkv, 1e-5)
}

// attentionSpoiled is law 3: what a later block holds, be it infinite or no number, changes
// no bit of an earlier token, and a token that reads it has no number.
func attentionSpoiled(t *testing.T, w *twin, c attended) {
	r := newAttendRun(w, c)
	r.forward(w.d, onDevice)
	before, lse := w.got(r.out), w.got(r.lse)
	const known = 50
	spoils := []float32{float32(math.NaN()), float32(math.Inf(1)), -math.MaxFloat32} // the last is infinite in bf16
	qkv := w.got(r.qkv)
	for i := range qkv {
		if row := i / (3 * c.width()); row%c.tokens >= known {
			qkv[i] = spoils[(row+i)%len(spoils)]
		}
	}
	w.d.Upload(r.qkv.d, qkv)
	r.forward(w.d, onDevice)
	for i, v := range w.got(r.out) {
		switch early := i/c.width()%c.tokens < known; {
		case early && v != before[i]:
			t.Fatalf("%+v, element %d: %v, and %v before later tokens changed", c, i, v, before[i])
		case !early && v == v:
			t.Fatalf("%+v, element %d: %v of values that are no numbers", c, i, v)
		}
	}
	for i, v := range w.got(r.lse) {
		if i%c.tokens < known && v != lse[i] {
			t.Fatalf("%+v, softmax %d: %v, and %v before later tokens changed", c, i, v, lse[i])
		}
	}
}
