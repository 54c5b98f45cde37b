package kernels

import (
	"testing"

	"prabench/models/device"
)

// launched keeps the names of what is launched.
type launched struct{ names []string }

func (l *launched) Launch(x *Launch)  { l.names = append(l.names, x.Kernel.Name) }
func (l *launched) Scratch(int) Ptr   { return 1 << 40 }
func (l *launched) Counters() Ptr     { return 1 << 41 }
func (l *launched) last(n int) string { return l.names[len(l.names)-n] }

// Tensor cores attend in bf16, heads of whole sixteens up to 128 whose arrays lie at
// multiples of 16 bytes; all others, and fp32, go on with the kernels in fp32.
func TestAttentionKernels(t *testing.T) {
	for _, c := range []struct {
		p                Precision
		head, off        int
		forward, dq, dkv string
	}{
		{FP32, 64, 0, "attention_32", "attention_dq_32", "attention_dkv_32"},
		{BF16, 16, 0, "attention_bf16_32", "attention_bf16_dq_32", "attention_bf16_dkv_32"},
		{BF16, 64, 0, "attention_bf16_64", "attention_bf16_dq_64", "attention_bf16_dkv_64"},
		{Packed, 48, 0, "attention_bf16_64", "attention_bf16_dq_64", "attention_bf16_dkv_64"},
		{BF16, 80, 4, "attention_bf16_128", "attention_bf16_dq_128", "attention_bf16_dkv_128"},
		{BF16, 128, 0, "attention_bf16_128", "attention_bf16_dq_128", "attention_bf16_dkv_128"},
		{BF16, 144, 0, "attention_8", "attention_dq_8", "attention_dkv_8"},
		{BF16, 40, 0, "attention_32", "attention_dq_32", "attention_dkv_32"},
		{BF16, 64, 2, "attention_32", "attention_dq_32", "attention_dkv_32"},
	} {
		to := &launched{}
		o := New(to, c.p)
		const batch, tokens, heads = 2, 10, 3
		n, next := batch*tokens*heads*c.head, uintptr(0)
		buffer := func(n, off int) device.Buffer {
			next += 1 << 20
			return device.Buffer{Base: next, Off: off, N: n}
		}
		qkv, out, lse := buffer(3*n, c.off), buffer(n, 0), buffer(n/c.head, 0)
		o.Do(&device.Attention{Out: out, QKV: qkv, LSE: lse, Batch: batch, Tokens: tokens, Heads: heads, Width: heads * c.head, Block: 1})
		o.Do(&device.AttentionBackward{DQKV: buffer(3*n, 0), DOut: buffer(n, 0), Out: out, QKV: qkv, LSE: lse, Batch: batch,
			Tokens: tokens, Heads: heads, Width: heads * c.head, Block: 1})
		if to.last(3) != c.forward || to.last(2) != c.dq || to.last(1) != c.dkv {
			t.Errorf("%v, heads of %d, offset %d: %v, want %s, %s, %s", c.p, c.head, c.off, to.names, c.forward, c.dq, c.dkv)
		}
	}
}
