//go:build cuda

package main

import (
	"os"

	"github.com/spf13/cobra"

	"prabench/harness/work"
	"prabench/harness/worker"
	"prabench/models/cuda"
	"prabench/models/device"
)

// With the tag cuda this program is prabench-cuda: the same commands, and CUDA
// devices beside the CPU. prabench starts it as the worker of such devices.
func init() {
	work.Register("cuda", openCUDA)
	deviceCommands = append(deviceCommands, (*app).devicesCommand)
}

// devicesCommand tells prabench, which does not link CUDA, what is there.
func (a *app) devicesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "devices", Short: "List the CUDA devices as JSON", Hidden: true, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			ds, err := cuda.Devices()
			if err != nil {
				return err
			}
			return a.printJSON(ds)
		},
	}
}

func openCUDA(d work.Device) (device.Backend, error) {
	ordinal, err := cuda.Ordinal(d.Name)
	if err != nil {
		return nil, worker.Invalid("measure.device: %v", err)
	}
	if os.Getenv("PRABENCH_CUDA_ONLY") == "1" { // this process sees the one device that is meant
		ordinal = 0
	}
	if err := cuda.Refuse(d.Precision); err != nil {
		return nil, worker.Invalid("measure.precision: %v", err)
	}
	return cuda.New(ordinal, cuda.Options{Precision: d.Precision})
}
