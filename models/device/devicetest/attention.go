package devicetest

import (
	"math"
	"slices"
	"testing"

	"prabench/models/device"
)

// pattern is an attention's shape.
type pattern struct{ batch, tokens, heads, width, block, prefix int }

var patterns = []pattern{
	{1, 1, 1, 1, 1, 0}, {2, 3, 1, 3, 1, 0}, {1, 4, 2, 6, 2, 0}, {3, 16, 4, 96, 1, 0}, {3, 16, 4, 96, 2, 0}, {2, 16, 4, 96, 4, 0},
	{2, 16, 1, 64, 16, 0}, {2, 49, 3, 48, 7, 0}, {7, 64, 2, 128, 1, 0}, {5, 64, 4, 100, 8, 0}, {1, 128, 1, 49, 1, 0},
	{1, 100, 8, 8, 50, 0}, {20, 16, 6, 96, 4, 0},
	{2, 3, 1, 3, 1, 1}, {2, 5, 2, 6, 2, 1}, {3, 20, 4, 96, 1, 4}, {2, 19, 4, 96, 8, 3}, {2, 21, 1, 64, 16, 5}, {5, 80, 4, 100, 8, 16},
	{1, 100, 2, 98, 1, 51},
}

func (p pattern) rows() int   { return p.batch * p.tokens }
func (p pattern) small() bool { return p.batch == 2 && p.tokens == 3 }

// steps are the tokens of a sequence as they are decoded: a prefix, then blocks.
func (p pattern) steps() (out [][2]int) {
	if p.prefix > 0 {
		out = append(out, [2]int{0, p.prefix})
	}
	for at := p.prefix; at < p.tokens; at += p.block {
		out = append(out, [2]int{at, p.block})
	}
	return out
}

var _ = of[device.Attention](attention)

func attention() []*trial {
	var out []*trial
	for _, p := range patterns {
		for _, spread := range []float64{1, 6} { // 6 makes softmaxes with one winner
			tr := newTrial("%+v spread %g", p, spread)
			qkv := tr.spread("qkv", p.rows()*3*p.width, 0, spread)
			o, lse := tr.unset("out", p.rows()*p.width, sum), tr.unset("lse", p.rows()*p.heads, sum)
			tr.run = func(m *machine) {
				device.Do(m, device.Attention{
					Out: m.at(o), QKV: m.at(qkv), LSE: m.at(lse), Batch: p.batch, Tokens: p.tokens, Heads: p.heads,
					Width: p.width, Block: p.block, Prefix: p.prefix,
				})
			}
			if spread > 1 { // a score of some hundred is rounded before exp takes it
				tr.slack = 20
			}
			tr.ranges = p.small()
			out = append(out, tr)
		}
	}
	return out
}

var _ = of[device.AttentionBackward](attentionBackward)

func attentionBackward() []*trial {
	var out []*trial
	for _, p := range patterns {
		tr := newTrial("%+v", p)
		qkv, dout := tr.normal("qkv", p.rows()*3*p.width), tr.normal("dout", p.rows()*p.width)
		o, lse := tr.unset("out", p.rows()*p.width, sum), tr.unset("lse", p.rows()*p.heads, sum)
		dqkv := tr.unset("dqkv", p.rows()*3*p.width, sum)
		forward := func(m *machine) {
			device.Do(m, device.Attention{
				Out: m.at(o), QKV: m.at(qkv), LSE: m.at(lse), Batch: p.batch, Tokens: p.tokens, Heads: p.heads,
				Width: p.width, Block: p.block, Prefix: p.prefix,
			})
		}
		tr.gradient = &gradient{forward: forward, out: o, seed: dout, of: []pair{{qkv, dqkv}}}
		tr.run = func(m *machine) {
			forward(m)
			device.Do(m, device.AttentionBackward{
				DQKV: m.at(dqkv), DOut: m.at(dout), Out: m.at(o), QKV: m.at(qkv), LSE: m.at(lse), Batch: p.batch,
				Tokens: p.tokens, Heads: p.heads, Width: p.width, Block: p.block, Prefix: p.prefix,
			})
		}
		tr.slack = 2
		tr.ranges = p.small()
		out = append(out, tr)
	}
	return out
}

