package work

import (
	"errors"
	"strings"

	"prabench/harness/worker"
	_ "prabench/models/cpu" // every program has the CPU
	"prabench/models/device"
)

// Device is what a backend is made for.
type Device struct {
	Name      string // "cpu", "cuda:0"
	Threads   int
	Precision string // "fp32"; others where the device has them
}

// Open makes a backend.
func Open(d Device) (device.Backend, error) {
	driver, ok := device.DriverOf(d.Name)
	if !ok {
		return nil, worker.Invalid("this program has no device %q; it has %s", d.Name, strings.Join(device.Drivers(), ", "))
	}
	if err := driver.Refuse(d.Precision); err != nil {
		return nil, worker.Invalid("measure.precision: %v", err)
	}
	be, err := driver.Open(device.Options{Device: d.Name, Threads: d.Threads, Precision: d.Precision})
	if errors.Is(err, device.ErrNoDevice) {
		return nil, worker.Invalid("measure.device: %v", err)
	}
	return be, err
}
