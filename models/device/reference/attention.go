package reference

import (
	"fmt"
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
	if width%heads != 0 {
		panic(fmt.Sprintf("reference: width %d is no multiple of %d heads", width, heads))
	}
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

func (d *Backend) Attention(out, qkv, lse device.Buffer, batch, tokens, heads, width, block int) {
	q, O, l := d.triple(qkv, batch*tokens, heads, width), d.view(out, batch*tokens*width), d.view(lse, batch*heads*tokens)
	scale := 1 / math.Sqrt(float64(q.size))
	for b := range batch {
		for h := range heads {
			for i := range tokens {
				row := b*tokens + i
				var scores []float64
				for j := range tokens {
					if j/block <= i/block { // the readable ones come first
						scores = append(scores, scale*dot(q.of(row, query, h), q.of(b*tokens+j, key, h)))
					}
				}
				at := row*width + h*q.size
				l[(b*heads+h)*tokens+i] = attend(O[at:at+q.size], scores, func(j int) []float64 { return q.of(b*tokens+j, value, h) })
			}
		}
	}
}

// AttentionBackward follows, with s_ij the scaled scores and p_ij = exp(s_ij −
// lse_i): dv_j = Σ_i p_ij·do_i, dp_ij = do_i·v_j, ds_ij = p_ij·(dp_ij −
// Σ_j p_ij·dp_ij), and that last sum is do_i·out_i.
func (d *Backend) AttentionBackward(dqkv, dout, out, qkv, lse device.Buffer, batch, tokens, heads, width, block int) {
	rows := batch * tokens
	q, dq := d.triple(qkv, rows, heads, width), d.triple(dqkv, rows, heads, width)
	O, DO, l := d.view(out, rows*width), d.view(dout, rows*width), d.view(lse, batch*heads*tokens)
	scale := 1 / math.Sqrt(float64(q.size))
	clear(dq.values)
	for b := range batch {
		for h := range heads {
			for i := range tokens {
				row := b*tokens + i
				at := row*width + h*q.size
				do, o := DO[at:at+q.size], O[at:at+q.size]
				for j := range tokens {
					if j/block > i/block {
						continue
					}
					other := b*tokens + j
					s := scale * dot(q.of(row, query, h), q.of(other, key, h))
					p := math.Exp(s - l[(b*heads+h)*tokens+i])
					ds := p * (dot(do, q.of(other, value, h)) - dot(do, o))
					addScaled(dq.of(other, value, h), p, do)
					addScaled(dq.of(row, query, h), ds*scale, q.of(other, key, h))
					addScaled(dq.of(other, key, h), ds*scale, q.of(row, query, h))
				}
			}
		}
	}
}

// AttentionDecode keeps its cache as [2, batch, capacity, width]: keys, values.
func (d *Backend) AttentionDecode(out, qkv, cache device.Buffer, batch, at, n, capacity, heads, width int) {
	if at+n > capacity {
		panic("reference: attention past the end of the cache")
	}
	q, O, kept := d.triple(qkv, batch*n, heads, width), d.view(out, batch*n*width), d.view(cache, 2*batch*capacity*width)
	of := func(p part, b, token, head int) []float64 {
		from := ((int(p-key)*batch+b)*capacity+token)*width + head*q.size
		return kept[from : from+q.size]
	}
	scale := 1 / math.Sqrt(float64(q.size))
	for b := range batch {
		for h := range heads {
			for i := range n {
				copy(of(key, b, at+i, h), q.of(b*n+i, key, h))
				copy(of(value, b, at+i, h), q.of(b*n+i, value, h))
			}
			for i := range n {
				scores := make([]float64, at+n)
				for j := range scores {
					scores[j] = scale * dot(q.of(b*n+i, query, h), of(key, b, j, h))
				}
				to := (b*n+i)*width + h*q.size
				attend(O[to:to+q.size], scores, func(j int) []float64 { return of(value, b, j, h) })
			}
		}
	}
}