var _ = of[device.AttentionDecode](attentionDecode)

// attentionDecode decodes block after block and compares all of it with what
// the full attention of the same backend and of the reference gives; with
// block 1 that is row by row.
func attentionDecode() []*trial {
	var out []*trial
	for _, p := range patterns {
		for _, spare := range []int{0, 3} {
			tr := newTrial("%+v capacity %d", p, p.tokens+spare)
			capacity, size := p.tokens+spare, p.batch*max(p.block, p.prefix)*p.width
			qkv := tr.normal("qkv", p.rows()*3*p.width)
			o, lse := tr.unset("full", p.rows()*p.width, sum), tr.unset("lse", p.rows()*p.heads, sum)
			decoded := tr.unset("decoded", p.rows()*p.width, sum)
			cache := tr.own(tr.unset("cache", 2*p.batch*capacity*p.width, sum))
			in, step := tr.unset("step's qkv", 3*size, sum), tr.unset("step's out", size, sum)
			tr.run = func(m *machine) {
				device.Do(m, device.Attention{
					Out: m.at(o), QKV: m.at(qkv), LSE: m.at(lse), Batch: p.batch, Tokens: p.tokens, Heads: p.heads,
					Width: p.width, Block: p.block, Prefix: p.prefix,
				})
				for _, part := range p.steps() {
					at, n := part[0], part[1]
					w := n * p.width
					all, results := m.at(qkv), m.at(decoded)
					device.Do(m, device.Copy2D{
						Dst: m.at(in), LDDst: 3 * w, Src: all.Slice(3*at*p.width, all.N-3*at*p.width),
						LDSrc: 3 * p.tokens * p.width, Rows: p.batch, N: 3 * w,
					})
					device.Do(m, device.AttentionDecode{
						Out: m.at(step), QKV: m.at(in), Cache: m.at(cache), Batch: p.batch, At: at, N: n,
						Capacity: capacity, Heads: p.heads, Width: p.width,
					})
					device.Do(m, device.Copy2D{
						Dst: results.Slice(at*p.width, results.N-at*p.width), LDDst: p.tokens * p.width, Src: m.at(step),
						LDSrc: w, Rows: p.batch, N: w,
					})
				}
			}
			tr.ranges = p.small()
			out = append(out, tr)
		}
	}
	return out
}

// attentionCausal checks law 3 where it is decided: what stands in later blocks,
// be it NaN, changes no bit of an earlier token.
func attentionCausal(t *testing.T, be device.Backend) {
	for _, p := range patterns {
		blocks := (p.tokens - p.prefix) / p.block
		known := p.prefix + blocks/2*p.block // tokens that stay as they are
		if known == 0 {
			known = p.block
		}
		if known == p.tokens {
			continue
		}
		tr := newTrial("%+v", p)
		qkv := tr.normal("qkv", p.rows()*3*p.width)
		o, lse := tr.unset("out", p.rows()*p.width, sum), tr.unset("lse", p.rows()*p.heads, sum)
		tr.run = func(m *machine) {
			device.Do(m, device.Attention{
				Out: m.at(o), QKV: m.at(qkv), LSE: m.at(lse), Batch: p.batch, Tokens: p.tokens, Heads: p.heads,
				Width: p.width, Block: p.block, Prefix: p.prefix,
			})
		}
		draw := func() []float32 {
			m := tr.place(t, be)
			defer m.free()
			tr.run(m)
			m.settle(t)
			var out []float32
			for b := range p.batch {
				all := m.download()[o][guard:]
				out = append(out, all[b*p.tokens*p.width:][:known*p.width]...)
			}
			return out
		}
		before := draw()
		for i := range tr.values[qkv] {
			if i/(3*p.width)%p.tokens >= known {
				tr.values[qkv][i] = float32(math.NaN())
			}
		}
		if after := draw(); !slices.Equal(before, after) {
			t.Errorf("%s: the first %d tokens read later ones", tr.name, known)
		}
	}
}

