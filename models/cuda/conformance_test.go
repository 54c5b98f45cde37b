//go:build cuda

package cuda

import (
	"testing"

	"prabench/models/device"
	"prabench/models/device/devicetest"
)

func open(t *testing.T, _ int) device.Backend {
	t.Helper()
	be, err := New(0, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return be
}

func TestConformance(t *testing.T) { devicetest.Run(t, open, devicetest.Float32()) }
