package cpu

import (
	"testing"

	"prabench/models/device"
	"prabench/models/device/devicetest"
)

// eachPath runs f on every vector path of the machine.
func eachPath(t *testing.T, f func(t *testing.T)) {
	now, err := path()
	if err != nil {
		t.Fatal(err)
	}
	defer SelectPath(now)
	for _, p := range Paths() {
		t.Run(p, func(t *testing.T) {
			if !SelectPath(p) {
				t.Fatalf("path %s is listed and cannot be selected", p)
			}
			f(t)
		})
	}
}

func open(t *testing.T, threads int) device.Backend {
	be, err := New(threads)
	if err != nil {
		t.Fatal(err)
	}
	return be
}

func TestConformance(t *testing.T) {
	eachPath(t, func(t *testing.T) { devicetest.Run(t, open, devicetest.Float32()) })
}
