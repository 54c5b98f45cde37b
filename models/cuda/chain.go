//go:build cuda

package cuda

/*
#include "queue.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"

	"prabench/models/cuda/kernels"
	"prabench/models/device"
)

// chainsByDefault is whether chains are used without PRABENCH_CUDA_CHAIN=1. No GPU has run
// one yet.
const chainsByDefault = false

// Memory for programs: bytes of a piece, and how many pieces; tests lower both.
var (
	programBytes = 1 << 20
	mostPrograms = 64
)

// chains puts consecutive launches of small kernels together, into one cooperative launch
// each (kernels/chain_bf16.cu). A program lies in device memory under its words, so one
// that comes again is there already, and one that a graph launches stays as it is.
type chains struct {
	blocks   int // of a launch; 0: there are none
	counters device.Buffer

	// The chain that is being put together: its program, the same as single launches, and
	// the operation of each.
	program, plain []uint64
	of             []int

	known map[string]kernels.Ptr
	rooms []device.Buffer
	used  int // bytes of the last room
	owed  []placed
}

// placed is a program that is not in its place yet: a recording began before it came.
type placed struct {
	at    kernels.Ptr
	words []uint64
}

// openChains prepares chains; why is the reason that there are none.
func (b *Backend) openChains() (why error) {
	kernel, threads, shared := kernels.ChainResources()
	f, ok := b.functions[kernel]
	if !ok {
		return errors.New("the driver did not take their kernel")
	}
	var resident C.int
	code := C.pra_resident(&b.target, *(*C.CUfunction)(unsafe.Pointer(&f)), C.int(threads), C.size_t(shared), &resident)
	if err := b.status("asking how many blocks are resident", code); err != nil {
		return err
	}
	if resident < 1 {
		return errors.New("this device has no cooperative launches")
	}
	counters, err := b.Alloc(device.Activations, kernels.ChainCounters)
	if err != nil {
		return err
	}
	c := &b.queue.chains
	c.counters, c.known = counters, map[string]kernels.Ptr{}
	b.queue.begin(operation{name: "Chains"})
	b.ops.Zero(counters)
	c.blocks = min(int(resident), kernels.ChainBlocks)
	b.details += fmt.Sprintf(", chains of %d blocks", c.blocks)
	return nil
}

// noChains goes back to single launches.
func (b *Backend) noChains(why error) {
	b.queue.chains.blocks = 0
	b.details += fmt.Sprintf(", no chains (%v)", why)
}

// takes makes a launch a step of the chain that is being put together, if it can be one:
// while weights are kept, so that nothing writes them.
func (c *chains) takes(q *queue, l *kernels.Launch) bool {
	if c.blocks == 0 || q.b.halves.kept == nil || !kernels.Links(l) {
		return false
	}
	c.program = kernels.AppendStep(c.program, l)
	c.plain = q.encode(c.plain, l)
	c.of = append(c.of, len(q.ops)-1)
	if len(c.of) == kernels.ChainSteps {
		q.endChain()
	}
	return true
}

// endChain queues the chain that has been put together, as one launch where it has two
// steps or more.
func (q *queue) endChain() {
	c := &q.chains
	steps := len(c.of)
	if steps == 0 {
		return
	}
	program, plain, of := c.program, c.plain, c.of
	c.program, c.plain, c.of = c.program[:0], c.plain[:0], c.of[:0]
	at, last, ok := kernels.Ptr(0), of[steps-1], false
	if steps > 1 {
		at, last, ok = q.place(program, last)
	}
	if !ok {
		q.launches += steps
		q.words, q.of = append(q.words, plain...), append(q.of, of...)
		return
	}
	l := kernels.ChainLaunch(at, kernels.Ptr(c.counters.Base), steps, c.blocks)
	q.launches++
	from := len(q.words)
	q.words = q.encode(q.words, l)
	q.words[from] += C.PRA_CHAIN - C.PRA_LAUNCH
	q.of = append(q.of, last)
}

// place is where a program of operation of lies in device memory, whether there was room
// for it, and which operation that is now.
func (q *queue) place(program []uint64, of int) (at kernels.Ptr, op int, ok bool) {
	c := &q.chains
	bytes := 8 * len(program)
	key := unsafe.String((*byte)(unsafe.Pointer(&program[0])), bytes)
	if at, ok := c.known[key]; ok {
		return at, of, true
	}
	chained, now := q.ops[of], q.ops[len(q.ops)-1] // room and copy may flush, which forgets operations
	if len(c.rooms) == 0 || c.used+bytes > programBytes {
		if !q.programRoom() {
			return 0, of, false
		}
	}
	at = kernels.Ptr(c.rooms[len(c.rooms)-1].Base) + kernels.Ptr(c.used)
	c.used += bytes
	words := append([]uint64(nil), program...)
	c.known[string(unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), bytes))] = at
	p := placed{at, words}
	if q.capturing {
		c.owed = append(c.owed, p)
		return at, of, true
	}
	q.send(p)
	q.ops = append(q.ops, chained, now) // what is queued next is theirs, not the upload's
	return at, len(q.ops) - 2, true
}

// programRoom makes room for programs. Where there is most of it and no graph holds a
// program, they are all forgotten: the stream has done with them before it writes others.
func (q *queue) programRoom() bool {
	c := &q.chains
	if len(c.rooms) == mostPrograms {
		if q.capturing || q.b.counts.nodes > 0 {
			return false
		}
		clear(c.known)
		for _, r := range c.rooms[1:] {
			q.b.Free(r)
		}
		c.rooms, c.used = c.rooms[:1], 0
		return true
	}
	room, err := q.b.Alloc(device.Activations, programBytes/4)
	if err != nil {
		return false
	}
	c.rooms, c.used = append(c.rooms, room), 0
	return true
}

// send queues the copy of a program to its place.
func (q *queue) send(p placed) {
	q.b.stage.upload(q.b, uintptr(p.at), unsafe.Pointer(&p.words[0]), 8*len(p.words))
}

// settle sends the programs that came while a graph was recorded.
func (q *queue) settle() {
	owed := q.chains.owed
	q.chains.owed = nil
	for _, p := range owed {
		q.send(p)
	}
}
