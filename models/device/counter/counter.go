// Package counter is a backend that computes nothing: it counts. The model core
// runs on it to tell, before anything is trained, how many bytes and how many
// floating-point operations the same calls will take on a real device. There is
// no second formula that could disagree with the code.
package counter

import "prabench/models/device"

// Backend counts bytes by class and the operations of matrix products and
// attention (a multiplication and an addition are two).
type Backend struct {
	device.Scratch
	FLOPs float64
	Calls int // operations asked for

	keeps bool
	next  uintptr
	sizes map[uintptr]size
	held  [device.Classes]int64
	peak  [device.Classes]int64
}

type size struct {
	class device.Class
	bytes int64
}

var _ device.Backend = (*Backend)(nil)

// New is a backend with nothing counted.
func New() *Backend { return &Backend{sizes: map[uintptr]size{}} }

// Keeping is one that also holds the copies of weights that a processor's backend
// multiplies by while it samples, in the class of the model.
func Keeping() *Backend {
	c := New()
	c.keeps = true
	return c
}

func (c *Backend) Name() string                      { return "counter" }
func (c *Backend) Threads() int                      { return 0 }
func (c *Backend) Details() string                   { return "counts, computes nothing" }
func (c *Backend) Does(device.Kind) bool             { return true }
func (c *Backend) Do(op device.Op)                   { c.Calls++; c.FLOPs += op.FLOPs() }
func (c *Backend) Upload(device.Buffer, []float32)   {}
func (c *Backend) Download([]float32, device.Buffer) {}
func (c *Backend) UploadInts(device.Ints, []int32)   {}
func (c *Backend) Indices(device.Ints) []int32       { return nil }
func (c *Backend) Peak(k device.Class) int64         { return c.peak[k] }
func (c *Backend) Sync() error                       { return nil }
func (c *Backend) Err() error                        { return nil }
func (c *Backend) Close() error                      { return nil }
func (c *Backend) Free(b device.Buffer)              { c.free(b.Base) }
func (c *Backend) FreeInts(b device.Ints)            { c.free(b.Base) }

func (c *Backend) Caps() device.Caps {
	caps := device.Caps{Counts: true}
	if c.keeps {
		caps.Keeper = keeper{c}
	}
	return caps
}

// lanes is what the columns of a copy are rounded up to: the width of AVX-512, the
// widest.
const lanes = 16

type keeper struct{ c *Backend }

func (k keeper) Keeping(ws []device.Weight) device.Kept {
	held := &kept{c: k.c}
	for _, w := range ws {
		held.room = append(held.room, k.c.alloc(device.Model, (w.Out+lanes-1)/lanes*lanes*w.In))
	}
	return held
}

type kept struct {
	c    *Backend
	room []uintptr
}

func (k *kept) Begin() {}
func (k *kept) End()   {}
func (k *kept) Close() {
	for _, p := range k.room {
		k.c.free(p)
	}
	k.room = nil
}

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
