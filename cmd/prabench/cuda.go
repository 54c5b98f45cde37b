//go:build cuda

package main

import (
	"prabench/harness/work"
	"prabench/harness/worker"
	"prabench/models/cuda"
	"prabench/models/device"
)

// With the tag cuda this program is prabench-cuda: the same commands, and CUDA
// devices beside the CPU. prabench starts it as the worker of such devices.
func init() { work.Register("cuda", openCUDA) }

func openCUDA(d work.Device) (device.Backend, error) {
	ordinal, err := cuda.Ordinal(d.Name)
	if err != nil {
		return nil, worker.Invalid("measure.device: %v", err)
	}
	if err := cuda.Refuse(d.Precision); err != nil {
		return nil, worker.Invalid("measure.precision: %v", err)
	}
	return cuda.New(ordinal, cuda.Options{Precision: d.Precision})
}
