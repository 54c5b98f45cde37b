package provision

import (
	"errors"
	"fmt"

	"prabench/harness/engine"
	"prabench/internal/numeral"
	"prabench/models/cuda/libraries"
)

// cudaProgram asks the program for CUDA devices, where it is, what it sees, and looks for
// what several of them need.
func cudaProgram(command func(device string) ([]string, error)) []Finding {
	f, devices := cudaDevices(command)
	if devices < 2 {
		return []Finding{f}
	}
	return []Finding{f, nccl(libraries.Here())}
}

// nccl says whether the devices of one training can add up among themselves.
func nccl(m libraries.Machine) Finding {
	if path := m.Find(libraries.NCCL); path != "" {
		return Finding{"NCCL", "ok", path, ""}
	}
	return Finding{"NCCL", "missing", "trainings on several devices (measure.devices) add up their gradients through the host",
		"install NVIDIA's package, or the wheel nvidia-nccl-cu12 (nvidia-nccl-cu13 for CUDA 13), or name it by " + libraries.NCCL.Variable}
}

// cudaDevices says which devices there are.
func cudaDevices(command func(device string) ([]string, error)) (f Finding, n int) {
	f = Finding{What: "CUDA devices", State: "missing"}
	worker, err := command("cuda:0")
	if err != nil {
		f.Detail, f.Advice = "prabench-cuda is not here", "only needed for --device cuda:0: build it with `make cuda`"
		return f, 0
	}
	devices, err := engine.DevicesOf(worker[0])
	if none := (*engine.NoDevice)(nil); errors.As(err, &none) {
		if f.Detail, f.Advice = none.Why, none.Advice; none.Broken {
			f.State = "broken"
		}
		return f, 0
	}
	f.State = "ok"
	for i, d := range devices {
		if i > 0 {
			f.Detail += "; "
		}
		f.Detail += fmt.Sprintf("%s: %s, compute capability %s, %s", d.Name, d.Model, d.Capability, numeral.Bytes(d.Bytes))
	}
	return f, len(devices)
}
