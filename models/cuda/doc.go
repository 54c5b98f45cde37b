//go:build cuda

// Package cuda is the CUDA device: the kernels of package kernels, compiled by
// the driver from their embedded PTX, and cuBLAS where the machine has it.
//
// Its principle is that the host should hardly be there. An operation checks its
// shapes and writes its launches into a queue in memory; the queue crosses into
// C once for some tens of operations; sampling steps are recorded as a CUDA
// graph the first time and launched as one afterwards. Memory is taken when a
// model, a training or a sampler is made, never within a step. Results do not
// depend on the device's size: sums have a fixed order and nothing is atomic.
//
// The package and gorgonia.org/cu below it link libcuda, so it is built only
// with the tag cuda and only into the program prabench-cuda, which serves as
// the worker of prabench. docs/design/cuda.md tells what has run where.
package cuda
