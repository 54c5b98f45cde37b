// Package counter is a backend that computes nothing: it counts. The model core
// runs on it to tell, before anything is trained, how many bytes and how many
// floating-point operations the same calls will take on a real device. There is
// no second formula that could disagree with the code.
package counter

import "prabench/models/device"

// Backend counts bytes by class and the operations of matrix products and
// attention (a multiplication and an addition are two).
type Backend struct {
	FLOPs float64
	Calls int // operations called

	next  uintptr
	sizes map[uintptr]size
	held  [device.Classes]int64
	peak  [device.Classes]int64
}

type size struct {
	class device.Class
	bytes int64
}

var _ device.Counter = (*Backend)(nil)

// New is a backend with nothing counted.
func New() *Backend { return &Backend{sizes: map[uintptr]size{}} }

func (c *Backend) ComputesNothing()          {}
func (c *Backend) Name() string              { return "counter" }
func (c *Backend) Threads() int              { return 0 }
func (c *Backend) Details() string           { return "counts, computes nothing" }
func (c *Backend) Peak(k device.Class) int64 { return c.peak[k] }
func (c *Backend) Sync() error               { return nil }
func (c *Backend) Err() error                { return nil }
func (c *Backend) Close() error              { return nil }
func (c *Backend) Free(b device.Buffer)      { c.free(b.Base) }
func (c *Backend) FreeInts(b device.Ints)    { c.free(b.Base) }

func (c *Backend) alloc(k device.Class, n int) uintptr {
	c.next++
	s := size{k, int64(n) * 4}
	c.sizes[c.next] = s
	c.held[k] += s.bytes
	c.peak[k] = max(c.peak[k], c.held[k])
	return c.next
}

func (c *Backend) free(p uintptr) {
	if s, ok := c.sizes[p]; ok {
		c.held[s.class] -= s.bytes
		delete(c.sizes, p)
	}
}

func (c *Backend) Alloc(k device.Class, n int) (device.Buffer, error) {
	return device.Buffer{Base: c.alloc(k, n), N: n}, nil
}

func (c *Backend) AllocInts(n int) (device.Ints, error) {
	return device.Ints{Base: c.alloc(device.Activations, n), N: n}, nil
}

func (c *Backend) op(flops float64) { c.Calls++; c.FLOPs += flops }

func (c *Backend) Gemm(_, _ bool, m, n, k int, _ float32, _ device.Buffer, _ int, _ device.Buffer, _ int, _ float32, _ device.Buffer, _ int) {
	c.op(2 * float64(m) * float64(n) * float64(k))
}

func (c *Backend) Attention(_, _, _ device.Buffer, batch, tokens, heads, width, block int) {
	c.op(4 * device.AttentionPairs(batch, tokens, block) * float64(width))
}

func (c *Backend) Linear(_, _, _ device.Buffer, rows, in, out int, _ device.Epilogue) {
	c.op(2 * float64(rows) * float64(in) * float64(out))
}

// AttentionBackward counts five products a pair, one of them the recomputed scores.
func (c *Backend) AttentionBackward(_, _, _, _, _ device.Buffer, batch, tokens, heads, width, block int) {
	c.op(10 * device.AttentionPairs(batch, tokens, block) * float64(width))
}

func (c *Backend) AttentionDecode(_, _, _ device.Buffer, batch, at, n, capacity, heads, width int) {
	c.op(4 * float64(batch) * float64(n) * float64(at+n) * float64(width))
}

func (c *Backend) Upload(device.Buffer, []float32)                                  {}
func (c *Backend) Download([]float32, device.Buffer)                                {}
func (c *Backend) UploadInts(device.Ints, []int32)                                  {}
func (c *Backend) BiasActBackward(_, _, _, _ device.Buffer, _, _ int, _ device.Act) { c.op(0) }
func (c *Backend) Norm(_, _, _, _, _ device.Buffer, _, _ int, _ device.NormKind)    { c.op(0) }
func (c *Backend) NormBackward(_, _, _, _, _, _, _ device.Buffer, _, _ int, _ device.NormKind, _ bool) {
	c.op(0)
}
func (c *Backend) ModNorm(_, _, _, _ device.Buffer, _, _, _, _, _ int)                       { c.op(0) }
func (c *Backend) ModNormBackward(_, _, _, _, _, _ device.Buffer, _, _, _, _, _ int, _ bool) { c.op(0) }
func (c *Backend) GateBackward(_, _, _, _, _ device.Buffer, _, _, _, _ int)                  { c.op(0) }
func (c *Backend) Embed(_, _, _, _, _, _ device.Buffer, _, _ device.Ints, _, _, _, _, _, _, _ int) {
	c.op(0)
}
func (c *Backend) EmbedBackward(_, _, _, _, _, _ device.Buffer, _, _ device.Ints, _, _, _, _ int) {
	c.op(0)
}
func (c *Backend) CondAct(_, _, _, _ device.Buffer, _, _, _, _ int)                      { c.op(0) }
func (c *Backend) CondActBackward(_, _, _, _ device.Buffer, _, _, _ int)                 { c.op(0) }
func (c *Backend) Sinusoid(_, _ device.Buffer, _, _ int)                                 { c.op(0) }
func (c *Backend) RowMix(_, _, _, _, _ device.Buffer, _, _, _ int)                       { c.op(0) }
func (c *Backend) Mix(device.Buffer, float32, device.Buffer, float32, device.Buffer)     { c.op(0) }
func (c *Backend) WeightedError(_, _, _, _, _ device.Buffer, _, _, _ int, _ float32)     { c.op(0) }
func (c *Backend) Velocity(_, _, _, _ device.Buffer, _, _ float32)                       { c.op(0) }
func (c *Backend) Normal(device.Buffer, device.Ints, int, int, int, int, uint64, uint32) { c.op(0) }
func (c *Backend) SumSquares(device.Buffer) float64                                      { c.op(0); return 0 }
func (c *Backend) AdamW(_, _, _, _, _ device.Buffer, _ device.AdamW)                     { c.op(0) }
func (c *Backend) Fill(device.Buffer, float32)                                           { c.op(0) }
func (c *Backend) Copy(_, _ device.Buffer)                                               { c.op(0) }
func (c *Backend) Copy2D(device.Buffer, int, device.Buffer, int, int, int)               { c.op(0) }
