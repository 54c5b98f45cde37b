package measure

import (
	"runtime"

	"prabench/harness/machine"
	"prabench/models/cpu"
)

// Host is what this machine is like before anything is timed on it. It takes about
// half a second of all processors.
type Host struct {
	Load machine.Load // what else ran meanwhile, with the clock; its Wall is 0 where the system does not say
	// Peak is the arithmetic of one thread in FLOP/s, Bandwidth what all threads copy in
	// bytes/s, and Jitter how unevenly a thread is served, see [cpu.Jitter].
	Peak, Bandwidth, Jitter float64
}

// LookAtHost measures them.
func LookAtHost() (h Host) {
	before, seen := machine.Now()
	h.Jitter = cpu.Jitter()
	h.Peak = cpu.PeakFlops(1)
	h.Bandwidth = cpu.CopyBandwidth(runtime.NumCPU())
	if now, ok := machine.Now(); seen && ok {
		h.Load = now.Since(before)
	}
	return h
}

// What a machine that measures well stays below: a share of the time of short pieces of
// work, and processors, beside what ticks of the system's clock can blur.
const (
	evenJitter = 0.10
	quietLoad  = 0.10
	quietSteal = 0.05
)

// Uneven says why timings on this machine are going to scatter; nothing where they are
// not.
func (h Host) Uneven() (why []string) {
	blur := machine.Rounding(h.Load.Wall)
	if h.Load.Wall > 0 && h.Load.Foreign > quietLoad+blur {
		why = append(why, "other processes keep it busy")
	}
	if h.Load.Wall > 0 && h.Load.Steal > quietSteal+blur {
		why = append(why, "its host takes processors away")
	}
	if h.Jitter > evenJitter {
		why = append(why, "equal pieces of work take unequal times")
	}
	return why
}
