//go:build cuda

package cuda

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"prabench/models/cuda/kernels"
	"prabench/models/device"
)

// keeping has the backend keep some weights, without which there are no chains, until the
// answer is called.
func keeping(t *testing.T, b *Backend) (end func()) {
	t.Helper()
	w, err := b.Alloc(device.Model, 64)
	if err != nil {
		t.Fatal(err)
	}
	device.Do(b, device.Fill{Dst: w, Value: 1})
	k := b.Keeping([]device.Weight{{W: w, In: 8, Out: 8}})
	if k == nil {
		t.Fatal("weights are not kept")
	}
	k.Begin()
	return func() {
		k.End()
		k.Close()
	}
}

// passOn copies n values through buffers, from each to the next, a launch each.
func passOn(b *Backend, bufs []device.Buffer) {
	for i := range bufs[1:] {
		device.Do(b, device.Copy{Dst: bufs[i+1], Src: bufs[i]})
	}
}

// passed checks that the last buffer has what the first one was given, and how many
// launches that took.
func passed(t *testing.T, b *Backend, bufs []device.Buffer, value float32, launches int) {
	t.Helper()
	device.Do(b, device.Fill{Dst: bufs[0], Value: value})
	b.queue.flush()
	before := b.Launches()
	passOn(b, bufs)
	got := make([]float32, bufs[0].N)
	b.Download(got, bufs[len(bufs)-1])
	if slices.ContainsFunc(got, func(v float32) bool { return v != value }) || b.Err() != nil {
		t.Errorf("the last buffer has not the first one's %v; error %v", value, b.Err())
	}
	if n := b.Launches() - before; n != launches {
		t.Errorf("%d launches, want %d", n, launches)
	}
}

func buffers(t *testing.T, b *Backend, count, n int) (out []device.Buffer) {
	for range count {
		out = append(out, buffer(t, b, n))
	}
	return out
}

var chaining = Options{Precision: "bf16", NoBLAS: true, Chain: true}

// Chains are where they were asked for and can be, and nowhere else.
func TestWhereChainsAre(t *testing.T) {
	for _, c := range []struct {
		o    Options
		env  string
		want bool
	}{
		{chaining, "", true},
		{Options{Precision: "bf16", NoBLAS: true}, "", false}, // no GPU has run one
		{Options{Precision: "bf16", NoBLAS: true}, ChainVariable, true},
		{chaining, NoChainVariable, false},
		{chaining, EachSyncVariable, false},
		{chaining, NoFusionVariable, false},
		{Options{Precision: "fp32", NoBLAS: true, Chain: true}, "", false},
	} {
		t.Run(fmt.Sprintf("%+v %s", c.o, c.env), func(t *testing.T) {
			if c.env != "" {
				t.Setenv(c.env, "1")
			}
			b := open(t, c.o)
			defer closed(t, b)
			if got := strings.Contains(b.Details(), ", chains of"); got != c.want || b.queue.chains.blocks > 0 != c.want {
				t.Errorf("chains %v: %s", got, b.Details())
			}
		})
	}
}

// A chain ends where something comes that is none of its steps, and one of more steps than
// a launch takes goes on in another.
func TestChainsEnd(t *testing.T) {
	b := open(t, chaining)
	defer closed(t, b)
	bufs := buffers(t, b, 5, 3000)
	passed(t, b, bufs, 1, 4) // no weights are kept: nothing says that these are not written
	defer keeping(t, b)()
	passed(t, b, bufs, 2, 1)
	passed(t, b, bufs[:2], 3, 1) // one step is a launch
	run := func(between func()) int {
		b.queue.flush()
		before := b.Launches()
		passOn(b, bufs)
		between()
		passOn(b, bufs)
		b.queue.flush()
		return b.Launches() - before
	}
	x := buffer(t, b, 10)
	for what, c := range map[string]struct {
		between func()
		want    int
	}{
		"nothing":            {func() {}, 1},
		"a fill":             {func() { device.Do(b, device.Fill{Dst: x}) }, 3},
		"an upload":          {func() { b.Upload(x, make([]float32, 10)) }, 2},
		"memory given back":  {func() { b.Free(buffer(t, b, 10)) }, 2},
		"a wait":             {func() { _ = b.Sync() }, 2},
		"much":               {func() { passOn(b, slices.Repeat(bufs, kernels.ChainSteps/len(bufs))) }, 2},
		"weights not kept":   {func() { kept := b.halves.kept; b.halves.kept = nil; passOn(b, bufs); b.halves.kept = kept }, 6},
		"a grid that is big": {func() { big := buffers(t, b, 2, 1<<20); passOn(b, big) }, 3},
	} {
		if got := run(c.between); got != c.want {
			t.Errorf("%s in the middle of a chain: %d launches, want %d", what, got, c.want)
		}
	}
	if err := b.Sync(); err != nil {
		t.Error(err)
	}
}

