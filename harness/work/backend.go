package work

import (
	"sort"
	"strings"

	"prabench/harness/worker"
	"prabench/models/cpu"
	"prabench/models/device"
)

// Device is what a backend is made for.
type Device struct {
	Name      string // "cpu", "cuda:0"
	Threads   int
	Precision string // "fp32"; others where the device has them
}

// Opener makes a backend.
type Opener func(Device) (device.Backend, error)

var openers = map[string]Opener{
	"cpu": func(d Device) (device.Backend, error) {
		if err := cpu.Refuse(d.Precision); err != nil {
			return nil, worker.Invalid("measure.precision: %v", err)
		}
		return cpu.NewPrecision(d.Threads, d.Precision)
	},
}

// Register makes a kind of device known to this program; the CUDA program does
// so before its worker serves.
func Register(kind string, open Opener) { openers[kind] = open }

// Devices are the kinds of device that this program serves.
func Devices() []string {
	var out []string
	for kind := range openers {
		out = append(out, kind)
	}
	sort.Strings(out)
	return out
}

// Open makes a backend.
func Open(d Device) (device.Backend, error) {
	kind, _, _ := strings.Cut(d.Name, ":")
	open := openers[kind]
	if open == nil {
		return nil, worker.Invalid("this program has no device %q; it has %s", d.Name, strings.Join(Devices(), ", "))
	}
	return open(d)
}
