//go:build cuda

package cuda

import (
	"fmt"

	"prabench/models/cuda/nvml"
	"prabench/models/device"
)

var _ device.Monitor = (*Backend)(nil)

// Health implements [device.Monitor] by NVML.
func (b *Backend) Health() (device.Health, error) { return nvml.Read(b.uuid) }

// UUID names the device as CUDA_VISIBLE_DEVICES and NVML do: "GPU-…".
func (b *Backend) UUID() string { return b.uuid }

func uuidText(u [16]byte) string {
	return fmt.Sprintf("GPU-%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
