package provision

import (
	"errors"
	"fmt"

	"prabench/harness/engine"
	"prabench/internal/numeral"
)

// cudaProgram asks the program for CUDA devices, where it is, what it sees.
func cudaProgram(command func(device string) ([]string, error)) Finding {
	f := Finding{What: "CUDA devices", State: "missing"}
	worker, err := command("cuda:0")
	if err != nil {
		f.Detail, f.Advice = "prabench-cuda is not here", "only needed for --device cuda:0: build it with `make cuda`"
		return f
	}
	devices, err := engine.DevicesOf(worker[0])
	if none := (*engine.NoDevice)(nil); errors.As(err, &none) {
		if f.Detail, f.Advice = none.Why, none.Advice; none.Broken {
			f.State = "broken"
		}
		return f
	}
	f.State = "ok"
	for i, d := range devices {
		if i > 0 {
			f.Detail += "; "
		}
		f.Detail += fmt.Sprintf("%s: %s, compute capability %s, %s", d.Name, d.Model, d.Capability, numeral.Bytes(d.Bytes))
	}
	return f
}
