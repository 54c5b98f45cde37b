package device

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Driver is a family of devices that this program can open. What there is to ask
// of a device before it is opened stands here, so that nobody outside knows one by
// its name.
type Driver struct {
	Name string // "cpu", "cuda"; its devices are called that, or that and ":0", ":1", …
	// Host: it computes on the processors of this machine. They are shared out by
	// threads, and whatever else runs on them disturbs it.
	Host bool
	Open func(o Options) (Backend, error)
	// Refuse is why it does not compute in a precision, nil where it does.
	Refuse func(precision string) error
	// PeakFLOPS and CopyBandwidth measure the arithmetic peak, 1/s, and the copying
	// of memory, bytes/s, on so many threads; nil where there is no such measurement.
	PeakFLOPS, CopyBandwidth func(threads int) float64
}

// Options are how a device is opened.
type Options struct {
	Device    string // its name
	Threads   int    // 0: all
	Precision string // of matrix products
}

// ErrNoDevice is wrapped by an Open that does not understand the device's name.
var ErrNoDevice = fmt.Errorf("no such device")

var drivers = map[string]Driver{}

// Register makes a driver known; a package does so where it is set up.
func Register(d Driver) struct{} {
	drivers[d.Name] = d
	return struct{}{}
}

// DriverOf is the driver of a device's name; ok is false where this program has
// none, which says nothing about others that it may start.
func DriverOf(device string) (d Driver, ok bool) {
	name, _, _ := strings.Cut(device, ":")
	d, ok = drivers[name]
	return d, ok
}

// OnHost reports whether a device computes on the processors of this machine.
func OnHost(device string) bool {
	d, _ := DriverOf(device)
	return d.Host
}

// Drivers are the names of all drivers.
func Drivers() []string { return slices.Sorted(maps.Keys(drivers)) }
