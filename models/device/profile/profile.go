// Package profile wraps a backend and tells where its time goes: for every
// operation the calls, seconds, floating-point operations and the bytes that it
// cannot avoid to move. Matrix products are told apart by their kind: product
// (y = x·W), input gradient (dy·Wᵀ) and weight gradient (xᵀ·dy).
//
// It believes in wall time around each call, with a Sync after it, so what is
// asynchronous is charged to the operation that caused it. Reading the clock
// twice costs some 50 ns a call; the sum over the operations and the time of
// the whole are both reported, so that what lies between the calls shows.
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
	ops map[string]*Op
}

var _ device.Backend = (*Backend)(nil)

// Wrap times the operations of be.
func Wrap(be device.Backend) *Backend { return &Backend{Backend: be, ops: map[string]*Op{}} }

// Reset forgets what was measured.
func (t *Backend) Reset() { clear(t.ops) }

// Ops lists the operations by falling time.
func (t *Backend) Ops() []Op {
	var out []Op
	for _, o := range t.ops {
		out = append(out, *o)
	}
	slices.SortFunc(out, func(x, y Op) int {
		return cmp.Or(cmp.Compare(y.Seconds, x.Seconds), cmp.Compare(x.Name, y.Name))
	})
	return out
}

// end charges the time since start, values are single-precision elements moved.
func (t *Backend) end(name string, start time.Time, flops float64, values int) {
	t.Backend.Sync() // its error stays with the backend, which Err reports
	o := t.ops[name]
	if o == nil {
		o = &Op{Name: name}
		t.ops[name] = o
	}
	o.Calls++
	o.Seconds += time.Since(start).Seconds()
	o.FLOPs += flops
	o.Bytes += 4 * float64(values)
}
