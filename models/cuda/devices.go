//go:build cuda

package cuda

import (
	"fmt"

	"gorgonia.org/cu"
)

// Device is a CUDA device that this process sees.
type Device struct {
	Name       string `json:"name"` // "cuda:0"
	Model      string `json:"model"`
	UUID       string `json:"uuid"`
	Capability string `json:"capability"` // "8.0"
	Bytes      int64  `json:"bytes"`
}

// Devices lists them.
func Devices() ([]Device, error) {
	n, err := cu.NumDevices()
	if err != nil {
		return nil, fmt.Errorf("counting CUDA devices: %w", driverError(err))
	}
	var out []Device
	for i := range n {
		b := &Backend{name: fmt.Sprintf("cuda:%d", i)}
		if b.dev, err = cu.GetDevice(i); err != nil {
			return nil, b.failed("opening the device", err)
		}
		model, err := b.describe()
		if err != nil {
			return nil, err
		}
		bytes, err := b.dev.TotalMem()
		if err != nil {
			return nil, b.failed("asking for the memory", err)
		}
		out = append(out, Device{b.name, model, b.uuid, fmt.Sprintf("%d.%d", b.compute/10, b.compute%10), bytes})
	}
	return out, nil
}

// Keep holds the context of a device until released, so that backends which are
// opened one after another, as tests do, do not each make a new one.
func Keep(ordinal int) (release func() error, err error) {
	dev, err := cu.GetDevice(ordinal)
	if err != nil {
		return nil, driverError(err)
	}
	if _, err := dev.RetainPrimaryCtx(); err != nil {
		return nil, driverError(err)
	}
	return dev.ReleasePrimaryCtx, nil
}
