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

// BenchmarkOps tells what every operation reaches at the largest of its trials.
func BenchmarkOps(b *testing.B) {
	be, err := New(0)
	if err != nil {
		b.Fatal(err)
	}
	defer be.Close()
	devicetest.Benchmark(b, be)
}

// The CPU has every operation, or others that take its place.
func TestSupport(t *testing.T) {
	be := open(t, 1)
	defer be.Close()
	does, parts, not := devicetest.Support(be)
	t.Logf("does %v; by parts %v", does, parts)
	if len(not) > 0 || len(does) == 0 {
		t.Errorf("does not do %v", not)
	}
}
