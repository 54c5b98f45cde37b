//go:build cuda

package nvml

import (
	"math"
	"slices"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// Held is how many bytes of all GPUs processes hold together; false where the
// library cannot be loaded, or says of none of these processes what it holds.
func Held(pids []int) (bytes int64, known bool) {
	if start() != nil {
		return 0, false
	}
	n, r := nvml.DeviceGetCount()
	if r != nvml.SUCCESS {
		return 0, false
	}
	for i := range n {
		d, r := nvml.DeviceGetHandleByIndex(i)
		if r != nvml.SUCCESS {
			continue
		}
		ps, r := d.GetComputeRunningProcesses()
		if r != nvml.SUCCESS {
			continue
		}
		for _, p := range ps {
			if slices.Contains(pids, int(p.Pid)) && p.UsedGpuMemory <= math.MaxInt64 { // all bits set: it is not known
				bytes, known = bytes+int64(p.UsedGpuMemory), true
			}
		}
	}
	return bytes, known
}
