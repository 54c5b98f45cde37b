package reference

import (
	"math"

	"prabench/models/device"
)

// part is which third of a row of qkv.
type part int

const (
	query part = iota
	key
	value
)

// triple reads and writes qkv [rows, 3, heads, width/heads].
type triple struct {
	values      []float64
	width, size int // size of a head
}

func (d *Backend) triple(b device.Buffer, rows, heads, width int) triple {
	return triple{d.view(b, 3*rows*width), width, width / heads}
}

func (q triple) of(row int, p part, head int) []float64 {
	at := (3*row+int(p))*q.width + head*q.size
	return q.values[at : at+q.size]
}

func dot(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// addScaled is dst ← dst + by·src.
func addScaled(dst []float64, by float64, src []float64) {
	for i, v := range src {
		dst[i] += by * v
	}
}

// attend writes Σ_j p_j·v_j with p = softmax(scores), and returns the log of
// its denominator.
func attend(out, scores []float64, v func(j int) []float64) float64 {
	top := math.Inf(-1) // keeps exp in range, drops out of p
	for _, s := range scores {
		top = max(top, s)
	}
	var sum float64
	for _, s := range scores {
		sum += math.Exp(s - top)
	}
	clear(out)
	for j, s := range scores {
		addScaled(out, math.Exp(s-top)/sum, v(j))
	}
	return top + math.Log(sum)
}

var _ = device.On(&ops, func(d *Backend, o *device.Attention) {
	q, O, l := d.triple(o.QKV, o.Batch*o.Tokens, o.Heads, o.Width), d.view(o.Out, o.Batch*o.Tokens*o.Width),
		d.view(o.LSE, o.Batch*o.Heads*o.Tokens)
	scale := 1 / math.Sqrt(float64(q.size))
	for b := range o.Batch {
		for h := range o.Heads {
			for i := range o.Tokens {
				row := b*o.Tokens + i
				var scores []float64
				for j := range device.ReadTokens(i, o.Block, o.Prefix) {
					scores = append(scores, scale*dot(q.of(row, query, h), q.of(b*o.Tokens+j, key, h)))
				}
				at := row*o.Width + h*q.size
				l[(b*o.Heads+h)*o.Tokens+i] = attend(O[at:at+q.size], scores, func(j int) []float64 { return q.of(b*o.Tokens+j, value, h) })
			}
		}
	}
})

// AttentionBackward follows, with s_ij the scaled scores and p_ij = exp(s_ij −
// lse_i): dv_j = Σ_i p_ij·do_i, dp_ij = do_i·v_j, ds_ij = p_ij·(dp_ij −
// Σ_j p_ij·dp_ij), and that last sum is do_i·out_i.
var _ = device.On(&ops, func(d *Backend, o *device.AttentionBackward) {
	rows := o.Batch * o.Tokens
	q, dq := d.triple(o.QKV, rows, o.Heads, o.Width), d.triple(o.DQKV, rows, o.Heads, o.Width)
	O, DO, l := d.view(o.Out, rows*o.Width), d.view(o.DOut, rows*o.Width), d.view(o.LSE, o.Batch*o.Heads*o.Tokens)
	scale := 1 / math.Sqrt(float64(q.size))
	clear(dq.values)
	for b := range o.Batch {
		for h := range o.Heads {
			for i := range o.Tokens {
				row := b*o.Tokens + i
				at := row*o.Width + h*q.size
				do, out := DO[at:at+q.size], O[at:at+q.size]
				for j := range device.ReadTokens(i, o.Block, o.Prefix) {
					other := b*o.Tokens + j
					s := scale * dot(q.of(row, query, h), q.of(other, key, h))
					p := math.Exp(s - l[(b*o.Heads+h)*o.Tokens+i])
					ds := p * (dot(do, q.of(other, value, h)) - dot(do, out))
					addScaled(dq.of(other, value, h), p, do)
					addScaled(dq.of(row, query, h), ds*scale, q.of(other, key, h))
					addScaled(dq.of(other, key, h), ds*scale, q.of(row, query, h))
				}
			}
		}
	}
})

// AttentionDecode keeps its cache as [2, batch, capacity, width]: keys, values.
var _ = device.On(&ops, func(d *Backend, o *device.AttentionDecode) {
	if o.Half {
		panic("reference: a cache in bf16")
	}
	q, O, kept := d.triple(o.QKV, o.Batch*o.N, o.Heads, o.Width), d.view(o.Out, o.Batch*o.N*o.Width),
		d.view(o.Cache, 2*o.Batch*o.Capacity*o.Width)
	of := func(p part, b, token, head int) []float64 {
		from := ((int(p-key)*o.Batch+b)*o.Capacity+token)*o.Width + head*q.size
		return kept[from : from+q.size]
	}
	scale := 1 / math.Sqrt(float64(q.size))
	for b := range o.Batch {
		for h := range o.Heads {
			for i := range o.N {
				copy(of(key, b, o.At+i, h), q.of(b*o.N+i, key, h))
				copy(of(value, b, o.At+i, h), q.of(b*o.N+i, value, h))
			}
			for i := range o.N {
				scores := make([]float64, o.At+o.N)
				for j := range scores {
					scores[j] = scale * dot(q.of(b*o.N+i, query, h), of(key, b, j, h))
				}
				to := (b*o.N+i)*o.Width + h*q.size
				attend(O[to:to+q.size], scores, func(j int) []float64 { return of(value, b, j, h) })
			}
		}
	}
})

// turn is the pairs of x by the angles of a row of cosines and sines, the other way round
// with back.
func turn(x, by []float64, back bool) []float64 {
	out, half := make([]float64, len(x)), len(x)/2
	for i := range half {
		c, s := by[i], by[half+i]
		if back {
			s = -s
		}
		out[i], out[half+i] = x[i]*c-x[half+i]*s, x[i]*s+x[half+i]*c
	}
	return out
}

// eachQK calls f with every vector of queries and keys by row: its columns, and where its
// gain begins.
func eachQK(rows, heads, width int, f func(row, from, to, gain int)) {
	n := width / heads
	for r := range rows {
		for part := range 2 {
			for h := range heads {
				f(r, part*width+h*n, part*width+(h+1)*n, part*n)
			}
		}
	}
}

var _ = device.On(&ops, func(d *Backend, o *device.PlaceQK) {
	Y, X, n := d.rows(o.Y, o.Rows, 3*o.Width), d.rows(o.X, o.Rows, 3*o.Width), o.Width/o.Heads
	gain := d.optional(o.Gain, 2*n)
	for r := range o.Rows {
		copy(Y.row(r), X.row(r))
	}
	eachQK(o.Rows, o.Heads, o.Width, func(r, from, to, at int) {
		y := Y.row(r)[from:to]
		if gain != nil {
			s := 1 / math.Sqrt(dot(y, y)/float64(n)+device.NormEps)
			for i := range y {
				y[i] *= s * gain[at+i]
			}
		}
		if !o.Turns.Absent() {
			copy(y, turn(y, d.rows(o.Turns, o.At+o.Tokens, n).row(o.At+r%o.Tokens), false))
		}
	})
})

var _ = device.On(&ops, func(d *Backend, o *device.PlaceQKBackward) {
	DX, DY, n := d.rows(o.DX, o.Rows, 3*o.Width), d.rows(o.DY, o.Rows, 3*o.Width), o.Width/o.Heads
	for r := range o.Rows {
		copy(DX.row(r), DY.row(r))
	}
	eachQK(o.Rows, o.Heads, o.Width, func(r, from, to, at int) {
		g := DX.row(r)[from:to]
		if !o.Turns.Absent() {
			copy(g, turn(g, d.rows(o.Turns, o.Tokens, n).row(r%o.Tokens), true))
		}
		if o.Gain.Absent() {
			return
		}
		gain, dgain, x := d.view(o.Gain, 2*n)[at:], d.view(o.DGain, 2*n)[at:], d.rows(o.X, o.Rows, 3*o.Width).row(r)[from:to]
		s := 1 / math.Sqrt(dot(x, x)/float64(n)+device.NormEps)
		xhat := normalised(x, 0, s)
		for i := range g {
			dgain[i] += g[i] * xhat[i]
			g[i] *= gain[i]
		}
		mean := dot(g, xhat) / float64(n)
		for i := range g {
			g[i] = s * (g[i] - xhat[i]*mean)
		}
	})
})
