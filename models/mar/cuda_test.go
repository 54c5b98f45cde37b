//go:build cuda

package mar

import (
	"testing"

	"prabench/models/cpu"
	"prabench/models/cuda"
	"prabench/models/device"
	"prabench/models/golden"
)

// With the tag cuda everything that the tests of this package ask of a device is
// asked of a CUDA device.
func init() {
	opener = func(int) (device.Backend, error) { return cuda.New(0, cuda.Options{}) }
}

func TestOracleCUDA(t *testing.T) {
	oracleOn(t, func() (device.Backend, error) { return opener(1) }, 2e-4)
}

// Weights draw the same images on the CPU and on a CUDA device.
func TestCUDADrawsTheImagesOfTheCPU(t *testing.T) {
	p := small()
	images := func(be device.Backend) []float32 {
		tr := trainer(t, be, p, 6)
		warm(tr.model)
		return draw(t, tr.model, p, 5, 5)
	}
	host, err := cpu.New(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { host.Close() })
	if d := golden.Furthest(images(host), images(open(t, 1))); !(d <= 1e-3) {
		t.Errorf("values differ by %g", d)
	}
}
