//go:build cuda

package cuda

/*
#include "queue.h"
*/
import "C"

import (
	"fmt"
	"maps"
	"slices"

	"prabench/models/device"
)

// mostNodes bounds what all recorded graphs of a backend hold together; a node
// takes in the order of a kilobyte.
const mostNodes = 1 << 18

// graph is a recorded sequence as the driver holds it.
type graph struct {
	b     *Backend
	exec  C.CUgraphExec
	nodes int
	what  string  // its first and last operation
	reads []*half // bf16 copies of weights
}

// graphCounts is what a backend has recorded and replayed.
type graphCounts struct {
	recorded, replayed int // graphs, launches of graphs
	nodes              int // of those that are held now
}

// Graphs is how many graphs were recorded, how often graphs were replayed, and
// how many nodes those hold that are kept.
func (b *Backend) Graphs() (recorded, replayed, nodes int) {
	return b.counts.recorded, b.counts.replayed, b.counts.nodes
}

var _ device.Recorder = (*Backend)(nil)

// Record implements [device.Recorder] by stream capture. Where a recording with chains
// fails, it may have been for them.
func (b *Backend) Record(f func()) (device.Recording, bool) {
	if !b.graphs || b.err != nil || b.counts.nodes >= mostNodes {
		return nil, false
	}
	g, began, why := b.record(f)
	if why != nil && began && b.queue.chains.blocks > 0 {
		b.noChains(why)
		g, _, why = b.record(f)
	}
	b.queue.settle()
	if why != nil {
		b.graphs = false
		b.details += fmt.Sprintf(", no graphs (%v)", why)
	}
	return g, g != nil && b.err == nil
}

// record is one try; why is the reason that there is no graph, where the device is not at
// fault, and began whether it is one that f had a part in.
func (b *Backend) record(f func()) (g *graph, began bool, why error) {
	b.queue.flush()
	if b.err != nil {
		return nil, false, nil
	}
	if code := C.pra_capture_begin(&b.target); code != 0 {
		return nil, false, codeError(int(code))
	}
	ended := false
	b.halves.recording()
	defer func() {
		b.queue.capturing = false
		b.halves.recording()
		if !ended {
			C.pra_capture_drop(&b.target)
		}
	}()
	b.queue.capturing = true
	f()
	b.queue.flush()
	if b.err != nil {
		// Nothing was done yet: the sequence can be done plainly, and an error
		// that has another cause than recording comes again.
		why, b.err = b.err, nil
		return nil, true, why
	}
	ended = true
	g = &graph{b: b, what: b.queue.recent(), reads: slices.Collect(maps.Keys(b.halves.noted))}
	var nodes C.size_t
	if code := C.pra_capture_end(&b.target, &g.exec, &nodes); code != 0 {
		return nil, true, codeError(int(code))
	}
	g.nodes = int(nodes)
	b.counts.recorded++
	b.counts.nodes += g.nodes
	return g, true, nil
}

// Play implements [device.Recording].
func (g *graph) Play() {
	b := g.b
	b.queue.begin(operation{name: "Play"})
	for _, w := range g.reads {
		b.refresh(w)
	}
	b.queue.flush()
	if b.err == nil {
		b.fail(b.status("launching a graph up to "+g.what, C.pra_graph_launch(&b.target, g.exec)))
		b.counts.replayed++
	}
}

// Close implements [device.Recording].
func (g *graph) Close() {
	b := g.b
	if g.exec == nil || b.closed {
		return
	}
	b.counts.nodes -= g.nodes
	if code := C.pra_graph_free(&b.target, g.exec); b.err == nil {
		b.fail(b.status("freeing a graph", code))
	}
	g.exec = nil
}
