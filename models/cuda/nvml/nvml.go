//go:build cuda

// Package nvml reads clocks, temperature, power, energy and other processes of
// a GPU from NVIDIA's management library, which it loads when it is asked. A
// machine may lack the library, and a GPU any of the numbers.
package nvml

import (
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"prabench/models/device"
)

// The library is initialised once and stays.
var start = sync.OnceValue(func() error {
	if r := nvml.Init(); r == nvml.ERROR_LIBRARY_NOT_FOUND {
		return fmt.Errorf("libnvidia-ml.so.1 cannot be loaded")
	} else if r != nvml.SUCCESS {
		return fmt.Errorf("NVML cannot be initialised: %v", r)
	}
	return nil
})

// reasons are the bits of what holds a clock down; idleness is none.
var reasons = []struct {
	bit  uint64
	text string
}{
	{0x2, "application clocks"}, {0x4, "power cap"}, {0x8, "hardware slowdown"}, {0x10, "sync boost"}, {0x20, "temperature (software)"},
	{0x40, "temperature (hardware)"}, {0x80, "power brake"}, {0x100, "display clocks"},
}

// Read is the health of the GPU with a UUID, "GPU-…".
func Read(uuid string) (h device.Health, err error) {
	if err := start(); err != nil {
		return h, err
	}
	d, r := nvml.DeviceGetHandleByUUID(uuid)
	if r != nvml.SUCCESS {
		return h, fmt.Errorf("NVML has no device %s: %s", uuid, nvml.ErrorString(r))
	}
	if v, r := d.GetClockInfo(nvml.CLOCK_SM); r == nvml.SUCCESS {
		h.Clock = float64(v) * 1e6
	}
	if v, r := d.GetDefaultApplicationsClock(nvml.CLOCK_SM); r == nvml.SUCCESS {
		h.DefaultClock = float64(v) * 1e6
	}
	if v, r := d.GetCurrentClocksThrottleReasons(); r == nvml.SUCCESS {
		var why []string
		for _, reason := range reasons {
			if v&reason.bit != 0 {
				why = append(why, reason.text)
			}
		}
		h.Throttled = strings.Join(why, ", ")
	}
	if v, r := d.GetTemperature(nvml.TEMPERATURE_GPU); r == nvml.SUCCESS {
		h.Temperature = float64(v)
	}
	if v, r := d.GetPowerUsage(); r == nvml.SUCCESS {
		h.Power = float64(v) / 1e3
	}
	if v, r := d.GetTotalEnergyConsumption(); r == nvml.SUCCESS {
		h.Energy = float64(v) / 1e3
	}
	if ps, r := d.GetComputeRunningProcesses(); r == nvml.SUCCESS {
		for _, p := range ps {
			if int(p.Pid) != os.Getpid() {
				h.Others++
			}
		}
	}
	return h, nil
}