// A device or a driver that cannot do chains does single launches, and the details say why.
func TestWithoutCooperativeLaunches(t *testing.T) {
	onStandIn(t)
	if !alone(t, "STANDIN_COOPERATIVE=0") {
		return
	}
	b := open(t, chaining)
	defer closed(t, b)
	defer keeping(t, b)()
	passed(t, b, buffers(t, b, 5, 100), 1, 4)
	if want := "no chains (this device has no cooperative launches)"; !strings.Contains(b.Details(), want) {
		t.Errorf("details %q, want %q", b.Details(), want)
	}
}

// A driver that records no cooperative launch has graphs without chains.
func TestChainsThatAreNotRecorded(t *testing.T) {
	onStandIn(t)
	if !alone(t, "STANDIN_COOPERATIVE_CAPTURE=0") {
		return
	}
	b := open(t, chaining)
	defer closed(t, b)
	defer keeping(t, b)()
	bufs := buffers(t, b, 5, 100)
	passed(t, b, bufs, 1, 1)
	g, ok := b.Record(func() { passOn(b, bufs) })
	if !ok {
		t.Fatal("no graph: ", b.Details())
	}
	defer g.Close()
	if _, _, nodes := b.Graphs(); nodes != 4 || !strings.Contains(b.Details(), ", no chains (") || strings.Contains(b.Details(), "no graphs") {
		t.Errorf("a graph of %d nodes, want 4; details %q", nodes, b.Details())
	}
	passed(t, b, bufs, 2, 4)
}

// Without graphs there are chains still.
func TestChainsWithoutGraphs(t *testing.T) {
	onStandIn(t)
	if !alone(t, "STANDIN_GRAPHS=0") {
		return
	}
	b := open(t, chaining)
	defer closed(t, b)
	defer keeping(t, b)()
	bufs := buffers(t, b, 5, 100)
	if _, ok := b.Record(func() { passOn(b, bufs) }); ok {
		t.Error("a graph was recorded")
	}
	passed(t, b, bufs, 1, 1)
	if strings.Contains(b.Details(), "no chains") {
		t.Errorf("details %q", b.Details())
	}
}

// Programs that are many are forgotten when no graph needs them, and until then there are
// single launches.
func TestManyPrograms(t *testing.T) {
	defer func(bytes, rooms int) { programBytes, mostPrograms = bytes, rooms }(programBytes, mostPrograms)
	programBytes, mostPrograms = 4096, 2 // four programs of four steps a piece
	b := open(t, chaining)
	defer closed(t, b)
	defer keeping(t, b)()
	bufs := buffers(t, b, 5, 100)
	shapes := func(i int) (out []device.Buffer) {
		for _, x := range bufs {
			out = append(out, x.Slice(0, 10+i))
		}
		return out
	}
	var graphs []device.Recording
	for i := range 8 {
		g, ok := b.Record(func() { passOn(b, shapes(i)) })
		if !ok {
			t.Fatal("no graph: ", b.Details())
		}
		graphs = append(graphs, g)
	}
	passed(t, b, shapes(3), 1, 1)
	passed(t, b, shapes(8), 2, 4) // no room, and the graphs are there
	for i, g := range graphs {
		for _, x := range bufs {
			device.Do(b, device.Fill{Dst: x, Value: float32(i)})
		}
		device.Do(b, device.Fill{Dst: bufs[0], Value: float32(100 + i)})
		g.Play()
		got := make([]float32, 11+i)
		b.Download(got, bufs[4].Slice(0, 11+i))
		if got[9+i] != float32(100+i) || got[10+i] != float32(i) {
			t.Errorf("graph %d passes on %v", i, got)
		}
		g.Close()
	}
	for i := range 20 { // forgotten more than once, in the middle of what is queued
		passed(t, b, shapes(20+i), float32(i), 1)
	}
	if n := len(b.queue.chains.rooms); n > 2 {
		t.Errorf("%d pieces of memory for programs", n)
	}
}

// A grid that waits for blocks that never come is an error and no wait without end, and so
// is one that is not resident.
func TestChainsThatCannotEnd(t *testing.T) {
	onStandIn(t)
	for _, c := range []struct {
		name, want string
		spoil      func(b *Backend)
	}{
		{"arrivals", "the launch timed out", func(b *Backend) { // one too few will be there
			b.UploadInts(device.Ints{Base: b.queue.chains.counters.Base, N: 1}, []int32{-1})
		}},
		{"blocks", "too many blocks in cooperative launch", func(b *Backend) { b.queue.chains.blocks = 5 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !alone(t) {
				return
			}
			b := open(t, chaining)
			end := keeping(t, b)
			defer end()
			c.spoil(b)
			passOn(b, buffers(t, b, 4, 100))
			if err := b.Sync(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}
