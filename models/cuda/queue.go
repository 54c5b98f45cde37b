//go:build cuda

package cuda

/*
#include "queue.h"
*/
import "C"

import (
	"fmt"
	"unsafe"

	"prabench/models/cuda/kernels"
	"prabench/models/device"
)

// queue is work that the driver has not seen yet, encoded as queue.h says, and
// the names of the operations that it belongs to. It is the kernels' Launcher.
type queue struct {
	b         *Backend
	eachSync  bool
	words     []uint64
	of        []int // the operation of each piece of work
	ops       []operation
	scratch   []device.Buffer // the last one is in use; graphs may hold the earlier ones
	blas      device.Buffer   // cuBLAS's workspace
	counters  device.Buffer   // see Counters
	counting  bool            // they are 0 but while a launch runs
	launches  int             // in all, for counting
	capturing bool            // a graph is being recorded
	chains    chains          // launches that become one
}

// operation is an operation's name and sizes, put into words only for an error.
type operation struct {
	name  string
	sizes device.Sizes
	bytes int // of a transfer, which has no sizes
}

func (o operation) String() string {
	if o.bytes > 0 {
		return fmt.Sprintf("%s(%d)", o.name, o.bytes)
	}
	return fmt.Sprintf("%s(%v)", o.name, o.sizes)
}

// most is how many operations wait at most; a crossing into C then costs little
// for each, and the device does not wait long for the first.
const most = 48

// mostChained is how many wait at most while a chain is put together.
const mostChained = most + kernels.ChainSteps

// note begins an operation.
func (q *queue) note(op device.Op) {
	q.begin(operation{name: op.Kind().String(), sizes: op.Sizes()})
}

func (q *queue) begin(o operation) {
	if len(q.ops) >= most && len(q.chains.of) == 0 || len(q.ops) >= mostChained || q.eachSync {
		q.flush()
	}
	q.ops = append(q.ops, o)
}

// add queues one piece of work of the operation that was noted last.
func (q *queue) add(code int, operands ...uint64) {
	q.endChain()
	q.words = append(q.words, uint64(code)|uint64(len(operands))<<8)
	q.words = append(q.words, operands...)
	q.of = append(q.of, len(q.ops)-1)
}

// Launch implements [kernels.Launcher].
func (q *queue) Launch(l *kernels.Launch) {
	if q.chains.takes(q, l) {
		return
	}
	q.endChain()
	q.launches++
	q.words = q.encode(q.words, l)
	q.of = append(q.of, len(q.ops)-1)
}

// encode appends a launch as a piece of work.
func (q *queue) encode(words []uint64, l *kernels.Launch) []uint64 {
	f := q.b.functions[l.Kernel]
	words = append(words, uint64(C.PRA_LAUNCH)|uint64(4+len(l.Args))<<8,
		uint64(*(*uintptr)(unsafe.Pointer(&f))), uint64(l.Grid[0])|uint64(l.Grid[1])<<32, uint64(l.Grid[2])|uint64(l.Block[0])<<32,
		uint64(l.Shared))
	for _, a := range l.Args {
		words = append(words, uint64(a))
	}
	return words
}

// Launches is how many kernels of its own a backend has launched, recorded ones once.
func (b *Backend) Launches() int { return b.queue.launches }

// Scratch implements [kernels.Launcher]. All launches run one after another, so
// one piece serves them all; one that is outgrown stays until the end, because
// a recorded graph may still use it.
func (q *queue) Scratch(bytes int) kernels.Ptr {
	if n := len(q.scratch); n > 0 && 4*q.scratch[n-1].N >= bytes {
		return kernels.Ptr(q.scratch[n-1].Base)
	}
	const least = 1 << 18
	room := max(2*bytes, least)
	s, err := q.b.Alloc(device.Activations, (room+3)/4)
	if err != nil {
		q.b.fail(fmt.Errorf("scratch memory of %v: %w", q.ops[len(q.ops)-1], err))
		return 0
	}
	q.scratch = append(q.scratch, s)
	return kernels.Ptr(s.Base)
}

// Counters implements [kernels.Launcher]. What a graph that is being recorded does
// first may never be done, so that does not count.
func (q *queue) Counters() kernels.Ptr {
	if q.counters.Absent() {
		c, err := q.b.Alloc(device.Activations, kernels.LayerCounters)
		if err != nil {
			q.b.fail(fmt.Errorf("counters of %v: %w", q.ops[len(q.ops)-1], err))
			return 0
		}
		q.counters = c
	}
	if !q.counting {
		q.b.ops.Zero(q.counters)
		q.counting = !q.capturing
	}
	return kernels.Ptr(q.counters.Base)
}

// flush hands what is queued to the driver.
func (q *queue) flush() {
	q.endChain()
	if len(q.words) > 0 && q.b.err == nil {
		var failed C.int
		if code := C.pra_run(&q.b.target, (*C.uint64_t)(unsafe.Pointer(&q.words[0])), C.size_t(len(q.words)), &failed); code != 0 {
			q.b.fail(q.b.status(q.ops[q.of[failed]].String(), code))
		}
		if q.eachSync && !q.capturing && q.b.err == nil {
			if err := q.b.on(q.b.stream.Synchronize); err != nil {
				q.b.fail(q.b.failed(q.recent(), err))
			}
		}
	}
	if len(q.ops) > 0 {
		q.ops[0], q.ops = q.ops[len(q.ops)-1], q.ops[:1] // the last one is named by recent
	}
	q.words, q.of = q.words[:0], q.of[:0]
}

// recent names the last operation: what fails on the device is reported later, and
// is it or one before it.
func (q *queue) recent() string {
	if len(q.ops) == 0 {
		return "the device"
	}
	if q.eachSync {
		return q.ops[len(q.ops)-1].String()
	}
	return fmt.Sprintf("the operations up to %v (set %s=1 to find the one that failed)", q.ops[len(q.ops)-1], EachSyncVariable)
}

// drop forgets scratch memory, which the pool frees.
func (q *queue) drop() {
	q.scratch, q.blas, q.counters, q.chains = nil, device.Buffer{}, device.Buffer{}, chains{}
}
