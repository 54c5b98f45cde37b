package report

import (
	"fmt"
	"strings"

	"prabench/results/record"
)

// machine describes an environment in one line.
func machine(e record.Environment) string {
	var parts []string
	add := func(s string) {
		if s != "" {
			parts = append(parts, s)
		}
	}
	add(e.CPU)
	if e.Cores > 0 {
		add(fmt.Sprintf("%d cores", e.Cores))
	}
	if e.MemoryBytes > 0 {
		add(fmt.Sprintf("%.1f GiB", float64(e.MemoryBytes)/(1<<30)))
	}
	add(e.GPU)
	if e.Driver != "" {
		add("driver " + e.Driver)
	}
	add(e.OS)
	if e.Kernel != "" {
		add("kernel " + e.Kernel)
	}
	add(e.Go)
	add(e.GEMM)
	return strings.Join(parts, ", ")
}
