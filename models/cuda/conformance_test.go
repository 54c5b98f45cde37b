//go:build cuda

package cuda

import (
	"testing"

	"prabench/models/device"
	"prabench/models/device/devicetest"
)

func open(t *testing.T, o Options) *Backend {
	t.Helper()
	be, err := New(0, o)
	if err != nil {
		t.Fatal(err)
	}
	return be
}

func TestConformance(t *testing.T) {
	devicetest.Run(t, func(t *testing.T, _ int) device.Backend { return open(t, Options{}) }, devicetest.Float32())
}

// The same without cuBLAS: products and their epilogues in one kernel.
func TestConformanceOwnProducts(t *testing.T) {
	devicetest.Products(t, func(t *testing.T, _ int) device.Backend { return open(t, Options{NoBLAS: true}) }, devicetest.Float32())
}
