package roofline

import (
	"cmp"
	"slices"

	"prabench/models/cuda/kernels"
)

// Line is what one kernel's launches take together.
type Line struct {
	Kernel   *kernels.Kernel
	Launches int
	Cost     kernels.Cost
	Seconds  float64 // on the tally's device, each launch at its bound
	Shared   uint32  // most dynamic shared memory of a launch, bytes
}

// Tally is a kernels.Launcher that counts.
type Tally struct {
	Device   Device
	Launches int
	Barriers int // of the grid, between the steps of chains
	lines    map[*kernels.Kernel]*Line
}

// NewTally counts launches as they would run on d.
func NewTally(d Device) *Tally { return &Tally{Device: d, lines: map[*kernels.Kernel]*Line{}} }

func (t *Tally) Launch(l *kernels.Launch) {
	t.Launches++
	t.step(l).Launches++
}

// step counts what a launch does, which may be part of another one.
func (t *Tally) step(l *kernels.Launch) *Line {
	o := t.lines[l.Kernel]
	if o == nil {
		o = &Line{Kernel: l.Kernel}
		t.lines[l.Kernel] = o
	}
	o.Cost.FLOPs += l.Cost.FLOPs
	o.Cost.Bytes += l.Cost.Bytes
	o.Cost.Least += l.Cost.Least
	o.Cost.Scratch += l.Cost.Scratch
	o.Seconds += t.Device.seconds(l)
	o.Shared = max(o.Shared, l.Shared)
	return o
}

// Scratch gives one address again and again: nothing is read or written.
func (t *Tally) Scratch(bytes int) kernels.Ptr { return 1 << 50 }

// Counters gives one address, as Scratch.
func (t *Tally) Counters() kernels.Ptr { return 1 << 51 }

// Lines lists the kernels that were launched, the longest-running first.
func (t *Tally) Lines() []Line {
	var out []Line
	for _, l := range t.lines {
		out = append(out, *l)
	}
	slices.SortFunc(out, func(a, b Line) int {
		return cmp.Or(cmp.Compare(b.Seconds, a.Seconds), cmp.Compare(a.Kernel.Name, b.Kernel.Name))
	})
	return out
}

// Total is the sum over the kernels; its Kernel is nil.
func (t *Tally) Total() (sum Line) {
	for _, l := range t.Lines() {
		sum.Launches += l.Launches
		sum.Cost.FLOPs += l.Cost.FLOPs
		sum.Cost.Bytes += l.Cost.Bytes
		sum.Cost.Least += l.Cost.Least
		sum.Cost.Scratch += l.Cost.Scratch
		sum.Seconds += l.Seconds
		sum.Shared = max(sum.Shared, l.Shared)
	}
	return sum
}
