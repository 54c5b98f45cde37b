//go:build cuda

package shapes

import (
	"fmt"
	"testing"

	"prabench/models/device"
)

// heads are shapes [batch, tokens, heads, values of a head].
var heads = [][4]int{{2, 37, 1, 200}, {1, 40, 2, 300}, {1, 9, 1, 512}, {2, 70, 2, 64}, {1, 33, 1, 256}, {2, 40, 3, 25}}

// blocks are of one token, of some, and of all.
func wideHeads(t *testing.T, ordinal int) {
	for _, c := range heads {
		batch, tokens, heads, width := c[0], c[1], c[2], c[2]*c[3]
		for _, block := range []int{1, tokens} {
			t.Run(fmt.Sprint(c, block), func(t *testing.T) {
				w := newTwin(t, ordinal, own("fp32"))
				rows := batch * tokens
				qkv, out, lse := w.normal(3*rows*width), w.normal(rows*width), w.normal(rows*heads)
				dout, dqkv := w.normal(rows*width), w.normal(3*rows*width)
				w.want.Attention(out.want, qkv.want, lse.want, batch, tokens, heads, width, block)
				w.d.Attention(out.d, qkv.d, lse.d, batch, tokens, heads, width, block)
				w.same("out", out, 5e-6)
				w.same("lse", lse, 5e-6)
				w.want.AttentionBackward(dqkv.want, dout.want, out.want, qkv.want, lse.want, batch, tokens, heads, width, block)
				w.d.AttentionBackward(dqkv.d, dout.d, out.d, qkv.d, lse.d, batch, tokens, heads, width, block)
				w.same("dqkv", dqkv, 1e-5)
			})
		}
	}
}

// decoding fills a cache step by step and compares the last ones; also longer
// ones than the panels of 32 keys, up to the 256 tokens of a published model.
func decoding(t *testing.T, ordinal int, precision string) {
	for _, c := range append([][4]int{{3, 256, 2, 64}, {1, 100, 4, 32}}, heads...) {
		batch, tokens, heads, width := c[0], c[1], c[2], c[2]*c[3]
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			w := newTwin(t, ordinal, own(precision))
			capacity := tokens + 3
			for _, n := range []int{1, 6} { // tokens a step
				of, _ := w.want.Alloc(device.Cache, device.CacheElements(w.want, batch, capacity, heads, width))
				cache := both{w.alloc(device.CacheElements(w.d, batch, capacity, heads, width)), of}
				for from := 0; from+n <= tokens; from += n {
					step, o := w.normal(3*batch*n*width), w.normal(batch*n*width)
					for i, v := range w.want.Host(step.want) {
						if precision == "bf16" && i%(3*width) >= width { // keys and values
							w.want.Host(step.want)[i] = float64(toBF16(float32(v)))
						}
					}
					w.want.AttentionDecode(o.want, step.want, cache.want, batch, from, n, capacity, heads, width)
					w.d.AttentionDecode(o.d, step.d, cache.d, batch, from, n, capacity, heads, width)
					if from%32 == 31 || from+2*n > tokens {
						w.same(fmt.Sprint("decoded at ", from), o, 5e-6)
					}
					w.d.Free(step.d)
					w.d.Free(o.d)
				}
				w.d.Free(cache.d)
			}
		})
	}
}
