package provision

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"prabench/internal/numeral"
	"strings"
	"time"
)

// cudaProgram asks the program for CUDA devices, where it is, what it sees.
func cudaProgram(command func(device string) ([]string, error)) Finding {
	f := Finding{What: "CUDA devices", State: "missing"}
	worker, err := command("cuda:0")
	if err != nil {
		f.Detail, f.Advice = "prabench-cuda is not here", "only needed for --device cuda:0: build it with `make cuda`"
		return f
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var errs strings.Builder
	cmd := exec.CommandContext(ctx, worker[0], "devices", "--json")
	cmd.Stderr = &errs
	out, err := cmd.Output()
	var devices []struct {
		Name, Model, Capability string
		Bytes                   int64
	}
	if err == nil {
		err = json.Unmarshal(out, &devices)
	}
	switch said := strings.TrimSpace(errs.String() + " " + string(out)); {
	case err == nil:
		f.State = "ok"
		for i, d := range devices {
			if i > 0 {
				f.Detail += "; "
			}
			f.Detail += fmt.Sprintf("%s: %s, compute capability %s, %s", d.Name, d.Model, d.Capability, numeral.Bytes(d.Bytes))
		}
	case strings.Contains(said, "libcuda.so.1"):
		f.Detail = "prabench-cuda cannot load libcuda.so.1: NVIDIA's driver is missing"
		f.Advice = "install the driver; everything else runs on the CPU"
	case strings.Contains(said, "Error in initialization"):
		why := strings.TrimPrefix(strings.Join(strings.Fields(said), " "), "Error in initialization, ")
		f.Detail, f.Advice = "the driver sees no device: "+why, "look at nvidia-smi and CUDA_VISIBLE_DEVICES"
	default:
		f.State, f.Detail, f.Advice = "broken", fmt.Sprintf("%s: %v: %s", worker[0], err, said), "build it anew with `make cuda`"
	}
	return f
}
