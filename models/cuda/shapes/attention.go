//go:build cuda

package shapes

import (
	"fmt"
	"testing"

	"prabench/models/device"
)

// heads are shapes [batch, tokens, heads, values of a head].
var heads = [][4]int{{2, 37, 1, 200}, {1, 40, 2, 300}, {1, 9, 1, 512}, {2, 70, 2, 64}, {1, 33, 1, 256}, {2, 40, 3, 25}}

// wideHeads tries blocks of one token, of some, and of all.
func wideHeads(t *testing.T, ordinal int) {
	be := open(t, ordinal, own("fp32"))
	for _, c := range heads {
		batch, tokens, heads, width := c[0], c[1], c[2], c[2]*c[3]
		for _, block := range []int{1, tokens} {
			t.Run(fmt.Sprint(c, block), func(t *testing.T) {
				w := newTwin(t, be)
				rows := batch * tokens
				qkv, out, lse := w.normal(3*rows*width), w.normal(rows*width), w.normal(rows*heads)
				dout, dqkv := w.normal(rows*width), w.normal(3*rows*width)
				device.Do(w.want, device.Attention{
					Out: out.want, QKV: qkv.want, LSE: lse.want, Batch: batch, Tokens: tokens, Heads: heads,
					Width: width, Block: block,
				})
				device.Do(w.d, device.Attention{
					Out: out.d, QKV: qkv.d, LSE: lse.d, Batch: batch, Tokens: tokens, Heads: heads, Width: width,
					Block: block,
				})
				w.same("out", out, 5e-6)
				w.same("lse", lse, 5e-6)
				device.Do(w.want, device.AttentionBackward{
					DQKV: dqkv.want, DOut: dout.want, Out: out.want, QKV: qkv.want, LSE: lse.want, Batch: batch,
					Tokens: tokens, Heads: heads, Width: width, Block: block,
				})
				device.Do(w.d, device.AttentionBackward{
					DQKV: dqkv.d, DOut: dout.d, Out: out.d, QKV: qkv.d, LSE: lse.d, Batch: batch, Tokens: tokens,
					Heads: heads, Width: width, Block: block,
				})
				w.same("dqkv", dqkv, 1e-5)
			})
		}
	}
}

// decoding fills a cache step by step and compares the last ones; also longer
// ones than the panels of 32 keys, up to the 256 tokens of a published model.
func decoding(t *testing.T, ordinal int, precision string) {
	be := open(t, ordinal, own(precision))
	for _, c := range append([][4]int{{3, 256, 2, 64}, {1, 100, 4, 32}}, heads...) {
		batch, tokens, heads, width := c[0], c[1], c[2], c[2]*c[3]
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			w := newTwin(t, be)
			capacity := tokens + 3
			for _, n := range []int{1, 6} { // tokens per step
				of, _ := w.want.Alloc(device.Cache, device.CacheElements(w.want, batch, capacity, heads, width))
				cache := both{w.alloc(device.CacheElements(w.d, batch, capacity, heads, width)), of}
				for from := 0; from+n <= tokens; from += n {
					step, o := w.normal(3*batch*n*width), w.normal(batch*n*width)
					for i, v := range w.want.Host(step.want) {
						if precision == "bf16" && i%(3*width) >= width { // keys and values
							w.want.Host(step.want)[i] = float64(toBF16(float32(v)))
						}
					}
					device.Do(w.want, device.AttentionDecode{
						Out: o.want, QKV: step.want, Cache: cache.want, Batch: batch, At: from, N: n,
						Capacity: capacity, Heads: heads, Width: width,
					})
					device.Do(w.d, device.AttentionDecode{
						Out: o.d, QKV: step.d, Cache: cache.d, Batch: batch, At: from, N: n, Capacity: capacity,
						Heads: heads, Width: width, Half: w.d.Caps().HalfCache,
					})
					if from%32 == 31 || from+2*n > tokens {
						w.same(fmt.Sprint("decoded at ", from), o, 5e-6)
					}
					w.free(step)
					w.free(o)
				}
				w.free(cache)
			}
		})
	}
}
