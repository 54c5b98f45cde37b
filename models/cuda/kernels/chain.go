package kernels

import "math"

// A chain does consecutive launches as steps of one cooperative launch: chain_bf16.cu.
var chainKernel = kernel80(ChainFile, "chain_256", chainThreads, 1, 3)

const (
	// ChainFile is the family of the chain. Only who uses chains has to load it: its one
	// kernel takes a compiler longer than most families.
	ChainFile = "chain_bf16"

	// ChainSteps is how many steps a chain has at most.
	ChainSteps = 512
	// ChainCounters is how many 32-bit numbers, 0 at first, a chain counts its blocks with.
	ChainCounters = 64
	// ChainBlocks is how many blocks a chain has at most: no layer's product has more.
	ChainBlocks = enoughBlocks
	// linkBlocks is how many blocks a launch has at most to be a step of a chain. With more,
	// several on each multiprocessor at a time have more to gain than a launch costs.
	linkBlocks = 4 * enoughBlocks

	chainThreads = 256
	chainWords   = 32 // of a step
	chainFirst   = 4  // word of the first argument
	chainShared  = layerShared + 2*chainWords*2
)

// links are the kernels that can be steps, in the order of Link in chain_bf16.cu, which
// counts from 1.
var links = []*Kernel{layerKernel, layerNormKernel, momentsKernel, flowStepKernel, condActKernel, normKernel, embedKernel, copyKernel,
	copy2DKernel}

var linkNumber = func() map[*Kernel]uint64 {
	out := map[*Kernel]uint64{}
	for i, k := range links {
		out[k] = uint64(i + 1)
	}
	return out
}()

// Links reports whether a launch can be a step of a chain. None of these kernels writes
// what another one multiplies with as weights.
func Links(l *Launch) bool {
	return linkNumber[l.Kernel] != 0 && l.Block[0] <= chainThreads && l.Shared <= 4*layerShared &&
		uint64(l.Grid[0])*uint64(l.Grid[1])*uint64(l.Grid[2]) <= linkBlocks
}

// AppendStep adds a launch for which Links holds to a chain's program.
func AppendStep(program []uint64, l *Launch) []uint64 {
	var step [chainWords]uint64
	step[0] = linkNumber[l.Kernel]
	step[1] = uint64(l.Grid[0]) | uint64(l.Grid[1])<<32
	step[2], step[3] = uint64(l.Grid[2]), uint64(l.Block[0])
	for i, a := range l.Args {
		step[chainFirst+i] = uint64(a)
	}
	return append(program, step[:]...)
}

// StepsOf is how many steps a program has.
func StepsOf(program []uint64) int { return len(program) / chainWords }

// ChainResources are what a block of a chain takes: threads, and bytes of shared memory.
func ChainResources() (k *Kernel, threads, shared int) {
	return chainKernel, chainThreads, 4 * chainShared
}

// ChainLaunch is the cooperative launch of a program in device memory by so many blocks,
// which are all resident at once.
func ChainLaunch(program, counters Ptr, steps, blocks int) *Launch {
	if blocks < 1 || blocks > ChainBlocks || steps < 1 || steps*blocks > math.MaxInt32 {
		panic("kernels: a chain of more blocks or steps than it can count")
	}
	return &Launch{Kernel: chainKernel, Grid: [3]uint32{uint32(blocks), 1, 1}, Block: [3]uint32{chainThreads, 1, 1}, Shared: 4 * chainShared,
		Args: []Arg{Arg(program), Arg(counters), Arg(steps)}}
}