// headed is the shape of queries and keys of tokens from at on.
type headed struct{ batch, at, tokens, heads, head int }

var headedShapes = []headed{
	{2, 0, 3, 2, 4}, {2, 5, 2, 1, 2}, {1, 0, 1, 3, 8}, {3, 8, 4, 3, 24}, {2, 0, 3, 2, 100}, {64, 0, 16, 4, 32}, {300, 3, 1, 2, 48},
	{2, 0, 3, 12, 64}, {1, 0, 2, 1, 512},
}

// variants are with a gain, with angles, and with both, in place and not.
func (q headed) variants(f func(tr *trial, gain, turns slot, inPlace bool)) {
	for v := range 6 {
		gained, turned, inPlace := v%3 != 1, v%3 != 0, v >= 3
		tr := newTrial("%+v gain %v turns %v in place %v", q, gained, turned, inPlace)
		gain, turns := absent, absent
		if gained {
			gain = tr.normal("gain", 2*q.head)
		}
		if turned {
			turns = tr.normal("turns", (q.at+q.tokens)*q.head)
		}
		tr.ranges = q == headedShapes[0]
		f(tr, gain, turns, inPlace)
	}
}

func (q headed) size() int { return 3 * q.batch * q.tokens * q.heads * q.head }

var _ = of[device.PlaceQK](placeQK)

func placeQK() []*trial {
	var out []*trial
	for _, q := range headedShapes {
		q.variants(func(tr *trial, gain, turns slot, inPlace bool) {
			x := tr.as(tr.normal("x", q.size()), sum)
			y := x
			if !inPlace {
				y = tr.unset("y", q.size(), sum)
			}
			tr.run = func(m *machine) {
				device.Do(m, device.PlaceQK{Y: m.at(y), X: m.at(x), Gain: m.at(gain), Turns: m.at(turns), Rows: q.batch * q.tokens,
					At: q.at, Tokens: q.tokens, Heads: q.heads, Width: q.heads * q.head})
			}
			out = append(out, tr)
		})
	}
	return out
}

var _ = of[device.PlaceQKBackward](placeQKBackward)

func placeQKBackward() []*trial {
	var out []*trial
	for _, q := range headedShapes {
		q.at = 0
		q.variants(func(tr *trial, gain, turns slot, inPlace bool) {
			dy, dgain, x := tr.as(tr.normal("dy", q.size()), sum), absent, absent
			dx := dy
			if !inPlace {
				dx = tr.unset("dx", q.size(), sum)
			}
			if gain != absent {
				x, dgain = tr.normal("x", q.size()), tr.as(tr.normal("dgain", 2*q.head), sum)
				tr.floor(dx, steepness(tr.values[x], q.head, device.Sphere))
			}
			tr.run = func(m *machine) {
				device.Do(m, device.PlaceQKBackward{DX: m.at(dx), DGain: m.at(dgain), DY: m.at(dy), X: m.at(x), Gain: m.at(gain),
					Turns: m.at(turns), Rows: q.batch * q.tokens, Tokens: q.tokens, Heads: q.heads, Width: q.heads * q.head})
			}
			if !inPlace {
				from := x
				if from == absent {
					from = tr.extra(tr.normal("from", q.size()))
				}
				y, of := tr.extra(tr.unset("y", q.size(), sum)), []pair{{from, dx}}
				if gain != absent {
					of = append(of, pair{gain, dgain})
				}
				tr.gradient = &gradient{out: y, seed: dy, of: of, forward: func(m *machine) {
					device.Do(m, device.PlaceQK{Y: m.at(y), X: m.at(from), Gain: m.at(gain), Turns: m.at(turns), Rows: q.batch * q.tokens,
						Tokens: q.tokens, Heads: q.heads, Width: q.heads * q.head})
				}}
			}
			out = append(out, tr)
		})
	}
	return out
}
