//go:build cuda

package main

import (
	"github.com/spf13/cobra"

	"prabench/models/cuda"
)

// With the tag cuda this program is prabench-cuda: the same commands, and CUDA
// devices beside the CPU. prabench starts it as the worker of such devices.
func init() {
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
