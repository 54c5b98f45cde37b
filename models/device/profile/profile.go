// Package profile wraps a backend and tells where its time goes: for every
// operation the calls, seconds, floating-point operations and the bytes that it
// cannot avoid to move. Matrix products are told apart by their kind: product
// (y = x·W), input gradient (dy·Wᵀ) and weight gradient (xᵀ·dy).
//
// Its principle is that what is measured must be the program that runs: whatever the
// backend can do it can do wrapped, shares of its threads and copies of its
// weights too. One thing is left out: recordings, for what a device plays by
// itself cannot be timed piece by piece; the same operations are then asked for
// one by one.
//
// It measures wall time around each call, with a Sync after it, so what is
// asynchronous is charged to the operation that caused it. What one of n shares
// does while the others work takes a 1/n of that time. Reading the clock twice
// costs some 50 ns per call; the sum over the operations and the time of the whole
// are both reported, so that what lies between the calls shows.
package profile

import (
	"cmp"
	"slices"
	"time"

	"prabench/models/device"
)

// Op is what one operation took in all its calls.
type Op struct {
	Name    string  `json:"name"`
	Calls   int     `json:"calls"`
	Seconds float64 `json:"seconds"`
	FLOPs   float64 `json:"flops"` // of products; elementwise work is counted in bytes
	Bytes   float64 `json:"bytes"` // each operand read once and each result written once
}

// Backend passes every call on to the backend that it wraps and times it.
type Backend struct {
	device.Backend
	share  float64 // of the whole's threads
	ops    map[string]*Op
	shares []*Backend
}

// Wrap times the operations of be.
func Wrap(be device.Backend) *Backend { return wrap(be, 1) }

func wrap(be device.Backend, share float64) *Backend {
	return &Backend{Backend: be, share: share, ops: map[string]*Op{}}
}

// Caps are those of the wrapped backend, without recordings, and with shares
// that are timed too.
func (t *Backend) Caps() device.Caps {
	caps := t.Backend.Caps()
	caps.Recorder = nil
	if caps.Divider != nil {
		caps.Divider = divider{t, caps.Divider}
	}
	return caps
}

// Do implements [device.Backend].
func (t *Backend) Do(op device.Op) {
	began := time.Now()
	t.Backend.Do(op)
	t.end(name(op), began, op.FLOPs(), device.Bytes(op))
}

func (t *Backend) Upload(dst device.Buffer, src []float32) {
	began := time.Now()
	t.Backend.Upload(dst, src)
	t.end("Upload", began, 0, 4*float64(dst.N))
}

func (t *Backend) Download(dst []float32, src device.Buffer) {
	began := time.Now()
	t.Backend.Download(dst, src)
	t.end("Download", began, 0, 4*float64(src.N))
}

// name is an operation's; a product's by what it is used for in the core.
func name(op device.Op) string {
	if g, ok := op.(*device.Gemm); ok {
		switch {
		case g.TransA:
			return "Gemm, weight gradient"
		case g.TransB:
			return "Gemm, input gradient"
		}
	}
	return op.Kind().String()
}

// end charges the time since start.
func (t *Backend) end(name string, start time.Time, flops, bytes float64) {
	_ = t.Backend.Sync() // its error stays with the backend, which Err reports
	o := t.ops[name]
	if o == nil {
		o = &Op{Name: name}
		t.ops[name] = o
	}
	o.Calls++
	o.Seconds += t.share * time.Since(start).Seconds()
	o.FLOPs += flops
	o.Bytes += bytes
}

// Reset forgets what was measured.
func (t *Backend) Reset() {
	clear(t.ops)
	for _, s := range t.shares {
		s.Reset()
	}
}

// Ops lists the operations by falling time.
func (t *Backend) Ops() []Op {
	sum := map[string]Op{}
	for _, b := range append([]*Backend{t}, t.shares...) {
		for name, o := range b.ops {
			s := sum[name]
			sum[name] = Op{name, s.Calls + o.Calls, s.Seconds + o.Seconds, s.FLOPs + o.FLOPs, s.Bytes + o.Bytes}
		}
	}
	out := make([]Op, 0, len(sum))
	for _, o := range sum {
		out = append(out, o)
	}
	slices.SortFunc(out, func(x, y Op) int {
		return cmp.Or(cmp.Compare(y.Seconds, x.Seconds), cmp.Compare(x.Name, y.Name))
	})
	return out
}

// divider times the shares that another one makes.
type divider struct {
	whole *Backend
	device.Divider
}

func (d divider) Divide(n int) device.Division {
	v := &division{Division: d.Divider.Divide(n)}
	for _, be := range v.Division.Shares() {
		s := wrap(be, 1/float64(n))
		d.whole.shares = append(d.whole.shares, s)
		v.shares = append(v.shares, s)
	}
	return v
}

type division struct {
	device.Division
	shares []device.Backend
}

func (v *division) Shares() []device.Backend { return v.shares }
